"""Arithmetic of root's dividends: what a rao of root stake may claim, and whose turn it is (``economics`` 3.9)."""

from typing import Final

from chain.runtime.fixed_point import U64_MAX, div_q32, mul_q32, to_rao_q32

AUTO_CLAIMS: Final = 5
"""Coldkeys whose dividends are claimed for them in each block, at most."""
SUBNETS_MAX: Final = 5
"""Subnets that one call may claim from."""
_HASH_BYTES: Final = 32
_WORD: Final = 8


def rate_increase(dividend: int, root_total: int) -> int:
    """Return how much the claim per root rao grows by a dividend, Q32, rounded down: the remainder is nobody's.

    The caller sees to it that the dividend does not exceed the stake; of nothing nobody has a claim.
    """
    return div_q32(dividend << 32, root_total << 32)


def owed(rate_q32: int, root_stake: int, claimed: int) -> int:
    """Return the rao of alpha a root position may claim, rounded down, at least 0."""
    return min(max(mul_q32(rate_q32, root_stake << 32) - (claimed << 32), 0) >> 32, U64_MAX)


def earned(rate_q32: int, root_stake: int) -> int:
    """Return what a rate is worth to a stake in rao, rounded down: by so much its watermark moves."""
    return to_rao_q32(mul_q32(rate_q32, root_stake << 32))


def auto_claim_indices(block_hash: bytes, *, count: int, total: int) -> list[int]:
    """Return which of ``total`` root stakers are served in a block, ascending, each once."""
    if total == 0:
        return []
    index = int.from_bytes(block_hash[:_WORD], "big")
    chosen = set[int]()
    for turn in range(count):
        start = _WORD * turn % _HASH_BYTES
        step = int.from_bytes(block_hash[start : start + _WORD], "big")
        index = min(index + step, U64_MAX) % total
        chosen.add(index)
    return sorted(chosen)
