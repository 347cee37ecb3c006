"""How many events a command may append at most, so that ``out`` grows between commands and never during one."""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.book import TIMES, shelf_place
from ledger.engine.layout import CommandKind, Shelf
from ledger.engine.listing import market_slot
from ledger.engine.parameters import CLAIMS_PER_STEP, STOPS_PER_COMMAND, TIMERS_PER_BATCH
from ledger.engine.slab import find_order
from ledger.engine.state import Row, State, int64

PER_RESTING = 5
"""A resting order may be crossed and closed after a step of the curve, and what is left of it filled or queued."""

PER_TAKER = 16
"""A taker is named, filled on the curve, closed or put somewhere, and may leave one resting order for the next."""

PER_ORDER = 32
"""At the end of a head an order may be filled, matched, crossed, sent, triggered, rested and closed."""

PER_TIMER = 8
"""A quote that ends may leave one resting order of each side partly filled."""

FEW = 24
"""More than any other command appends."""


@kernel
def room_in_market(state: State, market: int) -> int:
    """Return the most events of a trade in a market, the stops that it triggers and what the mirror then reaches."""
    resting = int64(state.shelves[shelf_place(market, Shelf.BIDS.value)]["orders"])
    resting += int64(state.shelves[shelf_place(market, Shelf.ASKS.value)]["orders"])
    armed = 0
    for shelf in range(Shelf.LAST_RISING.value, Shelf.INDEX_FALLING.value + 1):
        armed += int64(state.shelves[shelf_place(market, shelf)]["orders"])
    return PER_RESTING * resting + PER_TAKER * min(armed, STOPS_PER_COMMAND) + FEW


@kernel
def room_for_all(state: State) -> int:
    """Return the most events of the end of a head, or of one record of it."""
    scalars = state.scalars[0]
    sharing = 0
    for slot in range(scalars["markets"]):
        if state.markets[slot]["dissolved"] != 0:
            sharing += 1
    claims = sharing * min(scalars["accounts"], CLAIMS_PER_STEP)
    return PER_ORDER * (scalars["live_orders"] + scalars["markets"]) + 2 * scalars["jobs"] + claims + FEW


@kernel
def room_for_timers(state: State) -> int:
    """Return the most events of the timers before a batch."""
    due = min(int64(state.shelves[TIMES]["orders"]), TIMERS_PER_BATCH)
    return room_for_all(state) + PER_TIMER * due + PER_TAKER * STOPS_PER_COMMAND


@kernel
def room_of_order(state: State, order_id: int) -> int:
    """Return the most events of a trade in the market of a live order or quote."""
    slot = find_order(state, order_id)
    return room_in_market(state, state.orders[slot]["market"]) if slot >= 0 else FEW


@kernel
def room_needed(state: State, command: Row) -> int:
    """Return the most events that a command may append."""
    kind = command["kind"]
    if kind in (
        CommandKind.PLACE_ORDER.value,
        CommandKind.SET_MARKET.value,
        CommandKind.RESOLVE_SUSPENSE.value,
        CommandKind.ISSUE_QUOTE.value,
        CommandKind.SET_STAGE.value,
    ):
        slot = market_slot(state, command["netuid"]) if command["netuid"] < len(state.market_slots) else -1
        return room_in_market(state, slot) if slot >= 0 else FEW
    if kind in (CommandKind.AMEND_ORDER.value, CommandKind.TAKE_QUOTE.value, CommandKind.RELEASE_QUOTE.value):
        return room_of_order(state, command["order_id"])
    if kind in (CommandKind.CANCEL_ALL.value, CommandKind.CANCEL_AFTER.value):
        account = command["account"]
        if 1 <= account <= state.scalars[0]["accounts"]:
            return int64(state.customers[account - 1]["orders"]) + FEW
        return FEW
    if kind in (
        CommandKind.HEAD_END.value,
        CommandKind.OUTCOME_SEEN.value,
        CommandKind.EXTRINSIC_DEAD.value,
        CommandKind.RELEASE_JOB.value,
    ):
        return room_for_all(state)
    if kind == CommandKind.DISSOLVED_SEEN.value:
        return state.scalars[0]["ledger"] + FEW
    return FEW
