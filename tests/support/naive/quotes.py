"""Firm quotes: exact amounts for a moment, held for and counted in the window (``execution`` section 6)."""

from amm.errors import SwapRefused
from amm.exchange_reference import buy_in, buy_out, cost_within, sell_in, trading_fee
from amm.reference import Pool, Side, fee_on_total
from ledger.engine.layout import MAX_AMOUNT, EventKind, Flag, Mode, OrderState
from ledger.engine.listing import Verb
from ledger.engine.parameters import QUOTE_LIFE_MIN_MS, QUOTES_PER_ACCOUNT
from ledger.errors import Refusal
from tests.support.naive import sweep, takers, tiers, trades
from tests.support.naive.curve import Plan, Unfillable, has_no_output, sale_is_dust
from tests.support.naive.exchange import Exchange, Market, Order, Record, Refused
from tests.support.naive.orders import answer_with
from tests.support.naive.setup import mirror_fields
from tests.support.naive.walk import on_curve


def plan_quote(exchange: Exchange, market: Market, order: Order) -> Plan:
    """Return the exact amounts of a quote on the curve alone, or refuse where they cannot be promised."""
    closed = takers.why_closed(exchange, market)
    if closed:
        raise Refused(Refusal(closed))
    assert market.mirror is not None, "instant mode is open"
    if order.open == 0:
        raise Refused(Refusal.QUOTE_TOO_SMALL)
    try:
        step = on_curve(market.mirror, order, order.open, order.limit) if order.limit else whole(market.mirror, order)
    except Unfillable as unfillable:
        reason = unfillable.reason or Refusal.LIMIT_REACHED
        raise Refused(Refusal.QUOTE_TOO_SMALL if reason == Refusal.DUST else Refusal(reason)) from None
    if not step.whole:
        raise Refused(Refusal.LIMIT_REACHED)
    fee = trading_fee(step.tao, order.taker_ppm)
    reason = takers.why_not_now(
        exchange, market, sell=order.sell, alpha=step.alpha, tao=step.tao, window=step.window, fee=fee
    )
    if reason:
        raise Refused(Refusal(reason))
    return step


def whole(pool: Pool, order: Order) -> Plan:
    """Plan a whole amount on the curve at any price."""
    try:
        if order.sell:
            sold = sell_in(pool, order.open)
            return Plan(order.open, sold.tao_out, sold.pool_fee_alpha, sold.tao_out, sold.pool, whole=True)
        bought = buy_in(pool, order.open) if order.quote else buy_out(pool, order.open)
    except SwapRefused:
        dust = sale_is_dust(pool, order.open) if order.sell else buy_is_dust(pool, order)
        raise Unfillable(Refusal.DUST if dust else Refusal.POOL_REFUSES) from None
    window = bought.pool.tao - pool.tao
    return Plan(bought.alpha_out, bought.cost, bought.pool_fee, window, bought.pool, whole=True)


def buy_is_dust(pool: Pool, order: Order) -> bool:
    """Tell whether a buy with TAO fails for no other reason than that it would bring nothing."""
    return order.quote and has_no_output(pool, Side.BUY, order.open - fee_on_total(order.open, pool.fee_rate))


def issue(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Promise exact amounts for a moment."""
    account, flags = command["account"], command["flags"]
    exchange.require_account(account)
    market = exchange.market(command["netuid"])
    if not takers.stage_allows(market.stage, Verb.PLACE_MARKET | (Verb.SELL if flags & Flag.SELL else Verb.BUY)):
        raise Refused(Refusal.MARKET_STAGE, market.stage)
    quote = flags & Flag.IN_QUOTE
    if quote and flags & Flag.SELL:
        raise Refused(Refusal.ORDER_TYPE_UNSUPPORTED, flags)
    amount, unused = (command["tao"], command["amount"]) if quote else (command["amount"], command["tao"])
    if not 1 <= amount <= MAX_AMOUNT:
        raise Refused(Refusal.AMOUNT_OUT_OF_RANGE, amount, MAX_AMOUNT)
    if unused:
        raise Refused(Refusal.AMOUNT_OUT_OF_RANGE, unused, 0)
    if not 0 <= command["limit"] <= MAX_AMOUNT:
        raise Refused(Refusal.LIMIT_OUT_OF_RANGE, command["limit"], MAX_AMOUNT)
    alive = sum(1 for row in exchange.orders.values() if row.account == account and row.state == OrderState.QUOTE)
    if alive >= QUOTES_PER_ACCOUNT:
        raise Refused(Refusal.TOO_MANY, alive, QUOTES_PER_ACCOUNT)
    taker_ppm, _ = tiers.fees(exchange, market, account)
    order = Order(0, account, market.netuid, flags=flags, limit=command["limit"], amount=amount, taker_ppm=taker_ppm)
    if quote:
        order.amount = cost_within(amount, taker_ppm)
    step = plan_quote(exchange, market, order)
    return promise(exchange, market, order, step, command)


def promise(exchange: Exchange, market: Market, order: Order, step: Plan, command: Record) -> int:
    """Issue a planned quote: hold the funds, use the window, move the mirror."""
    fee = trading_fee(step.tao, order.taker_ppm)
    hold = step.alpha if order.sell else step.tao + fee
    owned = exchange.books.free(order.account, order.asset)
    if hold > owned:
        raise Refused(Refusal.INSUFFICIENT_FUNDS, hold, owned)
    longest = max(exchange.interval, QUOTE_LIFE_MIN_MS)
    life = min(max(command["aux"], QUOTE_LIFE_MIN_MS), longest)
    market.step_to(step.after)
    event = exchange.emit(
        EventKind.QUOTE_ISSUED,
        account=order.account,
        netuid=market.netuid,
        flags=int(order.flags & Flag.SELL),
        amount=step.alpha,
        tao=step.tao,
        fee=fee,
        limit=step.window,
        aux=exchange.now + life,
        **mirror_fields(market),
    )
    event["order_id"] = event["seq"]
    exchange.orders[event["seq"]] = order
    event["hold"] = trades.rehold(exchange, order, hold)
    order.order_id = order.priority = event["seq"]
    order.state, order.expires = OrderState.QUOTE, exchange.now + life
    order.flags &= Flag.SELL
    order.amount = order.alpha = step.alpha
    order.tao, order.fee, order.limit = step.tao, fee, step.window
    order.taker_ppm = 0
    market.firm_pending += -step.alpha if order.sell else step.alpha
    market.firm_used += step.window
    market.used += step.window
    return exchange.answer(command, event)


def live_quote(exchange: Exchange, command: Record) -> Order:
    """Return the customer's quote that a command names, or refuse."""
    exchange.require_account(command["account"])
    order = exchange.orders.get(command["order_id"])
    if order is None or order.account != command["account"] or order.state != OrderState.QUOTE:
        raise Refused(Refusal.UNKNOWN_QUOTE, command["order_id"])
    return order


def take(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Fill a quote with its exact amounts, whatever the head has become."""
    order = live_quote(exchange, command)
    market = exchange.markets[order.netuid]
    trades.forget_quote(exchange, market, order)
    released, order.held = order.held, 0
    event = exchange.emit(
        EventKind.QUOTE_TAKEN,
        **trades.name(order),
        code=int(Mode.INSTANT),
        amount=order.amount,
        tao=order.tao,
        fee=order.fee,
        hold=released,
    )
    trades.post_fill(
        exchange, order, market, alpha=order.amount, tao=order.tao, fee=order.fee, released=released, rounding=0
    )
    if order.sell:
        trades.note_sold(exchange, market, order.account, order.amount)
    else:
        trades.note_bought(exchange, market, order.account, order.amount, market.open_cut)
        market.bought_cut = market.open_cut
    trades.note_trade(exchange, market, order.amount, order.tao)
    trades.note_volume(exchange, order.account, order.tao)
    event |= mirror_fields(market)
    return answer_with(exchange, command, event, order.order_id)


def end(exchange: Exchange, order: Order, reason: int) -> Record:
    """End a quote: the hold goes back, the mirror is built anew, and resting orders may meet it."""
    market = exchange.markets[order.netuid]
    event = exchange.emit(EventKind.QUOTE_ENDED, **trades.name(order), code=int(reason), hold=order.held)
    trades.rehold(exchange, order, 0)
    trades.forget_quote(exchange, market, order)
    exchange.rebuild(market)
    event |= mirror_fields(market)
    sweep.resting(exchange, market)
    return event


def release(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Give a quote back."""
    order = live_quote(exchange, command)
    event = end(exchange, order, Refusal.QUOTE_RELEASED)
    return answer_with(exchange, command, event, order.order_id)
