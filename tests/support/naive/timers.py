"""What time does: orders that expire, quotes that end, switches that nobody renewed (``execution`` section 3)."""

from ledger.engine.layout import NO_NETUID, EventKind, OrderState
from ledger.engine.parameters import CANCEL_AFTER_MAX_MS, TIMERS_PER_BATCH
from ledger.errors import Refusal
from tests.support.naive import orders, quotes, stops
from tests.support.naive.exchange import Exchange, Order, Record, Refused


def due(exchange: Exchange) -> list[Order]:
    """Return what is due now, oldest time first."""
    waits = [order for order in exchange.orders.values() if 0 < order.expires <= exchange.now]
    return sorted((order for order in waits if not order.cancel), key=lambda order: (order.expires, order.order_id))


def run(exchange: Exchange) -> None:
    """Run the timers of a batch before its first command, then the stops that had to wait."""
    left = TIMERS_PER_BATCH
    for order in due(exchange):
        if left <= 0:
            break
        if order.order_id not in exchange.orders or order.cancel:
            continue
        left -= 1
        if order.state == OrderState.QUOTE:
            quotes.end(exchange, order, Refusal.EXPIRED)
        elif order.state == OrderState.GUARD:
            left -= fire(exchange, order)
        else:
            orders.drop(exchange, order, Refusal.EXPIRED)
    stops.run_all(exchange)


def fire(exchange: Exchange, guard: Order) -> int:
    """Cancel all orders of an account that did not renew its switch; returns how many."""
    account, code = guard.account, int(Refusal.CANCEL_AFTER_FIRED)
    count = orders.drop_all(exchange, account, NO_NETUID, code)
    exchange.emit(EventKind.ORDERS_CANCELLED, account=account, netuid=NO_NETUID, amount=count, code=code)
    del exchange.orders[guard.order_id]
    event = exchange.emit(EventKind.CANCEL_AFTER_SET, account=account)
    event["order_id"] = event["seq"]
    return count


def cancel_after(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Set, renew or switch off the switch of an account."""
    account, timeout = command["account"], command["aux"]
    exchange.require_account(account)
    if not 0 <= timeout <= CANCEL_AFTER_MAX_MS:
        raise Refused(Refusal.TIMEOUT_OUT_OF_RANGE, timeout, CANCEL_AFTER_MAX_MS)
    for order in list(exchange.orders.values()):
        if order.account == account and order.state == OrderState.GUARD:
            del exchange.orders[order.order_id]
    moment = exchange.now + timeout if timeout else 0
    event = exchange.emit(EventKind.CANCEL_AFTER_SET, account=account, aux=moment)
    event["order_id"] = event["seq"]
    if moment:
        exchange.orders[event["seq"]] = Order(
            event["seq"], account, 0, state=OrderState.GUARD, expires=moment, priority=event["seq"]
        )
    return exchange.answer(command, event)
