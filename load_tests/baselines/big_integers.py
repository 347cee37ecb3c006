"""Swaps with Python's big integers: what one would write first, and the oracle of the kernels."""

import time

import numpy as np

from amm import exchange_reference, pool
from amm.errors import SwapRefused
from amm.reference import Pool


class BigIntegerPools:
    """Pools as objects; a swap replaces one."""

    def __init__(self, pools: list[Pool]) -> None:
        self._pools = list(pools)

    def measure(self, side: np.ndarray, market: np.ndarray, size: np.ndarray) -> tuple[float, list[int]]:
        """Swap row after row; return swaps per second and what each row pays, 0 for a refusal."""
        rows = list(zip(side.tolist(), market.tolist(), size.tolist(), strict=True))
        begun = time.perf_counter()
        paid = [self._swap(*row) for row in rows]
        return len(rows) / (time.perf_counter() - begun), paid

    def quote(self, side: int, sizes: np.ndarray) -> tuple[float, list[list[int]]]:
        """Quote every pool for every size; return quotes per second and what each pays."""
        rows = sizes.tolist()
        begun = time.perf_counter()
        paid = [[self._step(given, side, size)[0] for size in rows] for given in self._pools]
        return len(paid) * len(rows) / (time.perf_counter() - begun), paid

    def _swap(self, side: int, market: int, size: int) -> int:
        paid, self._pools[market] = self._step(self._pools[market], side, size)
        return paid

    @staticmethod
    def _step(given: Pool, side: int, size: int) -> tuple[int, Pool]:
        try:
            if side == pool.BUY:
                bought = exchange_reference.buy_in(given, size)
                return bought.alpha_out, bought.pool
            sold = exchange_reference.sell_in(given, size)
        except SwapRefused:
            return 0, given
        return sold.tao_out, sold.pool
