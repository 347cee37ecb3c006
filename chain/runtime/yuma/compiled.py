"""An epoch on arrays: which kernel follows which. One thread, integers only, bit-exact with ``reference``.

Where at least one pair in four of the rows that matter has an entry, everything goes through full matrices, elsewhere
through sparse rows. Bonds under liquid alpha, which keep the order of submission, always go through sparse rows.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from chain.runtime.yuma import (
    bond_kernels,
    consensus_kernels,
    dense_kernels,
    liquid_kernels,
    numbers,
    stake_kernels,
    weight_kernels,
)
from chain.runtime.yuma.arrays import EpochArrays, Kept, ResultArrays, Sparse

DENSE_FROM: Final = 4
"""Full matrices are used where the entries are at least one in this many."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Sections 3.6 to 3.8."""

    consensus: np.ndarray
    trust: np.ndarray
    ranks: np.ndarray
    incentive: np.ndarray
    dividends: np.ndarray
    bonds: Sparse
    kept: Kept


def run_arrays(arrays: EpochArrays, *, dense: bool | None = None) -> ResultArrays:
    """Run an epoch; ``dense`` chooses full matrices or sparse rows, None what suits the density."""
    n = arrays.n
    raw_stake, stake, active_stake = (np.zeros(n, np.uint64) for _ in range(3))
    stake_kernels.weigh_stakes(
        arrays.alpha_stake,
        arrays.tao_stake,
        arrays.tao_weight,
        arrays.stake_threshold,
        arrays.owner,
        raw_stake,
        stake,
    )
    permits = np.zeros(n, np.bool_)
    stake_kernels.mark_largest(stake, arrays.max_validators, permits)
    if 0 <= arrays.owner < n:
        permits[arrays.owner] = True
    stake_kernels.activate(stake, arrays.counts, active_stake)
    votes = np.zeros(n, np.uint64)
    voters = consensus_kernels.voting_stake(active_stake, votes)
    rows = _busy_rows(arrays, active_stake)
    full = _is_full(arrays, rows) if dense is None else dense
    if full and not (arrays.yuma3 and arrays.liquid_alpha):
        part = _run_dense(arrays, rows, active_stake, votes, permits)
    else:
        part = _run_sparse(arrays, rows if full else None, active_stake, votes, voters, permits)

    server, validator, combined = part.incentive.copy(), part.dividends.copy(), part.incentive + part.dividends
    emitted = _shares(server, validator, combined, active_stake, stake)
    amounts = [np.zeros(n, np.uint64) for _ in emitted]
    for shares, amount in zip(emitted, amounts, strict=True):
        numbers.share_out(shares, arrays.emission, amount)
    u16 = {}
    for name, values in (
        ("consensus", part.consensus),
        ("dividends", part.dividends),
        ("validator_trust", part.trust),
        ("incentive", part.incentive),
        ("stake", stake),
    ):
        u16[name] = np.zeros(n, np.uint16)
        numbers.all_to_u16(values, u16[name])
    return ResultArrays(
        raw_stake=raw_stake,
        stake=stake,
        permits=permits,
        active_stake=active_stake,
        consensus=part.consensus,
        validator_trust=part.trust,
        ranks=part.ranks,
        incentive=part.incentive,
        dividends=part.dividends,
        server_share=emitted[0],
        validator_share=emitted[1],
        combined_share=emitted[2],
        server_emission=amounts[0],
        validator_emission=amounts[1],
        emission=amounts[2],
        u16=u16,
        bonds=part.bonds,
        kept=part.kept,
    )


def normalized_rows(arrays: EpochArrays) -> Sparse:
    """Return the weights that no mask removes, each row over its sum."""
    weights = _like(arrays.weights, arrays.n)
    weight_kernels.normalize_rows(
        *arrays.weights,
        arrays.permits,
        arrays.last_update,
        arrays.registered_at,
        arrays.commit_blocks,
        arrays.owner,
        *weights,
    )
    return weights


def clipped_rows(weights: Sparse, consensus: np.ndarray) -> Sparse:
    """Return the weights with the consensus as their limit."""
    clipped = _like(weights, len(consensus))
    weight_kernels.clip_rows(*weights, consensus, *clipped)
    return clipped


def paid_rows(arrays: EpochArrays, weights: Sparse, clipped: Sparse, consensus: np.ndarray) -> Sparse:
    """Return the weights for bonds, under the penalty."""
    if arrays.penalty == 0:
        return weights
    if arrays.penalty == numbers.ONE:
        return clipped
    paid = _like(weights, arrays.n)
    weight_kernels.penalize_rows(*weights, consensus, arrays.penalty, *paid)
    return paid


def kept_rows(arrays: EpochArrays, kept: Kept) -> Sparse:
    """Return the averaged bonds as sparse rows."""
    if kept.sparse is not None:
        return kept.sparse
    gathered = _empty(arrays.n, int(np.count_nonzero(kept.matrix)), np.uint64)
    dense_kernels.gather_dense(kept.matrix, kept.rows, arrays.n, *gathered)
    return gathered


def _empty(n: int, entries: int, kind: type[np.unsignedinteger]) -> Sparse:
    return Sparse(np.zeros(n + 1, np.int64), np.empty(entries, np.uint16), np.empty(entries, kind))


def _like(given: Sparse, n: int) -> Sparse:
    return _empty(n, len(given.uids), np.uint64)


def _is_full(arrays: EpochArrays, rows: np.ndarray) -> bool:
    entries = max(int(arrays.weights.starts[-1]), int(arrays.bonds.starts[-1]))
    return entries * DENSE_FROM >= len(rows) * arrays.n


def _busy_rows(arrays: EpochArrays, active_stake: np.ndarray) -> np.ndarray:
    """Return the uids that vote, weigh or hold bonds, ascending."""
    busy: np.ndarray = np.flatnonzero(
        ((np.diff(arrays.weights.starts) > 0) & arrays.permits)
        | (np.diff(arrays.bonds.starts) > 0)
        | (active_stake > 0)
    )
    return busy


def _kept_bonds(arrays: EpochArrays) -> Sparse:
    kept = _empty(arrays.n, len(arrays.bonds.uids), np.uint16)
    bond_kernels.kept_bonds(*arrays.bonds, arrays.registered_at, arrays.bond_mask_block, *kept)
    return kept


def _normalized(values: np.ndarray) -> np.ndarray:
    normalized = values.copy()
    numbers.normalize(normalized)
    return normalized


def _scores(arrays: EpochArrays, rows: np.ndarray) -> np.ndarray:
    """Return the normalised weights of some rows as a full matrix."""
    scores = np.zeros((len(rows), arrays.n), np.uint32)
    dense_kernels.spread_shares(
        *arrays.weights,
        arrays.permits,
        arrays.last_update,
        arrays.registered_at,
        arrays.commit_blocks,
        arrays.owner,
        rows,
        scores,
    )
    return scores


def _run_sparse(
    arrays: EpochArrays,
    full_rows: np.ndarray | None,
    active_stake: np.ndarray,
    votes: np.ndarray,
    voters: int,
    permits: np.ndarray,
) -> _Part:
    """Run on sparse rows; the consensus of ``full_rows``, which liquid alpha alone brings here, is found densely."""
    n = arrays.n
    consensus, trust, ranks, earned = (np.zeros(n, np.uint64) for _ in range(4))
    weights = normalized_rows(arrays)
    if full_rows is not None:
        scores = _scores(arrays, full_rows)
        consensus_kernels.consensus_dense(scores, votes[full_rows], arrays.kappa, consensus)
    else:
        consensus_kernels.consensus_sparse(*weights, votes, voters, arrays.kappa, consensus)
    clipped = clipped_rows(weights, consensus)
    weight_kernels.row_sums(clipped.starts, clipped.values, trust)
    weight_kernels.column_products(*clipped, active_stake, ranks)
    incentive = _normalized(ranks)
    paid = paid_rows(arrays, weights, clipped, consensus)
    held = _kept_bonds(arrays)
    kept = _empty(n, len(paid.uids) + len(held.uids), np.uint64)
    if not arrays.yuma3:
        bond_kernels.average_yuma2(*paid, active_stake, *held, arrays.bonds_alpha, *kept)
        bond_kernels.earn(*kept, incentive, earned)
        bond_kernels.upscale(*kept, n)
    else:
        if arrays.liquid_alpha and consensus.any():
            liquid_kernels.average_liquid(
                *paid, consensus, *held, arrays.slope, arrays.alpha_low, arrays.alpha_high, *kept
            )
        else:
            bond_kernels.average_yuma3(*paid, *held, arrays.bonds_alpha, *kept)
        bond_kernels.earn(*kept, incentive, earned)
        earned = _weighed(earned, active_stake)
    bonds = _empty(n, int(kept.starts[n]), np.uint16)
    bond_kernels.store(*kept, permits, *bonds)
    nothing = np.empty(0, np.int64)
    return _Part(consensus, trust, ranks, incentive, _normalized(earned), bonds, Kept(kept, nothing, nothing))


def _run_dense(
    arrays: EpochArrays,
    rows: np.ndarray,
    active_stake: np.ndarray,
    votes: np.ndarray,
    permits: np.ndarray,
) -> _Part:
    n = arrays.n
    shape = (len(rows), n)
    scores, old, bought = _scores(arrays, rows), np.zeros(shape, np.uint16), np.empty(shape, np.uint64)
    consensus, ranks, sums, held_sums, bond_sums, largest = (np.zeros(n, np.uint64) for _ in range(6))
    row_trust, row_earned = np.zeros(len(rows), np.uint64), np.zeros(len(rows), np.uint64)
    consensus_kernels.consensus_dense(scores, votes[rows], arrays.kappa, consensus)
    dense_kernels.clip_dense(
        scores, consensus, active_stake[rows], not arrays.yuma3, arrays.penalty, row_trust, ranks, bought, sums
    )
    incentive = _normalized(ranks)
    dense_kernels.spread_bonds(*arrays.bonds, arrays.registered_at, arrays.bond_mask_block, rows, old, held_sums)
    if arrays.yuma3:
        dense_kernels.average_dense_yuma3(bought, old, arrays.bonds_alpha, bond_sums)
        dense_kernels.earn_dense(bought, bond_sums, incentive, row_earned)
        row_earned = _weighed(row_earned, active_stake[rows])
    else:
        dense_kernels.average_dense_yuma2(bought, sums, old, held_sums, arrays.bonds_alpha, bond_sums, largest)
        dense_kernels.earn_and_upscale(bought, bond_sums, largest, incentive, row_earned)
    bonds = _empty(n, len(rows) * n + 1, np.uint16)
    dense_kernels.store_dense(bought, rows, permits, *bonds)
    trust, dividends = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
    trust[rows], dividends[rows] = row_trust, _normalized(row_earned)
    return _Part(consensus, trust, ranks, incentive, dividends, bonds, Kept(None, rows, bought))


def _weighed(earned: np.ndarray, active_stake: np.ndarray) -> np.ndarray:
    """Return each row's earnings times its stake, both proportions, rounded down."""
    products = np.zeros(len(earned), np.uint64)
    numbers.products(earned, active_stake, products)
    return products


def _shares(
    server: np.ndarray, validator: np.ndarray, combined: np.ndarray, active_stake: np.ndarray, stake: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return section 3.9's proportions; without incentive and dividends, stake earns everything."""
    total = np.uint64(combined.sum())
    if total == 0:
        by_stake = active_stake if active_stake.any() else stake
        return server, by_stake.copy(), by_stake.copy()
    for part in (server, validator, combined):
        numbers.divide(part, total)
    return server, validator, combined
