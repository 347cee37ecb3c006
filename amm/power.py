"""The scaled power of the curve, compiled: ``floor(10**18 * (num / den) ** (p / q))`` as the chain rounds it."""

from typing import Any

import numpy as np
from numba import objmode

from amm.fixed_point import U64, ZERO, div_wide, mul_wide
from amm.kernel_cache import kernel
from amm.reference_power import pow_scaled

SCALE = np.uint64(10**18)
# How often the reference was asked since the process began; compiled code reaches it only through ``_ask_reference``.
_asked = [0]


def fallbacks() -> int:
    """Return how many powers were left to the reference since the process began."""
    return _asked[0]


def _reference(numerator: int, denominator: int, p: int, q: int, precision: int) -> tuple[bool, Any, Any]:
    """Return ``(defined, high, low)`` from the reference; negative or huge results are not defined, as in the curve."""
    _asked[0] += 1
    k = pow_scaled(numerator, denominator, p, q, precision=precision, scale=int(SCALE))
    if k is None or not 0 <= k < 2**128:
        return False, 0, 0
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


@kernel
def scaled_power(
    num_high: U64, num_low: U64, den_high: U64, den_low: U64, p: U64, q: U64, precision: int
) -> tuple[bool, U64, U64]:
    """Return ``(defined, high, low)`` of ``floor(10**18 * (num / den) ** (p / q))``.

    Equal to the reference to the last unit. ``num`` and ``den`` are 128-bit, ``p`` and ``q`` parts of 10**18. Not
    defined where the reference has no value, or one that is negative or above 2**128.
    """
    if num_high == den_high and num_low == den_low and num_high | num_low != ZERO:
        return True, ZERO, SCALE
    if p == q and num_high == ZERO and den_high == ZERO and den_low != ZERO:
        high, low = mul_wide(num_low, SCALE)
        whole = high // den_low
        return True, whole, div_wide(high - whole * den_low, low, den_low)[0]
    return _ask_reference(num_high, num_low, den_high, den_low, p, q, precision)
