import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chain.runtime.yuma import fixed, liquid_kernels, numbers, reference, rows, stake_kernels, weight_rules
from chain.runtime.yuma.arrays import STAKE_LIMIT, is_packable
from chain.runtime.yuma.epoch import run_epoch
from chain.runtime.yuma.interface import EpochInputs
from chain.runtime.yuma.mechanisms import split_mechanism_emission

U16 = 2**16 - 1
U64 = 2**64 - 1
BLOCK = 20_000
WAYS = (None, True, False)

u16_values = st.one_of(st.sampled_from([0, 0, 1, 2, 32_767, U16]), st.integers(0, U16))
blocks = st.sampled_from([0, 1, 5, 999, BLOCK - 5000, BLOCK - 1, BLOCK, BLOCK + 1, U64])
stakes = st.one_of(st.sampled_from([0, 0, 1, 10**9, STAKE_LIMIT - 1]), st.integers(0, 10**16))
proportions = st.one_of(st.sampled_from([0, 1, 32_767, 32_768, U16 - 1, U16]), st.integers(0, U16))
fractions = st.one_of(st.sampled_from([0, 1, 2**31, 2**32 - 1, 2**32]), st.integers(0, 2**32))


@st.composite
def sparse_rows(draw: st.DrawFn, n: int) -> list[list[tuple[int, int]]]:
    """Rows with columns in any order, explicit zeros, and columns beyond n."""
    columns = st.lists(st.integers(0, n + 1), unique=True, max_size=n + 2)
    return [
        [(uid, draw(u16_values)) for uid in (sorted(found) if draw(st.booleans()) else found)]
        for found in draw(st.lists(columns, min_size=n, max_size=n))
    ]


@st.composite
def epochs(draw: st.DrawFn) -> EpochInputs:
    """States of up to eight uids: short and long masks, edge proportions, every kind of bonds."""
    n = draw(st.integers(1, 8))

    def about_n(elements: st.SearchStrategy[Any]) -> list[Any]:
        spare = draw(st.sampled_from([0, 0, 0, -1, -n, 2]))
        return draw(st.lists(elements, min_size=max(0, n + spare), max_size=max(0, n + spare)))

    return EpochInputs(
        n=n,
        weights=draw(sparse_rows(n)),
        bonds=draw(sparse_rows(n)),
        last_update=about_n(blocks),
        registered_at=draw(st.lists(blocks, min_size=n, max_size=n)),
        permits=about_n(st.sampled_from([True, True, False])),
        alpha_stake=draw(st.lists(stakes, min_size=n, max_size=n)),
        tao_stake=draw(st.lists(stakes, min_size=n, max_size=n)),
        tao_weight=draw(st.sampled_from([0, 971_718_665_099_567_868, 2**63, U64])),
        stake_threshold=draw(st.sampled_from([0, 0, 1, 10**9, 10**15])),
        owner_uid=draw(st.one_of(st.none(), st.integers(0, n))),
        max_validators=draw(st.integers(0, n + 1)),
        tempo=draw(st.sampled_from([0, 1, 360, 50_400])),
        activity_cutoff_factor_milli=draw(st.sampled_from([1000, 13_889, 50_000])),
        kappa=draw(proportions),
        bonds_penalty=draw(proportions),
        bonds_moving_average=draw(st.sampled_from([0, 1, 333_333, 900_000, 999_999, 10**6])),
        yuma3=draw(st.booleans()),
        liquid_alpha=draw(st.booleans()),
        alpha_low=draw(proportions),
        alpha_high=draw(proportions),
        alpha_sigmoid_steepness=draw(st.one_of(st.sampled_from([-(2**15), 0, 1000, 2**15 - 1]), st.integers(-99, 99))),
        commit_blocks=draw(st.one_of(st.none(), st.lists(blocks, min_size=n, max_size=n))),
        last_mechanism_step_block=draw(st.sampled_from([0, 4, BLOCK - 360])),
        emission=draw(st.sampled_from([0, 1, 10**9, 82 * 10**9, U64])),
        current_block=draw(st.sampled_from([0, 10, BLOCK, U64])),
    )


def crowd(seed: int, *, n: int, validators: int, density: float, **changes: Any) -> EpochInputs:
    """A state of many uids, whose rows cross the blocks and words that the kernels work in."""
    chance = random.Random(seed)

    def row() -> list[tuple[int, int]]:
        found = [uid for uid in range(n) if chance.random() < density]
        if chance.random() < 0.2:
            chance.shuffle(found)
        return [(uid, chance.choice((0, 1, U16, chance.randrange(U16)))) for uid in found]

    def table() -> list[list[tuple[int, int]]]:
        return [row() if uid < validators else [] for uid in range(n)]

    given = EpochInputs(
        n=n,
        weights=table(),
        bonds=table(),
        last_update=[chance.choice((BLOCK - 1, BLOCK - 1, BLOCK - 4000, 7)) for _ in range(n)],
        registered_at=[chance.choice((0, 0, 0, BLOCK - 4000, BLOCK - 100)) for _ in range(n)],
        permits=[uid < validators for uid in range(n)],
        alpha_stake=[chance.randrange(10**15) if uid < validators else 0 for uid in range(n)],
        tao_stake=[chance.randrange(10**14) if uid < validators else 0 for uid in range(n)],
        tao_weight=971_718_665_099_567_868,
        stake_threshold=10**12,
        owner_uid=chance.randrange(n),
        max_validators=max(1, validators - 3),
        tempo=360,
        activity_cutoff_factor_milli=13_889,
        kappa=32_767,
        bonds_penalty=U16,
        bonds_moving_average=900_000,
        yuma3=False,
        liquid_alpha=False,
        alpha_low=45_875,
        alpha_high=58_982,
        alpha_sigmoid_steepness=1000,
        commit_blocks=None,
        last_mechanism_step_block=0,
        emission=82 * 10**9,
        current_block=BLOCK,
    )
    return replace(given, **changes)


@settings(max_examples=250, deadline=None)
@given(inputs=epochs())
def test_the_kernels_equal_the_reference_on_any_state(inputs: EpochInputs) -> None:
    expected = reference.run_epoch(inputs)

    assert is_packable(inputs)
    for dense in WAYS:
        assert run_epoch(inputs, dense=dense) == expected


@pytest.mark.parametrize("dense", WAYS)
@pytest.mark.parametrize(
    ("n", "validators", "density"), [(64, 5, 1.0), (130, 40, 0.3), (257, 20, 0.1), (300, 1, 0.5), (90, 90, 0.05)]
)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"bonds_penalty": 30_000},
        {"yuma3": True},
        {"yuma3": True, "bonds_penalty": 0, "kappa": 50_000},
        {"yuma3": True, "liquid_alpha": True},
        {"yuma3": True, "liquid_alpha": True, "alpha_sigmoid_steepness": -3000, "bonds_penalty": 20_000},
    ],
    ids=str,
)
def test_the_kernels_equal_the_reference_in_a_crowd(
    n: int,
    validators: int,
    density: float,
    changes: dict[str, Any],
    dense: bool | None,  # noqa: FBT001 - a parameter of the test
) -> None:
    inputs = crowd(n + len(changes), n=n, validators=validators, density=density, **changes)

    assert run_epoch(inputs, dense=dense) == reference.run_epoch(inputs)


def test_what_the_kernels_cannot_hold_goes_to_the_reference() -> None:
    usual = crowd(1, n=12, validators=4, density=0.7)
    for inputs in (
        replace(usual, bonds_moving_average=10**6 + 1),
        replace(usual, alpha_stake=[STAKE_LIMIT, *usual.alpha_stake[1:]]),
        replace(usual, tao_stake=[U64, *usual.tao_stake[1:]]),
    ):
        assert not is_packable(inputs)
        assert run_epoch(inputs) == reference.run_epoch(inputs)


@settings(max_examples=150, deadline=None)
@given(inputs=epochs())
def test_no_more_than_the_emission_is_given_away(inputs: EpochInputs) -> None:
    """Floors lose at most a rao for each uid and share; nothing is ever gained."""
    outputs = run_epoch(inputs)

    assert sum(outputs.server_emission) + sum(outputs.validator_emission) <= inputs.emission
    assert sum(outputs.emission) <= inputs.emission
    assert sum(outputs.trace.stake) <= fixed.ONE
    assert sum(outputs.trace.incentive) <= fixed.ONE
    assert sum(outputs.trace.dividends) <= fixed.ONE


@settings(max_examples=150, deadline=None)
@given(inputs=epochs())
def test_consensus_is_a_score_of_a_voter_and_limits_every_weight(inputs: EpochInputs) -> None:
    trace = run_epoch(inputs).trace
    for column, limit in enumerate(trace.consensus):
        scores = {
            dict(row).get(column, 0) for row, stake in zip(trace.weights, trace.active_stake, strict=True) if stake > 0
        }
        assert limit in scores or (not scores and limit == 0)
    for row in trace.clipped_weights:
        assert all(value <= trace.consensus[uid] for uid, value in row)


@given(
    stake=st.lists(st.integers(1, 10**6), min_size=1, max_size=12),
    seed=st.integers(0, 2**32),
    kappa=proportions.map(fixed.u16_to_proportion),
)
@settings(deadline=None)
def test_the_weighted_median_is_the_first_score_with_a_majority_behind_it(
    stake: list[int], seed: int, kappa: int
) -> None:
    chance = random.Random(seed)
    held = rows.normalize([value << 32 for value in stake])
    scores = [chance.choice((0, 5, chance.randrange(2**32))) for _ in held]
    minority = sum(held) - kappa

    found = rows.weighted_median(held, scores, minority)

    behind = sum(part for part, score in zip(held, scores, strict=True) if score <= found)
    before = sum(part for part, score in zip(held, scores, strict=True) if score < found)
    assert behind > minority or found == max(scores)
    assert before <= max(minority, 0)


@given(size=st.integers(0, fixed.EXP_LIMIT))
@example(size=fixed.ONE)
@example(size=fixed.EXP_LIMIT)
@settings(max_examples=300, deadline=None)
def test_blocks_of_exponentials_equal_the_series(size: int) -> None:
    sizes = np.array([size, 0, 1], np.uint64)
    terms, totals = np.empty(3, np.uint64), np.empty(3, np.uint64)

    liquid_kernels.exponents(sizes, 3, terms, totals)

    for given_size, total in zip(sizes.tolist(), totals.tolist(), strict=True):
        if given_size != fixed.ONE:
            assert total == fixed.exp_safe(given_size)


@given(
    slope=st.integers(-(2**15), 2**15 - 1),
    difference=st.integers(0, fixed.ONE),
    low=proportions.map(fixed.u16_to_proportion),
    high=proportions.map(fixed.u16_to_proportion),
)
@example(slope=-100, difference=fixed.ONE, low=0, high=fixed.ONE)
@example(slope=-200, difference=fixed.ONE, low=0, high=fixed.ONE)
@settings(max_examples=300, deadline=None)
def test_compiled_rates_equal_the_sigmoid(slope: int, difference: int, low: int, high: int) -> None:
    steepness = fixed.from_int(slope)
    compiled_slope = fixed.div_saturating(steepness, fixed.from_int(-100))
    arguments = np.array([liquid_kernels.scaled_difference(compiled_slope, difference - fixed.HALF)], np.int64)
    sizes, terms, alphas = (np.empty(1, np.uint64) for _ in range(3))

    liquid_kernels.rates(arguments, 1, np.uint64(low), np.uint64(high), sizes, terms, alphas)

    assert int(alphas[0]) == fixed.alpha_sigmoid(
        consensus=0, weight=difference, bond=0, low=low, high=high, steepness=steepness
    )


@given(value=fractions, other=fractions, divisor=st.integers(1, 2**44))
@settings(max_examples=300, deadline=None)
def test_limbs_multiply_and_divide_like_fixed_point_numbers(value: int, other: int, divisor: int) -> None:
    a, b = np.uint64(value), np.uint64(other)
    assert int(numbers.product(a, b)) == fixed.mul(value, other)
    assert int(numbers.to_u16(a)) == fixed.proportion_to_u16(value)
    if value <= divisor:
        inverse = np.uint64(U64 // divisor)
        assert int(numbers.by_inverse(a, np.uint64(divisor), inverse)) == fixed.div(value, divisor)
        assert int(numbers.quotient(a, np.uint64(divisor))) == fixed.div(value, divisor)


@given(parts=st.lists(st.one_of(st.integers(0, 2**96), st.integers(0, 2**34)), min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_shares_of_wide_totals_are_rounded_down(parts: list[int]) -> None:
    total = sum(parts)
    limbs = [np.uint64(total >> 64), np.uint64(total & U64)]
    for part in parts:
        if part:
            share = stake_kernels.wide_share(np.uint64(part >> 64), np.uint64(part & U64), *limbs)
            assert int(share) == (part << 32) // total


@given(
    emission=st.integers(0, U64),
    mechanisms=st.integers(1, 16),
    split=st.one_of(st.none(), st.lists(st.integers(0, 4095), max_size=16)),
)
def test_a_split_emission_adds_up(emission: int, mechanisms: int, split: list[int] | None) -> None:
    parts = split_mechanism_emission(emission, mechanisms=mechanisms, split=split)

    assert len(parts) == mechanisms
    assert sum(parts) == emission
    assert min(parts) >= 0


@given(values=st.lists(st.integers(0, U16), max_size=20))
def test_an_upscaled_row_keeps_its_order_and_reaches_the_top(values: list[int]) -> None:
    scaled = weight_rules.max_upscale(values)

    assert max(scaled, default=0) == (U16 if any(values) else 0)
    assert sorted(range(len(values)), key=lambda at: values[at]) == sorted(
        range(len(values)), key=lambda at: (scaled[at], values[at])
    )
