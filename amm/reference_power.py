"""Scaled powers in Python integers, with the chain's own series and its early stops, which are part of consensus.

Source: ``economics`` section 1.4. Everything here is slow and exact by construction: the oracle of the compiled
kernels, and what they fall back to where a rounding is too close to call.
"""

from functools import cache
from math import gcd, isqrt

EXACT_EXPONENT_MAX = 1024
GUARD_BITS = 24
GUARD = 1 << GUARD_BITS
TERMS_MAX = 4096
SWAP_PRECISION = 256
LIMIT_PRECISION = 1024


def pow_scaled(base_num: int, base_den: int, p: int, q: int, *, precision: int, scale: int) -> int | None:
    """Return ``scale * (base_num / base_den) ** (p / q)`` rounded down as the chain rounds it, or None where undefined.

    All arguments are non-negative integers. Exponents that reduce to at most 1 024 / 1 024 give the true floor; others
    the value of the chain's series, which may be meaningless (even negative) where the exponential does not converge.
    """
    if base_den == 0 or q == 0:
        return None
    if base_num == 0:
        return 0
    if p == 0:
        return scale
    common = gcd(p, q)
    p, q = p // common, q // common
    if p <= EXACT_EXPONENT_MAX and q <= EXACT_EXPONENT_MAX:
        return integer_root(base_num**p * scale**q // base_den**p, q)
    result_bits = max(precision, 32, scale.bit_length() + 8)
    bits = result_bits + GUARD_BITS
    terms = min(TERMS_MAX, bits + 128)
    logarithm = (natural_logarithm(base_num, bits, terms) - natural_logarithm(base_den, bits, terms)) * p // q
    return _round_guard(_exp(logarithm, bits, terms)) * scale >> result_bits


def integer_root(value: int, degree: int) -> int:
    """Return the largest integer whose ``degree``-th power is at most ``value``, by Newton from above."""
    if degree == 1:
        return value
    if degree == 2 or value < 2:
        return isqrt(value)
    root = 1 << -(-value.bit_length() // degree)
    while True:
        lower = ((degree - 1) * root + value // root ** (degree - 1)) // degree
        if lower >= root:
            return root
        root = lower


def _round_guard(value: int) -> int:
    """Drop the guard bits, nearest, halves away from zero."""
    kept = abs(value) >> GUARD_BITS
    if 2 * (abs(value) - (kept << GUARD_BITS)) >= GUARD:
        kept += 1
    return -kept if value < 0 else kept


def _ln1p(x: int, bits: int, terms: int) -> int:
    term = result = x
    previous = _round_guard(result)
    for n in range(2, terms + 1):
        term = term * x >> bits
        if term == 0:
            break
        step = term // n
        if step == 0:
            break
        result += step if n % 2 else -step
        rounded = _round_guard(result)
        if abs(step) < GUARD or rounded == previous:
            break
        previous = rounded
    return result


@cache
def _ln2(bits: int, terms: int) -> int:
    return -_ln1p(-(1 << bits - 1), bits, terms)


def natural_logarithm(value: int, bits: int, terms: int) -> int:
    """Return the chain's logarithm of a positive integer with ``bits`` fraction bits, right to about ``bits`` - 24."""
    one = 1 << bits
    shift = value.bit_length() - 1
    mantissa = (value << bits) >> shift
    if 2 * mantissa >= 3 * one:
        mantissa >>= 1
        shift += 1
    return _ln1p(mantissa - one, bits, terms) + _ln2(bits, terms) * shift


def _exp(x: int, bits: int, terms: int) -> int:
    term = result = 1 << bits
    previous = _round_guard(result)
    for n in range(1, terms + 1):
        term = term * x // (n << bits)
        if term == 0:
            break
        result += term
        rounded = _round_guard(result)
        if abs(term) < GUARD or rounded == previous:
            break
        previous = rounded
    return result
