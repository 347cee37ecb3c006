"""The log in a real database: what was appended is read again, what was touched is found, and one writer only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from ledger.codec import Batch
from ledger.log.base import EMPTY_HEAD, Head
from ledger.log.errors import ChainBroken, LogFailed, LogHeld, WriterFenced
from ledger.log.postgres import PostgresLog
from tests.support.batches import batch_after

SIZES = (1, 3, 250, 1_000, 62, 5_000)


async def write_some(url: str, sizes: tuple[int, ...] = SIZES) -> list[Batch]:
    log = PostgresLog(url)
    head = await log.open()
    written = []
    for seed, size in enumerate(sizes):
        payloads = [b"", b"x" * 40_000, bytes(range(256))][:size] if seed % 2 else []
        batch = batch_after(head, size, writer_epoch=log.writer_epoch, payloads=payloads, seed=seed)
        await log.append(batch)
        written.append(batch)
        head = Head.of(batch)
    await log.close()
    return written


async def read_all(url: str, from_number: int = 0) -> list[Batch]:
    return [batch async for batch in PostgresLog(url).read(from_number)]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def tamper(url: str, statement: str, *arguments: Any) -> None:
    """Change the log as a superuser can who switches the triggers off."""
    async with connected(url) as connection:
        await connection.execute("SET session_replication_role = replica")
        status = await connection.execute(statement, *arguments)
    assert status.split()[-1] != "0", "nothing was changed"


async def test_what_was_appended_is_read_again_byte_for_byte(postgres_url: str) -> None:
    written = await write_some(postgres_url)

    read = await read_all(postgres_url)

    assert [batch.hash for batch in read] == [batch.hash for batch in written]
    assert [batch.body for batch in read] == [batch.body for batch in written]
    assert [batch.payloads for batch in read] == [batch.payloads for batch in written]
    assert [batch.number for batch in await read_all(postgres_url, from_number=4)] == [4, 5]


async def test_an_empty_log_has_the_empty_head_and_reads_as_nothing(postgres_url: str) -> None:
    log = PostgresLog(postgres_url)

    head = await log.open()
    await log.close()

    assert head == EMPTY_HEAD
    assert await read_all(postgres_url) == []


async def test_a_log_that_is_opened_again_goes_on_from_its_head(postgres_url: str) -> None:
    first = await write_some(postgres_url, (3,))
    second = await write_some(postgres_url, (5,))

    assert second[0].previous == first[0].hash
    assert second[0].writer_epoch == first[0].writer_epoch + 1
    assert [batch.number for batch in await read_all(postgres_url)] == [0, 1]


async def test_more_than_one_group_of_batches_is_read_in_order(postgres_url: str) -> None:
    written = await write_some(postgres_url, (1,) * 1_100)

    assert [batch.hash for batch in await read_all(postgres_url)] == [batch.hash for batch in written]


@pytest.mark.parametrize("position", [0, 9, 100, 7_999])
async def test_a_flipped_byte_in_a_stored_page_is_found_and_names_its_batch(postgres_url: str, position: int) -> None:
    written = await write_some(postgres_url)
    statement = "UPDATE event_pages SET body = set_byte(body, $2, get_byte(body, $2) # 1) WHERE seq = $1 AND page = 0"

    await tamper(postgres_url, statement, written[3].first_seq, position)

    with pytest.raises(ChainBroken) as broken:
        await read_all(postgres_url)
    assert broken.value.number == 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE batches SET hash = sha256('x') WHERE number = 2",
        "UPDATE batches SET previous = sha256('x') WHERE number = 2",
        "UPDATE batches SET ts_ms = ts_ms + 1 WHERE number = 2",
        "UPDATE batches SET writer_epoch = writer_epoch + 1 WHERE number = 2",
        "UPDATE batches SET last_seq = last_seq - 1 WHERE number = 2",
        "UPDATE batches SET page_count = page_count + 1 WHERE number = 2",
        "DELETE FROM batches WHERE number = 2",
        "DELETE FROM event_pages WHERE page = 1 AND seq = (SELECT first_seq FROM batches WHERE number = 2)",
        "UPDATE event_pages SET page = 90 WHERE page = 1 AND seq = (SELECT first_seq FROM batches WHERE number = 2)",
        "INSERT INTO event_pages SELECT first_seq, 91, 'x' FROM batches WHERE number = 2",
    ],
)
async def test_every_other_change_by_hand_names_the_batch_too(postgres_url: str, statement: str) -> None:
    await write_some(postgres_url)

    await tamper(postgres_url, statement)

    with pytest.raises(ChainBroken) as broken:
        await read_all(postgres_url)
    assert broken.value.number == 2


async def test_a_second_writer_is_kept_out_while_the_first_lives(postgres_url: str) -> None:
    first = PostgresLog(postgres_url)
    head = await first.open()

    with pytest.raises(LogHeld):
        await PostgresLog(postgres_url, lock_wait_s=0.1).open()

    await first.append(batch_after(head, writer_epoch=first.writer_epoch))
    await first.close()


async def test_a_writer_with_an_older_epoch_is_fenced_and_stays_so(postgres_url: str) -> None:
    first = PostgresLog(postgres_url)
    head = await first.open()
    async with connected(postgres_url) as connection:
        await connection.fetchval("SELECT begin_writer_epoch()")
    batch = batch_after(head, writer_epoch=first.writer_epoch)

    with pytest.raises(WriterFenced):
        await first.append(batch)
    with pytest.raises(LogFailed):
        await first.append(batch)

    await first.close()
    assert await read_all(postgres_url) == []


async def test_a_standby_that_takes_over_ends_the_first_writer(postgres_url: str) -> None:
    first = PostgresLog(postgres_url)
    head = await first.open()
    second = PostgresLog(postgres_url, take_over=True)

    assert await second.open() == head
    with pytest.raises(LogFailed):
        await first.append(batch_after(head, writer_epoch=first.writer_epoch))
    await second.append(batch_after(head, 1_000, writer_epoch=second.writer_epoch))

    await first.close()
    await second.close()
    assert len(await read_all(postgres_url)) == 1


async def test_a_batch_that_does_not_follow_is_refused_by_the_database(postgres_url: str) -> None:
    log = PostgresLog(postgres_url)
    head = await log.open()
    elsewhere = Head(number=head.number + 5, seq=head.seq, hash=head.hash, ts_ms=0)

    with pytest.raises(LogFailed, match="chain_broken"):
        await log.append(batch_after(elsewhere, writer_epoch=log.writer_epoch))

    await log.close()


async def test_a_lost_connection_is_an_unknown_outcome_and_ends_the_log(postgres_url: str) -> None:
    log = PostgresLog(postgres_url)
    head = await log.open()
    async with connected(postgres_url) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    for _ in range(2):
        with pytest.raises(LogFailed):
            await log.append(batch_after(head, writer_epoch=log.writer_epoch))

    await log.close()


async def test_a_write_that_gets_no_answer_in_time_counts_as_failed(postgres_url: str) -> None:
    log = PostgresLog(postgres_url, append_timeout_s=0.2)
    head = await log.open()
    async with connected(postgres_url) as connection, connection.transaction():
        await connection.execute("LOCK TABLE batches IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(LogFailed, match="TimeoutError"):
            await log.append(batch_after(head, writer_epoch=log.writer_epoch))
    await log.close()

    # The write may still have landed; whether it did is settled by the next writer's start, and only then.
    again = PostgresLog(postgres_url)
    after = await again.open()
    await again.close()
    assert len(await read_all(postgres_url)) == after.number + 1


async def test_partitions_are_made_beside_the_appends_before_they_are_needed(postgres_url: str) -> None:
    log = PostgresLog(postgres_url)
    head = await log.open()
    await log.close()
    async with connected(postgres_url) as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("INSERT INTO batches VALUES (0, 1, 29999000, 0, 1, 1, $1, $1)", bytes(32))
        before = await connection.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'event_pages'::regclass")

    head = await log.open()
    for _ in range(3):
        batch = batch_after(head, 600, writer_epoch=log.writer_epoch)
        await log.append(batch)
        head = Head.of(batch)
    await log.close()

    async with connected(postgres_url) as connection:
        after = await connection.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'event_pages'::regclass")
        used = await connection.fetch("SELECT DISTINCT tableoid::regclass::text AS part FROM event_pages ORDER BY part")
    assert after > before
    assert [row["part"] for row in used] == ["event_pages_2", "event_pages_3"]


async def test_a_cancelled_append_leaves_the_log_closed(postgres_url: str) -> None:
    log = PostgresLog(postgres_url)
    head = await log.open()
    appending = asyncio.create_task(log.append(batch_after(head, 1_000, writer_epoch=log.writer_epoch)))
    await asyncio.sleep(0)

    appending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await appending
    with pytest.raises(LogFailed):
        await log.append(batch_after(head, writer_epoch=log.writer_epoch))
    await log.close()
