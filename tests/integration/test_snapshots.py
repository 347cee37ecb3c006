"""Snapshots in the database: a restart begins with the newest that holds, and what does not hold is left out."""

import asyncio
from typing import Any

import asyncpg
import pytest

from ledger.codec import seal
from ledger.engine.machine import Engine
from ledger.log.base import EMPTY_HEAD, Head
from ledger.log.errors import ChainBroken
from ledger.log.postgres import PostgresLog
from ledger.log.recovery import newest_engine, recover
from ledger.log.snapshot_process import write_snapshot
from ledger.log.snapshot_store import Refused, SnapshotStore
from ledger.log.snapshot_writer import SnapshotFailed, SnapshotSettings, SnapshotWriter, run_process
from tests.support.builders import TAO, Exchange, buy, trading_exchange

KEEP = 3


async def stored_exchange(url: str) -> tuple[Exchange, int, Head]:
    """Return an exchange whose batches so far are in the database."""
    exchange, numbers = trading_exchange({"alice": (100 * TAO, 5 * TAO)})
    return exchange, numbers["alice"], await store(url, exchange, EMPTY_HEAD, 0)


async def store(url: str, exchange: Exchange, head: Head, done: int) -> Head:
    """Append the exchange's batches from ``done`` on."""
    log = PostgresLog(url)
    await log.open()
    try:
        for ts_ms, events, payloads in exchange.log[done:]:
            batch = seal(
                number=head.number + 1,
                ts_ms=ts_ms,
                writer_epoch=log.writer_epoch,
                events=events,
                payloads=payloads,
                previous=head.hash,
            )
            await log.append(batch)
            head = Head.of(batch)
    finally:
        await log.close()
    return head


async def trade_on(url: str, exchange: Exchange, account: int, head: Head) -> Head:
    """Trade once more and store it."""
    done = len(exchange.log)
    buy(exchange, account, tao=TAO)
    return await store(url, exchange, head, done)


async def change(url: str, *statements: str) -> None:
    """Damage stored rows as somebody with all rights could."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        for statement in statements:
            assert (await connection.execute(statement)).split()[-1] != "0"
    finally:
        await connection.close()


async def restarted(url: str, head: Head) -> tuple[Engine, Head, list[Refused]]:
    """Return the engine of a restart, the head its snapshot stands at, and what was refused."""
    refused: list[Refused] = []
    engine, start = await newest_engine(url, head, refused.append)
    assert await recover(PostgresLog(url), engine, head, start=start) == head
    return engine, start, refused


async def test_a_restart_reads_the_newest_snapshot_and_the_tail_only(postgres_url: str) -> None:
    exchange, alice, head = await stored_exchange(postgres_url)
    await write_snapshot(postgres_url, keep=KEEP)
    later = await trade_on(postgres_url, exchange, alice, head)
    await change(postgres_url, "UPDATE event_pages SET body = 'x' WHERE seq = 1")

    engine, start, refused = await restarted(postgres_url, later)

    assert (start, refused) == (head, [])
    assert engine.state_hash() == exchange.engine.state_hash()
    with pytest.raises(ChainBroken):
        await recover(PostgresLog(postgres_url), Engine(), later)


async def test_without_a_snapshot_the_whole_log_is_read(postgres_url: str) -> None:
    exchange, _, head = await stored_exchange(postgres_url)

    engine, start, refused = await restarted(postgres_url, head)

    assert (start, refused) == (EMPTY_HEAD, [])
    assert engine.state_hash() == exchange.engine.state_hash()


DAMAGE = {
    "a part": "UPDATE snapshot_parts SET body = overlay(body PLACING 'x' FROM 9) WHERE seq = {seq} AND part = 1",
    "a part's length": "UPDATE snapshot_parts SET body = body || 'x' WHERE seq = {seq} AND part = 1",
    "a missing part": "DELETE FROM snapshot_parts WHERE seq = {seq} AND part = 1",
    "a misplaced part": "UPDATE snapshot_parts SET part = 999 WHERE seq = {seq} AND part = 1",
    "the header": "UPDATE snapshots SET blob = overlay(blob PLACING 'x' FROM 60) WHERE seq = {seq}",
    "the state hash": "UPDATE snapshots SET state_hash = overlay(state_hash PLACING 'x' FROM 3) WHERE seq = {seq}",
    "the batch": "UPDATE batches SET hash = overlay(hash PLACING 'x' FROM 3) WHERE last_seq = {seq}",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
async def test_a_bad_snapshot_is_reported_and_the_next_older_one_taken(postgres_url: str, damage: str) -> None:
    exchange, alice, first = await stored_exchange(postgres_url)
    await write_snapshot(postgres_url, keep=KEEP)
    second = await trade_on(postgres_url, exchange, alice, first)
    await write_snapshot(postgres_url, keep=KEEP)
    third = await trade_on(postgres_url, exchange, alice, second)
    await change(postgres_url, damage.format(seq=second.seq))
    refused: list[Refused] = []

    engine, start = await newest_engine(postgres_url, third, refused.append)

    assert start == first
    assert [one.seq for one in refused] == [second.seq]
    if "batches" not in damage:  # a log that contradicts itself is refused, whatever a snapshot says
        await recover(PostgresLog(postgres_url), engine, third, start=start)
        assert engine.state_hash() == exchange.engine.state_hash()


async def test_snapshots_that_are_all_bad_leave_the_log(postgres_url: str) -> None:
    exchange, _, head = await stored_exchange(postgres_url)
    await write_snapshot(postgres_url, keep=KEEP)
    await change(postgres_url, "UPDATE snapshots SET blob = 'nothing'")

    engine, start, refused = await restarted(postgres_url, head)

    assert (start, len(refused)) == (EMPTY_HEAD, 1)
    assert engine.state_hash() == exchange.engine.state_hash()


async def test_a_snapshot_ahead_of_the_log_is_never_looked_at(postgres_url: str) -> None:
    exchange, alice, first = await stored_exchange(postgres_url)
    await trade_on(postgres_url, exchange, alice, first)
    await write_snapshot(postgres_url, keep=KEEP)

    _, start = await newest_engine(postgres_url, first)

    assert start == EMPTY_HEAD


async def test_only_the_newest_few_are_kept_and_one_seq_is_written_once(postgres_url: str) -> None:
    exchange, alice, head = await stored_exchange(postgres_url)
    seqs = []
    for _ in range(4):
        head = await trade_on(postgres_url, exchange, alice, head)
        seqs.append((await write_snapshot(postgres_url, keep=2))["seq"])
    again = await write_snapshot(postgres_url, keep=2)

    assert (again["parts"], again["from_seq"]) == (0, head.seq)
    assert await rows(postgres_url, "SELECT seq FROM snapshots ORDER BY seq") == seqs[2:]
    assert await rows(postgres_url, "SELECT DISTINCT seq FROM snapshot_parts ORDER BY seq") == seqs[2:]


async def rows(url: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_a_snapshot_begun_elsewhere_than_the_log_says_is_found(postgres_url: str) -> None:
    _, _, head = await stored_exchange(postgres_url)
    await write_snapshot(postgres_url, keep=KEEP)
    engine, start = await newest_engine(postgres_url, head)
    other = Head(number=start.number - 1, seq=start.seq, hash=start.hash, ts_ms=start.ts_ms)

    with pytest.raises(ChainBroken):
        await recover(PostgresLog(postgres_url), engine, head, start=other)
    with pytest.raises(ChainBroken):
        await recover(PostgresLog(postgres_url), Engine(), head, start=start)


async def test_the_process_of_its_own_writes_what_an_engine_begins_with(postgres_url: str) -> None:
    exchange, _, head = await stored_exchange(postgres_url)

    told = await asyncio.wait_for(run_process(postgres_url, keep=KEEP), 120)

    engine, start = await newest_engine(postgres_url, head)
    assert (told["seq"], told["from_seq"], told["refused"]) == (head.seq, 0, [])
    assert start == head
    assert engine.state_hash() == exchange.engine.state_hash()


async def test_the_writer_tells_of_snapshots_and_of_failures(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
    results = iter([False, True])

    async def next_result(_: str, *, keep: int) -> dict[str, Any]:
        assert keep == KEEP
        if not next(results):
            raise SnapshotFailed("exit code 1: no room")
        return {"seq": 7}

    monkeypatch.setattr("ledger.log.snapshot_writer.run_process", next_result)
    settings = SnapshotSettings(every_events=10, every_s=60.0, pause_s=0.0, keep=KEEP)
    writer = SnapshotWriter(postgres_url, settings, lambda name, figures: told.put_nowait((name, figures)))

    writer.start(behind=10)
    first = await asyncio.wait_for(told.get(), 5)
    second = await asyncio.wait_for(told.get(), 5)
    await writer.stop()

    assert first == ("snapshot_failed", {"error": "exit code 1: no room"})
    assert second == ("snapshot_written", {"seq": 7})
    assert told.empty()


async def test_a_writer_that_is_stopped_ends_its_process(postgres_url: str) -> None:
    _, _, head = await stored_exchange(postgres_url)
    writer = SnapshotWriter(postgres_url, SnapshotSettings(every_events=1), lambda *_: None)
    writer.start(behind=head.seq)
    await asyncio.sleep(0.2)  # the process has begun, or not yet: both must end well

    await asyncio.wait_for(writer.stop(), 30)

    assert await SnapshotStore(postgres_url).newest(head) is None
