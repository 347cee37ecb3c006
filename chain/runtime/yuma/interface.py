"""What a Yuma epoch takes and gives: plain integers in, plain integers out, nothing of the chain's storage.

Fixed-point values are raw I32F32 integers (value times 2^32) unless a name says otherwise; ``*_u16`` style results are
proportions times 65 535, rounded down. Source: ``spec/yuma`` sections 2 and 3.

Who to call:

- ``epoch.run_epoch(inputs: EpochInputs) -> EpochOutputs``: one mechanism's epoch;
- ``mechanisms.split_mechanism_emission(emission, mechanisms=m, split=None or u16s) -> list[int]``: section 9;
- ``mechanisms.aggregate_mechanisms(outputs, emissions=[...]) -> SubnetResult``: what a subnet stores, section 9;
- ``weight_rules.check_weights(...)`` and ``weight_rules.max_upscale(values) -> list[int]``: section 5;
- ``schedule``: when an epoch is due, section 7.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

Entry = tuple[int, int]
"""A column and a value: ``(uid, value)``."""
Row = Sequence[Entry]
Numbers = Sequence[int] | np.ndarray


class SparseRows(Sequence[list[Entry]]):
    """A matrix as rows of ``(uid, value)``, kept as three flat sequences and turned into rows when asked.

    ``starts`` holds a row's first position and, at the end, the number of entries. Compares equal to any sequence of
    rows with the same entries.
    """

    __slots__ = ("_starts", "_uids", "_values")

    def __init__(self, starts: Numbers, uids: Numbers, values: Numbers) -> None:
        self._starts, self._uids, self._values = starts, uids, values

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "SparseRows":
        """Return the rows packed."""
        starts = [0]
        for row in rows:
            starts.append(starts[-1] + len(row))
        return cls(starts, [uid for row in rows for uid, _ in row], [value for row in rows for _, value in row])

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> list[Entry]: ...

    @overload
    def __getitem__(self, index: slice) -> list[list[Entry]]: ...

    def __getitem__(self, index: int | slice) -> list[Entry] | list[list[Entry]]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        begin, end = int(self._starts[at]), int(self._starts[at + 1])
        return list(zip(_plain(self._uids[begin:end]), _plain(self._values[begin:end]), strict=True))

    def __iter__(self) -> Iterator[list[Entry]]:
        return (self[at] for at in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(other) != len(self):
            return NotImplemented if not isinstance(other, Sequence) else False
        return all(mine == [tuple(entry) for entry in theirs] for mine, theirs in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(tuple(row) for row in self))

    def __repr__(self) -> str:
        return f"SparseRows({list(self)!r})"


def _plain(numbers: Numbers) -> list[int]:
    return numbers.tolist() if isinstance(numbers, np.ndarray) else list(numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochInputs:
    """All that one mechanism's epoch depends on, as it stands before the epoch.

    ``n`` is the number of uids. ``weights`` and ``bonds`` are rows of ``(uid, u16)`` in the order they were submitted,
    possibly unsorted and with explicit zeros. ``last_update``, ``registered_at`` (blocks) and ``permits`` may be
    shorter or longer than ``n``. Stakes are inherited amounts in rao, ``tao_weight`` is a proportion of 2^64 - 1,
    ``bonds_moving_average`` is in millionths, ``kappa``, ``bonds_penalty``, ``alpha_low`` and ``alpha_high`` are
    proportions of 65 535, ``alpha_sigmoid_steepness`` is an i16. ``commit_blocks`` holds each uid's lowest unexpired
    commit block, 2^64 - 1 for none, and is None where commit-reveal is off. ``emission`` is what this mechanism may
    give away in this epoch, rao.
    """

    n: int
    weights: Sequence[Row]
    bonds: Sequence[Row]
    last_update: Sequence[int]
    registered_at: Sequence[int]
    permits: Sequence[bool]
    alpha_stake: Sequence[int]
    tao_stake: Sequence[int]
    tao_weight: int
    stake_threshold: int
    owner_uid: int | None
    max_validators: int
    tempo: int
    activity_cutoff_factor_milli: int
    kappa: int
    bonds_penalty: int
    bonds_moving_average: int
    yuma3: bool
    liquid_alpha: bool
    alpha_low: int
    alpha_high: int
    alpha_sigmoid_steepness: int
    commit_blocks: Sequence[int] | None
    last_mechanism_step_block: int
    emission: int
    current_block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochTrace:
    """Every intermediate of an epoch, in the order they arise; raw I32F32 but for ``raw_stake``.

    ``raw_stake`` is what each uid's stake counts, rao, before the threshold. ``weights`` are those left after all
    masks, normalised by row; ``clipped_weights`` have the consensus as their limit; ``ranks`` are sums, ``incentive``
    is the same normalised; ``weights_for_bonds`` carry the penalty; ``bonds`` are the averaged bonds as they are kept
    (in Yuma2 after the upscale), before they become u16. The shares are proportions of the emission.
    """

    raw_stake: Sequence[int]
    stake: Sequence[int]
    active_stake: Sequence[int]
    kappa: int
    weights: Sequence[Row]
    consensus: Sequence[int]
    clipped_weights: Sequence[Row]
    validator_trust: Sequence[int]
    ranks: Sequence[int]
    incentive: Sequence[int]
    weights_for_bonds: Sequence[Row]
    bonds: Sequence[Row]
    dividends: Sequence[int]
    server_share: Sequence[int]
    validator_share: Sequence[int]
    combined_share: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochOutputs:
    """What is stored and given away after one mechanism's epoch; all sequences have length ``n``.

    ``permits`` count from the next epoch on. ``consensus``, ``dividends``, ``validator_trust``, ``incentive`` and
    ``stake_weight`` are u16 proportions, rounded down. Emissions are rao, each rounded down on its own, so the dust
    stays with the subnet. ``bonds`` are rows of ``(uid, u16)``, empty without a new permit.
    """

    active: list[bool]
    permits: list[bool]
    consensus: list[int]
    dividends: list[int]
    validator_trust: list[int]
    incentive: list[int]
    stake_weight: list[int]
    server_emission: list[int]
    validator_emission: list[int]
    emission: list[int]
    bonds: list[list[Entry]]
    trace: EpochTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetResult:
    """What a subnet stores after the epochs of all its mechanisms; incentive and bonds stay with each mechanism."""

    active: list[bool]
    permits: list[bool]
    consensus: list[int]
    dividends: list[int]
    validator_trust: list[int]
    stake_weight: list[int]
    raw_stake: list[int]
    server_emission: list[int]
    validator_emission: list[int]
    emission: list[int]
