"""The epoch's fixed-point numbers as Python integers: I32F32, raw value times 2^32, with the reference's rounding.

A product is rounded down, a quotient towards zero and to 0 where it does not fit; nothing here is money. Source:
``spec/yuma`` section 1.
"""

from typing import Final

FRACTION_BITS: Final = 32
ONE: Final = 1 << FRACTION_BITS
HALF: Final = ONE >> 1
FIXED_MAX: Final = 2**63 - 1
FIXED_MIN: Final = -(2**63)
WIDE_MAX: Final = 2**127 - 1
WIDE_MIN: Final = -(2**127)
U16_MAX: Final = 2**16 - 1
U64_MAX: Final = 2**64 - 1
EXP_LIMIT: Final = 20 * ONE
"""``exp_safe`` clamps its argument to plus and minus this."""
E: Final = 22_802_600 << 9
"""Euler's number cut off after 23 fraction bits."""
EXP_TERMS: Final = 32


def saturate(value: int) -> int:
    """Return the nearest I32F32."""
    return max(FIXED_MIN, min(FIXED_MAX, value))


def clamp(value: int, low: int, high: int) -> int:
    """Return ``max(low, min(high, value))``: ``low`` wins where the limits cross."""
    return max(low, min(high, value))


def add(a: int, b: int) -> int:
    """Return the saturating sum."""
    return saturate(a + b)


def sub(a: int, b: int) -> int:
    """Return the saturating difference."""
    return saturate(a - b)


def mul(a: int, b: int) -> int:
    """Return the saturating product, rounded down."""
    return saturate(a * b >> FRACTION_BITS)


def truncated(dividend: int, divisor: int) -> int:
    """Return an integer quotient rounded towards zero; the divisor is not 0."""
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


def div(a: int, b: int) -> int:
    """Return the quotient rounded towards zero; 0 for a zero divisor and where it does not fit."""
    if b == 0:
        return 0
    quotient = truncated(a << FRACTION_BITS, b)
    return quotient if FIXED_MIN <= quotient <= FIXED_MAX else 0


def div_saturating(a: int, b: int) -> int:
    """Return the quotient rounded towards zero, saturating: the sigmoid of liquid alpha alone uses it."""
    if b == 0:
        return 0 if a == 0 else (FIXED_MAX if a > 0 else FIXED_MIN)
    return saturate(truncated(a << FRACTION_BITS, b))


def div_wide(a: int, b: int) -> int:
    """Return an I64F64 quotient, raw value times 2^64, by the rules of ``div``."""
    if b == 0:
        return 0
    quotient = truncated(a << 64, b)
    return quotient if WIDE_MIN <= quotient <= WIDE_MAX else 0


def from_int(value: int) -> int:
    """Return a whole number as I32F32."""
    return saturate(value << FRACTION_BITS)


def from_wide(value: int) -> int:
    """Return an I64F64 as I32F32, rounded down."""
    return saturate(value >> 32)


def to_u16(value: int) -> int:
    """Return the whole part between 0 and 65 535."""
    return clamp(value >> FRACTION_BITS, 0, U16_MAX)


def to_u64(value: int) -> int:
    """Return the whole part, 0 for a negative number."""
    return clamp(value >> FRACTION_BITS, 0, U64_MAX)


def wide_to_u64(value: int) -> int:
    """Return the whole part of an I64F64, 0 for a negative number."""
    return clamp(value >> 64, 0, U64_MAX)


def proportion_to_u16(value: int) -> int:
    """Return a proportion times 65 535, rounded down: one is 65 535, one half 32 767."""
    return to_u16(mul(value, U16_MAX << FRACTION_BITS))


def u16_to_proportion(value: int) -> int:
    """Return ``value / 65535``: 65 535 is exactly one."""
    return div(value << FRACTION_BITS, U16_MAX << FRACTION_BITS)


def rounded_u16(value: int) -> int:
    """Return the nearest whole number between 0 and 65 535, halves away from zero."""
    whole = (abs(value) + HALF) >> FRACTION_BITS
    return clamp(whole if value >= 0 else -whole, 0, U16_MAX)


def exp_safe(x: int) -> int:
    """Return e to the power of ``x``, clamped to plus and minus 20, by thirty terms of its series.

    For large arguments the series has not ended yet; that is part of the definition.
    """
    x = clamp(x, -EXP_LIMIT, EXP_LIMIT)
    if x == 0:
        return ONE
    if x == ONE:
        return E
    size = abs(x)
    total, term = size + ONE, size
    for number in range(2, EXP_TERMS):
        term = (term * size >> FRACTION_BITS) // number
        total += term
    if total > FIXED_MAX:
        return FIXED_MAX if x > 0 else 0
    return total if x > 0 else div(ONE, total)


def sigmoid_safe(x: int, *, rho: int, kappa: int) -> int:
    """Return ``1 / (1 + exp(-rho * (x - kappa)))``."""
    exponent = mul(mul(rho, -ONE), sub(x, kappa))
    return div(ONE, add(exp_safe(exponent), ONE))


def alpha_sigmoid(*, consensus: int, weight: int, bond: int, low: int, high: int, steepness: int) -> int:
    """Return how fast one bond follows its weight under liquid alpha, between ``low`` and ``high``.

    ``steepness`` is the parameter as I32F32. Source: ``spec/yuma`` section 3.8.
    """
    moved = sub(weight, consensus) if weight >= bond else sub(bond, weight)
    difference = clamp(moved, 0, ONE)
    exponent = mul(div_saturating(steepness, from_int(-100)), sub(difference, HALF))
    sigmoid = div_saturating(ONE, add(ONE, exp_safe(exponent)))
    return clamp(add(low, mul(sigmoid, sub(high, low))), low, high)
