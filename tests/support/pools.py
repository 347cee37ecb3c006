"""Pools to test with, and what the reference says in the words of the kernels."""

import random
from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st

from amm import pool as kernels
from amm.errors import InsufficientLiquidity, PriceLimitExceeded, ReservesTooLow, SwapInputTooLarge, SwapRefused
from amm.reference import HALF_WEIGHT, MIN_RESERVE, MIN_WEIGHT, SCALE, Pool

T = TypeVar("T")
RESERVE_MAX = 2**52

reserves = st.one_of(st.integers(0, 2 * MIN_RESERVE), st.integers(10**6, 10**12), st.integers(10**9, RESERVE_MAX))
weights = st.one_of(
    st.just(HALF_WEIGHT),
    st.integers(MIN_WEIGHT, SCALE - MIN_WEIGHT),
    st.integers(HALF_WEIGHT - 10**6, HALF_WEIGHT + 10**6),
    # Exponents that the chain takes on its exact path.
    st.integers(1, 99).map(lambda percent: percent * SCALE // 100),
)
rates = st.one_of(st.just(33), st.integers(0, 10_000))
pools = st.builds(Pool, reserves, reserves, weights, rates)
amounts = st.one_of(st.integers(1, 10_000), st.integers(1, 10**12), st.integers(1, 2**61))


def random_pool(draw: random.Random, *, weight_min: int = SCALE // 10) -> Pool:
    """Return a pool of the size that markets have, with a weight between ``weight_min`` and what it leaves."""
    return Pool(
        tao=int(10 ** draw.uniform(9, 16)),
        alpha=int(10 ** draw.uniform(9, 16)),
        weight=draw.randrange(weight_min, SCALE - weight_min + 1),
        fee_rate=draw.choice((33, 33, 0, 10_000, draw.randrange(10_000))),
    )


def random_amount(draw: random.Random, reserve: int) -> int:
    """Return an input from dust to the thousandfold of a reserve, evenly in its logarithm."""
    return max(
        int(10 ** draw.uniform(0, 3) * reserve) if draw.random() < 0.05 else int(reserve ** draw.uniform(0, 1)), 1
    )


def status_of(refused: SwapRefused) -> int:
    """Return the kernels' status for a refusal of the reference; a swap without output has one of its own."""
    if isinstance(refused, ReservesTooLow):
        return kernels.RESERVES_TOO_LOW if refused.reserve_out < MIN_RESERVE else kernels.NO_OUTPUT
    return {
        SwapInputTooLarge: kernels.INPUT_TOO_LARGE,
        PriceLimitExceeded: kernels.PRICE_LIMIT_EXCEEDED,
        InsufficientLiquidity: kernels.INSUFFICIENT_LIQUIDITY,
    }[type(refused)]


def outcome(step: Callable[[], T]) -> tuple[int, T | None]:
    """Run a step of the reference and return ``(status, answer)``."""
    try:
        return kernels.OK, step()
    except SwapRefused as refused:
        return status_of(refused), None
