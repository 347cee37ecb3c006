"""The compiled power against the series and the exact roots of the reference."""

import random

import numpy as np

from amm import power, power_tables
from amm.fixed_point import U64
from amm.reference import SCALE
from amm.reference_power import natural_logarithm, pow_scaled
from tests.support.pools import random_amount, random_pool

BITS, TERMS = 400, 800
LN2 = natural_logarithm(2, BITS, TERMS)


def limbs(value: int) -> tuple[U64, U64]:
    return U64(value >> 64), U64(value & (2**64 - 1))


def compiled(num: int, den: int, p: int, q: int, precision: int = 256) -> int | None:
    defined, high, low = power.scaled_power(*limbs(num), *limbs(den), U64(p), U64(q), precision)
    return (int(high) << 64) + int(low) if defined else None


def reference(num: int, den: int, p: int, q: int, precision: int = 256) -> int | None:
    k = pow_scaled(num, den, p, q, precision=precision, scale=SCALE)
    return None if k is None or k < 0 else min(k, 2**128 - 1)


def test_swaps_over_the_allowed_weights_equal_the_reference_without_asking_it() -> None:
    draw = random.Random(21)
    asked = power.fallbacks()
    for _ in range(1_500):
        pool = random_pool(draw)
        reserve, p, q = draw.choice(
            [(pool.tao, pool.weight, SCALE - pool.weight), (pool.alpha, SCALE - pool.weight, pool.weight)]
        )
        after = reserve + random_amount(draw, reserve)
        assert compiled(reserve, after, p, q) == reference(reserve, after, p, q)
    assert power.fallbacks() == asked


def test_price_ratios_of_128_bits_equal_the_reference_at_both_precisions() -> None:
    draw = random.Random(22)
    for _ in range(150):
        price = draw.randrange(1, 2 ** draw.randrange(2, 120))
        target = price * draw.randrange(1, 300) // draw.randrange(1, 300) + draw.randrange(1, 10)
        weight = draw.randrange(SCALE // 10, 9 * SCALE // 10)
        precision = draw.choice([256, 1024])
        assert compiled(target, price, weight, SCALE, precision) == reference(target, price, weight, SCALE, precision)


def test_powers_above_one_equal_the_reference() -> None:
    """The way back, from an output to its input, raises a ratio above one to a power."""
    draw = random.Random(23)
    for _ in range(500):
        pool = random_pool(draw)
        left = draw.randrange(pool.alpha // 50 + 1, pool.alpha)
        p, q = SCALE - pool.weight, pool.weight
        assert compiled(pool.alpha, left, p, q) == reference(pool.alpha, left, p, q)


def test_a_power_that_is_a_whole_number_is_left_to_the_reference() -> None:
    asked = power.fallbacks()
    assert compiled(1, 4, SCALE // 3, 2 * (SCALE // 3)) == SCALE // 2
    assert compiled(9, 4, SCALE // 3, 2 * (SCALE // 3)) == 3 * SCALE // 2
    assert power.fallbacks() == asked + 2


def test_powers_a_hair_from_a_whole_number_fall_on_the_right_side_of_it() -> None:
    """Square roots whose last place is decided 60 bits further down, on either side."""
    for root in (SCALE // 3, SCALE // 7, 123_456_789_012_345_678):
        for distance in (-1, 0, 1):
            num, den = root * root + distance, SCALE * SCALE
            assert compiled(num, den, 5 * 10**17, SCALE) == reference(num, den, 5 * 10**17, SCALE)
            assert compiled(num, den, 5 * 10**17, SCALE) == (root - 1 if distance < 0 else root)


def test_where_the_chains_series_does_not_converge_its_value_is_taken_all_the_same() -> None:
    weight = SCALE // 100
    asked = power.fallbacks()
    for reserve, after in ((10**9, 10**12), (10**9 + 7, 9 * 10**11)):
        for p, q in ((SCALE - weight - 1, weight + 1), (SCALE - weight, weight)):
            assert compiled(reserve, after, p, q) == reference(reserve, after, p, q)
    assert power.fallbacks() == asked + 4


def test_undefined_and_trivial_powers_are_those_of_the_reference() -> None:
    assert compiled(5, 5, 3, 7) == SCALE
    assert compiled(0, 5, 3, 7) == 0
    assert compiled(5, 0, 3, 7) is None
    assert compiled(0, 0, 3, 7) is None
    assert compiled(5, 0, 3, 3) is None
    assert compiled(7, 2, 0, 7) == SCALE
    assert compiled(7, 2, 5, 5) == 7 * SCALE // 2
    assert compiled(2**63, 1, 5, 5) == 2**63 * SCALE
    assert compiled(2**127, 1, 5, 5) == 2**128 - 1


def test_the_logarithm_keeps_its_stated_error() -> None:
    """Claimed: 2**-122, 64 units of the last fraction bit."""
    draw = random.Random(31)
    for _ in range(400):
        small, large = sorted(draw.randrange(1, 2 ** draw.randrange(2, 128)) for _ in range(2))
        if draw.random() < 0.5:
            small = min(large * 1000 // draw.randrange(1000, 100_000) + 1, large)
        whole, high, low = power._log2_ratio(*limbs(large), *limbs(small))
        exact = natural_logarithm(large, BITS, TERMS) - natural_logarithm(small, BITS, TERMS)
        got = (int(whole) << 128) + (int(high) << 64) + int(low)
        assert abs(got - (exact << 128) // LN2) < 64


def test_the_exponential_keeps_its_stated_error() -> None:
    """Claimed: 2**-114 of the power; held against the exact root of 2 of which the fraction is a multiple."""
    draw = random.Random(32)
    for _ in range(100):
        denominator = draw.randrange(2, 60)
        part = draw.randrange(1, denominator)
        high, low = power._exp2(*limbs((part << 128) // denominator))
        got = (int(high) << 64) + int(low)
        exact = pow_scaled(2, 1, part, denominator, precision=256, scale=2**126)
        assert exact is not None
        assert abs(got - exact) < 2**12


def test_the_tables_are_right_to_their_last_bit() -> None:
    for i in (0, 1, 64, 127):
        reciprocal = int(power_tables.FIRST_RECIPROCAL[i])
        exact = ((16 * LN2 - natural_logarithm(reciprocal, BITS, TERMS)) << 128) // LN2
        stored = int(power_tables.FIRST_LOG2[i, 0]) << 64 | int(power_tables.FIRST_LOG2[i, 1])
        assert exact - 1 <= stored <= exact
        stored = int(power_tables.FIRST_POWER[i, 0]) << 64 | int(power_tables.FIRST_POWER[i, 1])
        exact_power = pow_scaled(2, 1, i, 128, precision=256, scale=2**127)
        assert exact_power is not None
        assert exact_power - 1 <= stored <= exact_power
    assert power_tables.FIRST_RECIPROCAL.dtype == np.uint64
