"""The executions channel: what becomes of an account's orders, step by step (``kraken_api`` section 13)."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from app.gateway.folds.fills import Fill
from app.gateway.folds.orders import Order, Step, step_of
from app.gateway.folds.trades import trade_price
from app.gateway.kraken.envelope import alpha_text, number, price_text, rfc3339, tao_text
from app.gateway.kraken.names import QUOTE, Names, Pair
from app.gateway.kraken.refusals import closing_reason
from app.gateway.kraken.render import order_id, trade_id, trigger_word
from ledger.engine.layout import EventKind, Flag
from ledger.errors import Refusal

SNAPSHOT_TRADES: Final = 50
PENDING: Final = "pending_new"
_CLOSED: Final = {0: "filled", int(Refusal.EXPIRED): "expired"}
_ZERO: Final = number("0")


def frames_of(steps: Iterable[Step], names: Names) -> Iterator[list[dict[str, Any]]]:
    """Yield the data of one frame after another, in the order things happened.

    Trades and other steps never share a frame: a client takes a whole frame for what its first element is.
    """
    for is_trade, run in groupby(steps, key=lambda step: step.kind == EventKind.FILLED):
        if is_trade:
            yield [
                trade_event(step.fill, names.pair_of(step.order.netuid), step.order, after=(step.executed, step.cost))
                for step in run
                if step.fill is not None
            ]
        else:
            told = [event for step in run for event in _order_events(step, names.pair_of(step.order.netuid))]
            if told:
                yield told


def _order_events(step: Step, pair: Pair) -> list[dict[str, Any]]:
    match step.kind:
        case EventKind.ORDER_ACCEPTED:
            return [_order_event(step, pair, exec_type=word, status=word) for word in (PENDING, "new")]
        case EventKind.ORDER_CLOSED:
            word = _CLOSED.get(step.code, "canceled")
            told = _order_event(step, pair, exec_type=word, status=word)
            if step.code:
                told["reason"] = told["cancel_reason"] = closing_reason(step.code)
            return [told]
        case EventKind.ORDER_AMENDED:
            told = _order_event(step, pair, exec_type="amended", status=_live_status(step))
            return [told | {"amended": True, "reason": "User requested"}]
        case EventKind.ORDER_QUEUED:
            told = _order_event(step, pair, exec_type="restated", status=_live_status(step))
            why = f": {closing_reason(step.code)}" if step.code else ""
            return [told | {"reason": f"Waits for the next block{why}"}]
        case EventKind.STOP_TRIGGERED:
            return [_order_event(step, pair, exec_type="status", status="triggered")]
        case EventKind.CANCEL_NOTED:
            told = _order_event(step, pair, exec_type="status", status=_live_status(step))
            return [told | {"reason": "Cancel pending"}]
        case _:  # resting, armed or being settled: to clients the order is new all the while
            return []


def _live_status(step: Step) -> str:
    if step.executed:
        return "partially_filled"
    return "triggered" if step.order.is_triggered else "new"


def open_orders_data(orders: Iterable[Order], names: Names) -> list[dict[str, Any]]:
    """Return the snapshot of open orders."""
    told = []
    for order in orders:
        step = step_of(EventKind.ORDER_ACCEPTED, order, order.opened_ms)
        told.append(_order_event(step, names.pair_of(order.netuid), exec_type="new", status=_live_status(step)))
    return told


def _order_event(step: Step, pair: Pair, *, exec_type: str, status: str) -> dict[str, Any]:
    order = step.order
    told = _about(order, pair, step) | {
        "exec_type": exec_type,
        "order_status": status,
        "time_in_force": _time_in_force(order),
        "post_only": Flag.POST_ONLY in order.flags,
        "fee_ccy_pref": "fciq",
        "timestamp": rfc3339(step.ts_ms),
    }
    if order.expires_s:
        told["expire_time"] = rfc3339(order.expires_s * 1_000)
    return told | _sums(step.executed, step.cost)


def _time_in_force(order: Order) -> str:
    if Flag.FOK in order.flags:
        return "FOK"
    if Flag.IOC in order.flags or not order.is_limit:
        return "IOC"
    return "GTD" if order.expires_s else "GTC"


def trade_event(fill: Fill, pair: Pair, order: Order | None, *, after: tuple[int, int] | None) -> dict[str, Any]:
    """Return the event of one fill; ``after``: what the order executed (alpha rao) and cost (TAO rao) with it."""
    told: dict[str, Any] = {
        "order_id": order_id(fill.order_id),
        "symbol": pair.wsname,
        "side": "sell" if fill.is_sell else "buy",
        "order_type": fill.ordertype,
    }
    is_whole = order is not None and order.reason == 0 and (after is None or after[0] == order.executed)
    told |= (_about(order, pair) if order is not None else {}) | {
        "exec_type": "trade",
        "exec_id": trade_id(fill.number),
        "trade_id": fill.trade_id,
        "order_status": "filled" if is_whole else "partially_filled",
        "last_qty": number(alpha_text(fill.volume)),
        "last_price": number(price_text(trade_price(fill.cost, fill.volume))),
        "cost": number(tao_text(fill.cost)),
        "liquidity_ind": "m" if fill.is_maker else "t",
        "fees": [{"asset": QUOTE, "qty": number(tao_text(fill.fee))}],
        "fee_usd_equiv": _ZERO,
        "timestamp": rfc3339(fill.ts_ms),
    }
    return told | (_sums(*after) if after is not None else {})


def _about(order: Order, pair: Pair, step: Step | None = None) -> dict[str, Any]:
    """Return what an order is, its symbol in any case; ``step``: with the figures it had then."""
    volume, limit, trigger = (
        (step.volume, step.limit, step.trigger) if step is not None else (order.volume, order.limit, order.trigger)
    )
    told: dict[str, Any] = {
        "order_id": order_id(order.seq),
        "symbol": pair.wsname,
        "side": "sell" if order.is_sell else "buy",
        "order_type": order.ordertype,
        "order_userref": order.userref,
    }
    if order.cl_ord_id:
        told["cl_ord_id"] = order.cl_ord_id
    if Flag.IN_QUOTE in order.flags:
        told["cash_order_qty"] = number(tao_text(order.quote))
    else:
        told["order_qty"] = number(alpha_text(volume))
    if order.is_limit:
        told["limit_price"] = number(price_text(limit))
    if order.is_stop:
        told["stop_price"] = number(price_text(trigger))
        told["triggers"] = {
            "price": number(price_text(trigger)),
            "price_type": "static",
            "reference": trigger_word(order),
            "status": "triggered" if order.is_triggered else "untriggered",
        }
    return told


def _sums(executed: int, cost: int) -> dict[str, Any]:
    return {
        "cum_qty": number(alpha_text(executed)),
        "cum_cost": number(tao_text(cost)),
        "avg_price": number(price_text(trade_price(cost, executed))),
        "fee_usd_equiv": _ZERO,
    }
