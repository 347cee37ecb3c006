"""I32F32 proportions as limbs: products and quotients of numbers between 0 and one that stay within 64 bits.

A proportion is at most one, 2^32, so the product of two fits a limb unless both are one; ``halves`` splits the factor
so that this case needs no branch. Every limb is ``np.uint64``: mixed with a signed number it would become a float.
"""

import numpy as np

from amm.fixed_point import U64, Wide, div_wide, mul_high
from amm.kernel_cache import kernel

ZERO = np.uint64(0)
UNIT = np.uint64(1)
BITS = np.uint64(32)
MASK = np.uint64(2**32 - 1)
ONE = np.uint64(2**32)
LIMB_MAX = np.uint64(2**64 - 1)
U16_MAX = np.uint64(65_535)


@kernel
def halves(factor: U64) -> tuple[U64, U64]:
    """Return a proportion's fraction and whole part: the second is 1 for one alone."""
    return factor & MASK, factor >> BITS


@kernel
def times(fraction: U64, whole: U64, value: U64) -> U64:
    """Return a proportion in halves times another proportion, rounded down."""
    return ((fraction * value) >> BITS) + whole * value


@kernel
def product(a: U64, b: U64) -> U64:
    """Return the product of two proportions, rounded down."""
    return (((a & MASK) * b) >> BITS) + (a >> BITS) * b


@kernel
def wide_product(a: U64, b: U64) -> Wide:
    """Return the 128-bit product of two limbs as ``(high, low)``."""
    return np.uint64(mul_high(a, b)), a * b


@kernel
def highest_bit(value: U64) -> int:
    """Return the number of the highest bit of a limb above 0."""
    number = 0
    for step in (32, 16, 8, 4, 2, 1):
        if value >> np.uint64(step) != ZERO:
            value >>= np.uint64(step)
            number += step
    return number


@kernel
def quotient(value: U64, divisor: U64) -> U64:
    """Return ``value / divisor`` rounded down, for ``value <= divisor``; 0 for a zero divisor."""
    if divisor == ZERO:
        return ZERO
    if value <= MASK:
        return (value << BITS) // divisor
    return np.uint64(div_wide(value >> BITS, value << BITS, divisor)[0])


@kernel
def reciprocals(divisors: np.ndarray, inverses: np.ndarray) -> None:
    """Write what ``by_inverse`` needs of each divisor; a zero divisor becomes 1, since all it divides is 0."""
    for at in range(len(divisors)):
        if divisors[at] == ZERO:
            divisors[at] = UNIT
        inverses[at] = LIMB_MAX // divisors[at]


@kernel
def by_inverse(value: U64, divisor: U64, inverse: U64) -> U64:
    """Return ``value / divisor`` rounded down, for a proportion that is at most the divisor.

    ``inverse`` is ``(2^64 - 1) // divisor``. The estimate is low by less than 2, since ``value <= 2^32``; the remainder
    tells, and wraps around harmlessly.
    """
    estimate = (value * inverse) >> BITS
    rest = (value << BITS) - estimate * divisor
    return estimate + (UNIT if rest >= divisor else ZERO)


@kernel
def to_u16(value: U64) -> U64:
    """Return a proportion times 65 535, rounded down, at most 65 535."""
    return min(U16_MAX, ((value >> BITS) * U16_MAX) + (((value & MASK) * U16_MAX) >> BITS))


@kernel
def normalize(values: np.ndarray) -> None:
    """Divide limbs by their sum, in place; all zeros stay as they are."""
    total = ZERO
    for at in range(len(values)):
        total += values[at]
    for at in range(len(values)):
        if values[at] != ZERO:
            values[at] = quotient(values[at], total)


@kernel
def divide(values: np.ndarray, divisor: U64) -> None:
    """Divide limbs that are at most the divisor by it, in place."""
    for at in range(len(values)):
        if values[at] != ZERO:
            values[at] = quotient(values[at], divisor)


@kernel
def products(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """Write the products of proportions, rounded down."""
    for at in range(len(left)):
        out[at] = product(left[at], right[at])


@kernel
def share_out(shares: np.ndarray, emission: U64, amounts: np.ndarray) -> None:
    """Write each share of an emission in rao, rounded down; shares are proportions."""
    for at in range(len(shares)):
        if shares[at] == ZERO:
            amounts[at] = ZERO
            continue
        high, low = wide_product(shares[at], emission)
        amounts[at] = (high << BITS) | (low >> BITS)


@kernel
def all_to_u16(values: np.ndarray, out: np.ndarray) -> None:
    """Write each proportion as u16."""
    for at in range(len(values)):
        out[at] = to_u16(values[at])
