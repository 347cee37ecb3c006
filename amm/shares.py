"""Fees, caps, gates and fair splits, compiled: the engine's small integer rules that need wide products.

The same rules as ``amm.exchange_reference`` (``execution`` sections 4, 5 and 7). Amounts are non-negative int64 rao.
"""

import numpy as np

from amm.exchange_reference import PPM
from amm.fixed_point import (
    ONE,
    U64,
    ZERO,
    less_wide,
    mul_div,
    mul_div_ceil,
    mul_div_floor,
    mul_div_round,
    mul_three,
    signed,
    unsigned,
)
from amm.kernel_cache import allocating_kernel, kernel
from amm.pool import AMOUNT_MAX, FEE_BASE, OK, OUT_OF_RANGE

_BITS = 64
_PPM_SQUARED = np.uint64(PPM * PPM)


@kernel
def trading_fee(cost: int, ppm: int) -> int:
    """Return our fee on a cost, nearest, halves up (for the house); ``ppm`` from 0 to 10**6."""
    return mul_div_round(cost, ppm, PPM)


@kernel
def cost_within(total: int, ppm: int) -> int:
    """Return the largest cost that fits into a total together with its trading fee."""
    cost = mul_div_floor(total, PPM, PPM + ppm)
    # The estimate is off by one at most; written as subtractions, since a sum could leave the type.
    while trading_fee(cost, ppm) > total - cost:
        cost -= 1
    while cost < total and trading_fee(cost + 1, ppm) <= total - cost - 1:
        cost += 1
    return cost


@kernel
def cap(k_ppm: int, rate: int, tao: int) -> int:
    """Return the TAO that instant fills of one window may move, rounded down; ``k_ppm`` below 10**6."""
    return mul_div_floor(k_ppm * rate, tao, FEE_BASE * PPM)


@kernel
def jumped(old_hi: U64, old_lo: U64, new_hi: U64, new_lo: U64, k_ppm: int) -> bool:
    """Tell whether two consecutive Q64 prices are further apart than the cap protects: ``max * k**2 > min``."""
    top_high, top_low = np.uint64(old_hi), np.uint64(old_lo)
    bottom_high, bottom_low = np.uint64(new_hi), np.uint64(new_lo)
    if less_wide(top_high, top_low, bottom_high, bottom_low):
        top_high, top_low, bottom_high, bottom_low = bottom_high, bottom_low, top_high, top_low
    a, b, c = mul_three(top_high, top_low, unsigned(k_ppm * k_ppm))
    d, e, f = mul_three(bottom_high, bottom_low, _PPM_SQUARED)
    return bool(d < a or (d == a and less_wide(e, f, b, c)))


@kernel
def bound_buy(limit_rao: int, rate: int) -> int:
    """Return the pool price at which a buyer's limit, which contains the pool fee, is reached; rounded down."""
    return mul_div_floor(limit_rao, FEE_BASE - rate, FEE_BASE)


@kernel
def bound_sell(limit_rao: int, rate: int) -> int:
    """Return the pool price at which a seller's limit, net of the pool fee, is reached; rounded up, saturating."""
    bound = mul_div_ceil(limit_rao, FEE_BASE, FEE_BASE - rate)
    return bound if bound >= 0 else AMOUNT_MAX


@kernel
def settlement_limit_buy(spot_after_rao: int, tolerance_ppm: int) -> int:
    """Return the limit price of a settlement that buys, rounded down, at most 2**63 - 1."""
    limit = mul_div_floor(spot_after_rao, PPM + tolerance_ppm, PPM)
    return limit if limit >= 0 else AMOUNT_MAX


@kernel
def settlement_limit_sell(spot_after_rao: int, tolerance_ppm: int) -> int:
    """Return the limit price of a settlement that sells, rounded down; 0 at a spot of 0."""
    if spot_after_rao <= 0:
        return 0
    return mul_div_floor(spot_after_rao - 1, PPM - tolerance_ppm, PPM)


@allocating_kernel
def largest_remainder(total: int, weights: np.ndarray, out: np.ndarray) -> int:
    """Split a total in proportion to int64 weights into ``out``, exactly; returns a status.

    Floors first, then one each by largest remainder, ties to the smaller index. All zeros where the weights are all
    zero.
    """
    whole = 0
    for weight in weights:
        if weight < 0 or weight > AMOUNT_MAX - whole:
            return OUT_OF_RANGE
        whole += weight
    if total < 0:
        return OUT_OF_RANGE
    out[:] = 0
    if whole == 0:
        return OK
    remainders = np.empty(len(weights), np.uint64)
    left = total
    for i in range(len(weights)):
        _, part, remainders[i] = mul_div(unsigned(total), unsigned(weights[i]), unsigned(whole))
        out[i] = signed(part)
        left -= out[i]
    if left == 0:
        return OK
    threshold = _least_served(remainders, left)
    for i in range(len(weights)):
        if remainders[i] > threshold:
            out[i] += 1
            left -= 1
    for i in range(len(weights)):
        if left > 0 and remainders[i] == threshold:
            out[i] += 1
            left -= 1
    return OK


@kernel
def _least_served(remainders: np.ndarray, count: int) -> U64:
    """Return the ``count``-th largest remainder, bit by bit: no sorting, and no order of its own among equals."""
    threshold = ZERO
    for bit in range(_BITS):
        candidate = threshold | (ONE << np.uint64(_BITS - 1 - bit))
        reached = 0
        for remainder in remainders:
            if remainder >= candidate:
                reached += 1
        if reached >= count:
            threshold = candidate
    return threshold


@kernel
def running_floor(total: int, weights: np.ndarray, out: np.ndarray) -> int:
    """Split a total in proportion to int64 weights into ``out`` by differences of cumulative floors; a status."""
    whole = 0
    for weight in weights:
        if weight < 0 or weight > AMOUNT_MAX - whole:
            return OUT_OF_RANGE
        whole += weight
    if total < 0:
        return OUT_OF_RANGE
    out[:] = 0
    if whole == 0:
        return OK
    seen = 0
    paid = 0
    for i in range(len(weights)):
        seen += weights[i]
        due = mul_div_floor(total, seen, whole)
        out[i] = due - paid
        paid = due
    return OK
