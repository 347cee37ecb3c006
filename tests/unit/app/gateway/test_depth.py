from fractions import Fraction
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amm.pool import spot_rao
from app.gateway.kraken.depth import (
    CLOSED,
    DRIFT_PPM,
    Capacity,
    ClosedForm,
    Depth,
    PoolCurve,
    build_depth,
    build_side,
    prices_above,
    prices_below,
    step_for,
)
from app.gateway.kraken.names import LOT_RAO, ORDER_MIN_RAO, PRICE_TICK_RAO
from ledger.engine.curve import FULL, plan_buy, plan_sell

TAO = 10**9
pools = st.builds(
    PoolCurve,
    tao=st.integers(1_000 * TAO, 1_000_000 * TAO),
    alpha=st.integers(10_000 * TAO, 10_000_000 * TAO),
    weight=st.integers(2 * 10**17, 8 * 10**17) | st.just(5 * 10**17),
    fee_rate=st.integers(10, 3_000),
)


def depth_of(curve: PoolCurve, count: int = 12) -> Depth:
    return build_depth(curve, count, window_tao=curve.tao // 4_000, first_rao=ORDER_MIN_RAO)


@settings(max_examples=40)
@given(curve=pools)
def test_a_limit_order_for_the_sum_shown_up_to_a_level_fills_completely(curve: PoolCurve) -> None:
    """The engine's own plan of such an order is the judge."""
    depth = depth_of(curve)
    pool = (curve.tao, curve.alpha, curve.weight, curve.fee_rate)

    total = 0
    for level in depth.asks:
        total += level.volume
        if total >= ORDER_MIN_RAO:
            reach, got, cost, *_ = plan_buy(*pool, 0, total, level.price)
            assert (reach, got) == (FULL, total)
            assert cost * TAO <= total * level.price
    total = 0
    for level in depth.bids:
        total += level.volume
        if total >= ORDER_MIN_RAO:
            reach, given_, out, *_ = plan_sell(*pool, total, level.price)
            assert (reach, given_) == (FULL, total)
            assert out * TAO >= total * level.price


@settings(max_examples=40)
@given(curve=pools)
def test_sides_are_sorted_on_the_grid_and_never_cross(curve: PoolCurve) -> None:
    depth = depth_of(curve)
    asks, bids = [level.price for level in depth.asks], [level.price for level in depth.bids]

    assert len(asks) >= 10
    assert len(bids) >= 10
    assert asks == sorted(set(asks))
    assert bids == sorted(set(bids), reverse=True)
    assert bids[0] < asks[0]
    assert all(level.volume > 0 and level.volume % LOT_RAO == 0 for level in (*depth.asks, *depth.bids))
    assert all(price % PRICE_TICK_RAO == 0 for price in (*asks, *bids))


@settings(max_examples=40)
@given(curve=pools, part=st.integers(1, 1_000))
def test_no_more_is_shown_than_the_window_can_fill(curve: PoolCurve, part: int) -> None:
    window = curve.tao * part // 4_000_000
    cut = PoolCurve(curve.tao, curve.alpha, curve.weight, curve.fee_rate, Capacity(window), Capacity(window))
    depth = build_depth(cut, 500, window_tao=window)
    bought, sold = (sum(level.volume for level in side) for side in (depth.asks, depth.bids))

    pool = (curve.tao, curve.alpha, curve.weight, curve.fee_rate)
    if bought >= ORDER_MIN_RAO:
        assert plan_buy(*pool, 0, bought, depth.asks[-1].price)[6] <= window
    if sold >= ORDER_MIN_RAO:
        assert plan_sell(*pool, sold, depth.bids[-1].price)[6] <= window


@settings(max_examples=20)
@given(curve=pools)
def test_a_head_that_moves_the_price_a_little_takes_nothing_from_a_shown_level(curve: PoolCurve) -> None:
    curve = PoolCurve(curve.tao, curve.alpha, 5 * 10**17, curve.fee_rate)
    depth = depth_of(curve)
    bought, sold = (sum(level.volume for level in side) for side in (depth.asks, depth.bids))

    dearer, cheaper = (curve.tao * (10**6 + step) // 10**6 for step in (20, -20))
    rest = (curve.alpha, curve.weight, curve.fee_rate)

    if bought >= ORDER_MIN_RAO:
        assert plan_buy(dearer, *rest, 0, bought, depth.asks[-1].price)[0] == FULL
    if sold >= ORDER_MIN_RAO:
        assert plan_sell(cheaper, *rest, sold, depth.bids[-1].price)[0] == FULL


@given(curve=pools)
def test_the_first_level_can_be_ordered_alone(curve: PoolCurve) -> None:
    depth = build_depth(curve, 10, window_tao=curve.tao // 4_000, first_rao=ORDER_MIN_RAO)

    assert all(side[0].volume >= ORDER_MIN_RAO for side in (depth.asks, depth.bids) if side)


def test_what_the_house_lacks_is_not_offered() -> None:
    curve = PoolCurve(10_000 * TAO, 1_000_000 * TAO, 5 * 10**17, 33, Capacity(alpha=50 * TAO), CLOSED)
    depth = depth_of(curve, 500)

    assert 49 * TAO < sum(level.volume for level in depth.asks) <= 50 * TAO
    assert depth.bids == ()


def test_an_empty_pool_has_no_levels() -> None:
    assert build_depth(PoolCurve(0, 0, 5 * 10**17, 33), 10, window_tao=0) == Depth((), ())


@given(curve=pools)
def test_the_pool_and_the_textbook_agree_at_equal_weights(curve: PoolCurve) -> None:
    curve = PoolCurve(curve.tao, curve.alpha, 5 * 10**17, curve.fee_rate)
    textbook = ClosedForm(curve.tao, curve.alpha, Fraction(curve.fee_rate, 65_535))
    spot = spot_rao(curve.tao, curve.alpha, curve.weight)

    for is_bid, price in ((False, spot * 11 // 10), (True, spot * 9 // 10)):
        reach = curve.bid_reach(price) if is_bid else curve.ask_reach(price)
        ideal = (textbook.bid_reach(price) if is_bid else textbook.ask_reach(price)) // textbook.grain
        # The limit is rounded to whole rao of price and kept off by the drift margin, which moves the reach by about
        # that share of the reserve.
        assert abs(reach - ideal) <= curve.alpha * 2 // spot + 2 * curve.alpha * DRIFT_PPM // 10**6 + 100
        assert reach <= ideal + 100


@given(price=st.integers(1, 10**14), step=st.sampled_from([500, 125, 7, 1]))
def test_a_grid_price_is_the_same_from_wherever_it_is_reached(price: int, step: int) -> None:
    up = list(islice(prices_above(price, step), 5))
    back = list(islice(prices_below(up[-1], step), 4))

    assert up == sorted(up)
    assert up[0] > price
    assert back == up[-2::-1]


@given(price=st.integers(2_000_000, 10**14))
def test_neighbouring_grid_prices_are_at_most_a_step_apart(price: int) -> None:
    for low, high in pairwise(islice(prices_above(price, 500), 10)):
        assert 0 < high - low <= max(low * 500 // 10**6, PRICE_TICK_RAO) + PRICE_TICK_RAO


@pytest.mark.parametrize(("part", "step"), [(1, 500), (100, 250), (4_000, 7)])
def test_a_small_window_has_a_finer_grid(part: int, step: int) -> None:
    curve = PoolCurve(10_000 * TAO, 1_000_000 * TAO, 5 * 10**17, 33)

    found = step_for(curve, curve.tao // part)

    assert found == step


def test_a_side_is_rounded_down_to_the_lot_level_by_level() -> None:
    curve = ClosedForm(10_000 * TAO, 1_000_000 * TAO, Fraction("0.003"))
    prices = [10_040_000, 10_060_000]

    coarse = build_side(curve, prices, is_bid=False, lot_rao=TAO)

    assert [level.volume for level in coarse] == [493 * TAO, 994 * TAO]
