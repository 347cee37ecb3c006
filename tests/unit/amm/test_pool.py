"""The compiled pool against the reference, and its answers to what makes no sense."""

import random

import numpy as np
import pytest

from amm import pool as kernels
from amm import reference
from amm.reference import HALF_WEIGHT, MIN_RESERVE, SCALE, Pool, Side
from tests.support.pools import outcome, random_amount, random_pool

SIDES = {Side.BUY: kernels.BUY, Side.SELL: kernels.SELL}
DEEP = Pool(tao=20_000 * 10**9, alpha=600_000 * 10**9)


def reserves(pool: Pool) -> tuple[int, int, int]:
    return pool.tao, pool.alpha, pool.weight


def test_prices_equal_the_reference_for_all_weights() -> None:
    draw = random.Random(1)
    for _ in range(2_000):
        pool = random_pool(draw, weight_min=reference.MIN_WEIGHT)
        high, low = kernels.spot_bits(*reserves(pool))
        bits = reference.price_bits(pool)
        assert (int(high) << 64) + int(low) == bits
        assert kernels.spot_rao(*reserves(pool)) == reference.spot_rao(pool)


def test_a_price_beyond_the_type_is_the_largest_of_the_type() -> None:
    assert kernels.spot_rao(2**62, 1, HALF_WEIGHT) == kernels.AMOUNT_MAX
    assert kernels.spot_rao(2**62, 0, HALF_WEIGHT) == 0


@pytest.mark.parametrize("rate", [0, 1, 33, 10_000, 65_534])
def test_the_fee_contained_in_an_amount_equals_the_reference(rate: int) -> None:
    draw = random.Random(rate)
    for amount in [0, 1, 2**63 - 1, *(draw.randrange(2 ** draw.randrange(1, 63)) for _ in range(300))]:
        assert kernels.pool_fee(amount, rate) == reference.fee_on_total(amount, rate)


@pytest.mark.parametrize("side", list(Side))
def test_swaps_with_and_without_a_limit_equal_the_reference(side: Side) -> None:
    draw = random.Random(side.value)
    seen = set()
    for _ in range(600):
        pool = random_pool(draw)
        reserve = pool.tao if side is Side.BUY else pool.alpha
        amount = random_amount(draw, reserve)
        spot = reference.spot_rao(pool)
        limit = int(spot * (10 ** draw.uniform(-0.02, 2) if side is Side.BUY else 10 ** draw.uniform(-2, 0.02)))
        status, swapped = outcome(
            lambda pool=pool, amount=amount, limit=limit: reference.swap(
                pool, side, amount, limit_bits=reference.limit_bits_of(limit)
            )
        )
        answer = kernels.swap(SIDES[side], *reserves(pool), pool.fee_rate, amount, limit)
        assert answer[0] == status
        if swapped is not None:
            assert answer[1:] == (swapped.amount_in, swapped.amount_out, swapped.fee, swapped.full)
        seen.add((status, swapped is not None and swapped.full))
    assert {(kernels.OK, True), (kernels.OK, False), (kernels.PRICE_LIMIT_EXCEEDED, False)} <= seen


@pytest.mark.parametrize("side", list(Side))
def test_the_largest_input_for_a_limit_equals_the_reference(side: Side) -> None:
    draw = random.Random(side.value + "limit")
    for _ in range(200):
        pool = random_pool(draw)
        limit = int(reference.spot_rao(pool) * 10 ** draw.uniform(-1, 1))
        status, most = outcome(
            lambda pool=pool, limit=limit: reference.max_input_for_limit(pool, side, limit_rao=limit)
        )
        answer = kernels.max_input_for_limit(SIDES[side], *reserves(pool), pool.fee_rate, limit)
        assert answer == (status, min(most or 0, kernels.AMOUNT_MAX))


def test_a_share_is_its_quotient_for_every_kind_of_dividend() -> None:
    """The dividends next to a whole quotient are the ones that a multiplication could miss."""
    draw = random.Random(9)
    shares = [draw.randrange(2**64) for _ in range(2_000)]
    near = [-(-share * SCALE >> 64) + step for share in shares for step in (-1, 0, 1)]
    for k in [0, 1, SCALE - 1, *(k for k in near if 0 <= k < SCALE)]:
        assert int(kernels.share_bits(np.uint64(k))) == (k << 64) // SCALE


def test_the_curve_refuses_as_the_chain_does() -> None:
    assert kernels.curve_buy(100, MIN_RESERVE, HALF_WEIGHT, 100_001) == (kernels.INPUT_TOO_LARGE, 0)
    assert kernels.curve_buy(100, MIN_RESERVE - 1, HALF_WEIGHT, 100) == (kernels.RESERVES_TOO_LOW, 0)
    assert kernels.curve_sell(MIN_RESERVE, 10**15, HALF_WEIGHT, 1) == (kernels.NO_OUTPUT, 0)
    assert kernels.curve_buy(*reserves(DEEP), 0) == (kernels.OK, 0)


@pytest.mark.parametrize(
    ("tao", "alpha", "weight", "net"),
    [
        (-1, 10**9, HALF_WEIGHT, 1),
        (10**9, -1, HALF_WEIGHT, 1),
        (10**9, 10**9, 0, 1),
        (10**9, 10**9, SCALE, 1),
        (10**9, 10**9, 5, -1),
    ],
)
def test_pools_and_amounts_without_meaning_are_out_of_range(tao: int, alpha: int, weight: int, net: int) -> None:
    for curve in (kernels.curve_buy, kernels.curve_sell):
        assert curve(tao, alpha, weight, net) == (kernels.OUT_OF_RANGE, 0)
    assert kernels.swap(kernels.BUY, tao, alpha, weight, 33, net, 10**9)[0] == kernels.OUT_OF_RANGE
    assert kernels.swap(kernels.BUY, 10**9, 10**9, HALF_WEIGHT, 65_535, 1, 10**9)[0] == kernels.OUT_OF_RANGE
    assert kernels.max_input_for_limit(kernels.BUY, 10**9, 10**9, HALF_WEIGHT, 33, -1) == (kernels.OUT_OF_RANGE, 0)


def test_reserves_near_the_end_of_the_type_neither_wrap_nor_lie() -> None:
    huge = 2**63 - 1
    for net in (1, 10**12, 2**62, huge):
        pool = Pool(huge, huge)
        expected = reference.curve_out(pool, Side.BUY, net)
        assert kernels.curve_buy(huge, huge, HALF_WEIGHT, net) == (
            kernels.OK if expected else kernels.NO_OUTPUT,
            expected,
        )
