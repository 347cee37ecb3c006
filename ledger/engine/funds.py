"""Deposits, house funding, suspense and withdrawals: how money enters and leaves the ledger.

Source: ``execution`` section 8.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.balances import position, post, post_free, uncovered_amount
from ledger.engine.layout import (
    MAX_AMOUNT,
    NO_NETUID,
    TAO_ASSET,
    AccountClass,
    EventKind,
    Flag,
    Job,
    KeyRole,
)
from ledger.engine.listing import Verb, market_slot, stage_allows
from ledger.engine.parameters import (
    JOBS_MAX,
    MIN_DEPOSIT_ALPHA_VALUE,
    MIN_DEPOSIT_TAO,
    MIN_WITHDRAWAL_ALPHA_VALUE,
    MIN_WITHDRAWAL_TAO,
    WITHDRAWAL_FEE_ALPHA,
    WITHDRAWAL_FEE_TAO,
)
from ledger.engine.pools import mirror_of, pending_of, value_at
from ledger.engine.rules import answer, append, reject
from ledger.engine.setup import account_exists
from ledger.engine.state import Row, State, break_law, find_address, find_funding, free_amount, int64, open_job
from ledger.engine.tables import REFERENCE
from ledger.errors import Refusal


@kernel
def asset_of(record: Row) -> int:
    """Return the asset number of a record with ALPHA and netuid."""
    return int64(record["netuid"]) + 1 if record["flags"] & Flag.ALPHA.value else TAO_ASSET


@kernel
def suspense_reason(state: State, command: Row) -> int:
    """Return why a deposit cannot be credited, or 0."""
    row = state.keys[command["key"] - 1]
    if row["role"] != KeyRole.DEPOSIT.value:
        return Refusal.UNKNOWN_OWNER.value
    if command["flags"] & Flag.ALPHA.value == 0:
        return Refusal.BELOW_MINIMUM.value if command["amount"] < MIN_DEPOSIT_TAO else 0
    slot = market_slot(state, command["netuid"])
    if slot < 0:
        return Refusal.UNKNOWN_MARKET.value
    market = state.markets[slot]
    if not stage_allows(market["stage"], Verb.DEPOSIT.value):
        return Refusal.MARKET_STAGE.value
    if value_at(market["spot"], command["amount"]) < MIN_DEPOSIT_ALPHA_VALUE:
        return Refusal.BELOW_MINIMUM.value
    return 0


@kernel
def decide_deposit(state: State, command: Row) -> None:
    """Credit what reached a deposit key, take announced funding into the house, and suspend everything else."""
    row = state.keys[command["key"] - 1]
    reason = suspense_reason(state, command)
    alpha = 1 if command["flags"] & Flag.ALPHA.value else 0
    netuid = command["netuid"]
    kind = EventKind.DEPOSIT_CREDITED.value
    if row["role"] != KeyRole.DEPOSIT.value:
        funding = find_funding(state, alpha, netuid, command["amount"])
        if funding >= 0:
            kind = EventKind.HOUSE_FUNDED.value
            netuid = state.fundings[funding]["netuid"]
            reason = 0
    if reason != 0:
        kind = EventKind.DEPOSIT_SUSPENDED.value
    event = append(state, kind)
    event["key"] = command["key"]
    event["other"] = command["other"]
    event["netuid"] = netuid
    event["flags"] = command["flags"] & Flag.ALPHA.value
    event["amount"] = command["amount"]
    event["aux"] = command["aux"]
    if kind != EventKind.HOUSE_FUNDED.value:
        event["account"] = row["account"]
        event["code"] = reason
        event["tao"] = state.scalars[0]["head"]
        event["payload"] = command["payload"]


@kernel
def decide_withdrawal(state: State, command: Row) -> None:
    """Hold the amount and the fee of a withdrawal, or refuse it.

    Refuses, in this order: UNKNOWN_ACCOUNT, MONEY_HALTED, UNKNOWN_MARKET, MARKET_STAGE, MARKET_DISSOLVED,
    WITHDRAWALS_HALTED, AMOUNT_OUT_OF_RANGE, BELOW_MINIMUM, UNKNOWN_ADDRESS, ADDRESS_ASSET, ADDRESS_COOLING,
    FEE_ABOVE_MAXIMUM, INSUFFICIENT_FUNDS, NOT_COVERED, TOO_MANY.
    """
    scalars = state.scalars[0]
    account = command["account"]
    amount = command["amount"]
    alpha = command["flags"] & Flag.ALPHA.value
    netuid = command["netuid"] if alpha != 0 else NO_NETUID
    if not account_exists(state, account):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, account, scalars["accounts"])
    if scalars["money_halted"]:
        return reject(state, command, Refusal.MONEY_HALTED.value, 0, 0)
    smallest = MIN_WITHDRAWAL_TAO
    value = amount
    fee = WITHDRAWAL_FEE_TAO
    uncovered = 0
    if alpha != 0:
        slot = market_slot(state, netuid)
        if slot < 0:
            return reject(state, command, Refusal.UNKNOWN_MARKET.value, netuid, 0)
        market = state.markets[slot]
        if not stage_allows(market["stage"], Verb.WITHDRAW.value):
            return reject(state, command, Refusal.MARKET_STAGE.value, market["stage"], 0)
        if market["dissolved"] != 0:
            return reject(state, command, Refusal.MARKET_DISSOLVED.value, netuid, 0)
        if market["withdrawals_halted"]:
            return reject(state, command, Refusal.WITHDRAWALS_HALTED.value, netuid, 0)
        smallest = MIN_WITHDRAWAL_ALPHA_VALUE
        value = value_at(market["spot"], min(max(amount, 0), MAX_AMOUNT))
        fee = WITHDRAWAL_FEE_ALPHA
        uncovered = uncovered_amount(state, account, netuid, market["final_cut"])
    elif scalars["withdrawals_halted"]:
        return reject(state, command, Refusal.WITHDRAWALS_HALTED.value, NO_NETUID, 0)
    if not 1 <= amount <= MAX_AMOUNT:
        return reject(state, command, Refusal.AMOUNT_OUT_OF_RANGE.value, amount, MAX_AMOUNT)
    if value < smallest:
        return reject(state, command, Refusal.BELOW_MINIMUM.value, value, smallest)
    slot = find_address(state, command["order_id"])
    if slot < 0 or state.addresses[slot]["account"] != account:
        return reject(state, command, Refusal.UNKNOWN_ADDRESS.value, command["order_id"], 0)
    address = state.addresses[slot]
    if address["netuid"] != netuid:
        return reject(state, command, Refusal.ADDRESS_ASSET.value, netuid, address["netuid"])
    if state.run[0]["ts"] < address["usable_from"]:
        return reject(state, command, Refusal.ADDRESS_COOLING.value, state.run[0]["ts"], address["usable_from"])
    if 0 <= command["aux"] < fee:
        return reject(state, command, Refusal.FEE_ABOVE_MAXIMUM.value, fee, command["aux"])
    free = free_amount(state, account, asset_of(command))
    if amount + fee > free:
        return reject(state, command, Refusal.INSUFFICIENT_FUNDS.value, amount + fee, free)
    if amount + fee > free - uncovered:
        return reject(state, command, Refusal.NOT_COVERED.value, amount + fee, max(free - uncovered, 0))
    if scalars["jobs"] >= JOBS_MAX:
        return reject(state, command, Refusal.TOO_MANY.value, scalars["jobs"], JOBS_MAX)
    event = append(state, EventKind.WITHDRAWAL_HELD.value)
    event["order_id"] = event["seq"]
    event["account"] = account
    event["netuid"] = netuid
    event["flags"] = alpha
    event["amount"] = amount
    event["fee"] = fee
    event["aux"] = command["order_id"]
    return answer(state, event, command)


@kernel
def decide_resolve(state: State, command: Row) -> None:
    """Move something out of suspense, to a customer or to the house, by two operators.

    A negative amount makes the house pay for what is missing. Refuses: SAME_OPERATOR, AMOUNT_OUT_OF_RANGE,
    UNKNOWN_ACCOUNT, UNKNOWN_MARKET, MARKET_DISSOLVED, SUSPENSE_SHORT.
    """
    amount = command["amount"]
    account = command["account"]
    alpha = command["flags"] & Flag.ALPHA.value
    netuid = command["netuid"]
    asset = asset_of(command)
    if command["other"] == 0 or command["key"] == 0 or command["other"] == command["key"]:
        return reject(state, command, Refusal.SAME_OPERATOR.value, command["other"], command["key"])
    if amount == 0 or not -MAX_AMOUNT <= amount <= MAX_AMOUNT or (amount < 0 and account != 0):
        return reject(state, command, Refusal.AMOUNT_OUT_OF_RANGE.value, amount, MAX_AMOUNT)
    if account != 0 and not account_exists(state, account):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, account, state.scalars[0]["accounts"])
    slot = market_slot(state, netuid) if netuid != NO_NETUID else -1
    if slot < 0 and (alpha != 0 or (account == 0 and netuid != NO_NETUID)):
        return reject(state, command, Refusal.UNKNOWN_MARKET.value, netuid, 0)
    if alpha != 0 and state.markets[slot]["dissolved"] != 0:
        return reject(state, command, Refusal.MARKET_DISSOLVED.value, netuid, 0)
    suspended = state.totals[asset]["suspense"]
    if (amount > 0 and amount > suspended) or (amount < 0 and amount < suspended):
        return reject(state, command, Refusal.SUSPENSE_SHORT.value, amount, suspended)
    event = append(state, EventKind.SUSPENSE_RESOLVED.value)
    event["netuid"] = netuid
    event["flags"] = alpha
    event["amount"] = amount
    event["account"] = account
    event["other"] = command["other"]
    event["key"] = command["key"]
    if alpha != 0 and account == 0:
        market = state.markets[slot]
        tao, coins = mirror_of(market, pending_of(market, position(state, netuid) + amount))
        event["pool_tao"] = tao
        event["pool_alpha"] = coins
    return answer(state, event, command)


@kernel
def apply_funds(state: State, event: Row) -> None:
    """Apply an event of this file."""
    kind = event["kind"]
    asset = asset_of(event)
    amount = event["amount"]
    account = int64(event["account"])
    netuid = int64(event["netuid"])
    if kind == EventKind.WITHDRAWAL_HELD.value:
        total = amount + event["fee"]
        post_free(state, account, asset, -total)
        post(state, AccountClass.WITHDRAWING.value, 0, 0, asset, total)
        job = open_job(state, event["order_id"], Job.WITHDRAWAL.value)
        job["account"] = account
        job["netuid"] = netuid
        if asset != TAO_ASSET:
            job["alpha"] = 1
            job["hotkey"] = state.markets[market_slot(state, netuid)]["hotkey"]
        job["amount"] = amount
        job["fee"] = event["fee"]
        job["address_id"] = event["aux"]
    elif kind == EventKind.SUSPENSE_RESOLVED.value:
        post(state, AccountClass.SUSPENSE.value, 0, 0, asset, -amount)
        if account != 0:
            post_free(state, account, asset, amount)
        else:
            post_house(state, netuid, asset, amount)
            if asset != TAO_ASSET:
                market = state.markets[market_slot(state, netuid)]
                market["mirror_tao"] = event["pool_tao"]
                market["mirror_alpha"] = event["pool_alpha"]
    else:
        reserved = int64(event["flags"]) & Flag.CLOSED.value
        post_custody(state, int64(event["key"]), int64(event["other"]), asset, reserved, -amount)
        if kind == EventKind.DEPOSIT_CREDITED.value:
            post_free(state, account, asset, amount)
        elif kind == EventKind.DEPOSIT_SUSPENDED.value:
            post(state, AccountClass.SUSPENSE.value, 0, 0, asset, amount)
        else:
            post_house(state, netuid, asset, amount)
            if event["flags"] & Flag.FIRST.value == 0:
                close_funding(state, event, asset)


@kernel
def post_house(state: State, netuid: int, asset: int, amount: int) -> None:
    """Post to a market's house account, or to the house's capital where no market is named."""
    if netuid == NO_NETUID:
        post(state, AccountClass.HOUSE_CAPITAL.value, 0, 0, asset, amount)
    else:
        post(state, AccountClass.HOUSE_TRADING.value, netuid, 0, asset, amount)


@kernel
def post_custody(state: State, key: int, hotkey: int, asset: int, reserved: int, amount: int) -> None:
    """Post to the account of one of our keys: its stake position, its free or its reserved balance."""
    if asset != TAO_ASSET:
        post(state, AccountClass.CUSTODY_STAKE.value, key, hotkey, asset, amount)
    elif reserved != 0:
        post(state, AccountClass.CUSTODY_RESERVED.value, key, 0, asset, amount)
    else:
        post(state, AccountClass.CUSTODY_FREE.value, key, 0, asset, amount)


@kernel
def close_funding(state: State, event: Row, asset: int) -> None:
    """Take an announcement that has arrived out of the table."""
    scalars = state.scalars[0]
    slot = find_funding(state, 0 if asset == TAO_ASSET else 1, int64(event["netuid"]), event["amount"])
    if slot < 0:
        break_law(state, REFERENCE, event["amount"])
        return
    for i in range(slot, scalars["fundings"] - 1):
        state.fundings[i] = state.fundings[i + 1]
    scalars["fundings"] -= 1
