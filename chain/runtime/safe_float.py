"""Decimal numbers with 21 digits, in which the chain counts shares of a stake pool (``economics`` section 4.1).

A value is ``(mantissa, exponent)``, meaning mantissa * 10^exponent, with 10^20 < mantissa <= 10^21, or zero as
``(0, 0)``. All digits behind the 21st are cut off, never rounded up: what is lost stays with the pool.
"""

from typing import Final

from chain.runtime.fixed_point import U64_MAX

SafeFloat = tuple[int, int]

ZERO: Final[SafeFloat] = (0, 0)
MANTISSA_MAX: Final = 10**21
_MANTISSA_MIN: Final = 10**20
_SHIFT_MAX: Final = 22
"""A shift by more digits than this is made by as many: nothing is left of the number either way."""


def new(mantissa: int, exponent: int) -> SafeFloat | None:
    """Return a number, or ``None`` when its mantissa is above 10^21."""
    return None if mantissa > MANTISSA_MAX else normalise(mantissa, exponent)


def from_int(value: int) -> SafeFloat:
    """Return a whole number, its digits behind the 21st cut off."""
    return normalise(value, 0)


def normalise(mantissa: int, exponent: int) -> SafeFloat:
    """Return the number with 21 digits, cut off."""
    if mantissa == 0:
        return ZERO
    while mantissa > MANTISSA_MAX:
        mantissa //= 10
        exponent += 1
    while mantissa <= _MANTISSA_MIN:
        mantissa *= 10
        exponent -= 1
    return mantissa, exponent


def add(a: SafeFloat, b: SafeFloat) -> SafeFloat:
    """Return the sum; of the smaller number only the digits that stand under the larger one count."""
    if a[0] == 0:
        return b
    if b[0] == 0:
        return a
    (big, exponent), (small, lower) = (a, b) if a[1] >= b[1] else (b, a)
    return normalise(big + _shifted(small, exponent - lower), exponent)


def sub(a: SafeFloat, b: SafeFloat) -> SafeFloat | None:
    """Return the difference, at least 0; ``None`` when something is taken from zero."""
    if b[0] == 0:
        return a
    if a[0] == 0:
        return None
    exponent = max(a[1], b[1])
    left, right = _shifted(a[0], exponent - a[1]), _shifted(b[0], exponent - b[1])
    return normalise(max(left - right, 0), exponent)


def mul_div(a: SafeFloat, b: SafeFloat, c: SafeFloat) -> SafeFloat:
    """Return ``a * b / c``, cut off; zero when c is zero."""
    if c[0] == 0:
        return ZERO
    return normalise(a[0] * b[0] // c[0], a[1] + b[1] - c[1])


def div(a: SafeFloat, b: SafeFloat) -> SafeFloat:
    """Return ``a / b``, cut off; zero when b is zero."""
    if b[0] == 0:
        return ZERO
    return normalise(a[0] * MANTISSA_MAX // b[0], a[1] - b[1] - 21)


def to_u64(value: SafeFloat) -> int:
    """Return the whole part, at most 2^64 - 1."""
    mantissa, exponent = value
    if exponent < 0:
        return min(_shifted(mantissa, -exponent), U64_MAX)
    # Above 10^20 every mantissa is beyond the range already, so no huge power is ever built.
    return min(mantissa, U64_MAX) if exponent == 0 else (U64_MAX if mantissa else 0)


def _shifted(mantissa: int, digits: int) -> int:
    return int(mantissa // 10 ** min(digits, _SHIFT_MAX))
