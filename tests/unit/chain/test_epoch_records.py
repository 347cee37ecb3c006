from dataclasses import replace
from typing import Any

import pytest

from chain.epoch_records import KEPT_EACH, KEPT_MAX, EpochRecords, describe
from chain.runtime.subtensor.epochs import EpochRecord
from chain.runtime.yuma.epoch import run_epoch
from tests.support.dev_chain import HOTKEY, DevChain
from tests.support.weights import score


@pytest.fixture(scope="module")
def record() -> EpochRecord:
    """The first epoch of subnet 1 after all validators had set weights."""
    chain = DevChain()
    score(chain, 1)
    chain.skip(19)
    found: Any = chain.result.epochs[0] if chain.result else None
    assert isinstance(found, EpochRecord)
    return found


def test_a_record_that_was_kept_gives_the_same_epoch(record: EpochRecord) -> None:
    records = EpochRecords()
    records.add([record])

    kept = records.find(1, 0, 20)

    assert kept is not None
    assert kept.inputs.weights == record.inputs.weights
    assert run_epoch(kept.inputs) == run_epoch(record.inputs)
    assert describe(kept) == describe(record)
    assert (records.find(1, 0, 19), records.find(1, 1, 20), records.find(2, 0, 20)) == (None, None, None)


def test_of_each_mechanism_the_last_two_are_kept(record: EpochRecord) -> None:
    records = EpochRecords()
    for block in range(20, 120, 20):
        records.add([replace(record, block=block), replace(record, mecid=1, block=block)])

    assert len(records) == 2 * KEPT_EACH
    assert [block for block in range(20, 120, 20) if records.find(1, 1, block)] == [80, 100]


def test_of_all_mechanisms_the_latest_are_kept(record: EpochRecord) -> None:
    records = EpochRecords()
    for netuid in range(1, KEPT_MAX + 3):
        records.add([replace(record, netuid=netuid)])

    assert len(records) == KEPT_MAX
    assert records.find(2, 0, 20) is None
    assert records.find(3, 0, 20) is not None


def test_amounts_are_texts_and_proportions_are_numbers(record: EpochRecord) -> None:
    told = describe(record)

    assert told["inputs"]["emission"] == str(record.inputs.emission)
    assert told["inputs"]["owner_uid"] == 0
    assert told["inputs"]["commit_blocks"] is None
    assert told["outputs"]["permits"][1] is True
    assert all(isinstance(amount, str) for amount in told["outputs"]["server_emission"])
    assert all(isinstance(part, int) for part in told["trace"]["stake"])
    assert told["trace"]["weights"][1][0] == [4, (1 << 32) // 3]
    assert len(told["hotkeys"]) == 7
    assert record.hotkeys[1] == HOTKEY
    assert describe(record, [])["trace"] == {}
