"""Private methods that trade: AddOrder, CancelOrder, and the orders and fills they leave (sections 8 and 9)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from app.gateway.auth import Permission
from app.gateway.folds.ledger import entry_numbers
from app.gateway.folds.orders import Fill, Order
from app.gateway.kraken import errors
from app.gateway.kraken.calls import Method, PrivateCall
from app.gateway.kraken.errors import Refused, invalid_argument
from app.gateway.kraken.fields import Fields
from app.gateway.kraken.ids import ORDER, TRADE, decode_id
from app.gateway.kraken.ledgers import ledger_id
from app.gateway.kraken.paging import asked_ids, asked_span, take_page
from app.gateway.kraken.refusals import refused_by
from app.gateway.kraken.render import describe_order, fill_object, order_id, order_object, trade_id
from app.gateway.kraken.tickets import Ticket, parse_client_order_id, parse_ticket
from app.gateway.limits import ADD_COST, cancel_cost
from ledger.engine.layout import CommandKind, Flag
from ledger.engine.records import client_id, command
from ledger.errors import Refusal

QUERY_MAX: Final = 50
QUERY_TRADES_MAX: Final = 20
_OPEN: Final = Permission.QUERY_OPEN_ORDERS
_CLOSED: Final = Permission.QUERY_CLOSED_ORDERS


def methods() -> Mapping[str, Method]:
    """Return every method by name."""
    return {
        "AddOrder": Method(add_order, Permission.MODIFY_ORDERS, cost=0),
        "CancelOrder": Method(cancel_order, Permission.CANCEL_ORDERS, cost=0),
        "OpenOrders": Method(open_orders, _OPEN),
        "ClosedOrders": Method(closed_orders, _CLOSED, cost=2),
        "QueryOrders": Method(query_orders, _OPEN),
        "TradesHistory": Method(trades_history, _CLOSED, cost=2),
        "QueryTrades": Method(query_trades, _CLOSED),
    }


async def add_order(call: PrivateCall) -> dict[str, Any]:
    """Place a market order, or a limit order that is filled at once or cancelled.

    Safe to retry: the same ``cl_ord_id`` with the same order returns the first answer again.
    """
    ticket = parse_ticket(call.fields, call.pair, slippage_ppm=call.parts.settings.slippage_ppm, now_ms=call.now_ms)
    reference = await place(call, ticket, call.fields, f"n:{call.caller.api_key.key}:{call.caller.nonce}")
    told: dict[str, Any] = {"descr": {"order": order_text(ticket)}}
    if reference:
        told["txid"] = [order_id(reference)]
        if ticket.cl_ord_id:
            told["cl_ord_id"] = ticket.cl_ord_id
    return told


def order_text(ticket: Ticket) -> str:
    """Return ``descr.order`` of what was ordered."""
    description = describe_order(
        ticket.pair, ticket.flags, volume=ticket.volume, quote=ticket.quote, limit=ticket.limit
    )
    return str(description["order"])


async def place(call: PrivateCall, ticket: Ticket, fields: Fields, id_text: str) -> int:
    """Submit an order and return its seq, 0 where it was only validated; or raise ``Refused``.

    ``fields``: where the order came from, for the names of what is wrong; ``id_text`` stands for a ``cl_ord_id`` where
    there is none.
    """
    if not call.parts.limits.engine_call(call.account, ticket.pair.netuid, ADD_COST, call.now_ms):
        raise Refused(errors.ORDER_RATE_LIMIT, "order_rate_limit", name="pair", value=ticket.pair.key)
    record, payloads = ticket.to_command(call.account, f"o:{ticket.cl_ord_id}" if ticket.cl_ord_id else id_text)
    answer = await call.submit(record, payloads)
    if answer.code:
        name, shown = _blamed(Refusal(answer.code), ticket, fields)
        raise refused_by(answer, stage=ticket.pair.stage, name=name, shown=shown)
    return 0 if Flag.VALIDATE_ONLY in ticket.flags else answer.reference


def _blamed(refusal: Refusal, ticket: Ticket, fields: Fields) -> tuple[str, str]:
    """Return the field behind a refusal, and its text where the engine's figure says nothing to a client."""
    match refusal:
        case Refusal.ORDER_TYPE_UNSUPPORTED if Flag.POST_ONLY in ticket.flags:
            return "oflags", fields.text("oflags")
        case Refusal.ORDER_TYPE_UNSUPPORTED:
            return "timeinforce", fields.text("timeinforce", "GTC")
        case Refusal.ID_REUSED:
            return "cl_ord_id", ticket.cl_ord_id
        case Refusal.INSUFFICIENT_FUNDS | Refusal.AMOUNT_OUT_OF_RANGE | Refusal.DUST:
            return "volume", ""
        case Refusal.LIMIT_OUT_OF_RANGE:
            return "price", fields.text("price")
        case Refusal.DEADLINE_PASSED:
            return "deadline", fields.text("deadline")
    return "", ""


async def cancel_order(call: PrivateCall) -> dict[str, Any]:
    """Cancel by order id, by ``cl_ord_id``, or every open order of a ``userref``."""
    text = call.fields.text("txid")
    if text:
        return {"count": await cancel(call, find_open(call, text, "txid"))}
    named = parse_client_order_id(call.fields)
    if not named:
        raise invalid_argument("txid", "", code="missing_field")
    return {"count": await cancel(call, [find_named(call, named)])}


async def cancel(call: PrivateCall, orders: Iterable[Order]) -> int:
    """Cancel open orders, and return how many."""
    count = 0
    for order in orders:
        cost = cancel_cost(call.now_ms - order.opened_ms)
        if not call.parts.limits.engine_call(call.account, order.netuid, cost, call.now_ms):
            raise Refused(errors.ORDER_RATE_LIMIT, "order_rate_limit", name="txid", value=order_id(order.seq))
        high, low = client_id(f"x:{call.caller.api_key.key}:{call.caller.nonce}:{order.seq}")
        record = command(
            CommandKind.CANCEL_ORDER, account=call.account, order_id=order.seq, id_hi=high, id_lo=low, digest=order.seq
        )
        answer = await call.submit(record)
        if answer.code:
            raise refused_by(answer, name="txid", shown=order_id(order.seq))
        count += 1
    return count


def find_open(call: PrivateCall, text: str, name: str) -> list[Order]:
    """Return the open order of an id, or all those of a userref, or refuse."""
    seq = decode_id(ORDER, text)
    if seq is None and text.removeprefix("-").isdecimal():
        userref = parse_userref(name, text)
        orders = [order for order in call.replica.orders.open_of(call.account) if order.userref == userref != 0]
        if not orders:
            raise unknown_order(name, text)
        return orders
    return [_still_open(call.replica.orders.find(call.account, seq or 0), name, text)]


def find_named(call: PrivateCall, cl_ord_id: str) -> Order:
    """Return the open order of a client's own id, or refuse."""
    return _still_open(call.replica.orders.find_client_id(call.account, cl_ord_id), "cl_ord_id", cl_ord_id)


def parse_userref(name: str, text: str) -> int:
    """Return a userref."""
    return Fields({name: text}).integer(name, 0, smallest=-(2**31), largest=2**31 - 1)


def _still_open(order: Order | None, name: str, text: str) -> Order:
    if order is None or not order.is_open:
        raise unknown_order(name, text)
    return order


def unknown_order(name: str, text: str) -> Refused:
    """Return the refusal of an order this account does not have."""
    return Refused(errors.UNKNOWN_ORDER, "unknown_order", name=name, value=text)


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
    page, count = take_page(call, (fill for fill in fills if span.holds(fill.ts_ms, fill.seq)))
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
    told = {trade_id(fill.seq): fill_object(fill, call.names.pair_of(fill.netuid)) for fill in fills}
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
