"""Projections over a real log in a real database: folded as it grows, rebuilt while they live, compared row by row."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.projections.catalogue import FOLDS
from app.projections.errors import CheckpointForeign, ProjectionDiffers, ProjectionOutdated
from app.projections.projector import Projector
from app.projections.rebuild import rebuild
from app.projections.status import ProjectionMetrics, read_status
from app.projections.verify import verify_projections
from ledger.codec import Batch
from ledger.log.postgres import PostgresLog
from tests.support.history import busy_market

ROOT = Path(__file__).resolve().parents[2]


class Recorded:
    """A log of a made-up past that grows when told to."""

    def __init__(self, url: str, log: PostgresLog, seed: int = 1) -> None:
        self.url = url
        self._log = log
        self._coming = busy_market(seed)
        self.last: Batch

    async def grow(self, batches: int) -> None:
        for batch in islice(self._coming, batches):
            await self._log.append(batch)
            self.last = batch


@pytest.fixture
async def recorded(postgres_url: str) -> AsyncIterator[Recorded]:
    log = PostgresLog(postgres_url)
    await log.open()
    yield Recorded(postgres_url, log)
    await log.close()


async def fetch(url: str, statement: str, *values: Any) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        found: list[Any] = await connection.fetch(statement, *values)
        return found
    finally:
        await connection.close()


async def until_folded(projector: Projector, recorded: Recorded) -> None:
    """Wait until every projection reflects the last batch."""
    async with asyncio.timeout(60):
        while True:
            if all(progress.batch >= recorded.last.number for progress in projector.progress.values()):
                return
            await asyncio.sleep(0.01)


async def test_what_is_folded_piece_by_piece_is_what_the_log_folds_to(recorded: Recorded) -> None:
    for batches in (1, 3, 10):
        await recorded.grow(batches)
        await Projector(recorded.url, pages_max=batches).catch_up()

    found = await verify_projections(recorded.url)

    assert {one.name for one in found} == set(FOLDS)
    assert all(one.head.seq == recorded.last.last_seq for one in found)
    assert all(one.rows > 10 for one in found)


async def test_a_running_projector_follows_the_log_and_tells_its_lag(recorded: Recorded) -> None:
    await recorded.grow(2)
    projector = Projector(recorded.url, poll_s=0.05)
    projector.start()
    await until_folded(projector, recorded)

    await recorded.grow(5)
    projector.nudge(recorded.last)
    await until_folded(projector, recorded)
    metrics = ProjectionMetrics(projector.progress).exposition().decode()
    await projector.stop()

    assert 'taobourse_projection_lag_batches{projection="orders"} 0.0' in metrics
    assert f'taobourse_projection_seq{{projection="audit"}} {float(recorded.last.last_seq)}' in metrics
    told = await read_status(recorded.url)
    assert {one["lag_batches"] for one in told["projections"].values()} == {0}
    assert told["events"] == recorded.last.last_seq
    await verify_projections(recorded.url)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (
            "orders",
            "UPDATE history_orders SET cost = cost + 1 WHERE order_id = (SELECT min(order_id) FROM history_orders)",
        ),
        ("trades", "DELETE FROM history_fills WHERE number = (SELECT max(number) FROM history_fills)"),
        ("entries", "UPDATE history_balances SET balance = balance - 1"),
        (
            "candles",
            "INSERT INTO history_candles VALUES (9, 1, 0, 1, 1, 1, 1, 0, 0, 0)",
        ),
        ("rewards", "UPDATE history_rewards SET ts_ms = ts_ms + 1"),
        ("audit", "UPDATE history_audit SET details = '{}'"),
    ],
)
async def test_a_changed_row_is_named(recorded: Recorded, name: str, change: str) -> None:
    await recorded.grow(2)
    await Projector(recorded.url).catch_up()
    await fetch(recorded.url, change)

    with pytest.raises(ProjectionDiffers) as difference:
        await verify_projections(recorded.url)

    assert difference.value.name == name
    await rebuild(recorded.url, name)
    await verify_projections(recorded.url)


async def test_a_checkpoint_of_another_log_is_refused_until_it_is_rebuilt(recorded: Recorded) -> None:
    await recorded.grow(2)
    await Projector(recorded.url).catch_up()
    await fetch(recorded.url, "UPDATE projections SET hash = sha256(hash) WHERE name = 'orders'")
    await recorded.grow(1)

    with pytest.raises(CheckpointForeign):
        await Projector(recorded.url).catch_up()
    with pytest.raises(CheckpointForeign):
        await verify_projections(recorded.url)

    others = await read_status(recorded.url)
    assert others["projections"]["trades"]["lag_batches"] == 0, "one bad projection holds up no other"
    await rebuild(recorded.url, "orders")
    await verify_projections(recorded.url)


async def test_rows_of_another_version_are_refused_until_they_are_rebuilt(recorded: Recorded) -> None:
    await recorded.grow(1)
    await Projector(recorded.url).catch_up()
    await fetch(recorded.url, "UPDATE projections SET version = 0 WHERE name = 'candles'")

    with pytest.raises(ProjectionOutdated):
        await Projector(recorded.url).catch_up()

    assert (await read_status(recorded.url))["projections"]["candles"]["outdated"]
    await rebuild(recorded.url, "candles")
    await Projector(recorded.url).catch_up()
    await verify_projections(recorded.url)


async def test_a_rebuild_goes_on_beside_the_projector_and_its_readers(recorded: Recorded) -> None:
    await recorded.grow(5)
    projector = Projector(recorded.url, poll_s=0.01, pages_max=8)
    projector.start()
    await until_folded(projector, recorded)
    seen: list[int] = []

    async def read_on() -> None:
        connection = await asyncpg.connect(recorded.url)
        while True:
            seen.append(await connection.fetchval("SELECT count(*) FROM history_orders"))
            await asyncio.sleep(0)

    reading = asyncio.create_task(read_on())
    for name in FOLDS:
        await asyncio.gather(rebuild(recorded.url, name, pages_max=16), recorded.grow(2))
    await until_folded(projector, recorded)
    reading.cancel()
    await projector.stop()

    assert seen == sorted(seen), "no reader ever sees fewer orders than before"
    assert len(seen) > 10
    assert {progress.failures for progress in projector.progress.values()} == {0}
    assert all(one.head.number == recorded.last.number for one in await verify_projections(recorded.url))
    shadows = await fetch(recorded.url, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE '%_rebuilt'")
    assert shadows == []


async def test_two_projectors_at_once_write_every_row_once(recorded: Recorded) -> None:
    await recorded.grow(12)

    await asyncio.gather(*(Projector(recorded.url, pages_max=pages).catch_up() for pages in (4, 9)))

    await verify_projections(recorded.url)


async def test_a_failing_projection_is_tried_again_and_the_others_go_on(recorded: Recorded) -> None:
    await recorded.grow(2)
    await fetch(recorded.url, "ALTER TABLE history_rewards RENAME TO elsewhere")
    projector = Projector(recorded.url, poll_s=0.01)
    projector.start()
    async with asyncio.timeout(60):
        while True:
            if projector.progress["orders"].batch == recorded.last.number and projector.progress["rewards"].failures:
                break
            await asyncio.sleep(0.01)

    await fetch(recorded.url, "ALTER TABLE elsewhere RENAME TO history_rewards")
    await until_folded(projector, recorded)
    await projector.stop()

    assert projector.progress["rewards"].failure is None
    await verify_projections(recorded.url)


async def test_lost_connections_are_made_again(recorded: Recorded) -> None:
    await recorded.grow(1)
    projector = Projector(recorded.url, poll_s=0.01)
    projector.start()
    await until_folded(projector, recorded)
    await fetch(
        recorded.url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')",
    )
    await recorded.grow(1)
    await until_folded(projector, recorded)
    await projector.stop()

    await verify_projections(recorded.url)


async def test_a_projector_that_is_killed_again_and_again_leaves_whole_rows(recorded: Recorded) -> None:
    await recorded.grow(60)
    chance = random.Random(3)
    environment = {**os.environ, "TAOBOURSE_DATABASE_URL": recorded.url}
    for _ in range(5):
        before = (await read_status(recorded.url))["projections"]["orders"]["batch"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.crash_projector", recorded.url,
            cwd=ROOT, env=environment, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        await process.stdout.readline()
        await asyncio.sleep(chance.random() * 0.15)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert (await read_status(recorded.url))["projections"]["orders"]["batch"] >= before
        await verify_projections(recorded.url)

    await recorded.grow(1)
    await Projector(recorded.url).catch_up()
    found = await verify_projections(recorded.url)
    assert {one.head.number for one in found} == {recorded.last.number}
