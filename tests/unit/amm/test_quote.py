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


def test_a_sequence_of_swaps_moves_each_pool_step_by_step() -> None:
    side = np.array([pool.BUY, pool.SELL, pool.BUY, pool.BUY])
    market = np.array([1, 1, 2, 1])
    tao, alpha, out = TAO.copy(), ALPHA.copy(), np.zeros(4, np.int64)
    quote.swap_sequence(side, market, np.full(4, 10**9), tao, alpha, WEIGHT, RATE, out)

    weight = int(WEIGHT[1])
    first = steps.buy_in(10**12, 10**12, weight, 0, 10**9)
    second = steps.sell_in(*first[4:], weight, 0, 10**9)
    third = steps.buy_in(*second[4:], weight, 0, 10**9)
    assert out.tolist() == [first[3], second[1], -pool.INPUT_TOO_LARGE, third[3]]
    assert (tao[1], alpha[1]) == third[4:]
    assert (tao[[0, 2]].tolist(), alpha[[0, 2]].tolist()) == (TAO[[0, 2]].tolist(), ALPHA[[0, 2]].tolist())
