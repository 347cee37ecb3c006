"""The chain's scaled power in Python integers."""

import random
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from amm.reference_power import integer_root, natural_logarithm, pow_scaled

SCALE = 10**18


@given(value=st.integers(0, 2**400), degree=st.integers(1, 40))
def test_an_integer_root_is_the_largest_whose_power_fits(value: int, degree: int) -> None:
    root = integer_root(value, degree)
    assert root**degree <= value < (root + 1) ** degree


@given(num=st.integers(0, 2**64), den=st.integers(1, 2**64))
def test_an_exponent_of_one_is_a_plain_floor_division(num: int, den: int) -> None:
    assert pow_scaled(num, den, 5, 5, precision=256, scale=SCALE) == SCALE * num // den


@given(num=st.integers(1, 2**60), den=st.integers(1, 2**60), p=st.integers(1, 12), q=st.integers(1, 12))
def test_small_exponents_give_the_true_floor(num: int, den: int, p: int, q: int) -> None:
    k = pow_scaled(num, den, p, q, precision=256, scale=SCALE)
    assert k is not None
    power = Fraction(num, den) ** p
    assert Fraction(k, SCALE) ** q <= power < Fraction(k + 1, SCALE) ** q


def test_undefined_powers_are_none_and_the_trivial_ones_need_no_series() -> None:
    assert pow_scaled(1, 0, 1, 2, precision=256, scale=SCALE) is None
    assert pow_scaled(1, 2, 1, 0, precision=256, scale=SCALE) is None
    assert pow_scaled(0, 2, 1, 2, precision=256, scale=SCALE) == 0
    assert pow_scaled(7, 2, 0, 3, precision=256, scale=SCALE) == SCALE


def test_the_series_agrees_with_the_exact_path_beside_it() -> None:
    """Exponents of 1 025 parts take the series; the true floor is found by exact roots here."""
    draw = random.Random(4)
    for _ in range(20):
        num = draw.randrange(1, 10**12)
        den = num + draw.randrange(1, 10**12)
        p = draw.randrange(1, 1025)
        series = pow_scaled(num, den, p, 1025, precision=256, scale=SCALE)
        assert series == integer_root(num**p * SCALE**1025 // den**p, 1025)


def test_the_logarithm_is_right_to_its_stated_bits() -> None:
    ln2 = 0xB17217F7D1CF79ABC9E3B39803F2F6AF  # ln 2 with 128 fraction bits, rounded down
    assert natural_logarithm(2, 192, 400) >> 64 == ln2
    assert abs(natural_logarithm(8, 192, 400) - 3 * natural_logarithm(2, 192, 400)) <= 3
