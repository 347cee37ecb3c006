"""The slow, obvious epoch in Python integers: the oracle of the kernels, one step of ``spec/yuma`` section 3 at a time.

Bit-exact with the reference chain: every intermediate equals its raw fixed-point number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import le, lt

from chain.runtime.yuma import fixed, rows
from chain.runtime.yuma.interface import Entry, EpochInputs, EpochOutputs, EpochTrace, Row, SparseRows

Rows = list[list[Entry]]


@dataclass(frozen=True, slots=True)
class Stakes:
    """Sections 3.1 to 3.4: who is active, what their stake weighs, who may validate."""

    active: list[bool]
    raw_stake: list[int]
    stake: list[int]
    permits: list[bool]
    new_permits: list[bool]
    active_stake: list[int]


@dataclass(frozen=True, slots=True)
class Bonds:
    """Section 3.8: the bonds that are kept, before they become u16, and the dividends they earn."""

    kept: Rows
    dividends: list[int]


@dataclass(frozen=True, slots=True)
class Shares:
    """Section 3.9: proportions of the emission."""

    server: list[int]
    validator: list[int]
    combined: list[int]


def run_epoch(inputs: EpochInputs) -> EpochOutputs:
    """Run one mechanism's epoch."""
    n = inputs.n
    stakes = compute_stakes(inputs)
    weights = rows.row_normalize(masked_weights(inputs, stakes.permits))
    kappa = fixed.u16_to_proportion(inputs.kappa)
    consensus = rows.weighted_median_columns(stakes.active_stake, weights, n, kappa)
    clipped = rows.column_clip(weights, consensus)
    ranks = rows.sum_by_column(clipped, stakes.active_stake, n)
    incentive = rows.normalize(ranks)
    penalty = fixed.u16_to_proportion(inputs.bonds_penalty)
    weights_for_bonds = rows.interpolate(weights, clipped, n, penalty)
    bonds = compute_bonds(inputs, weights_for_bonds, consensus, incentive, stakes.active_stake)
    shares = emission_shares(incentive, bonds.dividends, stakes)
    validator_trust = rows.row_sum(clipped)
    return EpochOutputs(
        active=stakes.active,
        permits=stakes.new_permits,
        consensus=_u16(consensus),
        dividends=_u16(bonds.dividends),
        validator_trust=_u16(validator_trust),
        incentive=_u16(incentive),
        stake_weight=_u16(stakes.stake),
        server_emission=[emitted(share, inputs.emission) for share in shares.server],
        validator_emission=[emitted(share, inputs.emission) for share in shares.validator],
        emission=[emitted(share, inputs.emission) for share in shares.combined],
        bonds=[
            [(j, fixed.proportion_to_u16(value)) for j, value in row] if permit else []
            for row, permit in zip(bonds.kept, stakes.new_permits, strict=True)
        ],
        trace=EpochTrace(
            raw_stake=stakes.raw_stake,
            stake=stakes.stake,
            active_stake=stakes.active_stake,
            kappa=kappa,
            weights=SparseRows.of(weights),
            consensus=consensus,
            clipped_weights=SparseRows.of(clipped),
            validator_trust=validator_trust,
            ranks=ranks,
            incentive=incentive,
            weights_for_bonds=SparseRows.of(weights_for_bonds),
            bonds=SparseRows.of(bonds.kept),
            dividends=bonds.dividends,
            server_share=shares.server,
            validator_share=shares.validator,
            combined_share=shares.combined,
        ),
    )


def activity_cutoff(inputs: EpochInputs) -> int:
    """Return after how many blocks without weights a validator is inactive."""
    return max(1, inputs.activity_cutoff_factor_milli * inputs.tempo // 1000)


def compute_stakes(inputs: EpochInputs) -> Stakes:
    """Return sections 3.1 to 3.4; permits of this epoch are the stored ones, with the owner's."""
    n, cutoff = inputs.n, activity_cutoff(inputs)
    inactive = [min(block + cutoff, fixed.U64_MAX) < inputs.current_block for block in inputs.last_update[:n]]
    total = total_stakes(inputs)
    raw_stake = [fixed.wide_to_u64(value) for value in total]
    counted = [
        value if raw >= inputs.stake_threshold or uid == inputs.owner_uid else 0
        for uid, (value, raw) in enumerate(zip(total, raw_stake, strict=True))
    ]
    stake = [fixed.from_wide(value) for value in rows.normalize_wide(counted)]
    permits = [permit or uid == inputs.owner_uid for uid, permit in enumerate(inputs.permits)]
    new_permits = rows.topk_nonzero(stake, inputs.max_validators)
    if inputs.owner_uid is not None and inputs.owner_uid < n:
        new_permits[inputs.owner_uid] = True
    forbidden = [not permit for permit in permits]
    active_stake = rows.normalize(rows.mask_vector(forbidden, rows.mask_vector(inactive, stake)))
    active = [not mark for mark in inactive] + [False] * (n - len(inactive))
    return Stakes(active, raw_stake, stake, permits, new_permits, active_stake)


def total_stakes(inputs: EpochInputs) -> list[int]:
    """Return each uid's alpha plus its TAO at the TAO weight, as I64F64, before the threshold."""
    weight = ((inputs.tao_weight << 32) // fixed.U64_MAX) << 32
    totals: list[int] = []
    for alpha, tao in zip(inputs.alpha_stake[: inputs.n], inputs.tao_stake[: inputs.n], strict=True):
        weighed = min(min(tao << 64, fixed.WIDE_MAX) * weight >> 64, fixed.WIDE_MAX)
        totals.append(min(min(alpha << 64, fixed.WIDE_MAX) + weighed, fixed.WIDE_MAX))
    return totals


def masked_weights(inputs: EpochInputs, permits: Sequence[bool]) -> Rows:
    """Return the weights that count, as I32F32: section 3.5 up to the normalisation."""
    weights: Sequence[Row] = [
        [(j, fixed.from_int(value)) for j, value in row if j < inputs.n] for row in _rows(inputs.weights, inputs.n)
    ]
    weights = rows.mask_rows([not permit for permit in permits], weights)
    weights = rows.mask_diagonal(weights, except_index=inputs.owner_uid)
    weights = rows.mask_where(weights, inputs.last_update, inputs.registered_at, le)
    if inputs.commit_blocks is not None:
        weights = rows.mask_where(weights, inputs.commit_blocks, inputs.registered_at, lt)
    return [list(row) for row in weights]


def bond_mask_block(inputs: EpochInputs) -> int:
    """Return the block at or before which a neuron must have registered for its bonds to count."""
    if inputs.last_mechanism_step_block == 0:
        return max(0, inputs.current_block - inputs.tempo)
    return min(inputs.last_mechanism_step_block + 1, fixed.U64_MAX)


def stored_bonds(inputs: EpochInputs) -> Rows:
    """Return the old bonds that count, as whole numbers of I32F32."""
    bonds = [[(j, fixed.from_int(value)) for j, value in row] for row in _rows(inputs.bonds, inputs.n)]
    return rows.mask_where(bonds, [bond_mask_block(inputs)] * inputs.n, inputs.registered_at, le)


def _rows(given: Sequence[Row], n: int) -> list[Row]:
    """Return exactly ``n`` rows, empty where none was given."""
    return [*given[:n], *[[]] * (n - len(given))]


def bonds_alpha(bonds_moving_average: int) -> int:
    """Return the part of new bonds in the average; negative above a million."""
    return fixed.sub(fixed.ONE, fixed.from_wide(fixed.div_wide(bonds_moving_average << 64, 10**6 << 64)))


def compute_bonds(
    inputs: EpochInputs, weights: Rows, consensus: Sequence[int], incentive: Sequence[int], active_stake: Sequence[int]
) -> Bonds:
    """Return section 3.8, by Yuma3 or Yuma2; ``weights`` carry the penalty."""
    n, old, alpha = inputs.n, stored_bonds(inputs), bonds_alpha(inputs.bonds_moving_average)
    if inputs.yuma3:
        held = [[(j, fixed.div(value, fixed.U16_MAX << 32)) for j, value in row] for row in old]
        if inputs.liquid_alpha and any(consensus):
            ema = rows.average_each(weights, held, liquid_alphas(inputs, weights, held, consensus))
        else:
            ema = rows.average(weights, held, n, alpha)
        earned = rows.sum_by_row(rows.column_normalize(ema, n), incentive)
        dividends = rows.normalize([fixed.mul(part, stake) for part, stake in zip(earned, active_stake, strict=True)])
        return Bonds(ema, dividends)
    bought = rows.column_normalize(rows.scale_rows(weights, active_stake), n)
    ema = rows.column_normalize(rows.average(bought, rows.column_normalize(old, n), n, alpha), n)
    dividends = rows.normalize(rows.sum_by_row(ema, incentive))
    return Bonds(rows.column_max_upscale(ema, n), dividends)


def liquid_alphas(inputs: EpochInputs, weights: Rows, bonds: Rows, consensus: Sequence[int]) -> list[list[int]]:
    """Return the alpha of every listed entry, by row and column; other places are 0 and never read."""
    low, high = fixed.u16_to_proportion(inputs.alpha_low), fixed.u16_to_proportion(inputs.alpha_high)
    steepness = fixed.from_int(inputs.alpha_sigmoid_steepness)
    alphas = [[0] * inputs.n for _ in range(inputs.n)]
    for alpha_row, weight_row, bond_row in zip(alphas, weights, bonds, strict=True):
        read_weight, read_bond = rows.walked(weight_row), rows.walked(bond_row)
        for j, _ in weight_row:
            alpha_row[j] = fixed.alpha_sigmoid(
                consensus=consensus[j],
                weight=read_weight.get(j, 0),
                bond=read_bond.get(j, 0),
                low=low,
                high=high,
                steepness=steepness,
            )
    return alphas


def emission_shares(incentive: Sequence[int], dividends: Sequence[int], stakes: Stakes) -> Shares:
    """Return section 3.9's proportions; without incentive and dividends, stake earns everything."""
    combined = [fixed.add(a, b) for a, b in zip(incentive, dividends, strict=True)]
    total = sum(combined)
    server = [fixed.div(value, total) for value in incentive]
    if total == 0:
        by_stake = stakes.active_stake if sum(stakes.active_stake) != 0 else stakes.stake
        return Shares(server, list(by_stake), list(by_stake))
    return Shares(server, [fixed.div(value, total) for value in dividends], rows.normalize(combined))


def emitted(share: int, emission: int) -> int:
    """Return a share of the emission in rao, rounded down: the fraction stays with the subnet."""
    return fixed.clamp(share * emission >> fixed.FRACTION_BITS, 0, fixed.U64_MAX)


def _u16(values: Sequence[int]) -> list[int]:
    return [fixed.proportion_to_u16(value) for value in values]
