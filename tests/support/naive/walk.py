"""The walk of a taker over book and curve: first a plan that changes nothing, then its execution.

Source: ``execution`` section 4. The taker takes the better marginal price at each step; a resting order comes first
where both are as good.
"""

from dataclasses import dataclass, field
from enum import Enum

from amm.exchange_reference import net_to_price
from amm.reference import Pool, Side, fee_on_total, limit_bits_of
from ledger.engine.layout import Mode, OrderState, Trait
from ledger.errors import Refusal
from tests.support.naive import trades
from tests.support.naive.curve import Plan, Unfillable, bound_of, is_better_than_curve, plan_buy, plan_sell
from tests.support.naive.exchange import RAO, Exchange, Market, Order


class Scope(Enum):
    """What a walk takes."""

    ALL = "book and curve"
    BETTER = "resting orders better than the mirror's present price"
    BOOK = "the book up to the limit"


@dataclass
class Step:
    """One step: on the curve, with a resting order, or over a resting order that is closed for a reason."""

    alpha: int = 0
    tao: int = 0
    plan: Plan | None = None
    maker: Order | None = None
    reason: int = 0


@dataclass
class Walk:
    """All steps of a taker; ``reason`` is why it ends before it is filled, 0 where it is filled whole."""

    steps: list[Step] = field(default_factory=list)
    reason: int = 0

    @property
    def window(self) -> int:
        """Return the TAO that the curve steps move."""
        return sum(step.plan.window for step in self.steps if step.plan)

    @property
    def tao(self) -> int:
        """Return what all steps cost or bring."""
        return sum(step.tao for step in self.steps)

    @property
    def alpha(self) -> int:
        """Return the alpha of all steps."""
        return sum(step.alpha for step in self.steps)

    @property
    def trades(self) -> bool:
        """Tell whether anything would be filled."""
        return any(step.alpha for step in self.steps)

    def fills(self, order: Order) -> bool:
        """Tell whether it fills an order: all of it, or of rao to spend all that buy anything."""
        return not self.reason or (self.reason == Refusal.DUST and order.quote and self.trades)


def offered(maker: Order) -> int:
    """Return the alpha that a resting order trades at its limit."""
    return maker.open * RAO // maker.limit if maker.quote else maker.open


def on_curve(pool: Pool, order: Order, left: int, limit: int) -> Plan:
    """Plan what is left of an order on the curve alone, up to a limit."""
    if order.sell:
        return plan_sell(pool, offered=left, limit=limit, beyond=0)
    if order.quote:
        return plan_buy(pool, cost=left, wanted=0, limit=limit, beyond=0)
    return plan_buy(pool, cost=0, wanted=left, limit=limit, beyond=0)


def crossing(exchange: Exchange, market: Market, order: Order, limit: int) -> list[Order]:
    """Return the resting orders that a taker with this limit meets, in their order."""
    makers = exchange.shelf(market, OrderState.RESTING, sell=not order.sell)
    return [maker for maker in makers if (maker.limit >= limit if order.sell else maker.limit <= limit)]


def plan(exchange: Exchange, market: Market, order: Order, scope: Scope = Scope.ALL) -> Walk:
    """Plan the whole walk of what is open of an order, without regard to the window.

    Rao that buy nothing at the order's limit are dust, whatever the walk ended at.
    """
    walk = steps_of(exchange, market, order, scope)
    held_back = walk.reason not in {0, Refusal.SELF_TRADE}
    if held_back and order.quote and order.limit and (order.open - walk.tao) * RAO // order.limit == 0:
        walk.reason = int(Refusal.DUST)
    return walk


def steps_of(exchange: Exchange, market: Market, order: Order, scope: Scope) -> Walk:
    """Plan the steps of a walk, and tell what ended it."""
    walk, left = Walk(), order.open
    budget = order.held if order.held and not order.sell else None  # a buy that is held pays no more than that
    mirror = market.mirror if market.mirror and min(market.mirror.tao, market.mirror.alpha) > 0 else None
    pool = mirror if scope is Scope.ALL else None
    if left == 0:
        walk.reason = int(Refusal.DUST)
        return walk
    for maker in crossing(exchange, market, order, order.limit):
        if scope is Scope.BETTER and mirror and not is_better_than_curve(mirror, maker.limit, sell=order.sell):
            break
        if pool is not None and not is_better_than_curve(pool, maker.limit, sell=order.sell):
            step = towards(pool, order, left, maker.limit)
            if step is None and is_dust(pool, order, left, maker.limit):
                walk.reason = int(Refusal.DUST)
                return walk
            if step is not None:
                walk.steps.append(Step(step.alpha, step.tao, plan=step))
                pool, left = step.after, left - (step.tao if order.quote else step.alpha)
                if step.whole or left == 0:
                    return walk
        if maker.account == order.account:
            if order.traits & (Trait.STP_OLDEST | Trait.STP_BOTH):
                walk.steps.append(Step(maker=maker, reason=int(Refusal.SELF_TRADE)))
            if not order.traits & Trait.STP_OLDEST:
                walk.reason = int(Refusal.SELF_TRADE)
                return walk
            continue
        wanted = left * RAO // maker.limit if order.quote else left
        alpha = min(wanted, offered(maker))
        spent = budget is not None and cost_of(order, alpha, maker.limit) > budget - walk.tao
        if spent and budget is not None:
            alpha = max(budget - walk.tao, 0) * RAO // maker.limit
        tao = cost_of(order, alpha, maker.limit)
        if spent:
            walk.steps += [Step(alpha, tao, maker=maker)] if alpha else []
            walk.reason = int(Refusal.DUST)
            return walk
        if alpha == 0 or tao == 0:
            if offered(maker) < wanted:
                walk.steps.append(Step(maker=maker, reason=int(Refusal.DUST)))
                continue
            walk.reason = int(Refusal.DUST)
            return walk
        walk.steps.append(Step(alpha, tao, maker=maker))
        left -= tao if order.quote else alpha
        if left == 0:
            return walk
        if alpha < offered(maker):  # rao that buy nothing of what is still offered
            walk.reason = int(Refusal.DUST)
            return walk
    walk.reason = finish(walk, pool, order, left)
    return walk


def cost_of(order: Order, alpha: int, price: int) -> int:
    """Return what a taker pays or gets at a resting order's price: rounded for the maker."""
    return alpha * price // RAO if order.sell else trades.cost_up(alpha, price)


def towards(pool: Pool, order: Order, left: int, price: int) -> Plan | None:
    """Return the curve step that ends where a resting order is as good; None where it comes to nothing."""
    try:
        return on_curve(pool, order, left, price)
    except Unfillable:
        return None


def is_dust(pool: Pool, order: Order, left: int, price: int) -> bool:
    """Tell whether all that is left fits on the curve before a price, and brings nothing there."""
    side = Side.SELL if order.sell else Side.BUY
    most = net_to_price(pool, side, limit_bits_of(bound_of(price, pool.fee_rate, sell=order.sell)))
    net = left - fee_on_total(left, pool.fee_rate)
    try:
        on_curve(pool, order, left, price)
    except Unfillable as unfillable:
        return unfillable.reason == Refusal.DUST and (order.sell or order.quote) and net <= most
    return False


def finish(walk: Walk, pool: Pool | None, order: Order, left: int) -> int:
    """Add the last curve step, up to the taker's limit; return why it ends there, 0 where nothing is left."""
    if pool is None or is_better_than_curve(pool, order.limit, sell=order.sell):
        return order.beyond
    try:
        step = on_curve(pool, order, left, order.limit)
    except Unfillable as unfillable:
        return int(unfillable.reason) or order.beyond
    walk.steps.append(Step(step.alpha, step.tao, plan=step))
    return 0 if step.whole else order.beyond


def meet(exchange: Exchange, market: Market, taker: Order, maker: Order, *, alpha: int, tao: int) -> None:
    """Cross a resting order, and close it when all that it offers is taken."""
    done = alpha == offered(maker)
    trades.cross(exchange, taker, maker, market, alpha=alpha, tao=tao)
    if done:
        trades.close(exchange, maker, 0)


def execute(exchange: Exchange, market: Market, order: Order, walk: Walk) -> None:
    """Take the planned steps."""
    for step in walk.steps:
        if step.plan:
            curve = step.plan
            trades.fill(
                exchange,
                order,
                market,
                mode=Mode.INSTANT,
                alpha=curve.alpha,
                tao=curve.tao,
                window=curve.window,
                pool_fee=curve.pool_fee,
                after=curve.after,
            )
        elif step.maker and step.alpha:
            meet(exchange, market, order, step.maker, alpha=step.alpha, tao=step.tao)
        elif step.maker:
            trades.close(exchange, step.maker, step.reason)
