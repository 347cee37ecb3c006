"""What it costs to become a neuron or a subnet, and how a new subnet's pool is filled: pure arithmetic.

Source: ``economics`` sections 5.1 and 5.2.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from chain.runtime.fixed_point import ONE_Q32, ONE_Q64, U64_MAX, div_q64, mul_q64

HALF_LIFE: Final = 360
"""Blocks in which a registration price halves."""
HALF_LIFE_MAX: Final = 36_100
INCREASE_Q64: Final = 23_242_897_532_874_035_200
"""1.26: what a registration price is multiplied with at each registration."""
LOCK_MIN: Final = 10**12
"""Rao that a subnet costs at least."""
LOCK_INTERVAL: Final = 100_800
"""Blocks in which a subnet's price falls by what was paid for the last one, while a block emits 1 TAO."""
_FULL_EMISSION: Final = 10**9


def decayed(price: int, factor_q32: int, *, low: int, high: int) -> int:
    """Return a registration price one block later, rounded down, within its bounds."""
    return min(max(price * factor_q32 >> 32, low), high)


def bumped(price: int, multiplier_q64: int, *, low: int, high: int) -> int:
    """Return a registration price after a registration, rounded down, within its bounds; it never falls by one."""
    raised = mul_q64(price << 64, max(multiplier_q64, ONE_Q64)) >> 64
    return min(max(raised, low), high)


@lru_cache(maxsize=64)
def decay_factor(half_life: int) -> int:
    """Return what a price is multiplied with each block, Q32."""
    if half_life == 0:
        return ONE_Q32
    low, high = 0, ONE_Q32
    while low + 1 < high:
        middle = low + (high - low) // 2
        if _power(middle, half_life) > ONE_Q32 // 2:
            high = middle
        else:
            low = middle
    return low


def lock_interval(*, block_emission: int, interval: int = LOCK_INTERVAL) -> int:
    """Return the blocks in which a subnet's price falls by the last one; they shrink as the emission halves."""
    return interval * block_emission // _FULL_EMISSION


def lock_cost(*, last_lock: int, last_lock_block: int, block: int, interval: int, min_lock: int) -> int:
    """Return the rao that the next subnet costs: twice the last price, which melts away, but never below the least.

    ``last_lock_block`` is 0 as long as no subnet was ever registered.
    """
    multiple = 1 if last_lock_block == 0 else 2
    melted = last_lock // interval * max(block - last_lock_block, 0) if interval else 0
    return max(min_lock, min(last_lock * multiple, U64_MAX) - min(melted, U64_MAX))


def median_price(prices_q64: Sequence[int]) -> int:
    """Return the median of the prices above zero as Q64: of an even count the mean of the middle two; of none, one."""
    known = sorted(price for price in prices_q64 if price > 0)
    if not known:
        return ONE_Q64
    middle = len(known) // 2
    return known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) // 2


def seed_pool(*, lock_paid: int, min_lock: int, median_price_q64: int) -> tuple[int, int]:
    """Return TAO and alpha of a new pool in rao, so that its price is the median; alpha is rounded down."""
    tao = max(lock_paid, min_lock)
    return tao, min(div_q64(tao << 64, median_price_q64) >> 64, U64_MAX)


def _power(base: int, exponent: int) -> int:
    result = ONE_Q32
    while exponent:
        if exponent & 1:
            result = result * base >> 32
        base = base * base >> 32
        exponent >>= 1
    return result
