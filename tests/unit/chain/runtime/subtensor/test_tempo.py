from typing import Any

import pytest

from chain.extrinsic import call_value
from chain.runtime.declarations import module_error
from chain.runtime.subtensor import tempo
from tests.support.dev_chain import ALICE, BOB, DevChain, events_of, stake

MODULE = "SubtensorModule"


def error(name: str) -> Any:
    return module_error(MODULE, name)


def owned(**entries: Any) -> DevChain:
    """Return a chain where Bob owns subnet 1; ``entries`` are the subnet's, or the chain's without a key."""
    chain = DevChain()
    changes: dict[Any, Any] = {(f"{MODULE}.SubnetOwner", (1,)): BOB.public}
    changes |= {
        (f"{MODULE}.{item}", () if item == "AdminFreezeWindow" else (1,)): value for item, value in entries.items()
    }
    chain.state = chain.state.commit(changes)
    return chain


def test_setting_the_tempo_begins_the_cycle_anew() -> None:
    chain = owned()
    chain.skip(9)

    result = chain.run((BOB, stake("set_tempo", netuid=1, tempo=30)))

    assert result.receipts[1].success
    assert tempo.next_start(chain.state, 1) == 40
    chain.skip(29)
    assert chain.state.get(tempo.LAST_EPOCH, 1) == 10
    chain.skip(1)
    assert chain.state.get(tempo.LAST_EPOCH, 1) == 40


def test_root_sets_the_tempo_with_the_same_effect() -> None:
    chain = owned()
    chain.skip(4)

    chain.run((ALICE, call_value("Sudo", "sudo", call=call_value("AdminUtils", "sudo_set_tempo", netuid=1, tempo=7))))

    assert tempo.next_start(chain.state, 1) == 12


def test_an_epoch_asked_for_comes_after_the_freeze_window() -> None:
    chain = owned(AdminFreezeWindow=3)
    chain.skip(1)

    result = chain.run((BOB, stake("trigger_epoch", netuid=1)))

    told = {"netuid": 1, "by": BOB.public, "fires_at": 5}
    assert (MODULE, "EpochTriggered", told) in events_of(result, 1)
    assert tempo.next_start(chain.state, 1) == 5
    chain.skip(3)
    assert chain.state.get(tempo.LAST_EPOCH, 1) == 5
    assert tempo.next_start(chain.state, 1) == 25


@pytest.mark.parametrize(
    ("entries", "name"),
    [
        ({"CommitRevealWeightsEnabled": True, "PendingEpochAt": 9}, "DynamicTempoBlockedByCommitReveal"),
        ({"PendingEpochAt": 9, "AdminFreezeWindow": 50}, "EpochTriggerAlreadyPending"),
        ({"AdminFreezeWindow": 50}, "AutoEpochAlreadyImminent"),
    ],
)
def test_an_epoch_cannot_always_be_asked_for(entries: dict[str, Any], name: str) -> None:
    assert owned(**entries).run((BOB, stake("trigger_epoch", netuid=1))).receipts[1].error == error(name)


CALLS = [
    ("set_tempo", {"tempo": 360}),
    ("set_activity_cutoff_factor", {"factor_milli": 2_000}),
    ("trigger_epoch", {}),
]


@pytest.mark.parametrize(("name", "args"), CALLS)
def test_only_the_owner_of_a_subnet_that_is_there_may(name: str, args: dict[str, Any]) -> None:
    chain = owned()

    result = chain.run(
        (BOB, stake(name, netuid=99, **args)),
        (ALICE, stake(name, netuid=1, **args)),
        (BOB, stake(name, netuid=0, **args)),
    )

    errors = [receipt.error for receipt in result.receipts[1:]]
    assert errors == [error("SubnetNotExists"), "BadOrigin", error("SubnetNotExists")]


@pytest.mark.parametrize(("name", "args"), CALLS[:2])
def test_parameters_stand_still_before_an_epoch(name: str, args: dict[str, Any]) -> None:
    result = owned(AdminFreezeWindow=50).run((BOB, stake(name, netuid=1, **args)))

    assert result.receipts[1].error == error("AdminActionProhibitedDuringWeightsWindow")


@pytest.mark.parametrize(("name", "args"), CALLS)
def test_an_owner_asks_once_in_two_tempos(name: str, args: dict[str, Any]) -> None:
    chain = owned()
    call = stake(name, netuid=1, **args)

    result = chain.run((BOB, call), (BOB, call))

    assert [receipt.error for receipt in result.receipts[1:]] == [None, error("TxRateLimitExceeded")]


@pytest.mark.parametrize(("factor", "allowed"), [(999, False), (1_000, True), (50_000, True), (50_001, False)])
def test_the_activity_cutoff_has_bounds(factor: int, allowed: bool) -> None:  # noqa: FBT001
    chain = owned()

    result = chain.run((BOB, stake("set_activity_cutoff_factor", netuid=1, factor_milli=factor)))

    refusal = None if allowed else error("ActivityCutoffFactorMilliOutOfBounds")
    assert result.receipts[1].error == refusal
    assert (chain.state.get(f"{MODULE}.ActivityCutoffFactorMilli", 1) == factor) is allowed


def test_a_subnet_without_tempo_has_no_next_epoch() -> None:
    chain = owned(Tempo=0)

    assert tempo.next_start(chain.state, 1) is None
    assert not tempo.is_due(chain.state, 1, 10**6)
