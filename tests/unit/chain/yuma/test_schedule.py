import pytest

from chain.runtime.yuma import schedule
from chain.runtime.yuma.schedule import TriggerRefusal

USUAL = {"block": 100, "tempo": 50, "last_epoch_block": 60, "pending_at": 0, "blocks_since_step": 40}


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({}, False),
        ({"block": 110}, True),
        ({"block": 109}, False),
        ({"pending_at": 100}, True),
        ({"pending_at": 101}, False),
        ({"blocks_since_step": 50_400}, False),
        ({"blocks_since_step": 50_401}, True),
        ({"tempo": 0, "pending_at": 1, "blocks_since_step": 10**6}, False),
    ],
    ids=str,
)
def test_an_epoch_is_due_by_tempo_by_hand_or_after_a_long_silence(changes: dict[str, int], due: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert schedule.is_due(**USUAL | changes) is due


def test_two_subnets_run_in_a_block_in_the_order_of_their_storage_keys() -> None:
    assert schedule.share_slots([9, 3, 7]) == ([3, 7], [9])
    assert schedule.share_slots([1, 2, 256]) == ([256, 1], [2])
    assert schedule.share_slots([]) == ([], [])


def test_the_next_epoch_starts_at_the_earlier_of_tempo_and_request() -> None:
    assert schedule.next_epoch_start(tempo=0, last_epoch_block=5, pending_at=9) is None
    assert schedule.next_epoch_start(tempo=50, last_epoch_block=100, pending_at=0) == 150
    assert schedule.next_epoch_start(tempo=50, last_epoch_block=100, pending_at=120) == 120
    assert schedule.next_epoch_start(tempo=50, last_epoch_block=100, pending_at=200) == 150


def test_a_new_tempo_begins_a_cycle_at_the_current_block() -> None:
    assert schedule.restarted_cycle(current_block=10) == 10


REQUEST = {
    "commit_reveal": False, "pending_at": 0, "current_block": 105, "tempo": 50, "last_epoch_block": 100,
    "admin_freeze_window": 10,
}  # fmt: skip


def test_an_epoch_asked_for_waits_for_the_freeze_window() -> None:
    assert schedule.trigger_epoch(**REQUEST) == 115
    assert schedule.trigger_epoch(**REQUEST | {"current_block": 140}) == 150


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"commit_reveal": True, "pending_at": 9}, TriggerRefusal.COMMIT_REVEAL),
        ({"pending_at": 9, "current_block": 149}, TriggerRefusal.PENDING),
        ({"current_block": 141}, TriggerRefusal.IMMINENT),
        ({"current_block": 1000}, TriggerRefusal.IMMINENT),
    ],
    ids=str,
)
def test_an_epoch_cannot_be_asked_for(changes: dict[str, int], refusal: TriggerRefusal) -> None:
    assert schedule.trigger_epoch(**REQUEST | changes) is refusal


def test_commits_of_a_block_with_an_epoch_belong_to_the_next_one() -> None:
    assert schedule.epoch_index_now(epoch_index=4, due=False) == 4
    assert schedule.epoch_index_now(epoch_index=4, due=True) == 5
