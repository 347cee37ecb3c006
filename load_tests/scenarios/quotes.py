"""Quotes per second for 128 weighted pools times 1 000 sizes, buys and sales in turns, one thread.

``details`` holds the time of one whole batch, weighted and at weight one half. The goal is a weighted batch in 100
ms. The baseline quotes a few sizes with big integers, and what both pay must be equal to the rao.
"""

import statistics
import time

import numpy as np

from amm import pool, quote
from amm.reference import Pool
from load_tests.baselines.big_integers import BigIntegerPools
from load_tests.driver import Options
from load_tests.report import Result, latencies_ms, spread
from load_tests.scenarios.swap_weighted import columns, weighted_pools

SIZES = 1_000
BASELINE_SIZES = 20
BATCHES_PER_RUN = 10
BATCH_GOAL_S = 0.1


async def run(options: Options) -> Result:
    """Measure batches at both kinds of weight and the baseline in turns, and return the medians."""
    sizes = np.geomspace(10**6, 10**12, SIZES).astype(np.int64)
    weighted, equal = weighted_pools(2), weighted_pools(2, weighted=False)
    goal = len(weighted) * SIZES / BATCH_GOAL_S
    rates: list[float] = []
    baselines: list[float] = []
    weighted_s: list[float] = []
    equal_s: list[float] = []
    _batch(equal, pool.BUY, sizes[:1])
    for turn in range(options.runs):
        side = (pool.BUY, pool.SELL)[turn % 2]
        for _ in range(options.scaled(BATCHES_PER_RUN)):
            seconds, out = _batch(weighted, side, sizes)
            weighted_s.append(seconds)
            rates.append(out.size / seconds)
            equal_s.append(_batch(equal, side, sizes)[0])
        every = SIZES // BASELINE_SIZES
        measured, paid = BigIntegerPools(weighted).quote(side, sizes[::every])
        baselines.append(measured)
        if not np.array_equal(np.maximum(out[:, ::every], 0), paid):
            raise ArithmeticError("kernel and big integers quote different amounts")
    return Result(
        name="quotes",
        value=statistics.median(rates),
        unit="quotes/s",
        baseline=statistics.median(baselines),
        baseline_name="big integers",
        goal=goal,
        details={
            "runs": options.runs,
            "quotes": spread(rates),
            "big_integers": spread(baselines),
            "sizes": {"pools": len(weighted), "sizes": SIZES},
            "weighted_batch": latencies_ms(weighted_s),
            "equal_batch": latencies_ms(equal_s),
        },
    )


def _batch(pools: list[Pool], side: int, sizes: np.ndarray) -> tuple[float, np.ndarray]:
    """Quote every pool for every size; return seconds and amounts."""
    out = np.zeros((len(pools), len(sizes)), np.int64)
    tao, alpha, weight, rate = columns(pools)
    begun = time.perf_counter()
    quote.quote_batch(side, tao, alpha, weight, rate, sizes, out)
    return time.perf_counter() - begun, out
