"""One pool in Python integers: the rules that the known answers do not spell out."""

import random

import pytest

from amm import reference
from amm.errors import PriceLimitExceeded, ReservesTooLow, SwapInputTooLarge, WeightOutOfRange
from amm.reference import HALF_WEIGHT, MIN_RESERVE, ONE, RAO_PER_WHOLE, SCALE, U64_MAX, Pool, Side
from tests.support.pools import random_amount, random_pool

DEEP = Pool(tao=20_000 * 10**9, alpha=600_000 * 10**9)


def test_at_equal_weights_the_price_is_the_ratio_of_the_reserves() -> None:
    assert reference.price_bits(Pool(3, 2)) == 3 * ONE // 2
    assert reference.spot_rao(DEEP) == RAO_PER_WHOLE // 30
    assert reference.price_bits(Pool(3, 0)) == 0


def test_a_swap_checks_input_then_reserve_then_price() -> None:
    poor = Pool(tao=100, alpha=MIN_RESERVE - 1)
    with pytest.raises(SwapInputTooLarge):
        reference.swap(poor, Side.BUY, 200_000, limit_bits=0)
    with pytest.raises(ReservesTooLow):
        reference.swap(poor, Side.BUY, 100, limit_bits=0)
    with pytest.raises(PriceLimitExceeded):
        reference.swap(Pool(tao=100, alpha=MIN_RESERVE), Side.BUY, 100, limit_bits=0)


def test_a_limit_at_the_present_price_is_already_passed() -> None:
    price = reference.price_bits(DEEP)
    for side in Side:
        with pytest.raises(PriceLimitExceeded):
            reference.swap(DEEP, side, 10**9, limit_bits=price)


def test_a_swap_that_meets_its_limit_stops_there_and_charges_the_fee_on_top() -> None:
    price = reference.price_bits(DEEP)
    for side, limit in ((Side.BUY, price * 2), (Side.SELL, price // 2)):
        swapped = reference.swap(DEEP, side, 10**16, limit_bits=limit)
        after = reference.price_bits(swapped.pool)
        assert not swapped.full
        assert swapped.fee == reference.fee_on_top(swapped.amount_in, DEEP.fee_rate)
        assert abs(after - limit) < limit // 10**9


def test_an_input_that_brings_nothing_is_refused_as_dust() -> None:
    with pytest.raises(ReservesTooLow):
        reference.swap(Pool(tao=MIN_RESERVE, alpha=10**15), Side.SELL, 1, limit_bits=1)


def test_the_fee_never_enters_the_reserves() -> None:
    bought = reference.quote_buy(DEEP, 10**12)
    assert bought.pool.tao == DEEP.tao + bought.amount_in
    assert bought.amount_in + bought.fee == 10**12
    sold = reference.quote_sell(DEEP, 10**12)
    assert sold.pool.alpha == DEEP.alpha + sold.amount_in


def test_a_round_trip_without_fee_gains_at_most_one_rao() -> None:
    draw = random.Random(11)
    for _ in range(300):
        pool = random_pool(draw)
        tao = random_amount(draw, pool.tao)
        out = reference.curve_out(pool, Side.BUY, tao)
        after = reference.apply_swap(pool, Side.BUY, amount_in=tao, amount_out=out)
        assert reference.curve_out(after, Side.SELL, out) <= tao + 1


def test_injection_keeps_the_price_and_moves_the_weight() -> None:
    after = reference.inject(DEEP, tao=10**12, alpha=10**12)
    assert after.weight != HALF_WEIGHT
    assert (after.tao, after.alpha) == (DEEP.tao + 10**12, DEEP.alpha + 10**12)
    before = reference.price_bits(DEEP)
    assert abs(reference.price_bits(after) - before) * 10**15 < before


def test_an_injection_that_would_leave_one_percent_is_refused_whole() -> None:
    with pytest.raises(WeightOutOfRange) as caught:
        reference.inject(Pool(10**9, 10**9), tao=10**12, alpha=0)
    assert caught.value.weight > SCALE - reference.MIN_WEIGHT


def test_a_first_weight_outside_the_bounds_is_refused() -> None:
    with pytest.raises(WeightOutOfRange):
        reference.initial_weight(tao=1, alpha=10**9, price=ONE)
    assert reference.initial_weight(tao=10**9, alpha=10**9, price=ONE) == HALF_WEIGHT


def test_alpha_worth_a_small_amount_takes_the_present_price_and_no_fee() -> None:
    assert reference.alpha_equivalent(Pool(tao=10**12, alpha=2 * 10**12), 1_000) == 2_000
    assert reference.alpha_equivalent(Pool(tao=10**12, alpha=0), 1_000) == 0


def test_the_largest_input_for_a_limit_is_the_last_that_fits() -> None:
    limit = reference.spot_rao(DEEP) * 2
    most = reference.max_input_for_limit(DEEP, Side.BUY, limit_rao=limit)
    bits = reference.limit_bits_of(limit)
    assert reference.swap(DEEP, Side.BUY, most, limit_bits=bits).full
    assert not reference.swap(DEEP, Side.BUY, most + 10**6, limit_bits=bits).full


def test_networks_that_trade_one_to_one_take_everything_or_nothing() -> None:
    assert reference.max_input_one_to_one(Side.BUY, limit_rao=RAO_PER_WHOLE) == U64_MAX
    assert reference.max_input_one_to_one(Side.BUY, limit_rao=RAO_PER_WHOLE - 1) == 0
    assert reference.max_input_one_to_one(Side.SELL, limit_rao=RAO_PER_WHOLE) == U64_MAX
    assert reference.max_input_one_to_one(Side.SELL, limit_rao=RAO_PER_WHOLE + 1) == 0


def test_nothing_brings_more_tao_than_the_pool_has() -> None:
    assert reference.alpha_needed_for_tao(DEEP, DEEP.tao) == 0
    needed = reference.alpha_needed_for_tao(DEEP, 10**12)
    assert (
        reference.curve_out(DEEP, Side.SELL, needed + 31) >= 10**12 > reference.curve_out(DEEP, Side.SELL, needed - 31)
    )


def test_the_last_places_of_the_payout_are_the_chains_and_not_the_ideal_curves() -> None:
    """The stay share is rounded down, so a payout may lie one rao above ``R * d / (R + d)``: not to be repaired."""
    pool = Pool(tao=21 * 10**15, alpha=21 * 10**15)
    draw = random.Random(3)
    gains = set()
    for _ in range(2_000):
        net = draw.randrange(1, 10**9)
        gains.add(reference.curve_out(pool, Side.BUY, net) - pool.alpha * net // (pool.tao + net))
    assert gains <= {0, 1}
    assert 1 in gains
