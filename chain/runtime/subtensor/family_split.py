"""How a dividend is split between a hotkey and the parents whose stake it worked with (``economics`` section 3.7)."""

from collections.abc import Sequence
from dataclasses import dataclass

from chain.runtime.fixed_point import ONE_Q32, U64_MAX, div_q32, mul_q32, ratio_u16_q32, ratio_u64_q32


@dataclass(frozen=True, slots=True)
class Stake:
    """Alpha on the subnet and TAO on root under one hotkey, rao."""

    alpha: int
    root: int


@dataclass(frozen=True, slots=True)
class Backing:
    """What a parent lends: ``proportion`` of 2^64 - 1 of its stake; ``is_same_owner`` if one coldkey owns both."""

    hotkey: bytes
    stake: Stake
    proportion: int
    is_same_owner: bool


def lent_q32(stake: Stake, proportion: int, tao_weight_q32: int) -> int:
    """Return what a part of a stake weighs, Q32 rao of alpha; root's TAO counts by its weight."""
    part = ratio_u64_q32(proportion)
    root = mul_q32(mul_q32(stake.root << 32, part), tao_weight_q32)
    return mul_q32(stake.alpha << 32, part) + root


def kept_q32(stake: Stake, lent_proportions: Sequence[int], tao_weight_q32: int) -> int:
    """Return what is left of a stake after its children's parts, Q32 rao of alpha."""
    rest = max(ONE_Q32 - sum(ratio_u64_q32(proportion) for proportion in lent_proportions), 0)
    return mul_q32(stake.alpha << 32, rest) + mul_q32(mul_q32(stake.root << 32, rest), tao_weight_q32)


def split_dividend(
    dividend: int, *, own_q32: int, backings: Sequence[Backing], take: int, tao_weight_q32: int
) -> tuple[int, list[tuple[bytes, int]]]:
    """Return what the hotkey itself and each parent get, rao.

    Of another owner's parent the hotkey takes ``take`` parts of 65 535. All is rounded down: fractions of a rao stay
    unassigned. With no weight at all the hotkey gets everything.
    """
    lent = [lent_q32(backing.stake, backing.proportion, tao_weight_q32) for backing in backings]
    total = own_q32 + sum(lent)
    whole = dividend << 32
    rest, taken = whole, 0
    parents: list[tuple[bytes, int]] = []
    for backing, weight in zip(backings, lent, strict=True):
        part = mul_q32(div_q32(weight, total), whole)
        rest -= part
        cut = 0 if backing.is_same_owner else mul_q32(ratio_u16_q32(take), part)
        taken += cut
        parents.append((backing.hotkey, min(part - cut >> 32, U64_MAX)))
    return max(rest, 0) + taken >> 32, parents
