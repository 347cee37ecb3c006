"""The scaled power of the curve, compiled: ``floor(10**18 * (num / den) ** (p / q))`` as the chain rounds it.

The power is evaluated in 128-bit fixed point with an error far below the last place. Only where the result lies so
close to a whole number that the rounding could go either way, or where the chain's own series is not known to be
right, the reference answers. Bounds of the error, for exponents up to 128:

- the difference of two logarithms: tables right to 2**-128, products too small by at most 3 units of 2**-128, of which
  only the last two of a Horner scheme are not scaled down again by the small residue: below 2**-122;
- times ``p / q`` below 2**-115, the division adds 2**-128;
- the exponential's one-limb coefficients weigh 2**-122, all else less: the power's relative error is below 2**-114;
- a result below 2**60 is thus off by less than 2**-54, or 2**10 units of its 64 fraction bits. The test of closeness
  takes 2**20 units, doubled with each doubling of the result, so that about one case in 2**43 is asked again.

The chain's series (280 bits, stopped below 2**-256) differs from the true power by less than 2**-120 in the result
while the power is above 2**-90: less than a unit of the fraction bits. Where its exponents reduce to at most 1 024 it
is the true floor anyway.
"""

from typing import Any

import numpy as np
from numba import objmode

from amm import power_tables as tables
from amm.fixed_point import (
    LIMB_MAX,
    ONE,
    U64,
    ZERO,
    Wide,
    div_wide,
    leading_zeros,
    less_wide,
    mul_high,
    mul_three,
    mul_wide,
)
from amm.kernel_cache import kernel
from amm.reference_power import pow_scaled

SCALE = np.uint64(10**18)
Three = tuple[U64, U64, U64]

_LIMB_BITS = np.uint64(64)
_INDEX_BITS = np.uint64(tables.INDEX_BITS)
_INDEX_MASK = np.uint64(2**tables.INDEX_BITS - 1)
_FIRST_SHIFT = np.uint64(63 - tables.INDEX_BITS)
_FIRST_BITS = np.uint64(tables.FIRST_BITS)
_FIRST_DOWN = np.uint64(tables.FIRST_BITS - 1)
_FIRST_UP = np.uint64(64 - tables.FIRST_BITS + 1)
_FIRST_ONE = np.uint64(2 ** (tables.FIRST_BITS - 1))
_SECOND_SHIFT = np.uint64(64 - 2 * tables.INDEX_BITS)
_SECOND_DOWN = np.uint64(tables.SECOND_BITS)
_SECOND_UP = np.uint64(64 - tables.SECOND_BITS)
_SECOND_ONE = np.uint64(2**tables.SECOND_BITS)
_FINE_MASK = np.uint64(2 ** (64 - 2 * tables.INDEX_BITS) - 1)
_FIRST_RECIPROCAL, _SECOND_RECIPROCAL = tables.FIRST_RECIPROCAL, tables.SECOND_RECIPROCAL
_FIRST_LOG2, _SECOND_LOG2 = tables.FIRST_LOG2, tables.SECOND_LOG2
_FIRST_POWER, _SECOND_POWER = tables.FIRST_POWER, tables.SECOND_POWER
_LN2_HIGH, _LN2_LOW = tables.LN2_HIGH, tables.LN2_LOW
_LOG2E_HIGH, _LOG2E_LOW = tables.LOG2E_HIGH, tables.LOG2E_LOW
_HALF, _QUARTER = tables.HALF_HIGH, tables.QUARTER_HIGH
_THIRD_HIGH, _THIRD_LOW = tables.THIRD_HIGH, tables.THIRD_LOW
_SIXTH_HIGH, _SIXTH_LOW = tables.SIXTH_HIGH, tables.SIXTH_LOW
_FIFTH, _SIXTH, _SEVENTH, _EIGHTH = tables.FIFTH, tables.SIXTH, tables.SEVENTH, tables.EIGHTH
_FACTORIAL_4, _FACTORIAL_5 = tables.FACTORIAL_4, tables.FACTORIAL_5
_FACTORIAL_6, _FACTORIAL_7 = tables.FACTORIAL_6, tables.FACTORIAL_7

# Beyond these the error bound above is not claimed, and the reference is asked.
_EXPONENT_BITS = np.uint64(7)
_SMALLEST_LOG2 = np.uint64(90)
_LARGEST_LOG2 = np.uint64(20)
_MARGIN = np.uint64(2**20)
# 62 is where a power with 126 fraction bits, times the scale, has 64 of them left.
_POINT = np.uint64(62)

# How often the reference was asked since the process began; compiled code reaches it only through ``_ask_reference``.
_asked = [0]


def fallbacks() -> int:
    """Return how many powers were left to the reference since the process began."""
    return _asked[0]


@kernel
def scaled_power(
    num_high: U64, num_low: U64, den_high: U64, den_low: U64, p: U64, q: U64, precision: int
) -> tuple[bool, U64, U64]:
    """Return ``(defined, high, low)`` of ``floor(10**18 * (num / den) ** (p / q))``.

    Equal to the reference to the last unit. ``num`` and ``den`` are 128-bit, ``p`` and ``q`` parts of 10**18. Not
    defined where the reference has no value or a negative one; 2**128 - 1 stands for anything above.
    """
    if num_high == den_high and num_low == den_low and num_high | num_low != ZERO:
        return True, ZERO, SCALE
    if p == q and num_high == ZERO and den_high == ZERO and den_low != ZERO:
        high, low = mul_wide(num_low, SCALE)
        if high < den_low:
            return True, ZERO, div_wide(high, low, den_low)[0]
        whole = high // den_low
        return True, whole, div_wide(high - whole * den_low, low, den_low)[0]
    if num_high | num_low != ZERO and den_high | den_low != ZERO and p != ZERO and p >> _EXPONENT_BITS < q:
        certain, high, low = _evaluate(num_high, num_low, den_high, den_low, p, q)
        if certain:
            return True, high, low
    return _ask_reference(num_high, num_low, den_high, den_low, p, q, precision)


@kernel
def _evaluate(num_high: U64, num_low: U64, den_high: U64, den_low: U64, p: U64, q: U64) -> tuple[bool, U64, U64]:
    """Return ``(certain, high, low)``: the power where its rounding is beyond doubt."""
    shrinks = less_wide(num_high, num_low, den_high, den_low)
    if shrinks:
        whole, high, low = _log2_ratio(den_high, den_low, num_high, num_low)
    else:
        whole, high, low = _log2_ratio(num_high, num_low, den_high, den_low)
    whole, high, low = _times_ratio(whole, high, low, p, q)
    if shrinks:
        if whole >= _SMALLEST_LOG2:
            return False, ZERO, ZERO
        # -(whole + fraction) = -(whole + 1) + (1 - fraction)
        if high | low != ZERO:
            whole = whole + ONE
            low = ZERO - low
            high = ~high if low != ZERO else ZERO - high
        shift = _POINT + whole
        margin = _MARGIN
    else:
        if whole > _LARGEST_LOG2:
            return False, ZERO, ZERO
        shift = _POINT - whole
        margin = _MARGIN << whole
    high, low = _exp2(high, low)
    top, middle, bottom = mul_three(high, low, SCALE)
    high, low, fraction = _shift_right(top, middle, bottom, shift)
    if fraction >= ZERO - margin:
        return False, ZERO, ZERO
    # Just above zero there is nothing to confuse it with: the power is positive, and so is the chain's series.
    if fraction < margin and high | low != ZERO:
        return False, ZERO, ZERO
    return True, high, low


@kernel
def _add(a_high: U64, a_low: U64, b_high: U64, b_low: U64) -> Three:
    """Return the sum of two 128-bit numbers as ``(carry, high, low)``."""
    low = a_low + b_low
    high = a_high + b_high
    carry = ONE if high < a_high else ZERO
    if low < a_low:
        high = high + ONE
        if high == ZERO:
            carry = ONE
    return carry, high, low


@kernel
def _subtract(a_high: U64, a_low: U64, b_high: U64, b_low: U64) -> Three:
    """Return the difference of two 128-bit numbers, modulo 2**128, as ``(borrow, high, low)``."""
    borrow = ONE if less_wide(a_high, a_low, b_high, b_low) else ZERO
    high = a_high - b_high
    if a_low < b_low:
        high = high - ONE
    return borrow, high, a_low - b_low


@kernel
def _times(a_high: U64, a_low: U64, b_high: U64, b_low: U64) -> Wide:
    """Return the upper half of a 256-bit product, at most 3 units too small."""
    high, low = mul_wide(a_high, b_high)
    part = mul_high(a_high, b_low)
    low = low + part
    if low < part:
        high = high + ONE
    part = mul_high(a_low, b_high)
    low = low + part
    if low < part:
        high = high + ONE
    return high, low


@kernel
def _times_limb(a_high: U64, a_low: U64, limb: U64) -> Wide:
    """Return a 128-bit fraction times a 64-bit fraction, rounded down to 128 bits."""
    high, low = mul_wide(a_high, limb)
    part = mul_high(a_low, limb)
    low = low + part
    if low < part:
        high = high + ONE
    return high, low


@kernel
def _shift_right(top: U64, middle: U64, bottom: U64, bits: U64) -> Three:
    """Return the three lowest limbs of a 192-bit number shifted right, rounded down."""
    while bits >= _LIMB_BITS:
        top, middle, bottom = ZERO, top, middle
        bits = bits - _LIMB_BITS
    if bits == ZERO:
        return top, middle, bottom
    up = _LIMB_BITS - bits
    return top >> bits, (top << up) | (middle >> bits), (middle << up) | (bottom >> bits)


@kernel
def _log2_parts(high: U64, low: U64) -> tuple[U64, U64, U64, U64, U64]:
    """Return ``(whole, table_high, table_low, rest_high, rest_low)`` of a positive 128-bit integer ``v``.

    ``log2(v) = whole + table + rest * log2(e)``, where ``rest`` is the natural logarithm of what two table reductions
    leave, from 0 to 2**-13.9; fractions have 128 bits.
    """
    if high == ZERO:
        zeros = leading_zeros(low)
        whole = _LIMB_BITS - ONE - zeros
        high, low = low << zeros, ZERO
    else:
        zeros = leading_zeros(high)
        whole = _LIMB_BITS + _LIMB_BITS - ONE - zeros
        if zeros != ZERO:
            high, low = (high << zeros) | (low >> (_LIMB_BITS - zeros)), low << zeros

    # The mantissa has its point after the first bit; times the reciprocal it is 1 + z with z from 0 to 2**-6.99.
    first = (high >> _FIRST_SHIFT) & _INDEX_MASK
    top, middle, bottom = mul_three(high, low, _FIRST_RECIPROCAL[first])
    top = top - _FIRST_ONE
    high = (top << _FIRST_UP) | (middle >> _FIRST_DOWN)
    low = (middle << _FIRST_UP) | (bottom >> _FIRST_DOWN)

    # (1 + z) * r - 1 = z * r - (1 - r), again not below zero.
    second = high >> _SECOND_SHIFT
    reciprocal = _SECOND_RECIPROCAL[second]
    top, middle, bottom = mul_three(high, low, reciprocal)
    top = top - (_SECOND_ONE - reciprocal)
    high = (top << _SECOND_UP) | (middle >> _SECOND_DOWN)
    low = (middle << _SECOND_UP) | (bottom >> _SECOND_DOWN)

    _, table_high, table_low = _add(
        _FIRST_LOG2[first, 0], _FIRST_LOG2[first, 1], _SECOND_LOG2[second, 0], _SECOND_LOG2[second, 1]
    )
    rest_high, rest_low = _ln1p(high, low)
    return whole, table_high, table_low, rest_high, rest_low


@kernel
def _ln1p(high: U64, low: U64) -> Wide:
    """Return ``ln(1 + z)`` of a fraction ``z`` below 2**-13.9, by eight terms; the ninth is below 2**-128."""
    limb = _SEVENTH - mul_high(high, _EIGHTH)
    limb = _SIXTH - mul_high(high, limb)
    limb = _FIFTH - mul_high(high, limb)
    a, b = _times_limb(high, low, limb)
    _, a, b = _subtract(_QUARTER, ZERO, a, b)
    a, b = _times(high, low, a, b)
    _, a, b = _subtract(_THIRD_HIGH, _THIRD_LOW, a, b)
    a, b = _times(high, low, a, b)
    _, a, b = _subtract(_HALF, ZERO, a, b)
    a, b = _times(high, low, a, b)
    a, b = _times(high, low, a, b)
    _, a, b = _subtract(high, low, a, b)
    return a, b


@kernel
def _log2_ratio(num_high: U64, num_low: U64, den_high: U64, den_low: U64) -> Three:
    """Return ``log2(num / den)`` of positive integers with ``num >= den`` as whole part and 128 fraction bits."""
    whole, a, b, rest_high, rest_low = _log2_parts(num_high, num_low)
    den_whole, c, d, den_rest_high, den_rest_low = _log2_parts(den_high, den_low)
    borrow, a, b = _subtract(a, b, c, d)
    whole = whole - den_whole - borrow
    negative, c, d = _subtract(rest_high, rest_low, den_rest_high, den_rest_low)
    if negative != ZERO:
        _, c, d = _subtract(ZERO, ZERO, c, d)
    e, f = _times(c, d, _LOG2E_HIGH, _LOG2E_LOW)
    _, c, d = _add(c, d, e, f)
    if negative != ZERO:
        borrow, a, b = _subtract(a, b, c, d)
        whole = whole - borrow
    else:
        carry, a, b = _add(a, b, c, d)
        whole = whole + carry
    # Two close numbers may come out a few units below zero.
    if whole > LIMB_MAX >> ONE:
        return ZERO, ZERO, ZERO
    return whole, a, b


@kernel
def _times_ratio(whole: U64, high: U64, low: U64, p: U64, q: U64) -> Three:
    """Return a number of 64 + 128 bits times ``p / q``, rounded down; the whole part must stay below 2**64."""
    carry, bottom = mul_wide(low, p)
    top, middle = mul_wide(high, p)
    middle = middle + carry
    if middle < carry:
        top = top + ONE
    over, unit = mul_wide(whole, p)
    unit = unit + top
    if unit < top:
        over = over + ONE
    whole, rest = div_wide(over, unit, q)
    high, rest = div_wide(rest, middle, q)
    return whole, high, div_wide(rest, bottom, q)[0]


@kernel
def _exp2(high: U64, low: U64) -> Wide:
    """Return 2 to a 128-bit fraction, from 1 to 2, with 126 fraction bits."""
    first = high >> (_LIMB_BITS - _INDEX_BITS)
    second = (high >> _SECOND_SHIFT) & _INDEX_MASK
    high, low = _times(high & _FINE_MASK, low, _LN2_HIGH, _LN2_LOW)
    # e**t - 1 for t below 2**-14.5, by seven terms; the eighth is below 2**-131.
    limb = _FACTORIAL_6 + mul_high(high, _FACTORIAL_7)
    limb = _FACTORIAL_5 + mul_high(high, limb)
    limb = _FACTORIAL_4 + mul_high(high, limb)
    a, b = _times_limb(high, low, limb)
    _, a, b = _add(_SIXTH_HIGH, _SIXTH_LOW, a, b)
    a, b = _times(high, low, a, b)
    _, a, b = _add(_HALF, ZERO, a, b)
    a, b = _times(high, low, a, b)
    a, b = _times(high, low, a, b)
    _, high, low = _add(high, low, a, b)

    a, b = _times(_FIRST_POWER[first, 0], _FIRST_POWER[first, 1], _SECOND_POWER[second, 0], _SECOND_POWER[second, 1])
    high, low = _times(a, b, high, low)
    _, a, b = _add(a, b, high, low)
    return a, b


def _reference(numerator: int, denominator: int, p: int, q: int, precision: int) -> tuple[bool, Any, Any]:
    """Return ``(defined, high, low)`` from the reference."""
    _asked[0] += 1
    k = pow_scaled(numerator, denominator, p, q, precision=precision, scale=int(SCALE))
    if k is None or k < 0:
        return False, 0, 0
    k = min(k, 2**128 - 1)
    return True, k >> 64, k & (2**64 - 1)


@kernel
def _ask_reference(
    num_high: U64, num_low: U64, den_high: U64, den_low: U64, p: U64, q: U64, precision: int
) -> tuple[bool, U64, U64]:
    with objmode(defined="boolean", high="uint64", low="uint64"):
        defined, high, low = _reference(
            int(num_high) << 64 | int(num_low),
            int(den_high) << 64 | int(den_low),
            int(p),
            int(q),
            int(precision),
        )
    return defined, high, low
