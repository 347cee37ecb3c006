"""The chain's fixed-point numbers as raw integers: ``*_q64`` with 64 fraction bits, ``*_q32`` with 32.

All are at most 128 bits wide and never negative; multiplication and division round down. Source: ``economics``
section 0.1.
"""

from typing import Final

ONE_Q32: Final = 1 << 32
ONE_Q64: Final = 1 << 64
U64_MAX: Final = 2**64 - 1
U128_MAX: Final = 2**128 - 1
U16_MAX: Final = 2**16 - 1


def mul_q32(a: int, b: int) -> int:
    """Return the product, rounded down, at most 2^128 - 1."""
    return min(a * b >> 32, U128_MAX)


def div_q32(a: int, b: int) -> int:
    """Return the quotient, rounded down; 0 for a zero divisor or a result that does not fit."""
    if b == 0:
        return 0
    quotient = (a << 32) // b
    return quotient if quotient <= U128_MAX else 0


def mul_q64(a: int, b: int) -> int:
    """Return the product, rounded down, at most 2^128 - 1."""
    return min(a * b >> 64, U128_MAX)


def div_q64(a: int, b: int) -> int:
    """Return the quotient, rounded down; 0 for a zero divisor or a result that does not fit."""
    if b == 0:
        return 0
    quotient = (a << 64) // b
    return quotient if quotient <= U128_MAX else 0


def to_rao_q32(value: int) -> int:
    """Return whole rao, rounded down, at most 2^64 - 1."""
    return min(value >> 32, U64_MAX)


def ratio_u16_q32(value: int) -> int:
    """Return ``value / 65535``, rounded down."""
    return div_q32(value << 32, U16_MAX << 32)


def ratio_u64_q32(value: int) -> int:
    """Return ``value / (2^64 - 1)``, rounded down."""
    return div_q32(value << 32, U64_MAX << 32)


def add_u64(a: int, b: int) -> int:
    """Return the sum, at most 2^64 - 1."""
    return min(a + b, U64_MAX)


def sub_u64(a: int, b: int) -> int:
    """Return the difference, at least 0."""
    return max(a - b, 0)
