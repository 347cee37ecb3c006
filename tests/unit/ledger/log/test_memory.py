"""The log in memory keeps the rules of the one in the database."""

import pytest

from ledger.log.base import EMPTY_HEAD, Head, check_follows
from ledger.log.errors import ChainBroken, LogFailed, WriterFenced
from ledger.log.memory import MemoryLog
from tests.support.batches import batch_after


async def test_what_was_appended_is_read_again() -> None:
    log = MemoryLog()
    head = await log.open()
    for size in (1, 100, 3):
        batch = batch_after(head, size, payloads=[b"p"])
        await log.append(batch)
        head = Head.of(batch)

    read = [batch async for batch in log.read()]

    assert Head.of(read[-1]) == head
    assert [batch.payloads for batch in read] == [(b"p",)] * 3
    assert [batch.number async for batch in log.read(2)] == [2]
    assert await log.open() == head


async def test_an_older_epoch_is_fenced() -> None:
    log = MemoryLog()
    head = await log.open()
    await log.open()

    with pytest.raises(WriterFenced):
        await log.append(batch_after(head, writer_epoch=1))
    await log.append(batch_after(head, writer_epoch=2))


async def test_a_log_that_is_not_open_takes_nothing() -> None:
    log = MemoryLog()
    with pytest.raises(LogFailed):
        await log.append(batch_after(EMPTY_HEAD))
    head = await log.open()
    await log.close()

    with pytest.raises(LogFailed):
        await log.append(batch_after(head))


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (Head(number=0, seq=0, hash=bytes(32), ts_ms=0), "follows batch -1"),
        (Head(number=-1, seq=5, hash=bytes(32), ts_ms=0), "begins at seq 6"),
        (Head(number=-1, seq=0, hash=bytes([1] * 32), ts_ms=0), "previous hash"),
    ],
)
async def test_a_batch_that_does_not_follow_is_refused(head: Head, says: str) -> None:
    log = MemoryLog()
    await log.open()

    with pytest.raises(LogFailed, match=says):
        await log.append(batch_after(head))


def test_time_may_stand_still_but_not_go_back() -> None:
    head = Head(number=4, seq=9, hash=bytes(32), ts_ms=100)

    check_follows(head, batch_after(head, ts_ms=100))
    with pytest.raises(ChainBroken) as broken:
        check_follows(head, batch_after(head, ts_ms=99))
    assert broken.value.number == 5
