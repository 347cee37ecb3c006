"""Section 11's table and the rules that a single small epoch shows, by the kernels and by the reference."""

from collections.abc import Callable

import pytest

from chain.runtime.yuma import reference
from chain.runtime.yuma.epoch import run_epoch
from chain.runtime.yuma.interface import EpochInputs, EpochOutputs
from tests.unit.chain.yuma.builders import BLOCK, NEVER, epoch

ONE = 2**32
Run = Callable[[EpochInputs], EpochOutputs]


@pytest.fixture(params=[reference.run_epoch, run_epoch], ids=["reference", "kernels"])
def run(request: pytest.FixtureRequest) -> Run:
    return request.param  # type: ignore[no-any-return]


def test_a_usual_epoch_splits_about_half_to_miners_and_half_to_validators(run: Run) -> None:
    outputs = run(epoch())

    assert 499_000_000 < sum(outputs.server_emission) <= 500_000_000
    assert 499_000_000 < sum(outputs.validator_emission) <= 500_000_000
    assert outputs.server_emission[:2] == [0, 0]
    assert outputs.validator_emission[2:] == [0, 0]
    assert outputs.permits == [True, True, False, False]


def test_without_any_stake_everything_is_zero(run: Run) -> None:
    outputs = run(epoch(alpha_stake=[0] * 4))

    assert outputs.emission == outputs.consensus == outputs.dividends == outputs.stake_weight == [0] * 4
    assert outputs.permits == [False] * 4


def test_the_owner_keeps_a_permit_without_stake(run: Run) -> None:
    assert run(epoch(alpha_stake=[0] * 4, owner_uid=2)).permits == [False, False, True, False]


def test_without_weights_validators_get_all_by_active_stake(run: Run) -> None:
    outputs = run(epoch(weights=[[], [], [], []]))

    assert outputs.server_emission == [0] * 4
    assert outputs.validator_emission == outputs.emission == [750_000_000, 250_000_000, 0, 0]


@pytest.mark.parametrize(
    "changes", [{"last_update": [1] * 4, "current_block": 10**6}, {"permits": [False] * 4}], ids=str
)
def test_without_active_stake_all_stake_earns(run: Run, changes: dict[str, object]) -> None:
    outputs = run(epoch(**changes))

    assert outputs.trace.active_stake == [0] * 4
    assert outputs.emission == [750_000_000, 250_000_000, 0, 0]


def test_a_lone_uid_gets_everything_and_its_self_weight_nothing(run: Run) -> None:
    alone = epoch(
        n=1, weights=[[(0, 65_535)]], bonds=[[]], last_update=[1], registered_at=[1], permits=[True],
        alpha_stake=[1], tao_stake=[0],
    )  # fmt: skip

    outputs = run(alone)

    assert outputs.emission == [10**9]
    assert outputs.incentive == [0]


def test_without_a_majority_nothing_is_clipped_to_above_zero(run: Run) -> None:
    """Each validator has a miner of its own; the smaller one's finds no majority and its entry goes."""
    outputs = run(epoch(weights=[[(2, 1)], [(3, 1)], [], []]))

    assert outputs.trace.consensus == [0, 0, ONE, 0]
    assert list(outputs.trace.clipped_weights) == [[(2, ONE)], [], [], []]
    assert outputs.validator_trust == [65_535, 0, 0, 0]


def test_short_permits_and_updates_mask_what_is_missing(run: Run) -> None:
    outputs = run(epoch(permits=[True], last_update=[BLOCK, BLOCK]))

    assert outputs.trace.active_stake == [ONE, 0, 0, 0]
    assert outputs.active == [True, True, False, False]
    assert list(outputs.trace.weights)[1] == []


def test_long_permits_and_updates_are_cut_off(run: Run) -> None:
    usual = epoch()
    longer = epoch(permits=[*usual.permits, True], last_update=[*usual.last_update, 1])

    assert run(longer) == run(usual)


def test_the_last_active_block_is_the_cutoff_itself(run: Run) -> None:
    cutoff = 13_889 * 360 // 1000
    assert run(epoch(current_block=BLOCK - 1 + cutoff)).active == [True] * 4
    assert run(epoch(current_block=BLOCK + cutoff)).active == [False] * 4


def test_weights_older_than_a_registration_do_not_count(run: Run) -> None:
    trace = run(epoch(registered_at=[0, 0, BLOCK - 1, BLOCK - 2])).trace

    assert trace.weights[0] == [(3, ONE)]


def test_weights_committed_before_a_registration_do_not_count(run: Run) -> None:
    changes = {"commit_blocks": [400, NEVER, NEVER, NEVER], "registered_at": [0, 0, 400, 401]}
    trace = run(epoch(**changes)).trace

    assert trace.weights[0] == [(2, ONE)]
    assert len(trace.weights[1]) == 2


def test_only_the_owner_may_weigh_itself(run: Run) -> None:
    weights = [[(0, 1), (2, 1)], [(1, 1), (2, 1)], [], []]
    trace = run(epoch(weights=weights, owner_uid=1)).trace

    assert list(trace.weights) == [[(2, ONE)], [(1, ONE // 2), (2, ONE // 2)], [], []]


def test_submitted_zeros_stay_through_the_clip_and_go_with_a_fractional_penalty(run: Run) -> None:
    weights = [[(3, 0), (2, 5)], [(2, 5)], [], []]

    assert run(epoch(weights=weights)).trace.weights_for_bonds[0] == [(3, 0), (2, ONE)]
    assert run(epoch(weights=weights, bonds_penalty=0)).trace.weights_for_bonds[0] == [(3, 0), (2, ONE)]
    assert run(epoch(weights=weights, bonds_penalty=9)).trace.weights_for_bonds[0] == [(2, ONE)]


def test_old_bonds_fade_and_are_stored_with_the_new(run: Run) -> None:
    outputs = run(epoch(bonds=[[], [(2, 65_535), (3, 65_535)], [], []]))

    assert outputs.bonds[1] == [(2, 65_535), (3, 65_535)]
    assert all(0 < value < 65_535 for _, value in outputs.bonds[0])
    assert outputs.bonds[2:] == [[], []]


def test_bonds_on_a_newly_registered_neuron_are_dropped(run: Run) -> None:
    changes = {"bonds": [[(2, 9)], [(2, 9)], [], []], "registered_at": [0, 0, 700, 0], "weights": [[], [], [], []]}

    assert run(epoch(**changes)).bonds == [[], [], [], []]
    assert run(epoch(**changes, last_mechanism_step_block=700)).bonds[0] == [(2, 65_535)]


def test_liquid_alpha_drops_bonds_without_a_weight_and_decays_those_with_zero(run: Run) -> None:
    changes = {"bonds": [[(2, 60_000), (3, 60_000)], [], [], []], "weights": [[(2, 1)], [(2, 1)], [], []]}
    liquid = {"yuma3": True, "liquid_alpha": True}

    gone = run(epoch(**changes, **liquid)).bonds[0]
    kept = run(epoch(**changes | {"weights": [[(3, 0), (2, 1)], [(2, 1)], [], []]}, **liquid)).bonds[0]
    faded = run(epoch(**changes, yuma3=True)).bonds[0]

    assert [uid for uid, _ in gone] == [2]
    assert [uid for uid, _ in kept] == [3, 2]
    assert 0 < dict(kept)[3] < 60_000
    assert dict(faded)[3] == pytest.approx(54_000, abs=1)


def test_liquid_alpha_needs_yuma3(run: Run) -> None:
    assert run(epoch(liquid_alpha=True)) == run(epoch())


def test_ties_for_the_last_permit_go_to_the_higher_uid(run: Run) -> None:
    assert run(epoch(alpha_stake=[5, 5, 5, 9], max_validators=2)).permits == [False, False, True, True]
    assert run(epoch(alpha_stake=[5, 5, 5, 9], max_validators=0)).permits == [False] * 4


def test_stake_below_the_threshold_counts_for_the_owner_alone(run: Run) -> None:
    changes = {"stake_threshold": 10**12 + 1}

    assert run(epoch(**changes)).trace.stake == [ONE, 0, 0, 0]
    assert run(epoch(**changes, owner_uid=1)).trace.stake == [ONE * 3 // 4, ONE // 4, 0, 0]
    assert run(epoch(**changes)).trace.raw_stake == [3 * 10**12, 10**12, 0, 0]


def test_ten_equal_stakes_get_one_rao_less_than_a_tenth_each(run: Run) -> None:
    equal = epoch(
        n=10, weights=[[]] * 10, bonds=[[]] * 10, last_update=[BLOCK] * 10, registered_at=[0] * 10,
        permits=[True] * 10, alpha_stake=[7] * 10, tao_stake=[0] * 10,
    )  # fmt: skip

    assert run(equal).emission == [99_999_999] * 10


def test_rows_that_are_missing_are_empty(run: Run) -> None:
    assert run(epoch(weights=epoch().weights[:2], bonds=[])) == run(epoch())


def test_an_empty_subnet_has_an_empty_epoch(run: Run) -> None:
    nothing = epoch(
        n=0, weights=[], bonds=[], last_update=[], registered_at=[], permits=[], alpha_stake=[], tao_stake=[]
    )

    assert run(nothing).emission == []
