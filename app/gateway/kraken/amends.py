"""Private methods that change an open order: AmendOrder, EditOrder, OrderAmends (``kraken_api`` sections 8 and 9)."""

from collections.abc import Mapping
from typing import Any

from app.gateway.auth import Permission
from app.gateway.folds.orders import Order
from app.gateway.kraken import errors
from app.gateway.kraken.calls import Method, PrivateCall
from app.gateway.kraken.envelope import alpha_text, price_text
from app.gateway.kraken.errors import Refused, invalid_argument
from app.gateway.kraken.fields import Fields
from app.gateway.kraken.ids import ORDER, decode_id
from app.gateway.kraken.names import LOT_DECIMALS, LOT_RAO, Pair
from app.gateway.kraken.orders import cancel, find_named, find_open, order_text, place, unknown_order
from app.gateway.kraken.prices import parse_price
from app.gateway.kraken.refusals import refused_by
from app.gateway.kraken.render import amend_id, order_flags, order_id, trigger_word
from app.gateway.kraken.tickets import Ticket, below_minimum, parse_client_order_id, parse_deadline, parse_ticket
from app.gateway.limits import amend_cost, edit_cost
from ledger.engine.api import Answer
from ledger.engine.layout import MAX_AMOUNT, CommandKind, EventKind, Flag, Trait
from ledger.engine.records import body_digest, client_id, command
from ledger.errors import Refusal

_BLAMED: Mapping[Refusal, str] = {
    Refusal.AMOUNT_OUT_OF_RANGE: "order_qty",
    Refusal.INSUFFICIENT_FUNDS: "order_qty",
    Refusal.DUST: "order_qty",
    Refusal.LIMIT_OUT_OF_RANGE: "limit_price",
    Refusal.TRIGGER_OUT_OF_RANGE: "trigger_price",
    Refusal.POST_ONLY_WOULD_TRADE: "post_only",
    Refusal.DEADLINE_PASSED: "deadline",
    Refusal.AMEND_NOT_POSSIBLE: "txid",
    Refusal.UNKNOWN_ORDER: "txid",
}


def methods() -> Mapping[str, Method]:
    """Return every method by name."""
    return {
        "AmendOrder": Method(amend_order, Permission.MODIFY_ORDERS, cost=0),
        "EditOrder": Method(edit_order, Permission.MODIFY_ORDERS, cost=0),
        "OrderAmends": Method(order_amends, Permission.QUERY_OPEN_ORDERS),
    }


def find_one(call: PrivateCall) -> Order:
    """Return the open order that ``txid`` or ``cl_ord_id`` names, or refuse."""
    text = call.fields.text("txid")
    if text:
        orders = find_open(call, text, "txid")
        if len(orders) != 1:
            raise invalid_argument("txid", text, bound="the id of one order")
        return orders[0]
    named = parse_client_order_id(call.fields)
    if not named:
        raise invalid_argument("txid", "", code="missing_field")
    return find_named(call, named)


async def amend_order(call: PrivateCall) -> dict[str, str]:
    """Change volume, limit or trigger of an order, which keeps its id; its place in time too when it only shrinks."""
    return {"amend_id": amend_id(await amend(call, find_one(call)))}


async def amend(call: PrivateCall, order: Order) -> int:
    """Submit what the call asks of an order, and return the seq of the amendment; or raise ``Refused``."""
    pair, fields = call.names.pair_of(order.netuid), call.fields
    if fields.text("display_qty", "0").strip("0.") != "":
        raise invalid_argument("display_qty", fields.text("display_qty"), bound="nothing")
    volume = _volume(fields, pair)
    limit = parse_price(fields, "limit_price", pair) if fields.text("limit_price") else 0
    trigger = parse_price(fields, "trigger_price", pair) if fields.text("trigger_price") else 0
    if not (volume or limit or trigger):
        raise invalid_argument("order_qty", "", code="missing_field", bound="order_qty, limit_price or trigger_price")
    if limit and not order.is_limit:
        raise invalid_argument("limit_price", fields.text("limit_price"), bound="nothing: the order has no limit")
    if trigger and (not order.is_stop or order.is_triggered):
        raise invalid_argument("trigger_price", fields.text("trigger_price"), bound="nothing: no trigger is waited for")
    is_post = fields.flag("post_only")
    deadline_ms = parse_deadline(fields, call.now_ms)
    cost = amend_cost(call.now_ms - order.opened_ms)
    if not call.parts.limits.engine_call(call.account, order.netuid, cost, call.now_ms):
        raise Refused(errors.ORDER_RATE_LIMIT, "order_rate_limit", name="txid", value=order_id(order.seq))
    high, low = client_id(f"m:{call.caller.api_key.key}:{call.caller.nonce}")
    record = command(
        CommandKind.AMEND_ORDER,
        flags=int(Flag.POST_ONLY) if is_post else 0,
        account=call.account,
        order_id=order.seq,
        alpha_rao=volume,
        limit=limit,
        trigger=trigger,
        deadline=deadline_ms,
        id_hi=high,
        id_lo=low,
        digest=body_digest(repr((order.seq, volume, limit, trigger, is_post)).encode()),
    )
    answer = await call.submit(record)
    if answer.code:
        raise amend_refusal(answer, order, pair, fields)
    return amendment_of(answer)


def amend_refusal(answer: Answer, order: Order, pair: Pair, fields: Fields) -> Refused:
    """Return the refusal of an amendment by the engine, with the field to blame in the client's own text."""
    name = _BLAMED.get(Refusal(answer.code), "")
    shown = order_id(order.seq) if name == "txid" else fields.text(name)
    return refused_by(answer, stage=pair.stage, name=name, shown=shown)


def amendment_of(answer: Answer) -> int:
    """Return the seq of an amendment; repeated, of its order."""
    made = answer.events[answer.events["kind"] == EventKind.ORDER_AMENDED]["seq"]
    return int(made[0]) if len(made) else answer.reference


def _volume(fields: Fields, pair: Pair) -> int:
    """Return the new total volume in alpha rao, 0 where it stays."""
    text = fields.text("order_qty")
    if not text:
        return 0
    volume = fields.amount("order_qty", decimals=LOT_DECIMALS, largest=MAX_AMOUNT // LOT_RAO) * LOT_RAO
    if volume < pair.order_min_rao:
        raise below_minimum(pair, "order_qty", text)
    return volume


async def edit_order(call: PrivateCall) -> dict[str, Any]:
    """Replace an order: the new one is checked whole, then the old one is cancelled and the new one placed.

    The new one has its own id and comes last in time; what is not given is taken over from the old one, the volume as
    far as it is unfilled. A refusal leaves the old order as it was.
    """
    order = find_one(call)
    pair, fields = call.names.pair_of(order.netuid), call.fields
    if order.is_triggered or Flag.IN_QUOTE in order.flags:
        raise Refused(errors.INVALID_ORDER, "edit_not_possible", name="txid", value=order_id(order.seq))
    body = _replacement(order, pair, fields)
    slippage_ppm = call.parts.settings.slippage_ppm
    ticket = parse_ticket(body, call.pair, slippage_ppm=slippage_ppm, now_ms=call.now_ms)
    cost = edit_cost(call.now_ms - order.opened_ms)
    if not call.parts.limits.engine_call(call.account, order.netuid, cost, call.now_ms):
        raise Refused(errors.ORDER_RATE_LIMIT, "order_rate_limit", name="txid", value=order_id(order.seq))
    checked = parse_ticket(
        Fields({**body, "validate": "true"}), call.pair, slippage_ppm=slippage_ppm, now_ms=call.now_ms
    )
    await _check(call, checked, body, order)
    told: dict[str, Any] = {
        "status": "ok",
        "originaltxid": order_id(order.seq),
        "volume": alpha_text(ticket.volume),
        "price": price_text(ticket.trigger or ticket.limit),
        "price2": price_text(ticket.limit) if ticket.trigger else "0",
        "orders_cancelled": 0,
        "descr": {"order": order_text(ticket)},
    }
    if Flag.VALIDATE_ONLY in ticket.flags:
        return told
    cancelled = await cancel(call, [order])
    seq = await place(call, ticket, body, f"e:{call.caller.api_key.key}:{call.caller.nonce}", is_counted=False)
    return told | {"txid": order_id(seq), "orders_cancelled": cancelled.count}


async def _check(call: PrivateCall, ticket: Ticket, body: Fields, order: Order) -> None:
    """Validate the new order, with what the old one holds as if it were free already; raises ``Refused``."""
    asset = order.netuid + 1 if order.is_sell else 0
    free = call.replica.reads.balance(call.account, asset).free
    held = call.replica.reads.held_for(order.seq)
    try:
        await place(call, ticket, body, "", is_counted=False)
    except Refused as refused:
        needed = refused.figure
        if refused.code != Refusal.INSUFFICIENT_FUNDS.name.lower() or not 0 < needed <= free + held:
            raise


def _replacement(order: Order, pair: Pair, fields: Fields) -> Fields:
    """Return the fields of the order that replaces one."""
    old = {
        "pair": pair.key,
        "type": "sell" if order.is_sell else "buy",
        "ordertype": order.ordertype,
        "volume": alpha_text(order.volume - order.executed)[:-1],
        "oflags": order_flags(order.flags),
        "userref": str(order.userref),
    }
    if order.is_limit:
        old["price2" if order.is_stop else "price"] = price_text(order.limit)
    if order.is_stop:
        old |= {"price": price_text(order.trigger), "trigger": trigger_word(order)}
    if order.expires_s:
        old["expiretm"] = str(order.expires_s)
    for flag, word in ((Flag.IOC, "IOC"), (Flag.FOK, "FOK")):
        if flag in order.flags:
            old["timeinforce"] = word
    for trait, word in ((Trait.STP_OLDEST, "cancel-oldest"), (Trait.STP_BOTH, "cancel-both")):
        if trait in order.traits:
            old["stptype"] = word
    given = ("volume", "price", "price2", "oflags", "userref", "deadline", "validate", "displayvol")
    return Fields(old | {name: fields[name] for name in given if fields.text(name)})


async def order_amends(call: PrivateCall) -> dict[str, Any]:
    """Return what an order was amended to, oldest first."""
    text = call.fields.required("order_id")
    seq = decode_id(ORDER, text) or 0
    reads = await call.history("orders")
    if not await reads.orders_by_id(call.account, [seq]):
        raise unknown_order("order_id", text)
    amends = await reads.amends(call.account, seq)
    return {
        "count": len(amends),
        "amends": [
            {
                "amend_id": amend_id(amended.seq),
                "amend_type": "user",
                "order_qty": alpha_text(amended.volume),
                "limit_price": price_text(amended.limit_price),
                "trigger_price": price_text(amended.trigger_price),
                "timestamp": amended.ts_ms * 1_000_000,
            }
            for amended in amends
        ],
    }
