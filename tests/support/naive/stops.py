"""Stop-loss and take-profit: who is triggered, in what order, and how (``execution`` section 5)."""

from ledger.engine.layout import EventKind, OrderState, Trait
from ledger.engine.listing import Verb
from ledger.engine.parameters import STOPS_PER_COMMAND
from ledger.errors import Refusal
from tests.support.naive import takers, trades
from tests.support.naive.exchange import Exchange, Market, Order


def rises(order: Order) -> bool:
    """Tell whether an order waits for the price to rise."""
    return bool(order.traits & Trait.STOP_LOSS) != order.sell


def on_index(order: Order) -> bool:
    """Tell whether an order waits for the index price and not for the last trade."""
    return bool(order.traits & Trait.ON_INDEX)


def passed(market: Market, order: Order) -> int:
    """Return by how much the price that an armed order follows has passed its trigger; -1 where it has not."""
    price = price_of(market, order)
    if price == 0:
        return -1
    return price - order.trigger if rises(order) else order.trigger - price


def price_of(market: Market, order: Order) -> int:
    """Return the price that an order follows: the index, or the last trade; 0 before the first."""
    return market.index if on_index(order) else market.last


def triggered(exchange: Exchange, market: Market) -> list[Order]:
    """Return the armed orders whose trigger has been reached: furthest first, then by id."""
    if not takers.stage_allows(market.stage, Verb.PLACE_MARKET):
        return []
    ready = [order for order in exchange.in_state(market, OrderState.ARMED) if passed(market, order) >= 0]
    return sorted(ready, key=lambda order: (-passed(market, order), order.order_id))


def run(exchange: Exchange, market: Market) -> None:
    """Trigger one after another, as many as a command may; each sees what the one before has moved."""
    while exchange.stops_left > 0 and (ready := triggered(exchange, market)):
        exchange.stops_left -= 1
        trigger(exchange, market, ready[0])


def run_all(exchange: Exchange) -> None:
    """Trigger the stops of all markets by ascending netuid, as many as a command may."""
    exchange.stops_left = STOPS_PER_COMMAND
    for market in exchange.ascending():
        run(exchange, market)


def trigger(exchange: Exchange, market: Market, order: Order) -> None:
    """Let an order that waited take what it can."""
    price, hold = price_of(market, order), order.held
    if not order.limited:
        order.limit = takers.market_limit(market, sell=order.sell, slippage_ppm=order.slippage_ppm)
        if not order.sell and not order.quote and order.limit:
            hold = max(trades.hold_of(order, order.limit), order.held)
            if hold - order.held > exchange.books.free(order.account, order.asset):
                hold = order.held
    event = exchange.emit(EventKind.STOP_TRIGGERED, **trades.name(order), limit=order.limit, aux=price)
    event["hold"] = trades.rehold(exchange, order, hold)
    order.state = OrderState.WORKING
    if not takers.stage_allows(market.stage, Verb.SELL if order.sell else Verb.BUY):
        trades.close(exchange, order, Refusal.MARKET_STAGE)
    elif not order.limited and not takers.is_priced(market):
        trades.close(exchange, order, Refusal.POOL_CLOSED)
    else:
        takers.decide(exchange, market, order)
