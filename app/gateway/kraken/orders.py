"""Private methods that trade: AddOrder and CancelOrder (``kraken_api`` section 9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.gateway.auth import Permission
from app.gateway.folds.orders import Order
from app.gateway.kraken import errors
from app.gateway.kraken.calls import Method, PrivateCall
from app.gateway.kraken.errors import Refused, invalid_argument
from app.gateway.kraken.fields import Fields
from app.gateway.kraken.ids import ORDER, decode_id
from app.gateway.kraken.names import Pair
from app.gateway.kraken.refusals import refused_by
from app.gateway.kraken.render import describe_order, order_id
from app.gateway.kraken.tickets import Ticket, parse_client_order_id, parse_ticket
from app.gateway.limits import ADD_COST, cancel_cost
from app.gateway.parts import Parts
from ledger.engine.api import Answer
from ledger.engine.layout import CommandKind, EventKind, Flag
from ledger.engine.records import client_id, command
from ledger.errors import Refusal

_USERREF_BOUND: Final = 2**31


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancel did: how many orders, and whether one of them ends only with its settlement."""

    count: int
    is_pending: bool = False

    def told(self) -> dict[str, Any]:
        """Return the result as clients know it."""
        return {"count": self.count, "pending": True} if self.is_pending else {"count": self.count}


def methods() -> Mapping[str, Method]:
    """Return every method by name."""
    return {
        "AddOrder": Method(add_order, Permission.MODIFY_ORDERS, cost=0),
        "CancelOrder": Method(cancel_order, Permission.CANCEL_ORDERS, cost=0),
    }


async def add_order(call: PrivateCall) -> dict[str, Any]:
    """Place an order of any type that is offered.

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
        ticket.pair,
        ticket.flags,
        ticket.traits,
        volume=ticket.volume,
        quote=ticket.quote,
        limit=ticket.limit,
        trigger=ticket.trigger,
    )
    return str(description["order"])


async def place(call: PrivateCall, ticket: Ticket, fields: Fields, id_text: str, *, is_counted: bool = True) -> int:
    """Submit an order and return its seq, 0 where it was only validated; or raise ``Refused``.

    ``fields``: where the order came from, for the names of what is wrong; ``id_text`` stands for a ``cl_ord_id`` where
    there is none. ``is_counted``: it counts as a new order of its own.
    """
    if is_counted:
        count_order(
            call.parts, call.account, ticket.pair, ticket.cl_ord_id, may_wait=ticket.may_wait, now_ms=call.now_ms
        )
    record, payloads = ticket.to_command(call.account, f"o:{ticket.cl_ord_id}" if ticket.cl_ord_id else id_text)
    answer = await call.submit(record, payloads)
    if answer.code:
        raise order_refusal(answer, ticket, fields)
    return 0 if Flag.VALIDATE_ONLY in ticket.flags else answer.reference


def count_order(parts: Parts, account: int, pair: Pair, cl_ord_id: str, *, may_wait: bool, now_ms: int) -> None:
    """Count a new order against the limits of its account on its pair; raises ``Refused``."""
    if not parts.limits.engine_call(account, pair.netuid, ADD_COST, now_ms):
        raise Refused(errors.ORDER_RATE_LIMIT, "order_rate_limit", name="pair", value=pair.key)
    known = cl_ord_id and parts.replica.orders.find_client_id(account, cl_ord_id)
    # Sent again, an order is no new one.
    count = parts.replica.orders.count_open(account, pair.netuid) if may_wait and not known else 0
    if not parts.limits.open_order(count):
        bound = str(parts.limits.tier.open_orders)
        raise Refused(errors.ORDERS_LIMIT, "orders_limit", name="pair", value=pair.key, bound=bound)


def order_refusal(answer: Answer, ticket: Ticket, fields: Fields) -> Refused:
    """Return the refusal of an order by the engine, with the field to blame in the client's own text."""
    name, shown = _blamed(Refusal(answer.code), ticket, fields)
    return refused_by(answer, stage=ticket.pair.stage, name=name, shown=shown)


def _blamed(refusal: Refusal, ticket: Ticket, fields: Fields) -> tuple[str, str]:
    """Return the field behind a refusal, and its text where the engine's figure says nothing to a client."""
    price = "price2" if ticket.trigger else "price"
    match refusal:
        case Refusal.ORDER_TYPE_UNSUPPORTED:
            return "ordertype", fields.text("ordertype")
        case Refusal.POST_ONLY_WOULD_TRADE:
            return "oflags", fields.text("oflags")
        case Refusal.ID_REUSED:
            return "cl_ord_id", ticket.cl_ord_id
        case Refusal.INSUFFICIENT_FUNDS | Refusal.AMOUNT_OUT_OF_RANGE | Refusal.DUST:
            return "volume", ""
        case Refusal.LIMIT_OUT_OF_RANGE:
            return price, fields.text(price)
        case Refusal.TRIGGER_OUT_OF_RANGE:
            return "price", fields.text("price")
        case Refusal.EXPIRY_OUT_OF_RANGE:
            return "expiretm", fields.text("expiretm")
        case Refusal.DEADLINE_PASSED:
            return "deadline", fields.text("deadline")
        case Refusal.TOO_MANY:
            return "orders", ""
    return "", ""


async def cancel_order(call: PrivateCall) -> dict[str, Any]:
    """Cancel by order id, by ``cl_ord_id``, or every open order of a ``userref``."""
    text = call.fields.text("txid")
    if text:
        return (await cancel(call, find_open(call, text, "txid"))).told()
    named = parse_client_order_id(call.fields)
    if not named:
        raise invalid_argument("txid", "", code="missing_field")
    return (await cancel(call, [find_named(call, named)])).told()


async def cancel(call: PrivateCall, orders: Iterable[Order]) -> Cancelled:
    """Cancel open orders: one in flight is cancelled as far as its settlement leaves it."""
    count, is_pending = 0, False
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
        is_pending = is_pending or EventKind.CANCEL_NOTED in answer.events["kind"]
    return Cancelled(count, is_pending)


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
    return Fields({name: text}).integer(name, 0, smallest=-_USERREF_BOUND, largest=_USERREF_BOUND - 1)


def _still_open(order: Order | None, name: str, text: str) -> Order:
    if order is None or not order.is_open:
        raise unknown_order(name, text)
    return order


def unknown_order(name: str, text: str) -> Refused:
    """Return the refusal of an order this account does not have."""
    return Refused(errors.UNKNOWN_ORDER, "unknown_order", name=name, value=text)
