"""An epoch's inputs and results as flat arrays, what the kernels read and write, and the way from and to plain lists.

Matrices are ``Sparse``: ``starts: int64[n + 1]``, ``uids: uint16[entries]`` and ``values``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Final, NamedTuple

import numpy as np

from chain.runtime.yuma import fixed
from chain.runtime.yuma.interface import Entry, EpochInputs, EpochOutputs, EpochTrace, Row, SparseRows
from chain.runtime.yuma.reference import activity_cutoff, bond_mask_block, bonds_alpha

STAKE_LIMIT: Final = 2**62
"""Stakes from here on, more than the supply can ever be, are left to the slow reference."""
UIDS_MAX: Final = 2**16 - 1


class Sparse(NamedTuple):
    """A matrix as flat arrays, entries in the order they were submitted."""

    starts: np.ndarray
    uids: np.ndarray
    values: np.ndarray

    def rows(self) -> SparseRows:
        """Return it as rows."""
        count = int(self.starts[-1])
        return SparseRows(self.starts, self.uids[:count], self.values[:count])

    def lists(self) -> list[list[Entry]]:
        """Return it as plain lists."""
        count = int(self.starts[-1])
        entries = list(zip(self.uids[:count].tolist(), self.values[:count].tolist(), strict=True))
        starts = self.starts.tolist()
        return [entries[begin:end] for begin, end in pairwise(starts)]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochArrays:
    """The inputs of an epoch; all vectors have length n, numbers are as the kernels need them.

    ``counts`` marks those that are active and have a permit, by the rules for short vectors; ``slope`` is the sigmoid's
    steepness over -100, I32F32. ``commit_blocks`` is empty where commit-reveal is off, ``owner`` -1 for none.
    """

    n: int
    weights: Sparse
    bonds: Sparse
    last_update: np.ndarray
    registered_at: np.ndarray
    active: np.ndarray
    permits: np.ndarray
    counts: np.ndarray
    commit_blocks: np.ndarray
    alpha_stake: np.ndarray
    tao_stake: np.ndarray
    tao_weight: np.uint64
    stake_threshold: np.uint64
    owner: int
    max_validators: int
    kappa: np.uint64
    penalty: np.uint64
    bonds_alpha: np.uint64
    bond_mask_block: np.uint64
    yuma3: bool
    liquid_alpha: bool
    alpha_low: np.uint64
    alpha_high: np.uint64
    slope: int
    emission: np.uint64


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultArrays:
    """The results of an epoch; ``kept`` are the bonds before they become u16."""

    raw_stake: np.ndarray
    stake: np.ndarray
    permits: np.ndarray
    active_stake: np.ndarray
    consensus: np.ndarray
    validator_trust: np.ndarray
    ranks: np.ndarray
    incentive: np.ndarray
    dividends: np.ndarray
    server_share: np.ndarray
    validator_share: np.ndarray
    combined_share: np.ndarray
    server_emission: np.ndarray
    validator_emission: np.ndarray
    emission: np.ndarray
    u16: dict[str, np.ndarray]
    bonds: Sparse
    kept: "Kept"


class Kept(NamedTuple):
    """Averaged bonds, as sparse rows or as a matrix of those rows that matter."""

    sparse: Sparse | None
    rows: np.ndarray
    matrix: np.ndarray


def is_packable(inputs: EpochInputs) -> bool:
    """Tell whether the kernels' ranges hold; elsewhere the slow reference answers."""
    return (
        inputs.n <= UIDS_MAX
        and 0 <= inputs.bonds_moving_average <= 10**6
        and max(inputs.alpha_stake, default=0) < STAKE_LIMIT
        and max(inputs.tao_stake, default=0) < STAKE_LIMIT
    )


def pack(inputs: EpochInputs) -> EpochArrays:
    """Return the inputs as arrays; they must be packable."""
    n, owner = inputs.n, -1 if inputs.owner_uid is None else inputs.owner_uid
    last_update = _blocks(inputs.last_update, n)
    cutoff = min(activity_cutoff(inputs), fixed.U64_MAX)
    latest = np.maximum(last_update, np.uint64(fixed.U64_MAX - cutoff)) - np.uint64(fixed.U64_MAX - cutoff)
    # last_update + cutoff, saturating, without leaving 64 bits: what is above the border saturates.
    until = np.where(latest > 0, np.uint64(fixed.U64_MAX), last_update + np.uint64(cutoff))
    active = until >= np.uint64(inputs.current_block)
    active[len(inputs.last_update) :] = False
    permits = np.zeros(n, np.bool_)
    given = np.array(inputs.permits[:n], np.bool_)
    permits[: len(given)] = given
    if 0 <= owner < len(given):
        permits[owner] = True
    counts = (active if len(inputs.last_update) else np.True_) & (permits if len(inputs.permits) else np.True_)
    return EpochArrays(
        n=n,
        weights=pack_rows(inputs.weights, n),
        bonds=pack_rows(inputs.bonds, n),
        last_update=last_update,
        registered_at=_blocks(inputs.registered_at, n),
        active=active,
        permits=permits,
        counts=np.broadcast_to(counts, n).copy(),
        commit_blocks=np.empty(0, np.uint64) if inputs.commit_blocks is None else _blocks(inputs.commit_blocks, n),
        alpha_stake=_blocks(inputs.alpha_stake, n),
        tao_stake=_blocks(inputs.tao_stake, n),
        tao_weight=np.uint64((inputs.tao_weight << 32) // fixed.U64_MAX),
        stake_threshold=np.uint64(inputs.stake_threshold),
        owner=owner,
        max_validators=inputs.max_validators,
        kappa=np.uint64(fixed.u16_to_proportion(inputs.kappa)),
        penalty=np.uint64(fixed.u16_to_proportion(inputs.bonds_penalty)),
        bonds_alpha=np.uint64(bonds_alpha(inputs.bonds_moving_average)),
        bond_mask_block=np.uint64(bond_mask_block(inputs)),
        yuma3=inputs.yuma3,
        liquid_alpha=inputs.liquid_alpha,
        alpha_low=np.uint64(fixed.u16_to_proportion(inputs.alpha_low)),
        alpha_high=np.uint64(fixed.u16_to_proportion(inputs.alpha_high)),
        slope=fixed.div_saturating(fixed.from_int(inputs.alpha_sigmoid_steepness), fixed.from_int(-100)),
        emission=np.uint64(inputs.emission),
    )


def pack_rows(rows: Sequence[Row], n: int) -> Sparse:
    """Return the first n rows as flat arrays; missing rows are empty."""
    given = rows[:n]
    starts = np.zeros(n + 1, np.int64)
    lengths = np.fromiter(map(len, given), np.int64, len(given))
    starts[1 : len(given) + 1] = np.cumsum(lengths)
    starts[len(given) + 1 :] = starts[len(given)]
    count = int(starts[n])
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(given)), np.uint16, 2 * count)
    return Sparse(starts, flat[::2].copy(), flat[1::2].copy())


def _blocks(values: Sequence[int], n: int) -> np.ndarray:
    """Return n unsigned numbers, 0 where none was given."""
    packed = np.zeros(n, np.uint64)
    given = values[:n]
    packed[: len(given)] = np.array(given, np.uint64)
    return packed


def unpack(
    inputs: EpochInputs,
    arrays: EpochArrays,
    result: ResultArrays,
    *,
    weights: Sparse,
    clipped: Sparse,
    paid: Sparse,
    kept: Sparse,
) -> EpochOutputs:
    """Return the results as plain lists; the sparse rows complete the trace, ``paid`` are for bonds."""
    return EpochOutputs(
        active=arrays.active.tolist(),
        permits=result.permits.tolist(),
        consensus=result.u16["consensus"].tolist(),
        dividends=result.u16["dividends"].tolist(),
        validator_trust=result.u16["validator_trust"].tolist(),
        incentive=result.u16["incentive"].tolist(),
        stake_weight=result.u16["stake"].tolist(),
        server_emission=result.server_emission.tolist(),
        validator_emission=result.validator_emission.tolist(),
        emission=result.emission.tolist(),
        bonds=result.bonds.lists(),
        trace=EpochTrace(
            raw_stake=result.raw_stake.tolist(),
            stake=result.stake.tolist(),
            active_stake=result.active_stake.tolist(),
            kappa=fixed.u16_to_proportion(inputs.kappa),
            weights=weights.rows(),
            consensus=result.consensus.tolist(),
            clipped_weights=clipped.rows(),
            validator_trust=result.validator_trust.tolist(),
            ranks=result.ranks.tolist(),
            incentive=result.incentive.tolist(),
            weights_for_bonds=paid.rows(),
            bonds=kept.rows(),
            dividends=result.dividends.tolist(),
            server_share=result.server_share.tolist(),
            validator_share=result.validator_share.tolist(),
            combined_share=result.combined_share.tolist(),
        ),
    )
