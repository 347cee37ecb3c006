"""Compiled: what each uid's stake weighs, who validates next, and the stake that counts now.

Sections 3.2 to 3.4 of ``spec/yuma``. Stakes are summed with 32 fraction bits in 128-bit numbers: below 2^62 rao each,
2^16 of them stay below 2^111.
"""

import numpy as np

from amm.fixed_point import U64, Wide, div_wide, less_wide, mul_three
from amm.kernel_cache import kernel
from chain.runtime.yuma.numbers import BITS, ONE, UNIT, ZERO, highest_bit, quotient, wide_product

LIMB = np.uint64(64)


@kernel
def add_wide(a_high: U64, a_low: U64, b_high: U64, b_low: U64) -> Wide:
    """Return the sum of two 128-bit numbers that fits one."""
    low = a_low + b_low
    return a_high + b_high + (UNIT if low < b_low else ZERO), low


@kernel
def weighed(alpha: U64, tao: U64, tao_weight: U64) -> Wide:
    """Return ``alpha + tao * tao_weight`` with 32 fraction bits; the weight has as many."""
    high, low = wide_product(tao, tao_weight)
    return add_wide(alpha >> BITS, alpha << BITS, high, low)


@kernel
def wide_share(high: U64, low: U64, total_high: U64, total_low: U64) -> U64:
    """Return a 128-bit number over a total that is not smaller, as I32F32, rounded down."""
    if total_high == ZERO:
        return np.uint64(div_wide(low >> BITS, low << BITS, total_low)[0]) if total_low != ZERO else ZERO
    # The upper 64 bits of both give the quotient but for one; the exact product decides.
    shift = np.uint64(highest_bit(total_high) + 1)
    if shift == LIMB:
        divisor, part = total_high, high
    else:
        divisor = (total_high << (LIMB - shift)) | (total_low >> shift)
        part = (high << (LIMB - shift)) | (low >> shift)
    share = np.uint64(div_wide(part >> BITS, part << BITS, divisor)[0]) + UNIT
    top, middle, bottom = high >> BITS, (high << BITS) | (low >> BITS), low << BITS
    while True:
        a, b, c = mul_three(total_high, total_low, share)
        if a < top or (a == top and not less_wide(middle, bottom, np.uint64(b), np.uint64(c))):
            return share
        share -= UNIT


@kernel
def weigh_stakes(
    alpha: np.ndarray,
    tao: np.ndarray,
    tao_weight: U64,
    threshold: U64,
    owner: int,
    raw: np.ndarray,
    stake: np.ndarray,
) -> None:
    """Write each uid's stake in rao and its share of all that reach the threshold, as I32F32; the owner needs none."""
    total_high, total_low = ZERO, ZERO
    for uid in range(len(alpha)):
        high, low = weighed(alpha[uid], tao[uid], tao_weight)
        raw[uid] = (high << BITS) | (low >> BITS)
        if raw[uid] >= threshold or uid == owner:
            total_high, total_low = add_wide(total_high, total_low, high, low)
    for uid in range(len(alpha)):
        stake[uid] = ZERO
        if raw[uid] >= threshold or uid == owner:
            high, low = weighed(alpha[uid], tao[uid], tao_weight)
            if high != ZERO or low != ZERO:
                stake[uid] = wide_share(high, low, total_high, total_low)


@kernel
def mark_largest(stake: np.ndarray, k: int, marks: np.ndarray) -> None:
    """Mark the ``k`` largest stakes other than 0; of equal ones the higher uid wins."""
    count = 0
    for uid in range(len(stake)):
        marks[uid] = stake[uid] != ZERO
        count += marks[uid]
    if count <= k:
        return
    # The smallest stake above which fewer than k are left: halving the range of proportions finds it.
    low, high = ZERO, ONE
    while low < high:
        middle = (low + high) >> UNIT
        above = 0
        for uid in range(len(stake)):
            above += stake[uid] > middle
        if above < k:
            high = middle
        else:
            low = middle + UNIT
    left = k
    for uid in range(len(stake)):
        marks[uid] = stake[uid] > low
        left -= marks[uid]
    for uid in range(len(stake) - 1, -1, -1):
        if left <= 0:
            break
        if stake[uid] == low and low != ZERO:
            marks[uid] = True
            left -= 1


@kernel
def activate(stake: np.ndarray, counts: np.ndarray, active: np.ndarray) -> None:
    """Write the shares of the stake that counts, as I32F32."""
    total = ZERO
    for uid in range(len(stake)):
        active[uid] = stake[uid] if counts[uid] else ZERO
        total += active[uid]
    for uid in range(len(stake)):
        if active[uid] != ZERO:
            active[uid] = quotient(active[uid], total)
