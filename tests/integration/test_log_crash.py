"""Kill -9 of the writer and of its database: nothing that was answered is lost, and the next start goes on."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.postgres.embedded import EmbeddedPostgres
from app.postgres.process import is_running, read_pid_file, stop_process
from ledger.log.base import EMPTY_HEAD, Head
from ledger.log.errors import LogFailed
from ledger.log.migrate import migrate
from ledger.log.postgres import PostgresLog
from ledger.log.recovery import recover
from ledger.sequencer import OutcomeUnknown, Sequencer, SequencerStopped
from tests.support.crash_writer import FATAL
from tests.support.tally import Tally, ask

ROOT = Path(__file__).resolve().parents[2]
ANSWERS_BEFORE_THE_KILL = 60


@pytest.fixture
async def data_dir(tmp_path: Path) -> AsyncIterator[Path]:
    """Give a data folder; end what a failed test left behind."""
    yield tmp_path / "data"
    left = read_pid_file(tmp_path / "data/postgres")
    if left is not None and is_running(left.pid):
        await stop_process(left.pid)


async def write_and_kill(data_dir: Path, *, kill_database: bool) -> dict[int, list[tuple[int, int]]]:
    """Run a writer until it gave some answers, kill it or its database, and return all answers by account."""
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.crash_writer", str(data_dir),
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert writer.stdout is not None
    server = int((await writer.stdout.readline()).split()[1])
    lines = [await writer.stdout.readline() for _ in range(ANSWERS_BEFORE_THE_KILL)]
    if kill_database:
        os.kill(server, signal.SIGKILL)
    else:
        writer.kill()
    rest, stderr = await asyncio.wait_for(writer.communicate(), 60)
    assert writer.returncode == (FATAL if kill_database else -signal.SIGKILL), stderr
    answers: dict[int, list[tuple[int, int]]] = {}
    for line in [*lines, *rest.splitlines(keepends=True)]:
        if line.startswith(b"answer") and line.endswith(b"\n"):
            _, account, first, last = line.split()
            answers.setdefault(int(account), []).append((int(first), int(last)))
    return answers


async def submit_for_ever(sequencer: Sequencer) -> None:
    while True:
        await sequencer.submit(ask(1))


@pytest.mark.parametrize("kill_database", [False, True], ids=["the writer", "its database"])
async def test_nothing_answered_is_lost_when_somebody_is_killed(data_dir: Path, *, kill_database: bool) -> None:
    answers: dict[int, list[tuple[int, int]]] = {}
    for _ in range(3):
        for account, spans in (await write_and_kill(data_dir, kill_database=kill_database)).items():
            answers.setdefault(account, []).extend(spans)

    async with EmbeddedPostgres(data_dir, wal_mb=96, shared_buffers_mb=32) as server:
        owners = [int(account) async for batch in PostgresLog(server.url).read() for account in batch.events["account"]]
        engine = Tally()
        log = PostgresLog(server.url)
        head = await log.open()
        assert await recover(log, engine, head) == head
        await log.close()

    for account, spans in answers.items():
        for first, last in spans:
            assert owners[first - 1 : last] == [account] * (last - first + 1)
    assert engine.seq == len(owners) == head.seq
    assert sum(engine.counts.values()) == len(owners)


async def test_a_killed_database_ends_the_sequencer_and_the_next_one_goes_on(data_dir: Path) -> None:
    fatal: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    async with EmbeddedPostgres(data_dir, wal_mb=96, shared_buffers_mb=32) as server:
        await migrate(server.url)
        log = PostgresLog(server.url)
        head = await log.open()
        sequencer = Sequencer(engine=Tally(), log=log, head=head, clock=lambda: 5, on_fatal=fatal.set_result)
        sequencer.start()
        await sequencer.submit(ask(1_000))
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)

        with pytest.raises((OutcomeUnknown, SequencerStopped)):
            await submit_for_ever(sequencer)
        assert isinstance(await fatal, LogFailed)
        await sequencer.stop()
        await log.close()

    async with EmbeddedPostgres(data_dir, wal_mb=96, shared_buffers_mb=32) as server:
        engine, log = Tally(), PostgresLog(server.url)
        head = await log.open()
        await recover(log, engine, head)
        assert engine.seq >= 1_000
        again = Sequencer(engine=engine, log=log, head=head, clock=lambda: 5, on_fatal=lambda _: None)
        again.start()
        answer = await again.submit(ask(2))
        await again.stop()
        await log.close()
    assert answer.events["seq"].tolist() == [head.seq + 1, head.seq + 2]


async def test_many_askers_at_once_share_batches_and_keep_their_order(postgres_url: str) -> None:
    log = PostgresLog(postgres_url)
    head = await log.open()
    sequencer = Sequencer(engine=Tally(), log=log, head=head, clock=lambda: 5, on_fatal=lambda _: None)
    published: list[Head] = [EMPTY_HEAD]
    sequencer.subscribe(lambda batch: published.append(Head.of(batch)))
    sequencer.start()

    answers = await asyncio.gather(*(sequencer.submit(ask(1)) for _ in range(5_000)))
    await sequencer.stop()
    await log.close()

    assert [int(answer.events["seq"][0]) for answer in answers] == list(range(1, 5_001))
    assert published[-1].seq == 5_000
    assert len(published) - 1 == 5, "batches of 1 000"
