"""Compiled: liquid alpha, how fast each single bond follows its weight.

Section 3.8 of ``spec/yuma``. The exponential's thirty terms are taken for a block of entries at a time, so that the
inner loops are plain passes over arrays.
"""

import numpy as np

from amm.fixed_point import U64
from amm.kernel_cache import allocating_kernel, kernel
from chain.runtime.yuma.bond_kernels import bond_share
from chain.runtime.yuma.numbers import BITS, LIMB_MAX, MASK, ONE, UNIT, ZERO, product

_BLOCK = 256
_TERMS = 32
_E = np.uint64(22_802_600 << 9)
_LIMIT = 20 << 32
_HALF = 1 << 31
_ONE = 1 << 32
_SHIFT = 32
_MASK = 2**32 - 1


@kernel
def inverse_of(divisor: U64) -> U64:
    """Return ``2^64 / divisor`` rounded down, for a divisor above one: one over it, in I32F32."""
    inverse = LIMB_MAX // divisor
    return inverse + (UNIT if LIMB_MAX - inverse * divisor == divisor - UNIT else ZERO)


@kernel
def exponents(sizes: np.ndarray, count: int, terms: np.ndarray, totals: np.ndarray) -> None:
    """Write e to the power of ``sizes``, I32F32 between 0 and 20, by the series' thirty terms."""
    for k in range(count):
        terms[k] = sizes[k]
        totals[k] = sizes[k] + ONE
    for number in range(2, _TERMS):
        divisor = np.uint64(number)
        whole = ONE // divisor
        rest = ONE - whole * divisor
        alive = ZERO
        for k in range(count):
            term, size = terms[k], sizes[k]
            low = term & MASK
            # term * size >> 32, in parts that fit 64 bits each.
            term = (term >> BITS) * size + low * (size >> BITS) + ((low * (size & MASK)) >> BITS)
            # The same divided by the number: first the upper half, then its remainder with the lower one.
            upper = term >> BITS
            high = (upper * whole) >> BITS
            left = upper - high * divisor
            more = UNIT if left >= divisor else ZERO
            high += more
            left -= more * divisor
            low = left * rest + (term & MASK)
            part = (low * whole) >> BITS
            part += UNIT if low - part * divisor >= divisor else ZERO
            term = (high << BITS) + left * whole + part
            terms[k] = term
            totals[k] += term
            alive |= term
        if alive == ZERO:
            break


@kernel
def scaled_difference(slope: int, difference: int) -> int:
    """Return ``slope * difference`` in I32F32, rounded down, clamped to what ``exp_safe`` takes.

    ``slope`` is at most 328 in size, ``difference`` one half: split, both products fit 64 bits.
    """
    value = (slope >> _SHIFT) * difference + (((slope & _MASK) * difference) >> _SHIFT)
    return max(-_LIMIT, min(_LIMIT, value))


@kernel
def rates(
    arguments: np.ndarray, count: int, low: U64, high: U64, sizes: np.ndarray, terms: np.ndarray, alphas: np.ndarray
) -> None:
    """Write ``low + sigmoid * (high - low)`` for each argument of the exponential; ``low`` alone from ``high`` on."""
    if low >= high:
        for k in range(count):
            alphas[k] = low
        return
    for k in range(count):
        sizes[k] = np.uint64(abs(arguments[k]))
    exponents(sizes, count, terms, alphas)
    for k in range(count):
        power = alphas[k]
        if arguments[k] == _ONE:
            power = _E
        if arguments[k] < 0:
            power = inverse_of(power)
        sigmoid = inverse_of(ONE + power)
        alphas[k] = min(high, low + product(sigmoid, high - low))


@allocating_kernel
def average_liquid(
    starts: np.ndarray,
    uids: np.ndarray,
    values: np.ndarray,
    consensus: np.ndarray,
    bond_starts: np.ndarray,
    bond_uids: np.ndarray,
    bonds: np.ndarray,
    slope: int,
    low: U64,
    high: U64,
    out_starts: np.ndarray,
    out_uids: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write ``alpha * weight + (1 - alpha) * bond`` with each pair's own alpha, for the weights' entries in order."""
    n = len(consensus)
    held, read = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
    arguments = np.empty(_BLOCK, np.int64)
    sizes, terms, alphas = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint64)
    count = 0
    for i in range(n):
        out_starts[i] = count
        if starts[i] == starts[i + 1]:
            continue
        # What a walk through ascending columns reads of the old bonds: nothing behind a larger column.
        highest = -1
        for at in range(bond_starts[i], bond_starts[i + 1]):
            j = np.int64(bond_uids[at])
            if j < n:
                held[j] = bond_share(np.uint64(bonds[at]))
                if j > highest:
                    read[j] = held[j]
            highest = max(highest, j)  # type: ignore[assignment]  # numpy's numbers compare with Python's
        highest = -1
        for begin in range(starts[i], starts[i + 1], _BLOCK):
            end = min(begin + _BLOCK, starts[i + 1])
            for at in range(begin, end):
                j = np.int64(uids[at])
                weight = values[at] if j > highest else ZERO
                highest = max(highest, j)  # type: ignore[assignment]  # as above
                arguments[at - begin] = scaled_difference(slope, moved(weight, read[j], consensus[j]) - _HALF)
            rates(arguments, end - begin, low, high, sizes, terms, alphas)
            for at in range(begin, end):
                alpha = alphas[at - begin]
                mixed = min(ONE, product(ONE - alpha, held[uids[at]]) + product(alpha, values[at]))
                if mixed != ZERO:
                    out_uids[count] = uids[at]
                    out[count] = mixed
                    count += 1
        for at in range(bond_starts[i], bond_starts[i + 1]):
            if bond_uids[at] < n:
                held[bond_uids[at]] = ZERO
                read[bond_uids[at]] = ZERO
    out_starts[n] = count


@kernel
def moved(weight: U64, bond: U64, consensus: U64) -> int:
    """Return how far a bond is from its weight, or its weight above the consensus, between 0 and one."""
    if weight >= bond:
        return np.int64(weight - consensus) if weight > consensus else 0  # type: ignore[return-value]
    return np.int64(bond - weight)  # type: ignore[return-value]  # compiled code has no other integer
