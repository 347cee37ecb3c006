"""Cancelling: one order, or all of an account. What is in flight is noted, and closed once its settlement is over."""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.layout import NO_NETUID, EventKind, OrderState
from ledger.engine.listing import Verb, market_slot, stage_allows
from ledger.engine.moves import append_end
from ledger.engine.rules import answer, append, reject
from ledger.engine.setup import account_exists
from ledger.engine.slab import find_order
from ledger.engine.state import Row, State, int64
from ledger.engine.tables import BY_ACCOUNT
from ledger.errors import Refusal


@kernel
def find_own(state: State, account: int, order_id: int) -> int:
    """Return the slot of a live order of an account, or -1; firm quotes and guards are none."""
    slot = find_order(state, order_id)
    if slot < 0:
        return -1
    order = state.orders[slot]
    if order["account"] != account or order["state"] >= OrderState.QUOTE.value:
        return -1
    return slot


@kernel
def first_of(state: State, account: int) -> int:
    """Return the slot of the oldest live row of an account, or -1."""
    return int64(state.customers[account - 1]["first"]) - 1


@kernel
def next_of(state: State, slot: int) -> int:
    """Return the slot of the row that follows one in its account's list, or -1."""
    return int64(state.links[3 * slot + BY_ACCOUNT]["next"]) - 1


@kernel
def decide_cancel(state: State, command: Row) -> None:
    """Cancel a live order. Refuses: UNKNOWN_ACCOUNT, UNKNOWN_ORDER, MARKET_STAGE."""
    account = command["account"]
    if not account_exists(state, account):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, account, state.scalars[0]["accounts"])
    slot = find_own(state, account, command["order_id"])
    if slot < 0:
        return reject(state, command, Refusal.UNKNOWN_ORDER.value, command["order_id"], 0)
    stage = state.markets[state.orders[slot]["market"]]["stage"]
    if not stage_allows(stage, Verb.CANCEL.value):
        return reject(state, command, Refusal.MARKET_STAGE.value, stage, 0)
    event = append_end(state, state.orders[slot], Refusal.CANCELLED.value)
    return answer(state, event, command)


@kernel
def append_ends(state: State, account: int, netuid: int, reason: int) -> int:
    """End the live orders of an account, oldest first, in a market or in all (NO_NETUID); return how many.

    Orders of markets whose stage allows no cancelling stay.
    """
    count = 0
    slot = first_of(state, account)
    while slot >= 0:
        order = state.orders[slot]
        slot = next_of(state, slot)
        if order["state"] >= OrderState.QUOTE.value:
            continue
        market = state.markets[order["market"]]
        if netuid not in (NO_NETUID, market["netuid"]) or not stage_allows(market["stage"], Verb.CANCEL.value):
            continue
        append_end(state, order, reason)
        count += 1
    return count


@kernel
def append_cancelled(state: State, account: int, netuid: int, reason: int) -> Row:
    """End the live orders of an account, and tell how many that were."""
    count = append_ends(state, account, netuid, reason)
    event = append(state, EventKind.ORDERS_CANCELLED.value)
    event["account"] = account
    event["netuid"] = netuid
    event["amount"] = count
    event["code"] = reason
    return event


@kernel
def decide_cancel_all(state: State, command: Row) -> None:
    """Cancel all orders of an account, in one market or in all. Refuses: UNKNOWN_ACCOUNT, UNKNOWN_MARKET."""
    account, netuid = command["account"], command["netuid"]
    if not account_exists(state, account):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, account, state.scalars[0]["accounts"])
    if netuid != NO_NETUID and market_slot(state, netuid) < 0:
        return reject(state, command, Refusal.UNKNOWN_MARKET.value, netuid, 0)
    event = append_cancelled(state, account, netuid, Refusal.CANCELLED.value)
    return answer(state, event, command)
