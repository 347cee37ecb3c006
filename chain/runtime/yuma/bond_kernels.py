"""Compiled: bonds, and the dividends they earn, from sparse rows.

Section 3.8 of ``spec/yuma``, Yuma2 and Yuma3 without liquid alpha. Old bonds arrive as submitted, u16; every average
comes out with its columns ascending, only above 0.
"""

import numpy as np

from amm.fixed_point import U64
from amm.kernel_cache import allocating_kernel, kernel
from chain.runtime.yuma.numbers import (
    ONE,
    U16_MAX,
    UNIT,
    ZERO,
    by_inverse,
    halves,
    product,
    reciprocals,
    times,
    to_u16,
)
from chain.runtime.yuma.weight_kernels import gather, mark

_U16_STEP = np.uint64(65_537)


@kernel
def bond_share(value: U64) -> U64:
    """Return a stored bond over 65 535 as I32F32, rounded down: 2^32 is 65 535 times 65 537 and one."""
    return value * _U16_STEP + (UNIT if value == U16_MAX else ZERO)


@kernel
def kept_bonds(
    starts: np.ndarray,
    uids: np.ndarray,
    values: np.ndarray,
    registered_at: np.ndarray,
    mask_block: U64,
    out_starts: np.ndarray,
    out_uids: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write the old bonds on neurons that registered before a block.

    Columns beyond n count as registered at 0. They are kept like others, since they end a walk through a row, and are
    left out of everything else.
    """
    n = len(registered_at)
    count = 0
    for i in range(n):
        out_starts[i] = count
        for at in range(starts[i], starts[i + 1]):
            j = uids[at]
            registered = registered_at[j] if j < n else ZERO
            if mask_block > registered:
                out_uids[count] = j
                out[count] = values[at]
                count += 1
    out_starts[n] = count


@allocating_kernel
def average_yuma2(
    starts: np.ndarray,
    uids: np.ndarray,
    values: np.ndarray,
    active_stake: np.ndarray,
    bond_starts: np.ndarray,
    bond_uids: np.ndarray,
    bonds: np.ndarray,
    alpha: U64,
    out_starts: np.ndarray,
    out_uids: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write ``alpha`` of the bought shares of each column plus the rest of the old shares."""
    n = len(active_stake)
    bought, held = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
    bought_inverse, held_inverse = np.empty(n, np.uint64), np.empty(n, np.uint64)
    for i in range(n):
        fraction, whole = halves(active_stake[i])
        for at in range(starts[i], starts[i + 1]):
            bought[uids[at]] += times(fraction, whole, values[at])
        for at in range(bond_starts[i], bond_starts[i + 1]):
            if bond_uids[at] < n:
                held[bond_uids[at]] += np.uint64(bonds[at])
    reciprocals(bought, bought_inverse)
    reciprocals(held, held_inverse)
    new_fraction, new_whole = halves(alpha)
    old_fraction, old_whole = halves(ONE - alpha)
    row, marks = np.zeros(n, np.uint64), np.zeros((n >> 6) + 1, np.uint64)
    count = 0
    for i in range(n):
        out_starts[i] = count
        fraction, whole = halves(active_stake[i])
        for at in range(starts[i], starts[i + 1]):
            j = uids[at]
            share = by_inverse(times(fraction, whole, values[at]), bought[j], bought_inverse[j])
            row[j] = times(new_fraction, new_whole, share)
            mark(marks, j)
        for at in range(bond_starts[i], bond_starts[i + 1]):
            j = bond_uids[at]
            if j < n:
                share = by_inverse(np.uint64(bonds[at]), held[j], held_inverse[j])
                row[j] += times(old_fraction, old_whole, share)
                mark(marks, j)
        count = gather(row, marks, out_uids, out, count)
    out_starts[n] = count


@allocating_kernel
def average_yuma3(
    starts: np.ndarray,
    uids: np.ndarray,
    values: np.ndarray,
    bond_starts: np.ndarray,
    bond_uids: np.ndarray,
    bonds: np.ndarray,
    alpha: U64,
    out_starts: np.ndarray,
    out_uids: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write ``alpha`` of the weights plus the rest of the old bonds, pair by pair."""
    n = len(starts) - 1
    new_fraction, new_whole = halves(alpha)
    old_fraction, old_whole = halves(ONE - alpha)
    row, marks = np.zeros(n, np.uint64), np.zeros((n >> 6) + 1, np.uint64)
    count = 0
    for i in range(n):
        out_starts[i] = count
        for at in range(starts[i], starts[i + 1]):
            row[uids[at]] = times(new_fraction, new_whole, values[at])
            mark(marks, uids[at])
        for at in range(bond_starts[i], bond_starts[i + 1]):
            j = bond_uids[at]
            if j < n:
                row[j] += times(old_fraction, old_whole, bond_share(np.uint64(bonds[at])))
                mark(marks, j)
        count = gather(row, marks, out_uids, out, count)
    out_starts[n] = count


@allocating_kernel
def earn(starts: np.ndarray, uids: np.ndarray, bonds: np.ndarray, incentive: np.ndarray, earned: np.ndarray) -> None:
    """Write what each row's shares of the columns earn of their incentives."""
    n = len(incentive)
    sums, inverse = np.zeros(n, np.uint64), np.empty(n, np.uint64)
    for at in range(starts[n]):
        sums[uids[at]] += bonds[at]
    reciprocals(sums, inverse)
    for i in range(n):
        total = ZERO
        for at in range(starts[i], starts[i + 1]):
            j = uids[at]
            if incentive[j] != ZERO:
                total += product(incentive[j], by_inverse(bonds[at], sums[j], inverse[j]))
        earned[i] = total


@allocating_kernel
def upscale(starts: np.ndarray, uids: np.ndarray, bonds: np.ndarray, n: int) -> None:
    """Divide each column's shares of its sum by the largest of them, in place: first by the sum, then by the largest.

    Both divisions round down, so the order cannot be shortened.
    """
    sums, largest = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
    inverse = np.empty(n, np.uint64)
    for at in range(starts[n]):
        sums[uids[at]] += bonds[at]
    reciprocals(sums, inverse)
    for at in range(starts[n]):
        j = uids[at]
        bonds[at] = by_inverse(bonds[at], sums[j], inverse[j])
        largest[j] = max(largest[j], bonds[at])
    reciprocals(largest, inverse)
    for at in range(starts[n]):
        bonds[at] = by_inverse(bonds[at], largest[uids[at]], inverse[uids[at]])


@kernel
def store(
    starts: np.ndarray,
    uids: np.ndarray,
    bonds: np.ndarray,
    permits: np.ndarray,
    out_starts: np.ndarray,
    out_uids: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write the bonds of those with a permit as u16, also such as become 0."""
    count = 0
    for i in range(len(permits)):
        out_starts[i] = count
        if permits[i]:
            for at in range(starts[i], starts[i + 1]):
                out_uids[count] = uids[at]
                out[count] = to_u16(bonds[at])
                count += 1
    out_starts[len(permits)] = count
