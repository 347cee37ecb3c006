"""What one order would do on the mirror's curve alone, in big integers (``execution`` section 4)."""

from dataclasses import dataclass

from amm.errors import SwapRefused
from amm.exchange_reference import buy_in, buy_out, gross_for_net, net_to_price, sell_in
from amm.reference import (
    FEE_BASE,
    MAX_INPUT_MULTIPLE,
    MIN_RESERVE,
    Pool,
    Side,
    curve_out,
    fee_on_total,
    limit_bits_of,
    price_bits,
)
from ledger.errors import Refusal
from tests.support.naive.exchange import RAO


@dataclass
class Plan:
    """What an order would do on the curve: alpha and TAO that the customer moves, and the mirror after it."""

    alpha: int
    tao: int
    pool_fee: int
    window: int
    after: Pool
    whole: bool


class Unfillable(Exception):  # noqa: N818 - a verdict, not a failure
    """The plan comes to nothing; ``reason`` is the code the order is closed with."""

    def __init__(self, reason: int) -> None:
        super().__init__(reason)
        self.reason = reason


def bound_of(limit: int, rate: int, *, sell: bool) -> int:
    """Return the pool's marginal price at which a limit is reached, the pool fee being inside the limit."""
    if sell:
        return -(-limit * FEE_BASE // (FEE_BASE - rate))
    return limit * (FEE_BASE - rate) // FEE_BASE


def is_better_than_curve(pool: Pool, price: int, *, sell: bool) -> bool:
    """Tell whether a resting order's price is as good for the taker as the curve's marginal price with its fee."""
    bound = limit_bits_of(bound_of(price, pool.fee_rate, sell=sell))
    return bound >= price_bits(pool) if sell else bound <= price_bits(pool)


def plan_buy(pool: Pool, *, cost: int, wanted: int, limit: int, beyond: int) -> Plan:
    """Plan a buy of ``wanted`` alpha, or for ``cost`` rao where that is 0, up to where the price reaches the limit."""
    bound = bound_of(limit, pool.fee_rate, sell=False)
    most = net_to_price(pool, Side.BUY, limit_bits_of(bound))
    refusal = int(Refusal.POOL_REFUSES)
    try:
        bought = buy_out(pool, wanted) if wanted else buy_in(pool, cost)
        whole = bought.net <= most
    except SwapRefused:
        if not wanted and has_no_output(pool, Side.BUY, cost - fee_on_total(cost, pool.fee_rate)):
            raise Unfillable(Refusal.DUST) from None
        whole = False
        if most > 0 and not wanted and gross_for_net(most, pool.fee_rate) >= cost:
            raise Unfillable(refusal) from None
    if not whole:
        if most <= 0:
            raise Unfillable(beyond)
        gross = gross_for_net(most, pool.fee_rate)
        try:
            bought = buy_in(pool, gross)
        except SwapRefused:
            dust = has_no_output(pool, Side.BUY, gross - fee_on_total(gross, pool.fee_rate))
            raise Unfillable(beyond if dust else refusal) from None
    alpha, after = bought.alpha_out, bought.pool
    if wanted and alpha > wanted:
        alpha, after = wanted, Pool(after.tao, pool.alpha - wanted, pool.weight, pool.fee_rate)
    if bought.cost > alpha * limit // RAO:
        raise Unfillable(beyond)
    return Plan(alpha, bought.cost, bought.pool_fee, after.tao - pool.tao, after, whole)


def plan_sell(pool: Pool, *, offered: int, limit: int, beyond: int) -> Plan:
    """Plan a sale of ``offered`` alpha down to where the price reaches the limit."""
    bound = bound_of(limit, pool.fee_rate, sell=True)
    most = net_to_price(pool, Side.SELL, limit_bits_of(bound))
    given = offered
    if limit and offered - fee_on_total(offered, pool.fee_rate) > most:
        if most <= 0:
            raise Unfillable(beyond)
        given = min(gross_for_net(most, pool.fee_rate), offered)
    try:
        sold = sell_in(pool, given)
    except SwapRefused:
        dust = Refusal.DUST if given == offered else beyond
        raise Unfillable(dust if sale_is_dust(pool, given) else Refusal.POOL_REFUSES) from None
    if sold.tao_out * RAO < given * limit:
        raise Unfillable(beyond)
    return Plan(given, sold.tao_out, sold.pool_fee_alpha, sold.tao_out, sold.pool, given == offered)


def has_no_output(pool: Pool, side: Side, net: int) -> bool:
    """Tell whether a step fails for no other reason than that it would bring nothing."""
    reserve_in, reserve_out = (pool.tao, pool.alpha) if side is Side.BUY else (pool.alpha, pool.tao)
    allowed = net <= MAX_INPUT_MULTIPLE * reserve_in and reserve_out >= MIN_RESERVE
    return allowed and net > 0 and curve_out(pool, side, net) == 0


def sale_is_dust(pool: Pool, alpha: int) -> bool:
    """Tell whether a sale fails since it, or the author's sale of its fee, would bring nothing."""
    fee = fee_on_total(alpha, pool.fee_rate)
    if has_no_output(pool, Side.SELL, alpha - fee):
        return True
    net = alpha - fee
    out = curve_out(pool, Side.SELL, net)
    rest = Pool(pool.tao - out, pool.alpha + net, pool.weight, pool.fee_rate)
    return pool.tao >= MIN_RESERVE and net <= MAX_INPUT_MULTIPLE * pool.alpha and has_no_output(rest, Side.SELL, fee)
