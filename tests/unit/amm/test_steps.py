"""The compiled steps of the exchange against their reference."""

import random
from collections.abc import Callable

import numpy as np
import pytest

from amm import exchange_reference, pool, steps
from amm.reference import HALF_WEIGHT, Pool, Side, price_bits
from tests.support.pools import outcome, random_amount, random_pool


def row(given: Pool) -> tuple[int, int, int, int]:
    return given.tao, given.alpha, given.weight, given.fee_rate


def test_buys_and_sales_equal_the_reference() -> None:
    draw = random.Random(51)
    statuses = set()
    for _ in range(700):
        given = random_pool(draw)
        cost, alpha = random_amount(draw, given.tao), random_amount(draw, given.alpha)
        status, bought = outcome(lambda given=given, cost=cost: exchange_reference.buy_in(given, cost))
        answer = steps.buy_in(*row(given), cost)
        if bought is not None and bought.alpha_out:
            after = bought.pool
            assert answer == (pool.OK, bought.net, bought.pool_fee, bought.alpha_out, after.tao, after.alpha)
        else:
            assert answer == (status or pool.NO_OUTPUT, 0, 0, 0, given.tao, given.alpha)
        statuses.add(answer[0])

        status, sold = outcome(lambda given=given, alpha=alpha: exchange_reference.sell_in(given, alpha))
        answer = steps.sell_in(*row(given), alpha)
        if sold is not None and sold.tao_out:
            after = sold.pool
            assert answer == (pool.OK, sold.tao_out, sold.pool_fee_alpha, sold.author_tao, after.tao, after.alpha)
        else:
            assert answer == (status or pool.NO_OUTPUT, 0, 0, 0, given.tao, given.alpha)
        statuses.add(answer[0])
    assert {pool.OK, pool.NO_OUTPUT, pool.RESERVES_TOO_LOW} <= statuses


def test_buys_of_exact_amounts_and_mirrors_equal_the_reference() -> None:
    draw = random.Random(52)
    for _ in range(400):
        given = random_pool(draw)
        wanted = min(random_amount(draw, given.alpha), given.alpha + 1)
        status, bought = outcome(lambda given=given, wanted=wanted: exchange_reference.buy_out(given, wanted))
        answer = steps.buy_out(*row(given), wanted)
        if bought is None:
            assert answer == (status, 0, 0, 0, given.tao, given.alpha)
        else:
            after = bought.pool
            assert answer == (pool.OK, bought.cost, bought.net, bought.pool_fee, after.tao, after.alpha)
            assert steps.net_for_out(given.tao, given.alpha, given.weight, wanted) == (pool.OK, bought.net)
        pending = draw.choice([1, -1]) * wanted
        status, after = outcome(lambda given=given, pending=pending: exchange_reference.mirror(given, pending))
        tao, alpha = (after.tao, after.alpha) if after is not None else (given.tao, given.alpha)
        assert steps.mirror(given.tao, given.alpha, given.weight, pending) == (status, tao, alpha)


def test_where_a_walk_must_end_equals_the_reference() -> None:
    draw = random.Random(53)
    for _ in range(200):
        given = random_pool(draw)
        target = int(price_bits(given) * 10 ** draw.uniform(-1, 1))
        limbs = np.uint64(target >> 64), np.uint64(target & (2**64 - 1))
        for side, kernel in ((Side.BUY, steps.net_to_price_buy), (Side.SELL, steps.net_to_price_sell)):
            expected = exchange_reference.net_to_price(given, side, target)
            assert kernel(given.tao, given.alpha, given.weight, *limbs) == min(expected, pool.AMOUNT_MAX)


@pytest.mark.parametrize("rate", [0, 33, 10_000, 40_000])
def test_the_smallest_gross_for_a_net_equals_the_reference(rate: int) -> None:
    draw = random.Random(rate)
    for net in [0, 1, 2, *(draw.randrange(2 ** draw.randrange(1, 46)) for _ in range(200))]:
        gross = steps.gross_for_net(net, rate)
        assert gross == exchange_reference.gross_for_net(net, rate)
        assert gross - pool.pool_fee(gross, rate) >= net


def test_a_gross_beyond_the_type_is_refused() -> None:
    assert steps.gross_for_net(2**63 - 1, 33) == -1
    assert steps.gross_for_net(-1, 33) == -1
    assert steps.gross_for_net(1, 65_535) == -1


@pytest.mark.parametrize("step", [steps.buy_in, steps.buy_out, steps.sell_in])
@pytest.mark.parametrize(
    ("given", "amount"),
    [
        (Pool(10**12, 10**12), 0),
        (Pool(10**12, 10**12), -5),
        (Pool(-1, 10**12), 5),
        (Pool(10**12, -1), 5),
        (Pool(10**12, 10**12, weight=0), 5),
        (Pool(10**12, 10**12, fee_rate=65_535), 5),
        (Pool(10**12, 10**12, fee_rate=-1), 5),
    ],
)
def test_a_step_without_meaning_is_out_of_range_and_moves_nothing(
    step: Callable[..., tuple[int, ...]], given: Pool, amount: int
) -> None:
    assert step(*row(given), amount) == (pool.OUT_OF_RANGE, 0, 0, 0, given.tao, given.alpha)


def test_results_beyond_the_type_are_out_of_range() -> None:
    huge = 2**63 - 2
    assert steps.buy_in(huge, 10**12, HALF_WEIGHT, 33, huge)[0] == pool.OUT_OF_RANGE
    assert steps.sell_in(10**12, huge, HALF_WEIGHT, 33, huge)[0] == pool.OUT_OF_RANGE
    assert steps.mirror(10**12, huge, HALF_WEIGHT, -huge)[0] == pool.OUT_OF_RANGE


def test_a_reserve_below_the_minimum_sells_nothing() -> None:
    poor = 999_999
    assert steps.buy_in(10**9, poor, HALF_WEIGHT, 33, 10**6)[0] == pool.RESERVES_TOO_LOW
    assert steps.buy_out(10**9, poor, HALF_WEIGHT, 33, 10)[0] == pool.RESERVES_TOO_LOW
    assert steps.sell_in(poor, 10**9, HALF_WEIGHT, 33, 10**6)[0] == pool.RESERVES_TOO_LOW
    # The sale itself is fine, but it takes the reserve below what the author's sale needs.
    assert steps.sell_in(1_000_001, 10**9, HALF_WEIGHT, 33, 10**8)[0] == pool.RESERVES_TOO_LOW
