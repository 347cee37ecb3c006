"""No stored byte can change unseen: every one of a batch is flipped in turn, and the reader names that batch."""

import asyncpg
import pytest

from ledger.log.base import Head
from ledger.log.errors import ChainBroken
from ledger.log.postgres import PostgresLog
from tests.support.batches import batch_after

BATCHES = 3
VICTIM = 1


async def write_log(url: str) -> None:
    log = PostgresLog(url)
    head = await log.open()
    for _ in range(BATCHES):
        batch = batch_after(head, 2, writer_epoch=log.writer_epoch, payloads=[b"Ana", b"Bo"])
        await log.append(batch)
        head = Head.of(batch)
    await log.close()


async def broken_batch(url: str) -> int | None:
    """Return the batch at which reading stops, None where all of it is taken for sound."""
    try:
        async for _ in PostgresLog(url).read():
            pass
    except ChainBroken as error:
        return error.number
    return None


@pytest.mark.parametrize("column", ["previous", "hash"])
async def test_every_byte_of_a_stored_hash_is_under_the_chain(postgres_url: str, column: str) -> None:
    await write_log(postgres_url)
    flip = f"UPDATE batches SET {column} = set_byte({column}, $2, get_byte({column}, $2) # 1) WHERE number = $1"
    connection = await unguarded(postgres_url)

    for position in range(32):
        await connection.execute(flip, VICTIM, position)
        assert await broken_batch(postgres_url) == VICTIM
        await connection.execute(flip, VICTIM, position)

    assert await broken_batch(postgres_url) is None
    await connection.close()


async def test_every_byte_of_a_stored_page_is_under_the_chain(postgres_url: str) -> None:
    await write_log(postgres_url)
    connection = await unguarded(postgres_url)
    seq = await connection.fetchval("SELECT first_seq FROM batches WHERE number = $1", VICTIM)
    length = await connection.fetchval("SELECT length(body) FROM event_pages WHERE seq = $1", seq)
    flip = "UPDATE event_pages SET body = set_byte(body, $2, get_byte(body, $2) # 128) WHERE seq = $1"
    assert length > 128

    for position in range(length):
        await connection.execute(flip, seq, position)
        assert await broken_batch(postgres_url) == VICTIM, position
        await connection.execute(flip, seq, position)

    assert await broken_batch(postgres_url) is None
    await connection.close()


@pytest.mark.parametrize("column", ["first_seq", "last_seq", "ts_ms", "writer_epoch", "page_count"])
async def test_every_figure_of_a_stored_batch_is_under_the_chain(postgres_url: str, column: str) -> None:
    await write_log(postgres_url)
    connection = await unguarded(postgres_url)

    await connection.execute(f"UPDATE batches SET {column} = {column} + 1 WHERE number = $1", VICTIM)

    assert await broken_batch(postgres_url) == VICTIM
    await connection.close()


async def unguarded(url: str) -> asyncpg.Connection:
    """Return a superuser's connection on which the triggers that guard the log are off."""
    connection = await asyncpg.connect(url)
    await connection.execute("SET session_replication_role = replica")
    return connection
