"""The epoch as one would write it first: numpy, full matrices, float64; close to the chain, never equal to it.

The same steps as ``chain/runtime/yuma``, without its roundings: the weighted median by sorting columns, bonds and
dividends by whole matrices, the sigmoid by ``np.exp``. Owner, threshold and commit-reveal are left out: the measured
states have none. Written with care for speed: no loop over rows or columns.
"""

from dataclasses import dataclass

import numpy as np

from chain.runtime.yuma.arrays import EpochArrays, Sparse

U16 = 65_535.0
ONE = float(2**32)
TOP = 2**16 - 1


@dataclass(frozen=True, slots=True)
class FloatEpoch:
    """What the baseline finds: proportions between 0 and 1, amounts in rao, bonds as u16."""

    consensus: np.ndarray
    incentive: np.ndarray
    dividends: np.ndarray
    emission: np.ndarray
    bonds: np.ndarray


def run(arrays: EpochArrays) -> FloatEpoch:
    """Run an epoch on rows that vote, weigh or hold bonds."""
    n = arrays.n
    total = arrays.alpha_stake + arrays.tao_stake * (float(arrays.tao_weight) / ONE)
    stake = _over_sum(total.astype(np.float64))
    active = _over_sum(np.where(arrays.counts, stake, 0.0))
    rows = np.flatnonzero((np.diff(arrays.weights.starts) > 0) | (np.diff(arrays.bonds.starts) > 0) | (active > 0))
    weights = _matrix(arrays.weights, rows, n)
    outdated = arrays.last_update[rows, None] <= arrays.registered_at[None, :]
    weights[outdated] = 0.0
    weights[np.arange(len(rows)), rows] = 0.0
    weights[~arrays.permits[rows]] = 0.0
    sums = weights.sum(axis=1, keepdims=True)
    np.divide(weights, sums, out=weights, where=sums > 0)

    held_stake = active[rows]
    consensus = _weighted_median(weights, held_stake, float(arrays.kappa) / ONE)
    clipped = np.minimum(weights, consensus)
    ranks = held_stake @ clipped
    incentive = _over_sum(ranks)
    penalty = float(arrays.penalty) / ONE
    paid = clipped if penalty == 1.0 else weights + penalty * (clipped - weights)

    bonds = _matrix(arrays.bonds, rows, n)
    bonds[:, arrays.registered_at >= arrays.bond_mask_block] = 0.0
    alpha = float(arrays.bonds_alpha) / ONE
    if arrays.yuma3:
        bonds /= U16
        if arrays.liquid_alpha and consensus.any():
            rates = _liquid_alphas(arrays, paid, bonds, consensus)
            kept = np.where(weights > 0, np.minimum(1.0, rates * paid + (1.0 - rates) * bonds), 0.0)
        else:
            kept = alpha * paid + (1.0 - alpha) * bonds
        dividends = _over_sum((_columns_over_sum(kept) @ incentive) * held_stake)
        stored = kept
    else:
        bought = _columns_over_sum(paid * held_stake[:, None])
        kept = _columns_over_sum(alpha * bought + (1.0 - alpha) * _columns_over_sum(bonds))
        dividends = _over_sum(kept @ incentive)
        largest = kept.max(axis=0, initial=0.0)
        stored = np.divide(kept, largest, out=np.zeros_like(kept), where=largest > 0)
    everyone = np.zeros(n)
    everyone[rows] = dividends
    combined = incentive + everyone
    shares = combined / combined.sum() if combined.any() else (active if active.any() else stake)
    return FloatEpoch(
        consensus, incentive, everyone, np.floor(shares * float(arrays.emission)), (stored * U16).astype(np.uint16)
    )


def _matrix(sparse: Sparse, rows: np.ndarray, n: int) -> np.ndarray:
    matrix = np.zeros((len(rows), n))
    lengths = np.diff(sparse.starts)[rows]
    matrix[np.repeat(np.arange(len(rows)), lengths), sparse.uids] = sparse.values
    return matrix


def _over_sum(values: np.ndarray) -> np.ndarray:
    total = values.sum()
    shares: np.ndarray = values / total if total > 0 else values
    return shares


def _columns_over_sum(matrix: np.ndarray) -> np.ndarray:
    sums = matrix.sum(axis=0)
    shares: np.ndarray = np.divide(matrix, sums, out=np.zeros_like(matrix), where=sums > 0)
    return shares


def _weighted_median(weights: np.ndarray, stake: np.ndarray, kappa: float) -> np.ndarray:
    voters = stake > 0
    scores, votes = weights[voters], stake[voters]
    if not len(votes):
        return np.zeros(weights.shape[1])
    order = np.argsort(scores, axis=0)
    behind = np.cumsum(votes[order], axis=0)
    chosen = np.minimum((behind <= votes.sum() - kappa).sum(axis=0), len(votes) - 1)
    columns = np.arange(weights.shape[1])
    found: np.ndarray = scores[order[chosen, columns], columns]
    return found


def _liquid_alphas(arrays: EpochArrays, paid: np.ndarray, bonds: np.ndarray, consensus: np.ndarray) -> np.ndarray:
    difference = np.clip(np.where(paid >= bonds, paid - consensus, bonds - paid), 0.0, 1.0)
    sigmoid = 1.0 / (1.0 + np.exp(arrays.slope / ONE * (difference - 0.5)))
    low, high = float(arrays.alpha_low) / ONE, float(arrays.alpha_high) / ONE
    rates: np.ndarray = np.clip(low + sigmoid * (high - low), low, high)
    return rates
