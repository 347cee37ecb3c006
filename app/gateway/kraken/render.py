"""Orders, fills and transfers as the Kraken interface shows them (``kraken_api`` sections 8 to 10)."""

from typing import Any, Final

from app.gateway.folds.fills import Fill, fill_number, order_type
from app.gateway.folds.orders import Order
from app.gateway.folds.trades import trade_price
from app.gateway.kraken.envelope import alpha_text, price_text, seconds, tao_text
from app.gateway.kraken.ids import ORDER, TRADE, encode_id
from app.gateway.kraken.names import Pair
from app.gateway.kraken.refusals import closing_reason
from ledger.engine.layout import Flag, Trait
from ledger.errors import Refusal

NO_PRICE: Final = "0"


def order_id(seq: int) -> str:
    """Return the id of an order."""
    return encode_id(ORDER, seq)


def trade_id(number: int) -> str:
    """Return the id of a fill by its number."""
    return encode_id(TRADE, number)


def amend_id(seq: int) -> str:
    """Return the id of an amendment: numbers of its own event, which no fill has."""
    return encode_id(TRADE, fill_number(seq))


def describe_order(
    pair: Pair, flags: Flag, traits: Trait, *, volume: int, quote: int, limit: int, trigger: int
) -> dict[str, Any]:
    """Return ``descr``; clients split ``order`` on blanks, so its grammar is exact.

    ``volume`` alpha rao, ``quote`` TAO rao for an order in quote units, prices rao per whole alpha.
    """
    side = "sell" if Flag.SELL in flags else "buy"
    size = tao_text(quote) if Flag.IN_QUOTE in flags else alpha_text(volume)
    limit_text = price_text(limit) if Flag.LIMIT in flags else NO_PRICE
    if traits & (Trait.STOP_LOSS | Trait.TAKE_PROFIT):
        words = "stop loss" if Trait.STOP_LOSS in traits else "take profit"
        price, price2 = price_text(trigger), limit_text
        how = f"{words} {price}" + (f" -> limit {limit_text}" if Flag.LIMIT in flags else "")
    else:
        price, price2 = limit_text, NO_PRICE
        how = f"limit {price}" if Flag.LIMIT in flags else "market"
    return {
        "pair": pair.key,
        "type": side,
        "ordertype": order_type(flags, traits),
        "price": price,
        "price2": price2,
        "leverage": "none",
        "order": f"{side} {size} {pair.key} @ {how}",
        "close": "",
    }


def order_object(order: Order, pair: Pair, *, with_trades: bool) -> dict[str, Any]:
    """Return an order as OpenOrders, ClosedOrders and QueryOrders show it."""
    in_quote = Flag.IN_QUOTE in order.flags
    told: dict[str, Any] = {
        "refid": None,
        "userref": order.userref or None,
        "cl_ord_id": order.cl_ord_id or None,
        "status": order_status(order),
        "opentm": seconds(order.opened_ms),
        "starttm": 0,
        "expiretm": order.expires_s,
        "descr": describe_order(
            pair,
            order.flags,
            order.traits,
            volume=order.volume,
            quote=order.quote,
            limit=order.limit,
            trigger=order.trigger,
        ),
        "vol": tao_text(order.quote) if in_quote else alpha_text(order.volume),
        "vol_exec": alpha_text(order.executed),
        "cost": tao_text(order.cost),
        "fee": tao_text(order.fee),
        "price": price_text(trade_price(order.cost, order.executed)),
        "stopprice": price_text(order.trigger),
        "limitprice": price_text(order.limit if order.is_triggered and order.is_limit else 0),
        "misc": _misc(order),
        "oflags": order_flags(order.flags),
    }
    if order.is_stop:
        told["trigger"] = trigger_word(order)
    if not order.is_open:
        told["closetm"] = seconds(order.closed_ms)
        told["reason"] = closing_reason(order.reason or 0)
    if with_trades:
        told["trades"] = [trade_id(fill.number) for fill in order.fills]
    return told


def trigger_word(order: Order) -> str:
    """Return which price triggers an order."""
    return "index" if Trait.ON_INDEX in order.traits else "last"


def _misc(order: Order) -> str:
    if not order.is_triggered:
        return ""
    return "stopped" if Trait.STOP_LOSS in order.traits else "touched"


def order_status(order: Order) -> str:
    """Return open, closed (filled in full), expired or canceled (closed with a rest)."""
    if order.is_open:
        return "open"
    if order.reason == Refusal.EXPIRED:
        return "expired"
    return "closed" if order.reason == 0 else "canceled"


def order_flags(flags: Flag) -> str:
    """Return ``oflags``: fees are always in quote."""
    words = ["fciq"]
    if Flag.POST_ONLY in flags:
        words.append("post")
    if Flag.IN_QUOTE in flags:
        words.append("viqc")
    return ",".join(words)


def fill_object(fill: Fill, pair: Pair) -> dict[str, Any]:
    """Return a fill as TradesHistory shows it."""
    return {
        "ordertxid": order_id(fill.order_id),
        "postxid": "",
        "pair": pair.key,
        "time": seconds(fill.ts_ms),
        "type": "sell" if fill.is_sell else "buy",
        "ordertype": fill.ordertype,
        "price": price_text(trade_price(fill.cost, fill.volume)),
        "cost": tao_text(fill.cost),
        "fee": tao_text(fill.fee),
        "vol": alpha_text(fill.volume),
        "margin": "0",
        "leverage": "0",
        "misc": "",
        "trade_id": fill.trade_id,
        "maker": fill.is_maker,
    }
