"""Private methods that tell the account's orders and fills (``kraken_api`` section 8)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from app.gateway.auth import Permission
from app.gateway.folds.fills import Fill, entry_numbers, fill_of_row
from app.gateway.folds.orders import Order, order_of_row
from app.gateway.kraken import errors
from app.gateway.kraken.calls import Method, PrivateCall
from app.gateway.kraken.errors import Refused, invalid_argument
from app.gateway.kraken.ids import ORDER, TRADE, decode_id
from app.gateway.kraken.ledgers import ledger_id
from app.gateway.kraken.orders import unknown_order
from app.gateway.kraken.paging import NUMBER_MAX, PAGE, asked_ids, asked_skip, asked_span, is_counted
from app.gateway.kraken.render import fill_object, order_id, order_object, trade_id
from app.projections.pages import Window
from app.projections.reads import IDS_MAX, Wanted

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
    texts = asked_ids(call, "txid", QUERY_MAX)
    numbers = [decode_id(ORDER, text) or 0 for text in texts]
    known = {number: order for number in numbers if (order := call.replica.orders.find(call.account, number))}
    if len(known) < len(set(numbers)):
        reads = await call.history("orders", "trades")
        rows = await reads.orders_by_id(call.account, list({*numbers} - {*known}))
        known |= {row.order_id: order_of_row(row) for row in rows}
    for text, number in zip(texts, numbers, strict=True):
        if number not in known:
            raise unknown_order("txid", text)
    return await _told(filter(_order_filter(call), [known[number] for number in numbers]), call)


async def open_orders(call: PrivateCall) -> dict[str, Any]:
    """Return all open orders, newest first."""
    return {"open": await _told(filter(_order_filter(call), call.replica.orders.open_of(call.account)), call)}


async def closed_orders(call: PrivateCall) -> dict[str, Any]:
    """Return a page of closed orders, newest first; ``count`` is how many match in all."""
    by = call.fields.text("closetime", "both")
    if by not in {"open", "close", "both"}:
        raise invalid_argument("closetime", by, bound="open, close or both")
    span, skip = asked_span(call, ORDER), asked_skip(call)
    userref, cl_ord_id = _wanted(call)
    opened = (min(span.start[0], NUMBER_MAX), min(span.end[0], NUMBER_MAX)) if by == "open" else (0, 0)
    wanted = Wanted(userref, cl_ord_id, span.start[1], span.end[1], *opened)
    window = Window(limit=PAGE, skip=skip) if by == "open" else span.window(skip=skip, by_number=False)
    reads = await call.history("orders", "trades")
    rows = (await reads.closed_orders(call.account, window, wanted)).rows
    count = await reads.count_closed_orders(call.account, window, wanted) if is_counted(call) else 0
    return {"closed": await _told(map(order_of_row, rows), call), **({"count": count} if is_counted(call) else {})}


async def trades_history(call: PrivateCall) -> dict[str, Any]:
    """Return a page of the account's fills, newest first; ``count`` is how many match in all."""
    span = asked_span(call, TRADE)
    window = span.window(skip=asked_skip(call))
    reads = await call.history("orders", "trades")
    rows = (await reads.fills(call.account, window)).rows
    count = {"count": await reads.count_fills(call.account, window)} if is_counted(call) else {}
    return {"trades": _told_fills(map(fill_of_row, rows), call), **count}


async def query_trades(call: PrivateCall) -> dict[str, Any]:
    """Return up to 20 fills by trade id; an order id stands for all its fills."""
    texts = asked_ids(call, "txid", QUERY_TRADES_MAX)
    reads = await call.history("orders", "trades")
    orders = [number for text in texts if (number := decode_id(ORDER, text))]
    numbers = [number for text in texts if (number := decode_id(TRADE, text))]
    known: dict[int, list[Fill]] = {row.order_id: [] for row in await reads.orders_by_id(call.account, orders)}
    for row in await reads.fills_of_orders(call.account, list(known)):
        known[row.order_id].append(fill_of_row(row))
    fills = {row.number: fill_of_row(row) for row in await reads.fills_by_number(call.account, numbers)}
    found: list[Fill] = []
    for text in texts:
        order, fill = known.get(decode_id(ORDER, text) or 0), fills.get(decode_id(TRADE, text) or 0)
        if order is None and fill is None:
            raise Refused(errors.INVALID_ORDER, "unknown_trade", name="txid", value=text)
        found += order if order is not None else [fill] if fill is not None else []
    return _told_fills(found, call)


async def _told(chosen: Iterable[Order], call: PrivateCall) -> dict[str, Any]:
    orders, with_trades = list(chosen), call.fields.flag("trades")
    if with_trades and orders:
        reads = await call.history("orders", "trades")
        fills: dict[int, list[Fill]] = {}
        for first in range(0, len(orders), IDS_MAX):
            numbers = [order.seq for order in orders[first : first + IDS_MAX]]
            for row in await reads.fills_of_orders(call.account, numbers):
                fills.setdefault(row.order_id, []).append(fill_of_row(row))
        for order in orders:
            order.fills = fills.get(order.seq, [])
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


def _wanted(call: PrivateCall) -> tuple[int, str]:
    return call.fields.integer("userref", 0, smallest=-(2**31), largest=2**31 - 1), call.fields.text("cl_ord_id")


def _order_filter(call: PrivateCall) -> Callable[[Order], bool]:
    userref, cl_ord_id = _wanted(call)

    def keep(order: Order) -> bool:
        return (not userref or order.userref == userref) and (not cl_ord_id or order.cl_ord_id == cl_ord_id)

    return keep
