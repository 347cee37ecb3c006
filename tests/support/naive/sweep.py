"""Resting and queued orders when the head or the mirror has moved (``execution`` sections 3 and 4)."""

from amm.exchange_reference import trading_fee
from amm.reference import limit_bits_of, price_bits
from ledger.engine.layout import EventKind, Mode, OrderState
from ledger.errors import Refusal
from tests.support.naive import takers, trades
from tests.support.naive.curve import Plan, Unfillable, bound_of
from tests.support.naive.exchange import Exchange, Market, Order
from tests.support.naive.markets import is_tradable
from tests.support.naive.setup import mirror_fields
from tests.support.naive.walk import on_curve


def leave_queue(exchange: Exchange, market: Market) -> None:
    """Take those out of the queue whose limit the new head's price has left behind; a side that may not trade waits."""
    if not is_tradable(exchange, market):
        return
    for sell in (False, True):
        if not takers.may_trade(market, sell=sell):
            continue
        for order in exchange.shelf(market, OrderState.QUEUED, sell=sell):
            if takers.crosses_head(market, order):
                continue
            if order.passing:
                trades.close(exchange, order, order.beyond)
            else:
                takers.cross_and_rest(exchange, market, order)


def move_mirror(exchange: Exchange, market: Market) -> None:
    """Build the mirror anew, and tell of it."""
    exchange.rebuild(market)
    exchange.emit(
        EventKind.MIRROR_MOVED,
        netuid=market.netuid,
        amount=market.block_pending,
        aux=market.firm_pending,
        **mirror_fields(market),
    )


def is_reached(market: Market, order: Order) -> bool:
    """Tell whether the curve's marginal price with its fee is within an order's limit."""
    assert market.mirror is not None, "the market is priced"
    bound = limit_bits_of(bound_of(order.limit, market.mirror.fee_rate, sell=order.sell))
    price = price_bits(market.mirror)
    return price > bound if order.sell else price < bound


def reach(market: Market, order: Order) -> Plan:
    """Return what a resting order does on the curve alone, up to its limit."""
    assert market.mirror is not None, "the market is priced"
    return on_curve(market.mirror, order, order.open, order.limit)


def resting(exchange: Exchange, market: Market) -> None:
    """Let the curve fill the resting orders that the mirror has reached; what does not fit waits for the cut."""
    if not takers.is_priced(market):
        return
    for sell in (False, True):
        if not takers.may_trade(market, sell=sell):
            continue
        for order in exchange.shelf(market, OrderState.RESTING, sell=sell):
            if not is_reached(market, order):
                break
            try:
                step = reach(market, order)
            except Unfillable as unfillable:
                if unfillable.reason == Refusal.DUST:
                    trades.close(exchange, order, Refusal.DUST)
                continue
            fee = trading_fee(order.tao + step.tao, order.maker_ppm) - trading_fee(order.tao, order.maker_ppm)
            reason = takers.why_not_now(
                exchange, market, sell=sell, alpha=step.alpha, tao=step.tao, window=step.window, fee=fee
            )
            if not reason:
                trades.fill(
                    exchange,
                    order,
                    market,
                    mode=Mode.INSTANT,
                    alpha=step.alpha,
                    tao=step.tao,
                    window=step.window,
                    pool_fee=step.pool_fee,
                    after=step.after,
                    maker=True,
                )
                if order.open == 0:
                    trades.close(exchange, order, 0)
            elif takers.may_queue(exchange, market, order):
                trades.queue(exchange, order, order.held, reason)
