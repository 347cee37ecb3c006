"""Exact swaps on weighted pools per second, one after another, each on the reserves that the one before left.

128 pools with weights between 0.3 and 0.7, swaps of 10**-7 to 10**-2 of the reserve on either side, fees and the
author's sale included. The baseline swaps the first rows with big integers, and what both pay must be equal to the
rao.
"""

import statistics
import time

import numpy as np

from amm import power, quote
from amm.reference import SCALE, Pool
from load_tests.baselines.big_integers import BigIntegerPools
from load_tests.driver import Options
from load_tests.report import Result, spread

POOLS = 128
SWAPS_PER_RUN = 2_000_000
BASELINE_SWAPS_PER_RUN = 5_000
GOAL = 200_000


def weighted_pools(seed: int, *, weighted: bool = True) -> list[Pool]:
    """Return pools as markets have them: 10**12 to 10**16 rao on either side, weights from 0.3 to 0.7 or one half."""
    draw = np.random.default_rng(seed)
    tao, alpha = (10 ** draw.uniform(12, 16, POOLS) for _ in range(2))
    weight = draw.integers(3 * SCALE // 10, 7 * SCALE // 10, POOLS) if weighted else np.full(POOLS, SCALE // 2)
    return [Pool(int(t), int(a), int(w)) for t, a, w in zip(tao, alpha, weight, strict=True)]


def columns(pools: list[Pool]) -> list[np.ndarray]:
    """Return the pools as columns of int64: tao, alpha, weight, fee rate."""
    rows = [(pool.tao, pool.alpha, pool.weight, pool.fee_rate) for pool in pools]
    return [np.array(column, np.int64) for column in zip(*rows, strict=True)]


def random_swaps(pools: list[Pool], count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``(side, market, size)`` of random swaps."""
    draw = np.random.default_rng(seed)
    side, market = draw.integers(0, 2, count), draw.integers(0, POOLS, count)
    tao, alpha, _, _ = columns(pools)
    size = np.where(side == 0, tao[market], alpha[market]) * 10 ** draw.uniform(-7, -2, count)
    return side, market, size.astype(np.int64)


async def run(options: Options) -> Result:
    """Measure kernel and big integers in turns, compare what they pay, and return the medians."""
    pools = weighted_pools(1)
    count, baseline_count = options.scaled(SWAPS_PER_RUN), options.scaled(BASELINE_SWAPS_PER_RUN)
    asked = power.fallbacks()
    rates, baselines = [], []
    for seed in range(options.runs):
        side, market, size = random_swaps(pools, count, seed)
        tao, alpha, weight, rate = columns(pools)
        out = np.zeros(count, np.int64)
        # An empty sequence first: nothing is compiled while the clock runs.
        quote.swap_sequence(side[:0], market[:0], size[:0], tao, alpha, weight, rate, out[:0])
        begun = time.perf_counter()
        quote.swap_sequence(side, market, size, tao, alpha, weight, rate, out)
        rates.append(count / (time.perf_counter() - begun))
        measured, paid = BigIntegerPools(pools).measure(
            side[:baseline_count], market[:baseline_count], size[:baseline_count]
        )
        baselines.append(measured)
        if not np.array_equal(np.maximum(out[: len(paid)], 0), paid):
            raise ArithmeticError("kernel and big integers pay different amounts")
    return Result(
        name="swap_weighted",
        value=statistics.median(rates),
        unit="swaps/s",
        baseline=statistics.median(baselines),
        baseline_name="big integers",
        goal=GOAL,
        details={
            "runs": options.runs,
            "swaps": spread(rates),
            "big_integers": spread(baselines),
            "sizes": {"pools": POOLS, "swaps": count, "compared": baseline_count},
            "asked_reference": power.fallbacks() - asked,
        },
    )
