"""Limb arithmetic against Python integers."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amm import fixed_point
from amm.fixed_point import U64

LIMB = 2**64
EDGES = sorted({(2**k + e) % LIMB for k in (0, 1, 31, 32, 33, 62, 63, 64) for e in (-2, -1, 0, 1, 2)})
limb_values = st.one_of(st.sampled_from(EDGES), st.integers(0, LIMB - 1), st.integers(0, 2**32))
amounts = st.one_of(st.integers(0, 2**63 - 1), st.integers(0, 10**6))


def limbs(value: int) -> tuple[U64, U64]:
    return U64(value >> 64), U64(value & (LIMB - 1))


def joined(*parts: U64) -> int:
    value = 0
    for part in parts:
        value = value << 64 | int(part)
    return value


@given(a=limb_values, b=limb_values)
def test_a_wide_product_loses_nothing(a: int, b: int) -> None:
    assert joined(*fixed_point.mul_three(U64(0), U64(a), U64(b))) == a * b
    assert int(fixed_point.mul_high(U64(a), U64(b))) == a * b >> 64
    assert int(fixed_point.add_saturating(U64(a), U64(b))) == min(a + b, LIMB - 1)


@given(high=limb_values, low=limb_values, divisor=limb_values)
def test_long_division_gives_quotient_and_remainder(high: int, low: int, divisor: int) -> None:
    divisor = max(divisor, 1)
    high %= divisor
    quotient, remainder = fixed_point.div_wide(U64(high), U64(low), U64(divisor))
    assert (int(quotient), int(remainder)) == divmod(high << 64 | low, divisor)


def test_long_division_survives_every_pair_of_edges() -> None:
    """Both corrections of a digit, and their early ends, need divisors and dividends at the edges of limbs."""
    for divisor in EDGES:
        for high in EDGES:
            for low in EDGES:
                if high < divisor:
                    quotient, remainder = fixed_point.div_wide(U64(high), U64(low), U64(divisor))
                    assert (int(quotient), int(remainder)) == divmod(high << 64 | low, divisor)


@given(numerator=limb_values, divisor=limb_values)
def test_a_quotient_keeps_64_fraction_bits(numerator: int, divisor: int) -> None:
    divisor = max(divisor, 1)
    assert joined(*fixed_point.div_fraction(U64(numerator), U64(divisor))) == (numerator << 64) // divisor


@given(a=st.integers(0, 2**128 - 1), b=st.integers(0, 2**128 - 1), factor=limb_values, cut=st.integers(0, 127))
def test_128_bit_products_and_comparisons_are_exact(a: int, b: int, factor: int, cut: int) -> None:
    assert joined(*fixed_point.mul_three(*limbs(a), U64(factor))) == a * factor
    assert fixed_point.less_wide(*limbs(a), *limbs(b)) == (a < b)
    small = b >> cut
    assert joined(*fixed_point.mul_fraction(*limbs(a), *limbs(small))) == min(a * small >> 64, 2**128 - 1)


@pytest.mark.parametrize(
    ("kernel", "rule"),
    [
        (fixed_point.mul_div_floor, lambda a, b, d: a * b // d),
        (fixed_point.mul_div_ceil, lambda a, b, d: -(-a * b // d)),
        (fixed_point.mul_div_round, lambda a, b, d: (2 * a * b + d) // (2 * d)),
    ],
    ids=["floor", "ceil", "round"],
)
@given(a=amounts, b=amounts, divisor=amounts)
def test_multiply_and_divide_rounds_as_named_or_says_that_it_does_not_fit(
    kernel: Callable[[int, int, int], int], rule: Callable[[int, int, int], int], a: int, b: int, divisor: int
) -> None:
    expected = rule(a, b, divisor) if divisor else -1
    assert kernel(a, b, divisor) == (expected if expected < 2**63 else -1)


def test_multiply_and_divide_agrees_over_all_magnitudes() -> None:
    """Each operand has its own number of bits, so quotients of every size occur."""
    draw = random.Random(8)
    for _ in range(20_000):
        a, b, divisor = (draw.randrange(1, 2 ** draw.randrange(1, 63)) for _ in range(3))
        expected = a * b // divisor
        assert fixed_point.mul_div_floor(a, b, divisor) == (expected if expected < 2**63 else -1)


def test_limbs_and_amounts_change_places_without_change() -> None:
    for amount in (0, 1, 2**63 - 1):
        limb = fixed_point.unsigned(amount)
        assert np.uint64(limb) == amount
        assert fixed_point.signed(U64(limb)) == amount
