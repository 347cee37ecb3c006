"""How live orders change: taken in, put on a shelf, moved between shelves, amended, closed.

``execution`` sections 4 and 7. Each change of what is held for an order is a posting between the customer's free and
held balance of the asset that the order gives away.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from amm.shares import cost_within
from ledger.engine.balances import post_hold
from ledger.engine.book import TIMES, enter, join_account, leave, leave_shelf, part_account, shelf_place
from ledger.engine.fills import apply_cross, apply_fill
from ledger.engine.layout import TAO_ASSET, EventKind, Flag, OrderState, Shelf, Trait
from ledger.engine.listing import market_slot
from ledger.engine.slab import find_order, give_back, take_row
from ledger.engine.state import Row, State, balance_slot, break_law, int64
from ledger.engine.tables import BY_TIME, REFERENCE

SECOND_MS = 1_000


@kernel
def given_asset(event: Row) -> int:
    """Return the asset that the side of an order gives away."""
    return int64(event["netuid"]) + 1 if event["flags"] & Flag.SELL.value else TAO_ASSET


@kernel
def hold_more(state: State, event: Row, order: Row, change: int) -> None:
    """Move between a customer's free and held balance for an order; a negative change frees."""
    post_hold(state, int64(event["account"]), given_asset(event), change)
    order["held"] += change


@kernel
def trigger_shelf(order: Row) -> int:
    """Return the shelf on which an armed order waits: which price it follows, and from which side."""
    buys = order["flags"] & Flag.SELL.value == 0
    rising = buys == (order["traits"] & Trait.STOP_LOSS.value != 0)
    if order["traits"] & Trait.ON_INDEX.value:
        return Shelf.INDEX_RISING.value if rising else Shelf.INDEX_FALLING.value
    return Shelf.LAST_RISING.value if rising else Shelf.LAST_FALLING.value


@kernel
def put_on_shelf(state: State, slot: int) -> None:
    """Put an order on the shelf that its state asks for."""
    order = state.orders[slot]
    sell = order["flags"] & Flag.SELL.value != 0
    key = order["limit"]
    if order["state"] == OrderState.RESTING.value:
        shelf = Shelf.ASKS.value if sell else Shelf.BIDS.value
    elif order["state"] == OrderState.QUEUED.value:
        shelf = Shelf.QUEUED_SALES.value if sell else Shelf.QUEUED_BUYS.value
    elif order["state"] == OrderState.ARMED.value:
        shelf = trigger_shelf(order)
        key = order["trigger"]
    elif order["state"] == OrderState.IN_FLIGHT.value:
        shelf = Shelf.FLIGHT.value
        key = order["order_id"]
    else:
        return
    enter(state, shelf_place(order["market"], shelf), key, slot)


@kernel
def apply_accepted(state: State, event: Row) -> None:
    """Take a new order in; what becomes of it the next events tell."""
    slot = take_row(state, event["order_id"])
    order = state.orders[slot]
    market = market_slot(state, int64(event["netuid"]))
    order["account"] = event["account"]
    order["market"] = market
    order["flags"] = event["flags"]
    order["traits"] = event["code"]
    order["state"] = OrderState.WORKING.value
    order["limit"] = event["limit"]
    order["trigger"] = event["pool_tao"]
    order["slippage_ppm"] = event["aux"]
    order["taker_ppm"] = event["pool_alpha"]
    order["maker_ppm"] = event["fee"]
    order["expires"] = int64(event["key"]) * SECOND_MS
    order["priority"] = event["order_id"]
    order["userref"] = event["other"]
    order["amount"] = event["amount"]
    if event["flags"] & Flag.IN_QUOTE.value:
        order["total"] = event["tao"]
        order["amount"] = cost_within(event["tao"], event["pool_alpha"])
    # Trades find these rows there, so that no trade makes a table grow.
    balance_slot(state, order["account"], TAO_ASSET)
    balance_slot(state, order["account"], int64(event["netuid"]) + 1)
    hold_more(state, event, order, event["hold"])
    join_account(state, slot)
    state.markets[market]["orders"] += 1
    if order["expires"] > 0:
        enter(state, TIMES, order["expires"], slot)


@kernel
def apply_closed(state: State, event: Row, slot: int) -> None:
    """Free what is held for an order and forget it."""
    order = state.orders[slot]
    hold_more(state, event, order, -event["hold"])
    leave_shelf(state, slot)
    if state.links[3 * slot + BY_TIME]["level"] != 0:
        leave(state, TIMES, slot)
    part_account(state, slot)
    state.markets[order["market"]]["orders"] -= 1
    give_back(state, slot)


@kernel
def apply_amended(state: State, event: Row, slot: int) -> None:
    """Change an order's figures; where it does not keep its place it leaves its shelf and is decided anew."""
    order = state.orders[slot]
    hold_more(state, event, order, event["hold"])
    order["amount"] = event["amount"]
    order["limit"] = event["limit"]
    order["trigger"] = event["pool_tao"]
    if event["code"] == 0:
        leave_shelf(state, slot)
        order["priority"] = event["seq"]
        order["state"] = OrderState.WORKING.value


@kernel
def apply_moved(state: State, event: Row, slot: int) -> None:
    """Put an order into the book, the queue, the settlement or among the armed ones, or take it out as a taker."""
    order = state.orders[slot]
    kind = event["kind"]
    leave_shelf(state, slot)
    if kind == EventKind.ORDER_SENT.value:
        order["state"] = OrderState.IN_FLIGHT.value
        order["flight"] = event["amount"]
    else:
        order["flight"] = 0
        if kind == EventKind.STOP_TRIGGERED.value:
            hold_more(state, event, order, event["hold"])
            order["state"] = OrderState.WORKING.value
            order["limit"] = event["limit"]
        else:
            hold_more(state, event, order, event["hold"])
            if kind == EventKind.ORDER_RESTED.value:
                order["state"] = OrderState.RESTING.value
                if event["code"] == 0:
                    order["priority"] = event["seq"]
            elif kind == EventKind.ORDER_QUEUED.value:
                order["state"] = OrderState.QUEUED.value
            else:
                order["state"] = OrderState.ARMED.value
                order["priority"] = order["order_id"]  # stops of one trigger price go by their ids
                state.run[0]["traded"] = int64(event["netuid"]) + 1  # it may be triggered already
    put_on_shelf(state, slot)


@kernel
def apply_trade(state: State, event: Row) -> None:
    """Apply any event of an order."""
    kind = event["kind"]
    if kind == EventKind.FILLED.value:
        apply_fill(state, event)
    elif kind == EventKind.CROSSED.value:
        apply_cross(state, event)
    elif kind == EventKind.ORDER_ACCEPTED.value:
        apply_accepted(state, event)
    elif kind != EventKind.ORDERS_CANCELLED.value:
        slot = find_order(state, event["order_id"])
        if slot < 0:
            break_law(state, REFERENCE, event["order_id"])
        elif kind == EventKind.ORDER_CLOSED.value:
            apply_closed(state, event, slot)
        elif kind == EventKind.ORDER_AMENDED.value:
            apply_amended(state, event, slot)
        elif kind == EventKind.CANCEL_NOTED.value:
            state.orders[slot]["cancel"] = event["code"]
            if state.links[3 * slot + BY_TIME]["level"] != 0:  # its end is decided, the time no longer matters
                leave(state, TIMES, slot)
        else:
            apply_moved(state, event, slot)
