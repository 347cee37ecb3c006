"""The share pool of one hotkey on one subnet: its value, its denominator, and the share of each coldkey.

Source: ``economics`` section 4.1. Rounding always cuts shares off, so the sum of all stakes never exceeds the value;
what is lost, at most a rao a position, stays in the pool.
"""

from dataclasses import dataclass
from typing import Final

from chain.runtime import safe_float
from chain.runtime.fixed_point import U64_MAX
from chain.runtime.safe_float import SafeFloat

CHANGE_MAX: Final = 2**63 - 1
"""The largest single change of a position, since amounts pass through a signed 64-bit number."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Value in rao of alpha, and the denominator of all shares."""

    value: int
    denominator: SafeFloat


def stake_of(pool: Pool, share: SafeFloat) -> int:
    """Return the stake that a share stands for in rao, rounded down: the pool gains."""
    return safe_float.to_u64(safe_float.mul_div(safe_float.from_int(pool.value), share, pool.denominator))


def shares_for(pool: Pool, amount: int) -> SafeFloat:
    """Return the shares that an amount is worth in a pool that has some already."""
    return safe_float.mul_div(safe_float.from_int(amount), pool.denominator, safe_float.from_int(pool.value))


def is_deposit_exact_enough(pool: Pool, amount: int) -> bool:
    """Tell whether a deposit of this size gets any share at all."""
    return pool.denominator[0] == 0 or shares_for(pool, amount)[0] != 0


def with_emission(pool: Pool, amount: int) -> Pool:
    """Return the pool after an amount was given to all of its shares pro rata."""
    return Pool(min(pool.value + amount, U64_MAX), pool.denominator)


def with_change(pool: Pool, share: SafeFloat, change: int) -> tuple[Pool, SafeFloat]:
    """Return pool and share after a stake grew or shrank by ``change`` rao (negative: shrank).

    A decrease must not exceed the stake; the caller checks. The share of a deposit into an empty pool is its amount.
    """
    amount = abs(change)
    value = min(max(pool.value + change, 0), U64_MAX)
    if pool.denominator[0] == 0:
        first = safe_float.from_int(amount)
        return Pool(value, first), first
    moved = shares_for(pool, amount)
    if change >= 0:
        return Pool(value, safe_float.add(pool.denominator, moved)), safe_float.add(share, moved)
    return (
        Pool(value, _sub_or_keep(pool.denominator, moved)),
        _sub_or_keep(share, moved),
    )


def _sub_or_keep(a: SafeFloat, b: SafeFloat) -> SafeFloat:
    less = safe_float.sub(a, b)
    return a if less is None else less
