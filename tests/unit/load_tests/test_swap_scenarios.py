"""The scenarios of swaps and quotes: they compare amounts while they measure."""

import numpy as np
import pytest

from amm import pool, quote
from load_tests.baselines.big_integers import BigIntegerPools
from load_tests.driver import Options, run_scenario
from load_tests.scenarios.swap_weighted import columns, random_swaps, weighted_pools


@pytest.mark.parametrize("name", ["swap_weighted", "quotes"])
def test_a_short_run_gives_both_figures_and_the_ratio(name: str) -> None:
    result = run_scenario(name, Options(runs=2, scale=0.01))

    assert result.name == name
    assert result.ratio == result.value / result.baseline > 1
    assert result.details["runs"] == 2


def test_big_integers_and_kernels_pay_the_same_row_after_row() -> None:
    pools = weighted_pools(5)
    side, market, size = random_swaps(pools, 300, 6)
    tao, alpha, weight, rate = columns(pools)
    out = np.zeros(300, np.int64)

    quote.swap_sequence(side, market, size, tao, alpha, weight, rate, out)
    _, paid = BigIntegerPools(pools).measure(side, market, size)

    assert np.maximum(out, 0).tolist() == paid


def test_a_refused_row_pays_nothing_and_leaves_its_pool() -> None:
    pools = weighted_pools(5)[:1]
    baseline = BigIntegerPools(pools)
    too_large = np.array([1_001 * pools[0].tao * 2])

    _, refused = baseline.measure(np.array([pool.BUY]), np.array([0]), too_large)
    _, quoted = baseline.quote(pool.SELL, np.array([10**6]))
    _, first = BigIntegerPools(pools).quote(pool.SELL, np.array([10**6]))

    assert refused == [0]
    assert quoted == first
