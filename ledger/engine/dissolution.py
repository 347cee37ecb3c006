"""Dissolution of a subnet: its market closes, and the chain's payout is shared out to the rao.

Source: ``execution`` section 10. What the chain has destroyed leaves custody in the head that says so, against the
market's house account; each claim is then paid in TAO and posted back against it, so that both its legs end at 0. The
share-out waits until no extrinsic that concerns the alpha is open, since until then nobody knows who owns it; orders
and quotes end at once. Accounts are served in ascending order, a bounded number at a time.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.fixed_point import mul_div_floor
from amm.kernel_cache import kernel
from ledger.engine.balances import account_code
from ledger.engine.book import first_on, shelf_place
from ledger.engine.evolve import apply_out
from ledger.engine.jobs import append_release
from ledger.engine.layout import (
    CLASS_SHIFT,
    FIRST_SHIFT,
    NO_NETUID,
    SHELVES,
    AccountClass,
    Dissolved,
    EventKind,
    Flag,
    Job,
    JobState,
    Stage,
)
from ledger.engine.listing import market_slot
from ledger.engine.moves import close_order
from ledger.engine.parameters import CLAIMS_PER_STEP
from ledger.engine.quotes import end_quotes
from ledger.engine.rules import append
from ledger.engine.state import Row, State, find_balance, ledger_amount
from ledger.errors import Refusal

_KEY_MASK = (1 << (CLASS_SHIFT - FIRST_SHIFT)) - 1
_HOTKEY_MASK = (1 << FIRST_SHIFT) - 1


@kernel
def decide_dissolved(state: State, command: Row) -> None:
    """Close the market of a dissolved subnet and book the payout; one that is not listed goes to suspense."""
    netuid = command["netuid"]
    slot = market_slot(state, netuid)
    if slot < 0 or state.markets[slot]["dissolved"] > Dissolved.WAITING.value:
        if command["tao"] > 0:
            event = append(state, EventKind.DEPOSIT_SUSPENDED.value)
            event["key"] = command["key"]
            event["netuid"] = NO_NETUID
            event["amount"] = command["tao"]
            event["tao"] = state.scalars[0]["head"]
            event["code"] = Refusal.MARKET_DISSOLVED.value
        return
    market = state.markets[slot]
    if market["stage"] < Stage.DELISTING.value:
        append_stage(state, market, Stage.DELISTING.value)
    event = append(state, EventKind.MARKET_DISSOLVED.value)
    event["netuid"] = netuid
    event["key"] = command["key"]
    event["tao"] = command["tao"]
    if market["dissolved"] != 0:
        return
    for row in range(state.scalars[0]["ledger"]):
        account = state.ledger[row]
        code = account["code"]
        if (
            account["asset"] == netuid + 1
            and account["amount"] != 0
            and code >> CLASS_SHIFT == AccountClass.CUSTODY_STAKE.value
        ):
            event = append(state, EventKind.STAKE_CLOSED.value)
            event["key"] = (code >> FIRST_SHIFT) & _KEY_MASK
            event["other"] = code & _HOTKEY_MASK
            event["netuid"] = netuid
            event["flags"] = Flag.ALPHA.value
            event["amount"] = -account["amount"]


@kernel
def append_stage(state: State, market: Row, stage: int) -> None:
    """Move a market to another stage on the engine's own account."""
    event = append(state, EventKind.STAGE_CHANGED.value)
    event["netuid"] = market["netuid"]
    event["code"] = stage
    event["aux"] = market["stage"]


@kernel
def concerns(job: Row, netuid: int) -> bool:
    """Tell whether an open extrinsic moves alpha of a subnet."""
    return job["alpha"] == 1 and job["netuid"] == netuid


@kernel
def decide_dissolutions(state: State) -> None:
    """Take the next step of every dissolved market's share-out, at the end of a head; a bounded number of claims."""
    slot = state.scalars[0]["first_market"] - 1
    while slot >= 0:
        market = state.markets[slot]
        if market["dissolved"] == Dissolved.WAITING.value:
            close_all(state, slot)
            release_requests(state, market["netuid"])
            apply_out(state)
        if is_ready(state, market):
            pay_claims(state, slot)
            apply_out(state)
        slot = market["next"] - 1


@kernel
def close_all(state: State, slot: int) -> None:
    """Close every order and quote of a market, whatever its state; its item in flight, if any, is the house's now."""
    for shelf in range(SHELVES):
        place = shelf_place(slot, shelf)
        while first_on(state, place) >= 0:
            close_order(state, first_on(state, place), Refusal.ORDER_OF_DISSOLVED.value)
    end_quotes(state, slot, Refusal.ORDER_OF_DISSOLVED.value)


@kernel
def release_requests(state: State, netuid: int) -> None:
    """Refund the withdrawals of an alpha that nobody has signed yet; those that are signed fail on the chain."""
    for slot in range(state.scalars[0]["jobs"]):
        job = state.jobs[slot]
        if concerns(job, netuid) and job["job"] == Job.WITHDRAWAL.value and job["state"] == JobState.REQUESTED.value:
            append_release(state, job)


@kernel
def is_ready(state: State, market: Row) -> bool:
    """Tell whether a payout can be shared now: nothing is open that could still change who owns the alpha."""
    if market["dissolved"] not in (Dissolved.WAITING.value, Dissolved.SHARING.value) or market["item_job"] != 0:
        return False
    totals = state.totals[market["netuid"] + 1]
    if totals["customers_held"] != 0 or totals["withdrawing"] != 0:
        return False
    waiting = 0
    for slot in range(state.scalars[0]["jobs"]):
        if concerns(state.jobs[slot], market["netuid"]):
            waiting += 1
    return waiting == 0


@kernel
def share_of(market: Row, suspense: int, claim: int) -> int:
    """Return the part of the payout that the next claim gets, rao: a difference of cumulative floors.

    Sums to the payout over all claims, house last, so nothing is left over. Where the ledger misses alpha (negative
    suspense) claims count more alpha than the chain held.
    """
    whole = market["claims"] + max(-suspense, 0)
    if whole <= 0:
        return 0
    before = mul_div_floor(market["payout"], market["claimed"], whole)
    return mul_div_floor(market["payout"], market["claimed"] + claim, whole) - before


@kernel
def pay_claims(state: State, slot: int) -> None:
    """Pay the next claims in ascending account order, at last what waits in suspense, and meet the ends."""
    market = state.markets[slot]
    netuid = market["netuid"]
    asset = netuid + 1
    paid = 0
    for account in range(max(market["next_claim"], 1), state.scalars[0]["accounts"] + 1):
        row = find_balance(state, account, asset)
        if row < 0 or state.balances[row]["free"] == 0:
            continue
        if paid == CLAIMS_PER_STEP:
            return
        append_claim(state, market, account, state.balances[row]["free"])
        apply_out(state)
        paid += 1
    suspense = state.totals[asset]["suspense"]
    if suspense > 0:
        append_claim(state, market, 0, suspense)
    for account_class in (
        AccountClass.REWARDS_IDLE.value,
        AccountClass.HOUSE_FEES.value,
        AccountClass.HOUSE_EARN.value,
        AccountClass.HOUSE_CHAIN_FEES.value,
        AccountClass.HOUSE_ROUNDING.value,
        AccountClass.HOUSE_CAPITAL.value,
    ):
        amount = ledger_amount(state, house_code(account_class, netuid), asset)
        if amount != 0:
            event = append(state, EventKind.HOUSE_CLAIM_PAID.value)
            event["netuid"] = netuid
            event["code"] = account_class
            event["amount"] = amount
    append_stage(state, market, Stage.DELISTED.value)


@kernel
def house_code(account_class: int, netuid: int) -> int:
    """Return the account code of a class of house accounts that can own alpha; rewards are kept by market."""
    return account_code(account_class, netuid if account_class == AccountClass.REWARDS_IDLE.value else 0, 0)


@kernel
def append_claim(state: State, market: Row, account: int, claim: int) -> None:
    """Pay one claim."""
    event = append(state, EventKind.CLAIM_PAID.value)
    event["account"] = account
    event["netuid"] = market["netuid"]
    event["amount"] = claim
    event["tao"] = share_of(market, state.totals[market["netuid"] + 1]["suspense"], claim)
