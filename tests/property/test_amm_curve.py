"""Standing laws of the curve, for any pool."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amm import pool as kernels
from amm import reference
from amm.reference import SCALE, Pool, Side
from tests.campaigns.weighted_curve import differences
from tests.support.pools import amounts, outcome, pools, weights

SIDES = {Side.BUY: kernels.BUY, Side.SELL: kernels.SELL}
sound_reserves = st.integers(10**7, 2**52)
sound_pools = st.builds(Pool, sound_reserves, sound_reserves, st.integers(SCALE // 10, 9 * SCALE // 10))


@given(pool=pools, side=st.sampled_from(Side), amount=amounts, limit_rao=st.integers(0, 2**62))
def test_a_compiled_swap_equals_the_reference_for_any_pool_and_limit(
    pool: Pool, side: Side, amount: int, limit_rao: int
) -> None:
    bits = reference.limit_bits_of(limit_rao)
    status, swapped = outcome(lambda: reference.swap(pool, side, amount, limit_bits=bits))
    answer = kernels.swap(SIDES[side], pool.tao, pool.alpha, pool.weight, pool.fee_rate, amount, limit_rao)
    expected = (0, 0, 0, False)
    if swapped is not None:
        expected = (swapped.amount_in, swapped.amount_out, swapped.fee, swapped.full)
    assert answer == (status, *expected)


@given(pool=pools)
def test_a_compiled_price_equals_the_reference_for_any_pool(pool: Pool) -> None:
    high, low = kernels.spot_bits(pool.tao, pool.alpha, pool.weight)
    assert (int(high) << 64) + int(low) == reference.price_bits(pool)


@given(pool=sound_pools, side=st.sampled_from(Side), amount=amounts)
def test_a_round_trip_without_fee_never_gains_more_than_one_rao(pool: Pool, side: Side, amount: int) -> None:
    """The chain's rounding may favour a trader by one rao; more would let one drain the pool.

    One rao more on the way out can be worth more than one rao of the other token, so the trader gives it back first.
    """
    there = kernels.curve_buy if side is Side.BUY else kernels.curve_sell
    back = kernels.curve_sell if side is Side.BUY else kernels.curve_buy
    status, out = there(pool.tao, pool.alpha, pool.weight, amount)
    if status != kernels.OK:
        return
    reserves = (pool.tao + amount, pool.alpha - out) if side is Side.BUY else (pool.tao - out, pool.alpha + amount)
    status, returned = back(*reserves, pool.weight, out - 1)
    assert status != kernels.OK or returned <= amount + 1


@given(pool=sound_pools, side=st.sampled_from(Side), amount=st.integers(10**6, 2**50))
def test_two_parts_never_bring_more_than_the_whole_but_for_their_rounding(pool: Pool, side: Side, amount: int) -> None:
    curve = kernels.curve_buy if side is Side.BUY else kernels.curve_sell
    status, whole = curve(pool.tao, pool.alpha, pool.weight, amount)
    first_status, first = curve(pool.tao, pool.alpha, pool.weight, amount // 2)
    if status != kernels.OK or first_status != kernels.OK:
        return
    half = amount // 2
    reserves = (pool.tao + half, pool.alpha - first) if side is Side.BUY else (pool.tao - first, pool.alpha + half)
    _, second = curve(*reserves, pool.weight, amount - half)
    assert first + second <= whole + 2


@given(weight=weights, tao=sound_reserves, alpha=sound_reserves, dt=st.integers(0, 2**40), da=st.integers(0, 2**40))
def test_injection_keeps_the_price(weight: int, tao: int, alpha: int, dt: int, da: int) -> None:
    pool = Pool(tao, alpha, weight)
    try:
        after = reference.inject(pool, tao=dt, alpha=da)
    except reference.WeightOutOfRange:
        return
    before = reference.price_bits(pool)
    assert abs(reference.price_bits(after) - before) <= before // 10**12 + 2**16


@pytest.mark.parametrize("seed", [1, 2])
def test_a_slice_of_the_campaign_finds_no_difference_and_never_asks(seed: int) -> None:
    cases, asked, found = differences(1_000_000 + seed, 4_000)
    assert (cases, asked, found) == (4_000, 0, [])


def test_limbs_of_numpy_and_amounts_of_python_give_the_same_quote() -> None:
    """The engine passes fields of arrays, tests pass plain integers."""
    plain = kernels.curve_buy(10**13, 10**14, 47 * 10**16, 10**9)
    assert kernels.curve_buy(*np.array([10**13, 10**14, 47 * 10**16, 10**9], np.int64)) == plain
