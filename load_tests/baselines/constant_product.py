"""The price of a trade on a constant-product pool, in plain integers: what both naive exchanges compute with.

Rounding favours the pool; the trading fee goes to the nearest rao, as ours does.
"""

from dataclasses import dataclass

FEE_BASE = 65_535
PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Trade:
    """What a trade moves, rao: ``tao`` between customer and pool, the trading ``fee`` on it, the reserves after it."""

    tao: int
    fee: int
    pool_tao: int
    pool_alpha: int


def buy(pool_tao: int, pool_alpha: int, volume: int, *, fee_rate: int, taker_ppm: int) -> Trade:
    """Buy exactly ``volume`` alpha; the pool fee, ``fee_rate`` of 65 535, is on top and stays outside the pool."""
    net = -(-pool_tao * volume // (pool_alpha - volume))
    cost = -(-net * FEE_BASE // (FEE_BASE - fee_rate))
    return Trade(cost, trading_fee(cost, taker_ppm), pool_tao + net, pool_alpha - volume)


def sell(pool_tao: int, pool_alpha: int, volume: int, *, fee_rate: int, taker_ppm: int) -> Trade:
    """Sell exactly ``volume`` alpha; the pool fee is taken from it first and goes to the pool."""
    net = volume - volume * fee_rate // FEE_BASE
    out = pool_tao * net // (pool_alpha + net)
    return Trade(out, trading_fee(out, taker_ppm), pool_tao - out, pool_alpha + volume)


def trading_fee(tao: int, ppm: int) -> int:
    """Return the exchange's fee on an amount, to the nearest rao, halves up."""
    return (tao * ppm + PPM // 2) // PPM
