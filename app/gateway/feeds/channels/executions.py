"""The executions channel: what becomes of an account's orders, step by step (``kraken_api`` section 13)."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from app.gateway.folds.orders import Fill, Order, Step
from app.gateway.folds.trades import trade_price
from app.gateway.kraken.envelope import alpha_text, number, price_text, rfc3339, tao_text
from app.gateway.kraken.names import QUOTE, Names, Pair
from app.gateway.kraken.refusals import closing_reason
from app.gateway.kraken.render import order_id, trade_id
from ledger.engine.layout import EventKind, Flag

SNAPSHOT_TRADES: Final = 50
PENDING: Final = "pending_new"
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
            yield [event for step in run for event in _order_events(step, names.pair_of(step.order.netuid))]


def _order_events(step: Step, pair: Pair) -> list[dict[str, Any]]:
    order = step.order
    if step.kind == EventKind.ORDER_ACCEPTED:
        return [
            _order_event(order, pair, exec_type=word, status=word, executed=0, cost=0, ts_ms=order.opened_ms)
            for word in (PENDING, "new")
        ]
    word = "filled" if order.reason == 0 else "canceled"
    told = _order_event(
        order, pair, exec_type=word, status=word, executed=step.executed, cost=step.cost, ts_ms=order.closed_ms
    )
    if order.reason:
        told["reason"] = told["cancel_reason"] = closing_reason(order.reason)
    return [told]


def open_orders_data(orders: Iterable[Order], names: Names) -> list[dict[str, Any]]:
    """Return the snapshot of open orders."""
    return [
        _order_event(
            order,
            names.pair_of(order.netuid),
            exec_type="new",
            status="partially_filled" if order.executed else "new",
            executed=order.executed,
            cost=order.cost,
            ts_ms=order.opened_ms,
        )
        for order in orders
    ]


def _order_event(
    order: Order, pair: Pair, *, exec_type: str, status: str, executed: int, cost: int, ts_ms: int
) -> dict[str, Any]:
    told = _about(order, pair) | {
        "exec_type": exec_type,
        "order_status": status,
        "time_in_force": "IOC" if order.flags & Flag.IOC or not order.is_limit else "GTC",
        "post_only": bool(order.flags & Flag.POST_ONLY),
        "fee_ccy_pref": "fciq",
        "timestamp": rfc3339(ts_ms),
    }
    return told | _sums(executed, cost)


def trade_event(fill: Fill, pair: Pair, order: Order | None, *, after: tuple[int, int] | None) -> dict[str, Any]:
    """Return the event of one fill; ``after``: what the order executed (alpha rao) and cost (TAO rao) with it."""
    told: dict[str, Any] = {
        "order_id": order_id(fill.order_id),
        "symbol": pair.wsname,
        "side": "sell" if fill.is_sell else "buy",
        "order_type": "limit" if fill.is_limit else "market",
    }
    is_whole = order is not None and order.reason == 0 and (after is None or after[0] == order.executed)
    told |= (_about(order, pair) if order is not None else {}) | {
        "exec_type": "trade",
        "exec_id": trade_id(fill.seq),
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


def _about(order: Order, pair: Pair) -> dict[str, Any]:
    """Return what stays the same about an order, its symbol in any case."""
    told: dict[str, Any] = {
        "order_id": order_id(order.seq),
        "symbol": pair.wsname,
        "side": "sell" if order.is_sell else "buy",
        "order_type": "limit" if order.is_limit else "market",
        "order_userref": order.userref,
    }
    if order.cl_ord_id:
        told["cl_ord_id"] = order.cl_ord_id
    if Flag.IN_QUOTE in order.flags:
        told["cash_order_qty"] = number(tao_text(order.quote))
    else:
        told["order_qty"] = number(alpha_text(order.volume))
    if order.is_limit:
        told["limit_price"] = number(price_text(order.limit))
    return told


def _sums(executed: int, cost: int) -> dict[str, Any]:
    return {
        "cum_qty": number(alpha_text(executed)),
        "cum_cost": number(tao_text(cost)),
        "avg_price": number(price_text(trade_price(cost, executed))),
        "fee_usd_equiv": _ZERO,
    }
