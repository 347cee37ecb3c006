"""Private methods that place or cancel several orders in one call, or all when a client dies (``kraken_api`` 9)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.gateway.auth import Permission
from app.gateway.folds.orders import Order
from app.gateway.kraken import errors
from app.gateway.kraken.calls import Method, PrivateCall
from app.gateway.kraken.envelope import rfc3339
from app.gateway.kraken.errors import Refused, invalid_argument
from app.gateway.kraken.fields import Fields
from app.gateway.kraken.orders import cancel, find_named, find_open, order_text, place
from app.gateway.kraken.refusals import refused_by
from app.gateway.kraken.render import order_id
from app.gateway.kraken.tickets import Ticket, parse_ticket
from ledger.engine.layout import NO_NETUID, CommandKind, EventKind
from ledger.engine.records import client_id, command

ADD_MIN: Final = 2
ADD_MAX: Final = 15
CANCEL_MAX: Final = 50
TIMEOUT_MAX_S: Final = 86_400
_OF_ORDER: Final = re.compile(r"orders\[(\d{1,3})\]\[?(\w+)\]?(.*)")
_SHARED: Final = ("pair", "deadline", "validate")


def methods() -> Mapping[str, Method]:
    """Return every method by name."""
    return {
        "AddOrderBatch": Method(add_order_batch, Permission.MODIFY_ORDERS, cost=0),
        "CancelOrderBatch": Method(cancel_order_batch, Permission.CANCEL_ORDERS, cost=0),
        "CancelAll": Method(cancel_all, Permission.CANCEL_ORDERS),
        "CancelAllOrdersAfter": Method(cancel_all_after, Permission.CANCEL_ORDERS),
    }


async def add_order_batch(call: PrivateCall) -> dict[str, Any]:
    """Place 2 to 15 orders of one pair.

    One that cannot be read refuses all before any is placed; one that the engine refuses is told in its own place, and
    the others stand.
    """
    return {"orders": await place_all(call, _bodies(call.fields))}


async def place_all(call: PrivateCall, bodies: Sequence[Fields]) -> list[dict[str, Any]]:
    """Place the orders of a batch, and return what became of each."""
    if not ADD_MIN <= len(bodies) <= ADD_MAX:
        bound = f"{ADD_MIN} to {ADD_MAX} orders"
        raise invalid_argument("orders", str(len(bodies)), code="out_of_range", bound=bound)
    slippage_ppm = call.parts.settings.slippage_ppm
    tickets = [parse_ticket(body, call.pair, slippage_ppm=slippage_ppm, now_ms=call.now_ms) for body in bodies]
    told = []
    for position, (ticket, body) in enumerate(zip(tickets, bodies, strict=True)):
        id_text = f"n:{call.caller.api_key.key}:{call.caller.nonce}:{position}"
        told.append(await _place_one(call, ticket, body, id_text))
    return told


async def _place_one(call: PrivateCall, ticket: Ticket, body: Fields, id_text: str) -> dict[str, Any]:
    try:
        reference = await place(call, ticket, body, id_text)
    except Refused as refused:
        if refused.error in {errors.UNAVAILABLE, errors.BUSY, errors.INTERNAL_ERROR}:
            raise
        return {"error": refused.error, "reason": refused.reason()}
    told: dict[str, Any] = {"descr": {"order": order_text(ticket)}}
    if reference:
        told["txid"] = order_id(reference)
    if ticket.cl_ord_id:
        told["cl_ord_id"] = ticket.cl_ord_id
    return told


def _bodies(fields: Fields) -> list[Fields]:
    """Return the fields of each order, in order: ``orders[0][price]``, together with what is said once for all."""
    shared = {name: fields[name] for name in _SHARED if name in fields}
    found: dict[int, dict[str, str]] = {}
    for name, value in fields.items():
        of_order = _OF_ORDER.fullmatch(name)
        if of_order is not None:
            position, member, rest = of_order.groups()
            found.setdefault(int(position), dict(shared))[member + rest] = value
    return [Fields(found[position]) for position in sorted(found)]


async def cancel_order_batch(call: PrivateCall) -> dict[str, Any]:
    """Cancel up to 50 orders by id, userref or ``cl_ord_id``; what is not open is passed over.

    Refused as unknown where none of them is open.
    """
    texts, named = call.fields.words("orders"), call.fields.words("cl_ord_ids")
    if not texts and not named:
        raise invalid_argument("orders", "", code="missing_field")
    if len(texts) + len(named) > CANCEL_MAX:
        raise invalid_argument("orders", str(len(texts) + len(named)), code="too_many", bound=str(CANCEL_MAX))
    found: dict[int, Order] = {}
    unknown: Refused | None = None
    for text in texts:
        try:
            found |= {order.seq: order for order in find_open(call, text, "orders")}
        except Refused as refused:
            unknown = refused
    for text in named:
        try:
            order = find_named(call, text)
            found[order.seq] = order
        except Refused as refused:
            unknown = refused
    if not found and unknown is not None:
        raise unknown
    return (await cancel(call, found.values())).told()


async def cancel_all(call: PrivateCall) -> dict[str, int]:
    """Cancel every open order of the account; those in flight are cancelled as far as their settlement leaves them."""
    high, low = client_id(f"a:{call.caller.api_key.key}:{call.caller.nonce}")
    answer = await call.submit(
        command(CommandKind.CANCEL_ALL, account=call.account, netuid=NO_NETUID, id_hi=high, id_lo=low)
    )
    if answer.code:
        raise refused_by(answer)
    told = answer.events[answer.events["kind"] == EventKind.ORDERS_CANCELLED]["amount"]
    return {"count": int(told.sum())}


async def cancel_all_after(call: PrivateCall) -> dict[str, str]:
    """Arm the switch that cancels every open order unless it is renewed in ``timeout`` seconds; 0 disarms it."""
    timeout_s = call.fields.integer("timeout", 0, largest=TIMEOUT_MAX_S)
    if not call.fields.text("timeout"):
        raise invalid_argument("timeout", "", code="missing_field", bound=f"0 to {TIMEOUT_MAX_S}")
    high, low = client_id(f"d:{call.caller.api_key.key}:{call.caller.nonce}")
    record = command(
        CommandKind.CANCEL_AFTER,
        account=call.account,
        timeout_ms=timeout_s * 1_000,
        id_hi=high,
        id_lo=low,
        digest=timeout_s,
    )
    answer = await call.submit(record)
    if answer.code:
        raise refused_by(answer, name="timeout", shown=str(timeout_s))
    due = answer.events[answer.events["kind"] == EventKind.CANCEL_AFTER_SET]["aux"]
    due_ms = int(due[-1]) if len(due) else 0
    return {"currentTime": rfc3339(call.now_ms), "triggerTime": rfc3339(due_ms) if due_ms else "0"}
