"""Constants of the compiled power: logarithms, powers of two and series coefficients, made at import.

Fractions are stored as limbs with 128 fraction bits, rounded down, so that each is right to one unit of 2**-128.
"""

from math import factorial, isqrt

import numpy as np

from amm.reference_power import natural_logarithm

INDEX_BITS = 7
FIRST_BITS = 16  # fraction bits of the first reciprocals
SECOND_BITS = 24  # and of the second
FRACTION_BITS = 128
WORK_BITS = 192  # the logarithm loses 24 of them
WORK_TERMS = 256
LIMB = 2**64

_LN2 = natural_logarithm(2, WORK_BITS, WORK_TERMS)


def limbs(value: int) -> tuple[np.uint64, np.uint64]:
    """Return a 128-bit integer as ``(high, low)``."""
    return np.uint64(value // LIMB), np.uint64(value % LIMB)


def _table(values: list[int]) -> np.ndarray:
    """Return 128-bit integers as uint64[n, 2], high limb first."""
    return np.array([limbs(value) for value in values], np.uint64)


def _reciprocals(count: int, denominator: int, bits: int) -> list[int]:
    """Return ``1 / (1 + i / denominator)`` with ``bits`` fraction bits, rounded up: no product with it is below 1."""
    return [-(-(denominator << bits) // (denominator + i)) for i in range(count)]


def _minus_log2(reciprocal: int, bits: int) -> int:
    """Return ``-log2(reciprocal / 2**bits)`` with 128 fraction bits, rounded down."""
    logarithm = bits * _LN2 - natural_logarithm(reciprocal, WORK_BITS, WORK_TERMS)
    return (logarithm << FRACTION_BITS) // _LN2


def _powers_of_two(denominator_bits: int) -> list[int]:
    """Return ``2 ** (i / 2**denominator_bits)`` for the first 128 ``i``, with 127 fraction bits, rounded down."""
    bits = 2 * WORK_BITS
    root = 2 << bits
    for _ in range(denominator_bits):
        root = isqrt(root << bits)
    powers = [1 << bits]
    for _ in range(2**INDEX_BITS - 1):
        powers.append(powers[-1] * root >> bits)
    return [power >> bits - FRACTION_BITS + 1 for power in powers]


_first = _reciprocals(2**INDEX_BITS, 2**INDEX_BITS, FIRST_BITS)
# What the first reciprocal leaves may reach a little over 2**-7, hence one entry more.
_second = _reciprocals(2**INDEX_BITS + 1, 4**INDEX_BITS, SECOND_BITS)
FIRST_RECIPROCAL = np.array(_first, np.uint64)
SECOND_RECIPROCAL = np.array(_second, np.uint64)
FIRST_LOG2 = _table([_minus_log2(value, FIRST_BITS) for value in _first])
SECOND_LOG2 = _table([_minus_log2(value, SECOND_BITS) for value in _second])
FIRST_POWER = _table(_powers_of_two(INDEX_BITS))
SECOND_POWER = _table(_powers_of_two(2 * INDEX_BITS))

LN2_HIGH, LN2_LOW = limbs(_LN2 >> WORK_BITS - FRACTION_BITS)
# log2(e) - 1: the whole part is added by hand.
LOG2E_HIGH, LOG2E_LOW = limbs((1 << FRACTION_BITS + WORK_BITS) // _LN2 - (1 << FRACTION_BITS))

# Wide coefficients where a term is large, one limb where it is below 2**-58.
HALF_HIGH = np.uint64(LIMB // 2)
THIRD_HIGH, THIRD_LOW = limbs(2**FRACTION_BITS // 3)
QUARTER_HIGH = np.uint64(LIMB // 4)
SIXTH_HIGH, SIXTH_LOW = limbs(2**FRACTION_BITS // 6)
FIFTH, SIXTH, SEVENTH, EIGHTH = (np.uint64(LIMB // n) for n in (5, 6, 7, 8))
FACTORIAL_4, FACTORIAL_5, FACTORIAL_6, FACTORIAL_7 = (np.uint64(LIMB // factorial(n)) for n in (4, 5, 6, 7))
