"""How an order that is decided now is filled, queued, rested or closed (``execution`` sections 4 and 5)."""

from amm.exchange_reference import PPM, trading_fee
from amm.reference import limit_bits_of, price_bits, spot_rao
from ledger.engine.layout import TAO_ASSET, EventKind, Flag, Gate, OrderState, Stage, Trait
from ledger.engine.listing import ALLOWED, Verb
from ledger.engine.parameters import POSITION_CAPS, STALE_AFTER_MS
from ledger.errors import Refusal
from tests.support.naive import trades
from tests.support.naive.exchange import INT64_MAX, Exchange, Market, Order
from tests.support.naive.markets import is_tradable
from tests.support.naive.walk import Scope, Walk, execute, plan

POOL_GATES = Gate.WEIGHT | Gate.CLOSED | Gate.RESERVE | Gate.MIRROR


def stage_allows(stage: int, verbs: int) -> bool:
    """Tell whether a stage allows all of these verbs."""
    return ALLOWED[stage] & verbs == verbs


def may_trade(market: Market, *, sell: bool) -> bool:
    """Tell whether a market's stage lets what waits on this side trade."""
    return stage_allows(market.stage, Verb.PLACE_LIMIT | (Verb.SELL if sell else Verb.BUY))


def is_priced(market: Market) -> bool:
    """Tell whether the market has a mirror to price by."""
    return market.mirror is not None and market.mirror.tao > 0 and market.mirror.alpha > 0


def market_limit(market: Market, *, sell: bool, slippage_ppm: int) -> int:
    """Return the limit of a market order: the mirror's price less or more the slippage, rounded for the customer."""
    if market.mirror is None:
        return 0
    price = min(spot_rao(market.mirror), INT64_MAX)
    if sell:
        return -(-price * (PPM - slippage_ppm) // PPM)
    return min(price * (PPM + slippage_ppm) // PPM, INT64_MAX)


def why_closed(exchange: Exchange, market: Market) -> int:
    """Return why instant mode of a market is closed now, or 0 (``execution`` section 5)."""
    too_old = exchange.now - exchange.imported > max(STALE_AFTER_MS, exchange.interval * 5 // 2)
    stage = market.stage < Stage.POST_ONLY or not stage_allows(market.stage, Verb.SELL)
    for closed, reason in (
        (exchange.instant_halted or market.instant_halted, Refusal.INSTANT_HALTED),
        (market.gates & Gate.SPEC, Refusal.SPEC_UNKNOWN),
        (exchange.head == 0 or too_old, Refusal.HEAD_STALE),
        (market.gates & Gate.JUMP, Refusal.JUMP_GATE),
        (market.gates & POOL_GATES or not is_priced(market), Refusal.POOL_CLOSED),
        (market.gates & Gate.FUNDING, Refusal.NOT_FUNDED),
        (stage, Refusal.MARKET_STAGE),
    ):
        if closed:
            return int(reason)
    return 0


def why_not_now(exchange: Exchange, market: Market, *, sell: bool, alpha: int, tao: int, window: int, fee: int) -> int:
    """Return why a trade with the house cannot be made at once: gates, window, position limit, backing."""
    books, asset = exchange.books, market.netuid + 1
    closed = why_closed(exchange, market)
    if closed:
        return closed
    if market.used + window > market.cap:
        return int(Refusal.WINDOW_FULL)
    need = exchange.need(market) + market.firm_pending  # what quotes promise is spent already
    after = need - alpha if sell else need + alpha
    if market.value(abs(need)) > POSITION_CAPS * market.cap and abs(after) >= abs(need):
        return int(Refusal.POSITION_LIMIT)
    if market.backed:
        if sell and books.house(TAO_ASSET) < tao - fee + exchange.firm_tao:
            return int(Refusal.NOT_BACKED)
        owned = min(books.position(market.netuid), books.house(asset))
        if not sell and owned < alpha + exchange.firm_alpha(market):
            return int(Refusal.NOT_BACKED)
    return 0


def why_not_walk(exchange: Exchange, market: Market, order: Order, walk: Walk) -> int:
    """Return why a planned walk cannot be made at once; 0 where none of it is on the curve."""
    steps = [step for step in walk.steps if step.plan]
    if not steps:
        return 0
    tao = sum(step.tao for step in steps)
    alpha = sum(step.alpha for step in steps)
    fee = trading_fee(order.tao + tao, order.taker_ppm) - trading_fee(order.tao, order.taker_ppm)
    return why_not_now(exchange, market, sell=order.sell, alpha=alpha, tao=tao, window=walk.window, fee=fee)


def crosses_head(market: Market, order: Order) -> bool:
    """Tell whether an order's limit crosses the price of the head pool, so that a cut would take it."""
    if market.pool is None:
        return False
    limit, price = limit_bits_of(order.limit), price_bits(market.pool)
    return limit <= price if order.sell else limit >= price


def may_queue(exchange: Exchange, market: Market, order: Order) -> bool:
    """Tell whether an order can wait for a cut."""
    return crosses_head(market, order) and is_tradable(exchange, market)


def settle_down(exchange: Exchange, market: Market, order: Order, reason: int) -> None:
    """Rest what a walk up to the limit left, or close it."""
    if order.open == 0:
        trades.close(exchange, order, 0 if order.amount else Refusal.DUST)
    elif order.passing or reason in {Refusal.SELF_TRADE, Refusal.DUST}:
        trades.close(exchange, order, reason)
    else:
        trades.rest(exchange, order, hold_now(exchange, order), kept=False)


def cross_and_rest(exchange: Exchange, market: Market, order: Order) -> None:
    """Let an order that waits for no cut any more cross the book up to its limit, and rest what is left of it."""
    walk = plan(exchange, market, order, Scope.BOOK)
    execute(exchange, market, order, walk)
    settle_down(exchange, market, order, walk.reason)


def hold_now(exchange: Exchange, order: Order) -> int:
    """Return what is held for an order from now on: never more than before, or than its owner has."""
    wanted = trades.hold_of(order, order.limit)
    if order.held:
        return min(wanted, order.held)
    return min(wanted, exchange.books.free(order.account, order.asset))


def decide(exchange: Exchange, market: Market, order: Order, walk: Walk | None = None) -> None:
    """Decide an order that works: all of its walk at once, or what is better than the mirror, and the queue."""
    walk = walk or plan(exchange, market, order)
    reason = why_not_walk(exchange, market, order, walk)
    if order.flags & Flag.FOK and (reason or not walk.fills(order)) and order.amount:
        trades.close(exchange, order, Refusal.FOK_NOT_FILLABLE)
        return
    if not reason:
        execute(exchange, market, order, walk)
        settle_down(exchange, market, order, walk.reason)
        return
    queues = may_queue(exchange, market, order)
    walk = plan(exchange, market, order, Scope.BETTER if queues or order.passing else Scope.BOOK)
    execute(exchange, market, order, walk)
    if order.open == 0 or walk.reason in {Refusal.SELF_TRADE, Refusal.DUST}:
        settle_down(exchange, market, order, walk.reason)
    elif queues:
        trades.queue(exchange, order, hold_now(exchange, order), reason)
    else:
        settle_down(exchange, market, order, reason)


def arm(exchange: Exchange, order: Order) -> None:
    """Let an order wait for its trigger price."""
    hold = armed_hold(order)
    event = exchange.emit(EventKind.STOP_ARMED, **trades.name(order), pool_tao=order.trigger)
    event["hold"] = trades.rehold(exchange, order, hold)
    order.state, order.priority = OrderState.ARMED, order.order_id


def armed_hold(order: Order) -> int:
    """Return what is held for an order that waits for its trigger price."""
    limit = order.limit if order.limited else order.trigger * (PPM + order.slippage_ppm) // PPM
    return trades.hold_of(order, limit)


def is_stop(order: Order) -> bool:
    """Tell whether an order waits for a price before it is decided."""
    return bool(order.traits & (Trait.STOP_LOSS | Trait.TAKE_PROFIT))
