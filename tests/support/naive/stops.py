"""Stop-loss and take-profit: who is triggered, in what order, and how (``execution`` section 5)."""

from ledger.engine.layout import EventKind, OrderState, Trait
from tests.support.naive import takers, trades
from tests.support.naive.exchange import Exchange, Market, Order

STOPS_PER_COMMAND = 100


def rises(order: Order) -> bool:
    """Tell whether an order waits for the price to rise."""
    return bool(order.traits & Trait.STOP_LOSS) != order.sell


def on_index(order: Order) -> bool:
    """Tell whether an order waits for the index price and not for the last trade."""
    return bool(order.traits & Trait.ON_INDEX)


def triggered(exchange: Exchange, market: Market, *, by_index: bool) -> list[Order]:
    """Return the armed orders whose trigger the price has reached: furthest first, then by id."""
    price = market.index if by_index else market.last
    armed = [order for order in exchange.in_state(market, OrderState.ARMED) if on_index(order) == by_index]
    ready = [order for order in armed if price and (order.trigger <= price if rises(order) else order.trigger >= price)]
    return sorted(ready, key=lambda order: (-abs(price - order.trigger), order.order_id))


def run(exchange: Exchange, market: Market, *, by_index: bool, most: int = STOPS_PER_COMMAND) -> int:
    """Trigger one after another; each sees what the one before has moved. Returns how many are left to trigger."""
    done = 0
    while done < most and (ready := triggered(exchange, market, by_index=by_index)):
        trigger(exchange, market, ready[0], market.index if by_index else market.last)
        done += 1
    return done


def trigger(exchange: Exchange, market: Market, order: Order, price: int) -> None:
    """Let an order that waited take what it can."""
    if not order.limited:
        order.limit = takers.market_limit(market, sell=order.sell, slippage_ppm=order.slippage_ppm)
    exchange.emit(EventKind.STOP_TRIGGERED, **trades.name(order), limit=order.limit, aux=price)
    order.state = OrderState.WORKING
    takers.decide(exchange, market, order)
