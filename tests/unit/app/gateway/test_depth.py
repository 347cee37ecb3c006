from fractions import Fraction
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amm.pool import curve_sell, pool_fee, spot_rao
from amm.steps import buy_out, sell_in
from app.gateway.kraken.depth import (
    ClosedForm,
    Depth,
    Level,
    PoolCurve,
    build_depth,
    build_side,
    merge,
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
@given(curve=pools, count=st.integers(1, 60))
def test_walking_the_shown_depth_costs_what_one_order_of_the_sum_costs(curve: PoolCurve, count: int) -> None:
    """Level by level on the curve, within 1 rao per level of the quote of the whole."""
    depth = depth_of(curve, count)
    rest = (curve.weight, curve.fee_rate)

    tao, alpha, paid = curve.tao, curve.alpha, 0
    for level in depth.asks:
        _, cost, _, _, tao, alpha = buy_out(tao, alpha, *rest, level.volume)
        paid += cost
    whole = buy_out(curve.tao, curve.alpha, *rest, sum(level.volume for level in depth.asks))[1]
    assert abs(paid - whole) <= len(depth.asks)

    # Of a sale the pool fee is not sold on the way: the author's part follows the whole.
    tao, alpha, got = curve.tao, curve.alpha, 0
    for level in depth.bids:
        net = level.volume - pool_fee(level.volume, curve.fee_rate)
        _, out = curve_sell(tao, alpha, curve.weight, net)
        tao, alpha, got = tao - out, alpha + net, got + out
    whole = sell_in(curve.tao, curve.alpha, *rest, sum(level.volume for level in depth.bids))[1]
    # A rao per level of what is taken, and of the alpha by which each level's fee is rounded.
    assert abs(got - whole) <= (2 + spot_rao(curve.tao, curve.alpha, curve.weight) // TAO) * len(depth.bids)


@settings(max_examples=40)
@given(curve=pools)
def test_a_limit_at_a_level_is_filled_for_the_sum_shown_up_to_it_and_a_lot_per_level_at_most(curve: PoolCurve) -> None:
    """What is shown is all that a limit order gets there, but for the roundings down to the lot."""
    depth = depth_of(curve)
    pool = (curve.tao, curve.alpha, curve.weight, curve.fee_rate)
    slack = curve.alpha * 6 // spot_rao(*pool[:3]) + 100

    shown = 0
    for number, level in enumerate(depth.asks, 1):
        shown += level.volume
        got = plan_buy(*pool, 0, 2 * shown, level.price)[1]
        assert shown <= got <= shown + number * LOT_RAO + slack
    shown = 0
    for number, level in enumerate(depth.bids, 1):
        shown += level.volume
        sold = plan_sell(*pool, 2 * shown, level.price)[1]
        assert shown <= sold <= shown + number * LOT_RAO + slack


levels = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 9)), max_size=12)


@given(pool=levels, resting=levels, count=st.integers(1, 30), is_bid=st.booleans())
def test_resting_orders_join_the_levels_of_the_pool(
    pool: list[tuple[int, int]], resting: list[tuple[int, int]], count: int, *, is_bid: bool
) -> None:
    curve = [Level(price * PRICE_TICK_RAO, lots * LOT_RAO) for price, lots in dict(pool).items()]
    orders = [(price * PRICE_TICK_RAO, lots * LOT_RAO) for price, lots in resting]

    merged = merge(curve, orders, 10_000, is_bid=is_bid)

    sums: dict[int, int] = {level.price: level.volume for level in curve}
    for price, volume in orders:
        sums[price] = sums.get(price, 0) + volume
    assert merged == tuple(Level(price, sums[price]) for price in sorted(sums, reverse=is_bid))
    assert merge(curve, orders, count, is_bid=is_bid) == merged[:count]


def test_what_rests_between_ticks_is_shown_where_an_order_meets_it() -> None:
    off_tick = 20_000_003

    assert merge([], [(off_tick, 25)], 5, is_bid=False) == (Level(20_000_010, 20),)
    assert merge([], [(off_tick, 25)], 5, is_bid=True) == (Level(20_000_000, 20),)
    assert merge([], [(off_tick, LOT_RAO - 1)], 5, is_bid=True) == ()


@given(curve=pools)
def test_the_first_level_can_be_ordered_alone(curve: PoolCurve) -> None:
    depth = build_depth(curve, 10, window_tao=curve.tao // 4_000, first_rao=ORDER_MIN_RAO)

    assert all(side[0].volume >= ORDER_MIN_RAO for side in (depth.asks, depth.bids) if side)


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
        # The limit is rounded to whole rao of price, which moves the reach by about that share of the reserve.
        assert abs(reach - ideal) <= curve.alpha * 2 // spot + 100
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
