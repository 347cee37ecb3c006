"""Quotes in batches equal the single steps."""

import numpy as np
import pytest

from amm import pool, quote, steps

TAO = np.array([10**13, 10**12, 500], np.int64)
ALPHA = np.array([10**14, 10**12, 10**12], np.int64)
WEIGHT = np.array([pool.WEIGHT_SCALE // 2, 47 * pool.WEIGHT_SCALE // 100 + 3, pool.WEIGHT_SCALE // 2], np.int64)
RATE = np.array([33, 0, 33], np.int64)
SIZES = np.array([1, 10**6, 10**9, 10**15], np.int64)


@pytest.mark.parametrize("side", [pool.BUY, pool.SELL])
def test_a_batch_of_quotes_is_one_step_for_every_pool_and_size(side: int) -> None:
    out = np.zeros((3, 4), np.int64)
    quote.quote_batch(side, TAO, ALPHA, WEIGHT, RATE, SIZES, out)
    for i in range(3):
        row = (int(TAO[i]), int(ALPHA[i]), int(WEIGHT[i]), int(RATE[i]))
        for j, size in enumerate(SIZES.tolist()):
            answer = (steps.buy_in if side == pool.BUY else steps.sell_in)(*row, size)
            paid = answer[3] if side == pool.BUY else answer[1]
            assert out[i, j] == (paid if answer[0] == pool.OK else -answer[0])
    assert (out < 0).any()
    assert (out > 0).any()


def test_a_batch_of_swaps_takes_each_row_by_its_own_side() -> None:
    out = np.zeros(3, np.int64)
    quote.swap_batch(np.array([pool.BUY, pool.SELL, pool.BUY]), TAO, ALPHA, WEIGHT, RATE, np.full(3, 10**9), out)
    assert out[0] == steps.buy_in(int(TAO[0]), int(ALPHA[0]), int(WEIGHT[0]), 33, 10**9)[3]
    assert out[1] == steps.sell_in(int(TAO[1]), int(ALPHA[1]), int(WEIGHT[1]), 0, 10**9)[1]
    assert out[2] == -pool.INPUT_TOO_LARGE
