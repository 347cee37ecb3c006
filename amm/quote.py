"""Quotes and swaps in batches, over arrays of pools."""

import numpy as np

from amm.kernel_cache import kernel
from amm.pool import BUY
from amm.steps import buy_in, sell_in


@kernel
def quote_batch(
    side: int, tao: np.ndarray, alpha: np.ndarray, w: np.ndarray, rate: np.ndarray, sizes: np.ndarray, out: np.ndarray
) -> None:
    """Quote every pool for every size: ``out[pool, size]`` becomes what it pays, or minus its status.

    ``tao``, ``alpha``, ``w``, ``rate``: int64[n_pools]; ``sizes``: int64[n_sizes], TAO for buys and alpha for sells,
    with the pool fee inside; ``out``: int64[n_pools, n_sizes]. All roundings are those of ``buy_in`` and ``sell_in``.
    """
    for i in range(len(tao)):
        for j in range(len(sizes)):
            if side == BUY:
                status, _, _, paid, _, _ = buy_in(tao[i], alpha[i], w[i], rate[i], sizes[j])
            else:
                status, paid, _, _, _, _ = sell_in(tao[i], alpha[i], w[i], rate[i], sizes[j])
            out[i, j] = paid if status == 0 else -status


@kernel
def swap_sequence(
    side: np.ndarray,
    market: np.ndarray,
    size: np.ndarray,
    tao: np.ndarray,
    alpha: np.ndarray,
    w: np.ndarray,
    rate: np.ndarray,
    out: np.ndarray,
) -> None:
    """Swap one row after another on the pool ``market[row]``, moving ``tao`` and ``alpha`` in place.

    ``out[row]`` becomes what the row pays, or minus its status where it is refused and moves nothing. All int64:
    ``side``, ``market``, ``size``, ``out`` per row, the others per pool. All roundings are those of ``buy_in`` and
    ``sell_in``.
    """
    for i in range(len(side)):
        m = market[i]
        if side[i] == BUY:
            status, _, _, paid, tao[m], alpha[m] = buy_in(tao[m], alpha[m], w[m], rate[m], size[i])
        else:
            status, paid, _, _, tao[m], alpha[m] = sell_in(tao[m], alpha[m], w[m], rate[m], size[i])
        out[i] = paid if status == 0 else -status
