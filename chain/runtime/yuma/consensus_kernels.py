"""Compiled: the consensus of every column, the weighted median of its scores.

Section 3.6 of ``spec/yuma``, turned round: the smallest score above which less stake than ``kappa`` is left. That is
the same, since all sums are exact, and needs only the entries above 0.
"""

import numpy as np

from amm.fixed_point import U64
from amm.kernel_cache import allocating_kernel, kernel
from chain.runtime.yuma.numbers import ONE, UNIT, ZERO, quotient

_BLOCK = 128
"""Columns taken together: their scores of 64 rows stay in the nearest cache."""
_FULL = np.uint32(2**32 - 1)
"""A score of one among 32-bit scores: no other share of a row of u16 values is that large."""
_HALF = np.uint32(1)
_NONE = np.uint32(0)


@kernel
def voting_stake(active_stake: np.ndarray, votes: np.ndarray) -> int:
    """Write the stake of those that vote, normalised once more; return how many there are."""
    total = ZERO
    for uid in range(len(active_stake)):
        total += active_stake[uid]
    voters = 0
    for uid in range(len(active_stake)):
        votes[uid] = quotient(active_stake[uid], total) if active_stake[uid] != ZERO else ZERO
        voters += active_stake[uid] != ZERO
    return voters


@allocating_kernel
def consensus_sparse(
    starts: np.ndarray,
    uids: np.ndarray,
    values: np.ndarray,
    votes: np.ndarray,
    voters: int,
    kappa: U64,
    consensus: np.ndarray,
) -> None:
    """Write the consensus of every column from sparse rows."""
    n = len(consensus)
    ends = np.zeros(n + 1, np.int64)
    for i in range(len(starts) - 1):
        if votes[i] != ZERO:
            for at in range(starts[i], starts[i + 1]):
                if values[at] != ZERO:
                    ends[uids[at] + 1] += 1
    for j in range(n):
        ends[j + 1] += ends[j]
    scores = np.empty(ends[n], np.uint64)
    stakes = np.empty(ends[n], np.uint64)
    filled = ends[:n].copy()
    for i in range(len(starts) - 1):
        if votes[i] != ZERO:
            for at in range(starts[i], starts[i + 1]):
                if values[at] != ZERO:
                    to = filled[uids[at]]
                    scores[to] = values[at]
                    stakes[to] = votes[i]
                    filled[uids[at]] = to + 1
    for j in range(n):
        begin, end = ends[j], ends[j + 1]
        consensus[j] = median(scores[begin:end], stakes[begin:end], end - begin < voters, kappa)


@kernel
def median(scores: np.ndarray, stakes: np.ndarray, has_zero: bool, kappa: U64) -> U64:  # noqa: FBT001 - kernels take no keywords
    """Return the smallest score above which less than ``kappa`` is left, else the largest; 0 for no scores."""
    low, high = ~ZERO, ZERO
    for at in range(len(scores)):
        low, high = min(low, scores[at]), max(high, scores[at])
    if has_zero or len(scores) == 0:
        low = ZERO
    if kappa == ZERO:
        return high
    while low < high:
        middle = low + ((high - low) >> UNIT)
        left, above, below = ZERO, high, low
        for at in range(len(scores)):
            if scores[at] > middle:
                left += stakes[at]
                above = min(above, scores[at])
            else:
                below = max(below, scores[at])
        if left < kappa:
            high = below
        else:
            low = above
    return low


@allocating_kernel
def consensus_dense(scores: np.ndarray, votes: np.ndarray, kappa: U64, consensus: np.ndarray) -> None:
    """Write the consensus of every column from a full matrix ``scores: uint32[rows, n]``, one as 2^32 - 1.

    ``votes: uint64[rows]`` holds the voting stake, 0 for rows that do not vote; every voter has a row. All columns of
    a block halve their ranges together, so that the inner loops are plain passes over rows.
    """
    rows, n = scores.shape
    low, high = np.empty(_BLOCK, np.uint32), np.empty(_BLOCK, np.uint32)
    middle, left = np.empty(_BLOCK, np.uint32), np.empty(_BLOCK, np.uint32)
    for begin in range(0, n, _BLOCK):
        width = min(_BLOCK, n - begin)
        first = True
        for i in range(rows):
            if votes[i] == ZERO:
                continue
            row = scores[i, begin : begin + width]
            if first:
                for j in range(width):
                    low[j] = row[j]
                    high[j] = row[j]
                first = False
                continue
            for j in range(width):
                low[j] = min(low[j], row[j])
                high[j] = max(high[j], row[j])
        if first:
            for j in range(width):
                low[j] = _NONE
                high[j] = _NONE
        if kappa == ZERO:
            for j in range(width):
                low[j] = high[j]
        # Above the lowest score less than one is left, so sums fit 32 bits; a kappa of one is met there at once.
        elif kappa < ONE:
            widest = _NONE
            for j in range(width):
                widest = max(widest, np.uint32(high[j] - low[j]))
            limit = np.uint32(kappa)
            while widest != _NONE:
                for j in range(width):
                    middle[j] = low[j] + ((high[j] - low[j]) >> _HALF)
                    left[j] = _NONE
                for i in range(rows):
                    if votes[i] == ZERO:
                        continue
                    row = scores[i, begin : begin + width]
                    stake = np.uint32(votes[i])
                    for j in range(width):
                        left[j] += stake if row[j] > middle[j] else _NONE
                for j in range(width):
                    if left[j] < limit:
                        high[j] = middle[j]
                    else:
                        low[j] = middle[j] + _HALF if low[j] < high[j] else low[j]
                widest >>= _HALF
        for j in range(width):
            consensus[begin + j] = ONE if low[j] == _FULL else np.uint64(low[j])
