"""Private methods that trade: AddOrder, CancelOrder, and the orders and fills they leave (sections 8 and 9)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from app.gateway.auth import Permission
from app.gateway.folds.orders import Fill, Order
from app.gateway.kraken import errors
from app.gateway.kraken.calls import Method, PrivateCall
from app.gateway.kraken.errors import Refused, invalid_argument
from app.gateway.kraken.ids import ORDER, TRADE, decode_id
from app.gateway.kraken.refusals import refused_by
from app.gateway.kraken.render import describe_order, fill_object, order_id, order_object, trade_id
from app.gateway.kraken.tickets import parse_client_order_id, parse_ticket
from app.gateway.limits import ADD_COST, cancel_cost
from ledger.engine.layout import CommandKind, Flag
from ledger.engine.records import client_id, command
from ledger.errors import Refusal

PAGE: Final = 50
QUERY_MAX: Final = 50
QUERY_TRADES_MAX: Final = 20
_OPEN: Final = Permission.QUERY_OPEN_ORDERS
_CLOSED: Final = Permission.QUERY_CLOSED_ORDERS
_S: Final = 1_000


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
    if not call.parts.limits.engine_call(call.account, ticket.pair.netuid, ADD_COST, call.now_ms):
        raise Refused(errors.ORDER_RATE_LIMIT, "order_rate_limit", name="pair", value=ticket.pair.key)
    id_text = f"o:{ticket.cl_ord_id}" if ticket.cl_ord_id else f"n:{call.caller.api_key.key}:{call.caller.nonce}"
    record, payloads = ticket.to_command(call.account, id_text)
    answer = await call.submit(record, payloads)
    if answer.code:
        name, shown = _blamed(ticket.flags, call) if answer.code == Refusal.ORDER_TYPE_UNSUPPORTED else ("", "")
        raise refused_by(answer, stage=ticket.pair.stage, name=name, shown=shown)
    description = describe_order(
        ticket.pair, ticket.flags, volume=ticket.volume, quote=ticket.quote, limit=ticket.limit
    )
    told: dict[str, Any] = {"descr": {"order": description["order"]}}
    if Flag.VALIDATE_ONLY not in ticket.flags:
        told["txid"] = [order_id(answer.reference)]
        if ticket.cl_ord_id:
            told["cl_ord_id"] = ticket.cl_ord_id
    return told


def _blamed(flags: Flag, call: PrivateCall) -> tuple[str, str]:
    """Return the field, and its text, behind an order type that the engine does not offer."""
    if Flag.POST_ONLY in flags:
        return "oflags", call.fields.text("oflags")
    return "timeinforce", call.fields.text("timeinforce", "GTC")


async def cancel_order(call: PrivateCall) -> dict[str, Any]:
    """Cancel by order id, by ``cl_ord_id``, or every open order of a ``userref``."""
    orders = _to_cancel(call)
    count = 0
    for order in orders:
        if not call.parts.limits.engine_call(
            call.account, order.netuid, cancel_cost(call.now_ms - order.opened_ms), call.now_ms
        ):
            raise Refused(errors.ORDER_RATE_LIMIT, "order_rate_limit", name="txid", value=order_id(order.seq))
        high, low = client_id(f"x:{call.caller.api_key.key}:{call.caller.nonce}:{order.seq}")
        record = command(
            CommandKind.CANCEL_ORDER, account=call.account, order_id=order.seq, id_hi=high, id_lo=low, digest=order.seq
        )
        answer = await call.submit(record)
        if answer.code:
            raise refused_by(answer, name="txid", shown=order_id(order.seq))
        count += 1
    return {"count": count}


def _to_cancel(call: PrivateCall) -> list[Order]:
    text = call.fields.text("txid")
    if not text:
        named = parse_client_order_id(call.fields)
        if not named:
            raise invalid_argument("txid", "", code="missing_field")
        found = call.replica.orders.find_client_id(call.account, named)
        return [_still_open(found, "cl_ord_id", named)]
    seq = decode_id(ORDER, text)
    if seq is None and text.removeprefix("-").isdecimal():
        userref = call.fields.integer("txid", 0, smallest=-(2**31), largest=2**31 - 1)
        orders = [order for order in call.replica.orders.open_of(call.account) if order.userref == userref != 0]
        if not orders:
            raise unknown_order("txid", text)
        return orders
    return [_still_open(call.replica.orders.find(call.account, seq or 0), "txid", text)]


def _still_open(order: Order | None, name: str, text: str) -> Order:
    if order is None or not order.is_open:
        raise unknown_order(name, text)
    return order


def unknown_order(name: str, text: str) -> Refused:
    """Return the refusal of an order this account does not have."""
    return Refused(errors.UNKNOWN_ORDER, "unknown_order", name=name, value=text)


async def query_orders(call: PrivateCall) -> dict[str, Any]:
    """Return up to 50 orders by id, open or closed; any unknown id refuses all."""
    texts = call.fields.words("txid")
    if not texts:
        raise invalid_argument("txid", "", code="missing_field")
    if len(texts) > QUERY_MAX:
        raise invalid_argument("txid", str(len(texts)), code="too_many", bound=str(QUERY_MAX))
    told = {}
    for text in texts:
        order = call.replica.orders.find(call.account, decode_id(ORDER, text) or 0)
        if order is None:
            raise unknown_order("txid", text)
        told[text] = order
    keep = _order_filter(call)
    return _told((order for order in told.values() if keep(order)), call)


async def open_orders(call: PrivateCall) -> dict[str, Any]:
    """Return all open orders, newest first."""
    return {"open": _told(filter(_order_filter(call), call.replica.orders.open_of(call.account)), call)}


async def closed_orders(call: PrivateCall) -> dict[str, Any]:
    """Return a page of closed orders, newest first; ``count`` is how many match in all."""
    by = call.fields.text("closetime", "both")
    if by not in {"open", "close", "both"}:
        raise invalid_argument("closetime", by, bound="open, close or both")
    start, end = _bound(call, "start", ORDER), _bound(call, "end", ORDER)
    keep = _order_filter(call)

    def within(order: Order) -> bool:
        moment = order.opened_ms if by == "open" else order.closed_ms
        return keep(order) and _is_within(moment, order.seq, start, end)

    matching = [order for order in call.replica.orders.closed_of(call.account) if within(order)]
    offset = call.fields.integer("ofs", 0)
    told: dict[str, Any] = {"closed": _told(matching[offset : offset + PAGE], call)}
    if not call.fields.flag("without_count"):
        told["count"] = len(matching)
    return told


async def trades_history(call: PrivateCall) -> dict[str, Any]:
    """Return a page of the account's fills, newest first; ``count`` is how many match in all."""
    start, end = _bound(call, "start", TRADE), _bound(call, "end", TRADE)
    fills = call.replica.orders.fills_of(call.account)
    matching = [fill for fill in fills if _is_within(fill.ts_ms, fill.seq, start, end)]
    offset = call.fields.integer("ofs", 0)
    told: dict[str, Any] = {"trades": _told_fills(matching[offset : offset + PAGE], call)}
    if not call.fields.flag("without_count"):
        told["count"] = len(matching)
    return told


async def query_trades(call: PrivateCall) -> dict[str, Any]:
    """Return up to 20 fills by trade id; an order id stands for all its fills."""
    texts = call.fields.words("txid")
    if not texts:
        raise invalid_argument("txid", "", code="missing_field")
    if len(texts) > QUERY_TRADES_MAX:
        raise invalid_argument("txid", str(len(texts)), code="too_many", bound=str(QUERY_TRADES_MAX))
    known = {fill.seq: fill for fill in call.replica.orders.fills_of(call.account)}
    found: list[Fill] = []
    for text in texts:
        order = call.replica.orders.find(call.account, decode_id(ORDER, text) or 0)
        fill = known.get(decode_id(TRADE, text) or 0)
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
    return {trade_id(fill.seq): fill_object(fill, call.names.pair_of(fill.netuid)) for fill in fills}


def _order_filter(call: PrivateCall) -> Callable[[Order], bool]:
    userref = call.fields.integer("userref", 0, smallest=-(2**31), largest=2**31 - 1)
    cl_ord_id = call.fields.text("cl_ord_id")

    def keep(order: Order) -> bool:
        return (not userref or order.userref == userref) and (not cl_ord_id or order.cl_ord_id == cl_ord_id)

    return keep


def _bound(call: PrivateCall, name: str, letter: str) -> tuple[int, int]:
    """Return ``(ms, seq)`` of a page bound: Unix seconds or an id; one of them 0."""
    text = call.fields.text(name)
    if not text:
        return 0, 0
    seq = decode_id(letter, text)
    if seq is not None:
        return 0, seq
    whole, _, fraction = text.partition(".")
    if not (whole.isascii() and whole.isdigit() and len(text) <= 32 and (not fraction or fraction.isdecimal())):
        raise invalid_argument(name, text, bound="Unix seconds or an id")
    return int(whole) * _S + int(fraction[:3].ljust(3, "0") or "0"), 0


def _is_within(moment_ms: int, seq: int, start: tuple[int, int], end: tuple[int, int]) -> bool:
    """Tell whether something lies after ``start`` (exclusive) and not after ``end``."""
    if (start[0] and moment_ms <= start[0]) or (start[1] and seq <= start[1]):
        return False
    return not ((end[0] and moment_ms > end[0]) or (end[1] and seq > end[1]))
