"""Compiled: weights from submitted rows to normalised, clipped and penalised ones.

Sections 3.5, 3.7 and the start of 3.8 of ``spec/yuma``. A matrix is three flat arrays: ``starts: int64[rows + 1]``,
``uids: uint16[entries]``, ``values`` (``uint16`` as submitted, ``uint64`` as proportions), in the order of submission.
"""

import numpy as np

from amm.fixed_point import U64
from amm.kernel_cache import allocating_kernel, kernel
from chain.runtime.yuma.numbers import BITS, LIMB_MAX, MASK, UNIT, ZERO, halves, highest_bit

_ROUND = np.uint64(48)
_SHIFT = np.uint64(16)


@kernel
def share_inverse(total: U64) -> U64:
    """Return what ``share_of`` needs of a row's sum."""
    return (UNIT << _ROUND) // total


@kernel
def share_of(value: U64, total: U64, inverse: U64) -> U64:
    """Return a u16 value's share of its row: ``value * 2^32 / total`` rounded down."""
    share = (value * inverse) >> _SHIFT
    # Low by less than 2, since the value is below 2^16; the remainder tells.
    rest = (value << BITS) - share * total
    return share + (UNIT if rest >= total else ZERO)


@kernel
def latest(blocks: np.ndarray) -> U64:
    """Return the largest block."""
    newest = ZERO
    for uid in range(len(blocks)):
        newest = max(newest, blocks[uid])
    return newest


@kernel
def mask_bound(i: int, last_update: np.ndarray, commit_blocks: np.ndarray) -> U64:
    """Return the block before which a neuron must have registered for the weights of row ``i`` on it to count.

    That is the block of the last update, or the one after the commit where that is earlier; ``commit_blocks`` is empty
    where commit-reveal is off.
    """
    bound: U64 = last_update[i]
    if len(commit_blocks) != 0 and commit_blocks[i] != LIMB_MAX:
        bound = min(bound, commit_blocks[i] + UNIT)
    return bound


@kernel
def normalize_rows(
    starts: np.ndarray,
    uids: np.ndarray,
    values: np.ndarray,
    permits: np.ndarray,
    last_update: np.ndarray,
    registered_at: np.ndarray,
    commit_blocks: np.ndarray,
    owner: int,
    out_starts: np.ndarray,
    out_uids: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write the rows without masked entries, each over its sum.

    ``commit_blocks`` is empty where commit-reveal is off; columns of ``registered_at`` end at n.
    """
    n = len(registered_at)
    newest = latest(registered_at)
    count = 0
    for i in range(n):
        out_starts[i] = count
        if not permits[i]:
            continue
        begin = count
        total = ZERO
        bound = mask_bound(i, last_update, commit_blocks)
        everyone = bound > newest
        for at in range(starts[i], starts[i + 1]):
            j = uids[at]
            if j >= n or (j == i and i != owner):
                continue
            if not everyone and registered_at[j] >= bound:
                continue
            value = np.uint64(values[at])
            out_uids[count] = j
            out[count] = value
            total += value
            count += 1
        if total != ZERO:
            inverse = share_inverse(total)
            for at in range(begin, count):
                out[at] = share_of(out[at], total, inverse)
    out_starts[n] = count


@kernel
def clip_rows(
    starts: np.ndarray,
    uids: np.ndarray,
    values: np.ndarray,
    limits: np.ndarray,
    out_starts: np.ndarray,
    out_uids: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write the rows with their columns' limits; entries above a limit of 0 are left out, explicit zeros stay."""
    count = 0
    for i in range(len(starts) - 1):
        out_starts[i] = count
        for at in range(starts[i], starts[i + 1]):
            limit = limits[uids[at]]
            if values[at] > limit and limit == ZERO:
                continue
            out_uids[count] = uids[at]
            out[count] = min(values[at], limit)
            count += 1
    out_starts[len(starts) - 1] = count


@kernel
def penalized(value: U64, limit: U64, fraction: U64, whole: U64) -> U64:
    """Return ``value + penalty * (min(value, limit) - value)``, the product of a negative number rounded down."""
    above = value - min(value, limit)
    return value - (((fraction * above + MASK) >> BITS) + whole * above)


@allocating_kernel
def penalize_rows(
    starts: np.ndarray,
    uids: np.ndarray,
    values: np.ndarray,
    limits: np.ndarray,
    penalty: U64,
    out_starts: np.ndarray,
    out_uids: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write the weights for bonds under a penalty between 0 and one: columns ascending, only above 0."""
    n = len(limits)
    fraction, whole = halves(penalty)
    row = np.zeros(n, np.uint64)
    marks = np.zeros((n >> 6) + 1, np.uint64)
    count = 0
    for i in range(len(starts) - 1):
        out_starts[i] = count
        for at in range(starts[i], starts[i + 1]):
            j = uids[at]
            row[j] = penalized(values[at], limits[j], fraction, whole)
            mark(marks, j)
        count = gather(row, marks, out_uids, out, count)
    out_starts[len(starts) - 1] = count


_WORD = np.uint64(63)


@kernel
def mark(marks: np.ndarray, uid: int) -> None:
    """Remember a column in a set of bits."""
    at = np.uint64(uid)
    marks[at >> np.uint64(6)] |= UNIT << (at & _WORD)


@kernel
def gather(row: np.ndarray, marks: np.ndarray, out_uids: np.ndarray, out: np.ndarray, count: int) -> int:
    """Append the marked columns above 0, ascending, and clear row and marks; return the new count."""
    for word in range(len(marks)):
        left = marks[word]
        marks[word] = ZERO
        base = word << 6
        while left != ZERO:
            lowest = left & (~left + UNIT)
            j = base + highest_bit(lowest)
            left ^= lowest
            if row[j] != ZERO:
                out_uids[count] = j
                out[count] = row[j]
                row[j] = ZERO
                count += 1
    return count


@kernel
def row_sums(starts: np.ndarray, values: np.ndarray, sums: np.ndarray) -> None:
    """Write the sum of every row."""
    for i in range(len(starts) - 1):
        total = ZERO
        for at in range(starts[i], starts[i + 1]):
            total += values[at]
        sums[i] = total


@kernel
def column_products(
    starts: np.ndarray, uids: np.ndarray, values: np.ndarray, factors: np.ndarray, sums: np.ndarray
) -> None:
    """Write for every column the sum of its entries times their row's factor, each product rounded down."""
    for j in range(len(sums)):
        sums[j] = ZERO
    for i in range(len(starts) - 1):
        fraction, whole = halves(factors[i])
        if factors[i] == ZERO:
            continue
        for at in range(starts[i], starts[i + 1]):
            sums[uids[at]] += ((fraction * values[at]) >> BITS) + whole * values[at]
