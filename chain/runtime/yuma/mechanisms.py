"""Several incentive tables in one subnet: how they share an epoch's emission, and how their results become one.

Source: ``spec/yuma`` section 9.
"""

from collections.abc import Sequence
from typing import Final

from chain.runtime.yuma.interface import EpochOutputs, SubnetResult

MECHANISMS_MAX: Final = 16
U16_MAX: Final = 2**16 - 1
U64_MAX: Final = 2**64 - 1
_FRACTION_BITS: Final = 64


def split_mechanism_emission(emission: int, *, mechanisms: int, split: Sequence[int] | None = None) -> list[int]:
    """Return each mechanism's part of an emission in rao; the parts add up to it.

    ``split`` holds proportions of 65 535, missing ones count as 0; without it all parts are equal. Parts are rounded
    down, and the first mechanism gains the whole remainder. An empty list for no mechanisms.
    """
    if mechanisms <= 0:
        return []
    if split is None:
        parts = [emission // mechanisms] * mechanisms
    else:
        padded = [*split[:mechanisms], *[0] * (mechanisms - len(split))]
        parts = [emission * part // U16_MAX for part in padded]
    parts[0] += emission - sum(parts)
    return parts


def aggregate_mechanisms(outputs: Sequence[EpochOutputs], *, emissions: Sequence[int]) -> SubnetResult:
    """Return what the subnet stores after the epochs of its mechanisms, in their order.

    ``emissions`` are the parts of ``split_mechanism_emission``. Server and validator amounts add up. The u16 terms and
    the stored emission are weighted by each mechanism's part and rounded down after each mechanism, so nobody gains
    the fractions. Activity and permits hold where any mechanism says so. Raises ``ValueError`` for no mechanisms or
    unequal lengths.
    """
    if not outputs or len(outputs) != len(emissions):
        raise ValueError("one emission for each mechanism, at least one")
    total = sum(emissions)
    shares = [_share(part, total, first=at == 0) for at, part in enumerate(emissions)]
    return SubnetResult(
        active=[any(marks) for marks in zip(*(output.active for output in outputs), strict=True)],
        permits=[any(marks) for marks in zip(*(output.permits for output in outputs), strict=True)],
        consensus=_weighted([output.consensus for output in outputs], shares, U16_MAX),
        dividends=_weighted([output.dividends for output in outputs], shares, U16_MAX),
        validator_trust=_weighted([output.validator_trust for output in outputs], shares, U16_MAX),
        stake_weight=_weighted([output.stake_weight for output in outputs], shares, U16_MAX),
        raw_stake=_added([output.trace.raw_stake for output in outputs]),
        server_emission=_added([output.server_emission for output in outputs]),
        validator_emission=_added([output.validator_emission for output in outputs]),
        emission=_weighted([output.emission for output in outputs], shares, U64_MAX),
    )


def _share(part: int, total: int, *, first: bool) -> int:
    """Return a part's share with 64 fraction bits, rounded down; the first has all of nothing."""
    if total == 0:
        return int(first) << _FRACTION_BITS
    return (part << _FRACTION_BITS) // total


def _weighted(columns: Sequence[Sequence[int]], shares: Sequence[int], limit: int) -> list[int]:
    sums = [0] * len(columns[0])
    for column, share in zip(columns, shares, strict=True):
        # An accumulated whole number plus a product: the fraction is cut off after every mechanism.
        sums = [
            min(before + (value * share >> _FRACTION_BITS), limit) for before, value in zip(sums, column, strict=True)
        ]
    return sums


def _added(columns: Sequence[Sequence[int]]) -> list[int]:
    return [min(sum(values), U64_MAX) for values in zip(*columns, strict=True)]
