"""Private methods that tell the account's orders and fills (``kraken_api`` section 8)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from app.gateway.auth import Permission
from app.gateway.folds.fills import Fill
from app.gateway.folds.ledger import entry_numbers
from app.gateway.folds.orders import Order
from app.gateway.kraken import errors
from app.gateway.kraken.calls import Method, PrivateCall
from app.gateway.kraken.errors import Refused, invalid_argument
from app.gateway.kraken.ids import ORDER, TRADE, decode_id
from app.gateway.kraken.ledgers import ledger_id
from app.gateway.kraken.orders import unknown_order
from app.gateway.kraken.paging import asked_ids, asked_span, take_page
from app.gateway.kraken.render import fill_object, order_id, order_object, trade_id

QUERY_MAX: Final = 50
QUERY_TRADES_MAX: Final = 20
_OPEN: Final = Permission.QUERY_OPEN_ORDERS
_CLOSED: Final = Permission.QUERY_CLOSED_ORDERS


def methods() -> Mapping[str, Method]:
    """Return every method by name."""
    return {
        "OpenOrders": Method(open_orders, _OPEN),
        "ClosedOrders": Method(closed_orders, _CLOSED, cost=2),
        "QueryOrders": Method(query_orders, _OPEN),
        "TradesHistory": Method(trades_history, _CLOSED, cost=2),
        "QueryTrades": Method(query_trades, _CLOSED),
    }


async def query_orders(call: PrivateCall) -> dict[str, Any]:
    """Return up to 50 orders by id, open or closed; any unknown id refuses all."""
    found = []
    for text in asked_ids(call, "txid", QUERY_MAX):
        order = call.replica.orders.find(call.account, decode_id(ORDER, text) or 0)
        if order is None:
            raise unknown_order("txid", text)
        found.append(order)
    return _told(filter(_order_filter(call), found), call)


async def open_orders(call: PrivateCall) -> dict[str, Any]:
    """Return all open orders, newest first."""
    return {"open": _told(filter(_order_filter(call), call.replica.orders.open_of(call.account)), call)}


async def closed_orders(call: PrivateCall) -> dict[str, Any]:
    """Return a page of closed orders, newest first; ``count`` is how many match in all."""
    by = call.fields.text("closetime", "both")
    if by not in {"open", "close", "both"}:
        raise invalid_argument("closetime", by, bound="open, close or both")
    span, keep = asked_span(call, ORDER), _order_filter(call)

    def within(order: Order) -> bool:
        return keep(order) and span.holds(order.opened_ms if by == "open" else order.closed_ms, order.seq)

    page, count = take_page(call, filter(within, call.replica.orders.closed_of(call.account)))
    return {"closed": _told(page, call), **count}


async def trades_history(call: PrivateCall) -> dict[str, Any]:
    """Return a page of the account's fills, newest first; ``count`` is how many match in all."""
    span = asked_span(call, TRADE)
    fills = call.replica.orders.fills_of(call.account)
    page, count = take_page(call, (fill for fill in fills if span.holds(fill.ts_ms, fill.number)))
    return {"trades": _told_fills(page, call), **count}


async def query_trades(call: PrivateCall) -> dict[str, Any]:
    """Return up to 20 fills by trade id; an order id stands for all its fills."""
    found: list[Fill] = []
    for text in asked_ids(call, "txid", QUERY_TRADES_MAX):
        order = call.replica.orders.find(call.account, decode_id(ORDER, text) or 0)
        fill = call.replica.orders.find_fill(call.account, decode_id(TRADE, text) or 0)
        if order is None and fill is None:
            raise Refused(errors.INVALID_ORDER, "unknown_trade", name="txid", value=text)
        found += order.fills if order is not None else [fill] if fill is not None else []
    return _told_fills(found, call)


def _told(orders: Iterable[Order], call: PrivateCall) -> dict[str, Any]:
    with_trades = call.fields.flag("trades")
    return {
        order_id(order.seq): order_object(order, call.names.pair_of(order.netuid), with_trades=with_trades)
        for order in orders
    }


def _told_fills(fills: Iterable[Fill], call: PrivateCall) -> dict[str, Any]:
    told = {trade_id(fill.number): fill_object(fill, call.names.pair_of(fill.netuid)) for fill in fills}
    if call.fields.flag("ledgers"):
        for text, fill in told.items():
            fill["ledgers"] = [ledger_id(number) for number in entry_numbers(decode_id(TRADE, text) or 0)]
    return told


def _order_filter(call: PrivateCall) -> Callable[[Order], bool]:
    userref = call.fields.integer("userref", 0, smallest=-(2**31), largest=2**31 - 1)
    cl_ord_id = call.fields.text("cl_ord_id")

    def keep(order: Order) -> bool:
        return (not userref or order.userref == userref) and (not cl_ord_id or order.cl_ord_id == cl_ord_id)

    return keep
