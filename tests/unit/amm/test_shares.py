"""The engine's small integer rules against their reference."""

import random

import numpy as np

from amm import exchange_reference, pool, shares

PPM = 1_000_000


def test_fees_and_costs_within_a_total_equal_the_reference() -> None:
    draw = random.Random(61)
    for _ in range(2_000):
        amount, ppm = draw.randrange(2 ** draw.randrange(1, 62)), draw.choice([0, 1, 2_600, draw.randrange(PPM)])
        assert shares.trading_fee(amount, ppm) == exchange_reference.trading_fee(amount, ppm)
        cost = shares.cost_within(amount, ppm)
        assert cost == exchange_reference.cost_within(amount, ppm)
        assert cost + shares.trading_fee(cost, ppm) <= amount


def test_the_largest_total_has_a_cost_too() -> None:
    largest = 2**63 - 1
    assert shares.cost_within(largest, 0) == largest
    cost = shares.cost_within(largest, 2_600)
    assert cost + shares.trading_fee(cost, 2_600) <= largest < cost + 1 + shares.trading_fee(cost + 1, 2_600)


def test_caps_and_jumps_equal_the_reference() -> None:
    draw = random.Random(62)
    for _ in range(1_000):
        tao, rate, k_ppm = draw.randrange(2 ** draw.randrange(1, 62)), draw.randrange(10_001), draw.randrange(1, PPM)
        assert shares.cap(k_ppm, rate, tao) == exchange_reference.cap(tao_reserve=tao, fee_rate=rate, k_ppm=k_ppm)
        old = draw.randrange(2 ** draw.randrange(1, 128))
        new = draw.choice(
            [old * PPM * PPM // k_ppm**2 + draw.randrange(-1, 2), draw.randrange(2 ** draw.randrange(1, 128))]
        )
        if not 0 <= new < 2**128:
            continue
        limbs = [np.uint64(part) for price in (old, new) for part in (price >> 64, price & (2**64 - 1))]
        assert shares.jumped(*limbs, k_ppm) == exchange_reference.jumped(old=old, new=new, k_ppm=k_ppm)


def test_splits_equal_the_reference_and_lose_nothing() -> None:
    draw = random.Random(63)
    for _ in range(500):
        weights = [
            draw.choice([0, 1, 1, 5, draw.randrange(2 ** draw.randrange(1, 55))]) for _ in range(draw.randrange(1, 30))
        ]
        total = draw.randrange(2 ** draw.randrange(1, 62))
        column, out = np.array(weights, np.int64), np.zeros(len(weights), np.int64)
        for kernel, rule in (
            (shares.largest_remainder, exchange_reference.largest_remainder),
            (shares.running_floor, exchange_reference.running_floor),
        ):
            assert kernel(total, column, out) == pool.OK
            assert out.tolist() == rule(total, weights)
            assert out.sum() == (total if sum(weights) else 0)


def test_splits_refuse_negative_weights_and_sums_beyond_the_type() -> None:
    out = np.zeros(2, np.int64)
    for split in (shares.largest_remainder, shares.running_floor):
        assert split(10, np.array([1, -1]), out) == pool.OUT_OF_RANGE
        assert split(-1, np.array([1, 1]), out) == pool.OUT_OF_RANGE
        assert split(10, np.array([2**62, 2**62]), out) == pool.OUT_OF_RANGE


def test_limits_and_the_bounds_of_the_pool_price_contain_each_other() -> None:
    """A buyer's limit contains the pool fee: at the bound the price with fee is not above the limit."""
    for limit in (1, 10**6, 33_333_333, 10**15):
        for rate in (0, 33, 10_000):
            assert shares.bound_buy(limit, rate) == limit * (65_535 - rate) // 65_535
            assert shares.bound_sell(limit, rate) == -(-limit * 65_535 // (65_535 - rate))
    assert shares.bound_sell(2**63 - 1, 33) == 2**63 - 1


def test_settlement_limits_leave_the_tolerance_and_stay_in_their_type() -> None:
    assert shares.settlement_limit_buy(1_000_000, 10_000) == 1_010_000
    assert shares.settlement_limit_sell(1_000_001, 10_000) == 990_000
    assert shares.settlement_limit_buy(2**63 - 1, 10_000) == 2**63 - 1
    assert shares.settlement_limit_sell(0, 10_000) == 0
