"""What a rule says about a live order as a whole: closed, rested, queued, armed. Each appends one event and applies it.

The forms with ``append_`` only append: the order is then a row that stands for it, as far as its parts have come.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.evolve import apply_out
from ledger.engine.layout import TAO_ASSET, EventKind, Flag, OrderState
from ledger.engine.rules import append
from ledger.engine.state import Row, State, free_amount
from ledger.engine.terms import armed_hold, hold_change, open_amount


@kernel
def append_of(state: State, kind: int, order: Row) -> Row:
    """Return a new event that names an order, its account, market and side."""
    event = append(state, kind)
    event["account"] = order["account"]
    event["netuid"] = state.markets[order["market"]]["netuid"]
    event["flags"] = order["flags"] & Flag.SELL.value
    event["order_id"] = order["order_id"]
    return event


@kernel
def free_for(state: State, order: Row) -> int:
    """Return the free balance of the asset that an order gives away, rao."""
    netuid = state.markets[order["market"]]["netuid"]
    asset = netuid + 1 if order["flags"] & Flag.SELL.value else TAO_ASSET
    return free_amount(state, order["account"], asset)


@kernel
def append_close(state: State, order: Row, reason: int) -> Row:
    """Close an order for a reason (0: filled) and free what is held for it."""
    event = append_of(state, EventKind.ORDER_CLOSED.value, order)
    event["code"] = reason
    event["hold"] = order["held"]
    return event


@kernel
def append_rest(state: State, order: Row, free: int, kept: int) -> None:
    """Put an order into the book, behind the others of its price unless its place is kept."""
    event = append_of(state, EventKind.ORDER_RESTED.value, order)
    event["hold"] = hold_change(order, free)
    event["amount"] = open_amount(order)
    event["limit"] = order["limit"]
    event["code"] = kept


@kernel
def append_queue(state: State, order: Row, free: int, reason: int) -> None:
    """Let an order wait for a cut, and tell what kept it from being filled at once (0: it was in flight)."""
    event = append_of(state, EventKind.ORDER_QUEUED.value, order)
    event["hold"] = hold_change(order, free)
    event["amount"] = open_amount(order)
    event["limit"] = order["limit"]
    event["code"] = reason


@kernel
def append_arm(state: State, order: Row) -> None:
    """Let an order wait for its trigger price."""
    event = append_of(state, EventKind.STOP_ARMED.value, order)
    event["hold"] = armed_hold(order) - order["held"]
    event["pool_tao"] = order["trigger"]


@kernel
def append_noted(state: State, order: Row, reason: int) -> Row:
    """Note that what the settlement leaves of an order in flight is to be closed for a reason."""
    event = append_of(state, EventKind.CANCEL_NOTED.value, order)
    event["flags"] = 0
    event["code"] = reason
    return event


@kernel
def append_end(state: State, order: Row, reason: int) -> Row:
    """End a live order: close it, or note that while it is in flight."""
    if order["state"] == OrderState.IN_FLIGHT.value:
        return append_noted(state, order, reason)
    return append_close(state, order, reason)


@kernel
def close_order(state: State, slot: int, reason: int) -> None:
    """Close a live order for a reason (0: filled)."""
    append_close(state, state.orders[slot], reason)
    apply_out(state)


@kernel
def queue_order(state: State, slot: int, reason: int) -> None:
    """Let a live order wait for a cut."""
    order = state.orders[slot]
    append_queue(state, order, free_for(state, order), reason)
    apply_out(state)


@kernel
def end_order(state: State, slot: int, reason: int) -> None:
    """Close a live order, or note that while it is in flight."""
    append_end(state, state.orders[slot], reason)
    apply_out(state)
