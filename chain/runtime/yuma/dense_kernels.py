"""Compiled: clip, bonds and dividends where most pairs have a weight or a bond, as full matrices.

Section 3.7 and 3.8 of ``spec/yuma`` without liquid alpha. Rows are those that matter, ``V`` of them; a matrix is
``[V, n]``, weights as ``uint32`` with one as 2^32 - 1, old bonds ``uint16``, new ones ``uint64``. Every inner loop is a
plain pass over a row, which the compiler turns into vector instructions. An absent entry and one of 0 count alike here.
"""

import numpy as np

from amm.fixed_point import U64
from amm.kernel_cache import allocating_kernel, kernel
from chain.runtime.yuma.bond_kernels import bond_share
from chain.runtime.yuma.numbers import ONE, UNIT, ZERO, by_inverse, halves, product, reciprocals, times, to_u16
from chain.runtime.yuma.weight_kernels import latest, mask_bound, penalized, share_inverse, share_of

_FULL = np.uint32(2**32 - 1)
_NONE = np.uint32(0)
_NO_BOND = np.uint16(0)


@kernel
def spread_shares(
    starts: np.ndarray,
    uids: np.ndarray,
    values: np.ndarray,
    permits: np.ndarray,
    last_update: np.ndarray,
    registered_at: np.ndarray,
    commit_blocks: np.ndarray,
    owner: int,
    rows: np.ndarray,
    matrix: np.ndarray,
) -> None:
    """Write each row's weights that no mask removes, over their sum, into a matrix of zeros."""
    n = len(registered_at)
    newest = latest(registered_at)
    for at_row in range(len(rows)):
        i = rows[at_row]
        if not permits[i]:
            continue
        row = matrix[at_row]
        bound = mask_bound(i, last_update, commit_blocks)
        if bound > newest:
            for at in range(starts[i], starts[i + 1]):
                if uids[at] < n:
                    row[uids[at]] = values[at]
        else:
            for at in range(starts[i], starts[i + 1]):
                if uids[at] < n and registered_at[uids[at]] < bound:
                    row[uids[at]] = values[at]
        if i != owner:
            row[i] = _NONE
        total = ZERO
        for j in range(n):
            total += np.uint64(row[j])
        if total == ZERO:
            continue
        inverse = share_inverse(total)
        for j in range(n):
            share = share_of(np.uint64(row[j]), total, inverse)
            # No share but one itself is as large as 2^32 - 1.
            row[j] = _FULL if share == ONE else np.uint32(share)


@kernel
def spread_bonds(
    starts: np.ndarray,
    uids: np.ndarray,
    values: np.ndarray,
    registered_at: np.ndarray,
    mask_block: U64,
    rows: np.ndarray,
    matrix: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Write the old bonds on neurons that registered before a block into a matrix of zeros, and add up its columns."""
    n = len(sums)
    for at_row in range(len(rows)):
        row = matrix[at_row]
        for at in range(starts[rows[at_row]], starts[rows[at_row] + 1]):
            if uids[at] < n:
                row[uids[at]] = values[at]
        for j in range(n):
            held = row[j] if mask_block > registered_at[j] else _NO_BOND
            row[j] = held
            sums[j] += np.uint64(held)


@kernel
def whole_score(score: np.uint32) -> U64:
    """Return a weight of the matrix as I32F32."""
    return np.uint64(score) + (UNIT if score == _FULL else ZERO)


@kernel
def clip_dense(
    scores: np.ndarray,
    limits: np.ndarray,
    stakes: np.ndarray,
    by_stake: bool,  # noqa: FBT001 - kernels take no keywords
    penalty: U64,
    trust: np.ndarray,
    ranks: np.ndarray,
    bought: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Write trust and ranks of the clipped weights, and what bonds are bought with its sums by column.

    ``stakes`` holds one proportion for each row. Bonds are bought ``by_stake`` in Yuma2 and by weights alone in Yuma3,
    both with the weights under the penalty.
    """
    rows, n = scores.shape
    penalty_fraction, penalty_whole = halves(penalty)
    for i in range(rows):
        fraction, whole = halves(stakes[i])
        buy_fraction, buy_whole = halves(stakes[i] if by_stake else ONE)
        row, to = scores[i], bought[i]
        total = ZERO
        if penalty == ONE and by_stake:
            for j in range(n):
                clipped = min(whole_score(row[j]), limits[j])
                total += clipped
                share = times(fraction, whole, clipped)
                ranks[j] += share
                to[j] = share
        elif penalty == ONE:
            for j in range(n):
                clipped = min(whole_score(row[j]), limits[j])
                total += clipped
                ranks[j] += times(fraction, whole, clipped)
                share = times(buy_fraction, buy_whole, clipped)
                to[j] = share
                sums[j] += share
        else:
            for j in range(n):
                weight = whole_score(row[j])
                clipped = min(weight, limits[j])
                total += clipped
                ranks[j] += times(fraction, whole, clipped)
                kept = penalized(weight, limits[j], penalty_fraction, penalty_whole)
                share = times(buy_fraction, buy_whole, kept)
                to[j] = share
                sums[j] += share
        trust[i] = total
    if penalty == ONE and by_stake:
        for j in range(n):
            sums[j] = ranks[j]


@allocating_kernel
def average_dense_yuma2(
    bought: np.ndarray,
    bought_sums: np.ndarray,
    held: np.ndarray,
    held_sums: np.ndarray,
    alpha: U64,
    sums: np.ndarray,
    largest: np.ndarray,
) -> None:
    """Turn bought shares into averaged bonds, in place, with the sum and the largest of every column."""
    rows, n = bought.shape
    bought_inverse, held_inverse = np.empty(n, np.uint64), np.empty(n, np.uint64)
    reciprocals(bought_sums, bought_inverse)
    reciprocals(held_sums, held_inverse)
    fraction, whole = halves(alpha)
    old_fraction, old_whole = halves(ONE - alpha)
    for i in range(rows):
        new, old = bought[i], held[i]
        for j in range(n):
            share = times(fraction, whole, by_inverse(new[j], bought_sums[j], bought_inverse[j]))
            kept = by_inverse(np.uint64(old[j]), held_sums[j], held_inverse[j])
            share += times(old_fraction, old_whole, kept)
            new[j] = share
            sums[j] += share
            largest[j] = max(largest[j], share)


@kernel
def average_dense_yuma3(bought: np.ndarray, held: np.ndarray, alpha: U64, sums: np.ndarray) -> None:
    """Turn weights into averaged bonds, in place, with the sum of every column."""
    rows, n = bought.shape
    fraction, whole = halves(alpha)
    old_fraction, old_whole = halves(ONE - alpha)
    for i in range(rows):
        new, old = bought[i], held[i]
        for j in range(n):
            share = times(fraction, whole, new[j])
            share += times(old_fraction, old_whole, bond_share(np.uint64(old[j])))
            new[j] = share
            sums[j] += share


@allocating_kernel
def earn_dense(bonds: np.ndarray, sums: np.ndarray, incentive: np.ndarray, earned: np.ndarray) -> None:
    """Write what each row's shares of the columns earn of their incentives."""
    rows, n = bonds.shape
    inverse = np.empty(n, np.uint64)
    reciprocals(sums, inverse)
    for i in range(rows):
        row = bonds[i]
        total = ZERO
        for j in range(n):
            total += product(incentive[j], by_inverse(row[j], sums[j], inverse[j]))
        earned[i] = total


@allocating_kernel
def earn_and_upscale(
    bonds: np.ndarray, sums: np.ndarray, largest: np.ndarray, incentive: np.ndarray, earned: np.ndarray
) -> None:
    """Do the same, and divide every column's shares by the largest of them, in place."""
    rows, n = bonds.shape
    inverse, largest_inverse = np.empty(n, np.uint64), np.empty(n, np.uint64)
    reciprocals(sums, inverse)
    for j in range(n):
        largest[j] = by_inverse(largest[j], sums[j], inverse[j])
    reciprocals(largest, largest_inverse)
    for i in range(rows):
        row = bonds[i]
        total = ZERO
        for j in range(n):
            share = by_inverse(row[j], sums[j], inverse[j])
            total += product(incentive[j], share)
            row[j] = by_inverse(share, largest[j], largest_inverse[j])
        earned[i] = total


@kernel
def store_dense(
    bonds: np.ndarray,
    rows: np.ndarray,
    permits: np.ndarray,
    out_starts: np.ndarray,
    out_uids: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write the bonds above 0 of those with a permit as u16; ``out`` has room for one entry more than all."""
    n = len(permits)
    count, at = 0, 0
    for i in range(n):
        out_starts[i] = count
        if at < len(rows) and rows[at] == i:
            if permits[i]:
                row = bonds[at]
                full = 0
                for j in range(n):
                    full += row[j] != ZERO
                if full == n:
                    to_uids, to = out_uids[count : count + n], out[count : count + n]
                    for j in range(n):
                        to_uids[j] = j
                        to[j] = to_u16(row[j])
                    count += n
                    at += 1
                    continue
                for j in range(n):
                    # Written in any case and kept by the count alone: a branch would be guessed wrong.
                    out_uids[count] = j
                    out[count] = to_u16(row[j])
                    count += row[j] != ZERO
            at += 1
    out_starts[n] = count


@kernel
def gather_dense(
    bonds: np.ndarray, rows: np.ndarray, n: int, out_starts: np.ndarray, out_uids: np.ndarray, out: np.ndarray
) -> None:
    """Write all bonds above 0 as sparse rows."""
    count, at = 0, 0
    for i in range(n):
        out_starts[i] = count
        if at < len(rows) and rows[at] == i:
            row = bonds[at]
            for j in range(n):
                if row[j] != ZERO:
                    out_uids[count] = j
                    out[count] = row[j]
                    count += 1
            at += 1
    out_starts[n] = count
