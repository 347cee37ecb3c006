"""The arithmetic of one order: fees by parts, holds, and the prices at which orders meet a pool."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amm.exchange_reference import trading_fee
from amm.pool import NO_OUTPUT
from amm.reference import Pool, limit_bits_of, price_bits
from ledger.engine.curve import BEYOND, FULL, PARTIAL, plan_buy, plan_sell
from ledger.engine.layout import Flag
from ledger.engine.tables import MARKET, ORDER
from ledger.engine.terms import (
    MAKER,
    TAKER,
    alpha_at,
    crosses_head,
    crosses_pool,
    fee_part,
    hold_needed,
    is_above,
    is_below,
    released_by,
)

TAO = 10**9
WEIGHTS = st.sampled_from([5 * 10**17, 3 * 10**17, 6 * 10**17 + 1])


def order(**fields: int) -> Any:
    row = np.zeros(1, ORDER)[0]
    for name, value in ({"taker_ppm": 2_600, "maker_ppm": 1_600} | fields).items():
        row[name] = value
    return row


@given(st.lists(st.integers(1, 10**13), min_size=1, max_size=8))
def test_the_fees_of_parts_add_up_to_the_fee_of_the_whole(costs: list[int]) -> None:
    row = order(flags=Flag.SELL, amount=10**15)
    paid = 0
    for cost in costs:
        paid += fee_part(row, cost, TAKER)
        row["tao"] += cost

    assert paid == trading_fee(sum(costs), 2_600)


@given(
    alpha=st.integers(1, 10**12),
    limit=st.integers(1, 10**9),
    cuts=st.lists(st.tuples(st.integers(1, 10**11), st.sampled_from([TAKER, MAKER])), max_size=6),
)
def test_a_hold_pays_for_every_part_up_to_the_limit_and_shrinks_with_it(
    alpha: int, limit: int, cuts: list[tuple[int, int]]
) -> None:
    row = order(flags=Flag.LIMIT, amount=alpha, limit=limit)
    row["held"] = hold_needed(row, alpha)
    for part, role in cuts:
        left = int(row["amount"] - row["alpha"])
        traded = min(part, left)
        cost = traded * limit // TAO
        if traded == 0 or cost == 0:
            continue
        fee = fee_part(row, cost, role)
        released = released_by(row, traded, cost, fee)
        assert cost + fee <= released <= row["held"]
        row["alpha"] += traded
        row["tao"] += cost
        row["fee"] += fee
        row["held"] -= released
        assert row["held"] >= (left - traded) * limit // TAO
    if row["alpha"] == row["amount"]:
        assert row["held"] == 0


def test_a_buy_with_a_hold_pays_no_fee_that_the_hold_does_not_cover() -> None:
    assert fee_part(order(flags=Flag.LIMIT, held=1_001), 1_000, TAKER) == 1
    assert fee_part(order(flags=Flag.LIMIT, held=0), 1_000, TAKER) == 3


@given(st.integers(10**6, 10**15), st.integers(10**6, 10**15), WEIGHTS, st.integers(1, 10**12))
def test_a_price_is_above_a_pool_exactly_when_it_is_above_its_exact_price(
    tao: int, alpha: int, weight: int, price: int
) -> None:
    pool = Pool(tao, alpha, weight)
    exact = limit_bits_of(price), price_bits(pool)

    if weight == 5 * 10**17:
        assert is_above(price, tao, alpha, weight) is (price * alpha > tao * TAO)
        assert is_below(price, tao, alpha, weight) is (price * alpha < tao * TAO)
    else:
        assert is_above(price, tao, alpha, weight) is (exact[0] > exact[1])
        assert is_below(price, tao, alpha, weight) is (exact[0] < exact[1])


@pytest.mark.parametrize("weight", [5 * 10**17, 3 * 10**17])
@pytest.mark.parametrize("distance", [-3, -2, -1, 0, 1, 2, 3, 40, 4_000])
def test_a_plan_finds_something_only_where_the_order_reaches_the_curve_and_ends_within_its_limit(
    weight: int, distance: int
) -> None:
    """The rate is zero, so that the limit is the pool's price itself; near it no step goes astray."""
    tao, alpha = 20_000 * TAO, 600_000 * TAO
    spot = price_bits(Pool(tao, alpha, weight)) * TAO // 2**64
    limit = spot + distance

    buys = plan_buy(tao, alpha, weight, 0, 0, 10 * TAO, limit)
    sales = plan_sell(tao, alpha, weight, 0, 10 * TAO, limit)

    assert buys[0] == BEYOND or crosses_pool(0, limit, tao, alpha, weight, 0)
    assert sales[0] == BEYOND or crosses_pool(1, limit, tao, alpha, weight, 0)
    assert distance < 40 or buys[0] in (FULL, PARTIAL)
    if buys[0] in (FULL, PARTIAL):
        assert price_bits(Pool(buys[4], buys[5], weight)) <= limit_bits_of(limit)
    if sales[0] in (FULL, PARTIAL):
        assert price_bits(Pool(sales[4], sales[5], weight)) >= limit_bits_of(limit)


def test_a_sale_without_a_limit_sells_all_in_a_shallow_pool_too() -> None:
    for tao in (10 * TAO, 20_000 * TAO):
        sold = plan_sell(tao, 100 * TAO, 5 * 10**17, 33, TAO, 0)
        assert sold[:3] == (FULL, TAO, sold[2])
        assert sold[2] > 0
    assert plan_sell(10 * TAO, 10**6 * TAO, 5 * 10**17, 33, 10, 0)[0] == -NO_OUTPUT


def test_alpha_at_a_price_saturates() -> None:
    assert alpha_at(30_000 * TAO, 1) == 2**63 - 1
    assert [alpha_at(5, price) for price in (TAO, 2 * TAO, 6 * TAO)] == [5, 2, 0]


def test_limits_meet_the_price_of_the_head_exactly() -> None:
    market = np.zeros(1, MARKET)[0]
    market["pool_height"], market["weight"] = 1, 5 * 10**17
    market["head_tao"], market["head_alpha"] = 20_000 * TAO, 600_000 * TAO  # 33 333 333 and a third

    assert [crosses_head(market, 0, limit) for limit in (33_333_333, 33_333_334)] == [False, True]
    assert [crosses_head(market, 1, limit) for limit in (33_333_333, 33_333_334)] == [True, False]
    market["head_alpha"] = 40_000 * TAO  # a half, which is a whole number of units
    assert [crosses_head(market, side, TAO // 2) for side in (0, 1)] == [True, True]
    market["pool_height"] = 0
    assert not crosses_head(market, 0, 10**12)
