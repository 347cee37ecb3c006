"""Stop-loss and take-profit: orders that wait for a price, and become takers when it is reached.

Triggered stops run in order of the distance that the price has passed, furthest first, then by order id; each is taken
off its shelf before it trades, so a cascade ends. ``execution`` sections 4 and 5.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.book import first_on, key_of, shelf_place
from ledger.engine.evolve import apply_out
from ledger.engine.layout import TAO_ASSET, EventKind, Flag, Shelf
from ledger.engine.listing import Verb, stage_allows
from ledger.engine.moves import close_order
from ledger.engine.parameters import STOPS_PER_COMMAND
from ledger.engine.pools import index_price
from ledger.engine.rules import append
from ledger.engine.state import Row, State, free_amount
from ledger.engine.take import take_order
from ledger.engine.terms import is_sale, limit_hold, market_limit, open_amount
from ledger.errors import Refusal

_NO_STOP = (-1, 0)


@kernel
def may_trigger(market: Row) -> bool:
    """Tell whether stops of a market may be triggered: while its stage takes no market orders they stay armed."""
    return market["orders"] > 0 and stage_allows(market["stage"], Verb.PLACE_MARKET.value)


@kernel
def first_triggered(state: State, market: int) -> tuple[int, int]:
    """Return ``(slot, price)`` of a market's next triggered stop and of what triggered it; slot -1 where none is."""
    row = state.markets[market]
    best, best_distance, best_price = -1, 0, 0
    if not may_trigger(row):
        return _NO_STOP
    for shelf in range(Shelf.LAST_RISING.value, Shelf.INDEX_FALLING.value + 1):
        place = shelf_place(market, shelf)
        slot = first_on(state, place)
        if slot < 0:
            continue
        price = row["last"] if shelf <= Shelf.LAST_FALLING.value else index_price(row)
        distance = price - key_of(state, place, slot)
        if shelf in (Shelf.LAST_FALLING.value, Shelf.INDEX_FALLING.value):
            distance = -distance
        if price <= 0 or distance < 0:
            continue
        if (
            best < 0
            or distance > best_distance
            or (distance == best_distance and state.orders[slot]["order_id"] < state.orders[best]["order_id"])
        ):
            best, best_distance, best_price = slot, distance, price
    return best, best_price


@kernel
def stops_wait(state: State) -> bool:
    """Tell whether any market has a triggered stop that did not run yet."""
    slot = state.scalars[0]["first_market"] - 1
    while slot >= 0:
        if first_triggered(state, slot)[0] >= 0:
            return True
        slot = state.markets[slot]["next"] - 1
    return False


@kernel
def limit_at_trigger(state: State, order: Row) -> tuple[int, int]:
    """Return ``(limit, hold change)`` of an order from its trigger on; a limit of 0 where no pool prices it.

    A market buy whose price has passed what was held for it takes the difference out of the free balance; where that
    is too small, it buys what its hold pays.
    """
    if order["flags"] & Flag.LIMIT.value:
        return order["limit"], 0
    sell = is_sale(order)
    limit = market_limit(state.markets[order["market"]], sell, order["slippage_ppm"])
    if sell or order["flags"] & Flag.IN_QUOTE.value:
        return limit, 0
    more = limit_hold(order["tao"], open_amount(order), limit, order["taker_ppm"]) - order["held"]
    return limit, more if 0 < more <= free_amount(state, order["account"], TAO_ASSET) else 0


@kernel
def trigger(state: State, slot: int, price: int) -> None:
    """Make a taker of an armed order, and let it trade, unless the stage has closed its side."""
    order = state.orders[slot]
    market = state.markets[order["market"]]
    limit, more = limit_at_trigger(state, order)
    event = append(state, EventKind.STOP_TRIGGERED.value)
    event["account"] = order["account"]
    event["netuid"] = market["netuid"]
    event["flags"] = order["flags"] & Flag.SELL.value
    event["order_id"] = order["order_id"]
    event["limit"] = limit
    event["hold"] = more
    event["aux"] = price
    apply_out(state)
    side = Verb.SELL.value if order["flags"] & Flag.SELL.value else Verb.BUY.value
    if stage_allows(market["stage"], side):
        take_order(state, slot)
    else:
        close_order(state, slot, Refusal.MARKET_STAGE.value)


@kernel
def trigger_stops(state: State, market: int) -> None:
    """Trigger the stops of one market (its slot) as far as the bound of the command goes; the rest wait."""
    run = state.run[0]
    while run["stops"] < STOPS_PER_COMMAND and run["law"] == 0:
        slot, price = first_triggered(state, market)
        if slot < 0:
            break
        run["stops"] += 1
        trigger(state, slot, price)


@kernel
def run_stops(state: State) -> None:
    """Trigger the stops of all markets by ascending netuid as far as the bound of the command goes; the rest wait."""
    slot = state.scalars[0]["first_market"] - 1
    while slot >= 0:
        trigger_stops(state, slot)
        slot = state.markets[slot]["next"] - 1
