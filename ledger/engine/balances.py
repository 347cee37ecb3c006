"""The one place where money changes: postings to accounts, totals per class, and the two laws every posting obeys."""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.layout import CLASS_SHIFT, FIRST_SHIFT, TAO_ASSET, AccountClass
from ledger.engine.state import (
    State,
    balance_slot,
    break_law,
    find_balance,
    ledger_amount,
    ledger_slot,
)
from ledger.engine.tables import CUSTODY, OVERDRAWN, POSTINGS


@kernel
def account_code(account_class: int, first: int, second: int) -> int:
    """Return an account code: class, then a customer, market or key, then a hotkey."""
    return (account_class << CLASS_SHIFT) | (first << FIRST_SHIFT) | second


@kernel
def post_free(state: State, account: int, asset: int, delta: int) -> None:
    """Post to a customer's free balance, rao."""
    if delta == 0:
        return
    row = state.balances[balance_slot(state, account, asset)]
    row["free"] += delta
    state.totals[asset]["customers_free"] += delta
    note(state, asset, delta)
    if row["free"] < 0:
        break_law(state, OVERDRAWN, row["free"])


@kernel
def post_held(state: State, account: int, asset: int, delta: int) -> None:
    """Post to a customer's held balance, rao."""
    if delta == 0:
        return
    row = state.balances[balance_slot(state, account, asset)]
    row["held"] += delta
    state.totals[asset]["customers_held"] += delta
    note(state, asset, delta)
    if row["held"] < 0:
        break_law(state, OVERDRAWN, row["held"])


@kernel
def post_hold(state: State, account: int, asset: int, change: int) -> None:
    """Move between a customer's free and held balance, rao; a negative change frees."""
    if change == 0:
        return
    row = state.balances[balance_slot(state, account, asset)]
    totals = state.totals[asset]
    row["free"] -= change
    row["held"] += change
    totals["customers_free"] -= change
    totals["customers_held"] += change
    if row["free"] < 0:
        break_law(state, OVERDRAWN, row["free"])
    if row["held"] < 0:
        break_law(state, OVERDRAWN, row["held"])


@kernel
def post(state: State, account_class: int, first: int, second: int, asset: int, delta: int) -> None:
    """Post to any account that is not a customer's, rao."""
    if delta == 0:
        return
    row = state.ledger[ledger_slot(state, account_code(account_class, first, second), asset)]
    row["amount"] += delta
    totals = state.totals[asset]
    if account_class >= AccountClass.CUSTODY_FREE:
        totals["custody"] += delta
        if row["amount"] > 0:
            break_law(state, CUSTODY, row["amount"])
    elif account_class >= AccountClass.HOUSE_TRADING:
        totals["house"] += delta
    elif account_class == AccountClass.SUSPENSE:
        totals["suspense"] += delta
    elif account_class == AccountClass.WITHDRAWING:
        totals["withdrawing"] += delta
        if row["amount"] < 0:
            break_law(state, OVERDRAWN, row["amount"])
    elif account_class == AccountClass.REWARDS_IDLE:
        totals["rewards"] += delta
    else:
        totals["earn"] += delta
    note(state, asset, delta)


@kernel
def note(state: State, asset: int, delta: int) -> None:
    """Add a posting to the sums of its event."""
    run = state.run[0]
    if asset == TAO_ASSET:
        run["sum_tao"] += delta
    else:
        run["sum_alpha"] += delta


@kernel
def check_sums(state: State) -> None:
    """Hold the postings of one event against the first law: they sum to zero per asset; an event has one alpha."""
    run = state.run[0]
    if run["sum_tao"] != 0:
        break_law(state, POSTINGS, run["sum_tao"])
    if run["sum_alpha"] != 0:
        break_law(state, POSTINGS, run["sum_alpha"])


@kernel
def position(state: State, netuid: int) -> int:
    """Return H, the alpha of a market's house account, rao."""
    return ledger_amount(state, account_code(AccountClass.HOUSE_TRADING, netuid, 0), netuid + 1)


@kernel
def custody_free(state: State, key: int) -> int:
    """Return what the ledger says is free on a key, rao, 0 or more."""
    return -ledger_amount(state, account_code(AccountClass.CUSTODY_FREE, key, 0), TAO_ASSET)


@kernel
def custody_reserved(state: State, key: int) -> int:
    """Return what the ledger says is reserved on a key, rao, 0 or more."""
    return -ledger_amount(state, account_code(AccountClass.CUSTODY_RESERVED, key, 0), TAO_ASSET)


@kernel
def custody_stake(state: State, key: int, hotkey: int, netuid: int) -> int:
    """Return what the ledger says a stake position holds, alpha rao, 0 or more."""
    return -ledger_amount(state, account_code(AccountClass.CUSTODY_STAKE, key, hotkey), netuid + 1)


@kernel
def uncovered_amount(state: State, account: int, netuid: int, final_cut: int) -> int:
    """Return the part of a customer's alpha that no final settlement covers yet, rao."""
    slot = find_balance(state, account, netuid + 1)
    if slot < 0 or state.balances[slot]["cut"] <= final_cut:
        return 0
    return state.balances[slot]["uncovered"]


@kernel
def uncovered_after(old: int, cut: int, final_cut: int, change: int) -> int:
    """Return a row's uncovered alpha after a change of its balance: bought alpha adds, a sale takes it first.

    ``execution`` section 7; floors at 0 for sales that take covered alpha too.
    """
    left = old if cut > final_cut else 0
    return max(left + change, 0) if change < 0 else left + change
