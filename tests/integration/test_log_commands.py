"""``taobourse log cat`` and ``taobourse verify log`` as a person runs them."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from app.postgres.embedded import EmbeddedPostgres
from ledger.engine.layout import EventKind
from ledger.log.base import Head
from ledger.log.migrate import migrate
from ledger.log.postgres import PostgresLog
from tests.support.batches import batch_after

ROOT = Path(__file__).resolve().parents[2]


async def taobourse(*arguments: str, url: str | None = None) -> tuple[int, list[str], str]:
    """Run the command; return its exit code, the lines of stdout, and stderr."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAOBOURSE_")}
    if url is not None:
        environment["TAOBOURSE_DATABASE_URL"] = url
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", *arguments,
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    stdout, stderr = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, stdout.decode().splitlines(), stderr.decode()


def content(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def write_batches(url: str, count: int) -> Head:
    log = PostgresLog(url)
    head = await log.open()
    for _ in range(count):
        batch = batch_after(
            head, 2, writer_epoch=log.writer_epoch, payloads=[b"Ana", b"\xff\x00"], kind=EventKind.ACCOUNT_OPENED
        )
        await log.append(batch)
        head = Head.of(batch)
    await log.close()
    return head


async def test_every_event_is_one_line_of_json(postgres_url: str) -> None:
    await write_batches(postgres_url, 3)

    code, lines, _ = await taobourse("log", "cat", "--from", "1", "--count", "1", url=postgres_url)

    told = [json.loads(line) for line in lines]
    assert code == 0
    assert [(event["batch"], event["ts_ms"], event["seq"], event["kind"]) for event in told] == [
        (1, 2, 3, "ACCOUNT_OPENED"),
        (1, 2, 4, "ACCOUNT_OPENED"),
    ]
    assert [event["payload"] for event in told] == ["Ana", "0xff00"]
    assert len((await taobourse("log", "cat", url=postgres_url))[1]) == 6


async def test_a_sound_log_is_verified_with_its_head(postgres_url: str) -> None:
    head = await write_batches(postgres_url, 3)

    code, lines, _ = await taobourse("verify", "log", "--json", url=postgres_url)
    plain = await taobourse("verify", "log", url=postgres_url)

    assert code == 0
    assert json.loads(lines[-1]) == {"ok": True, "batches": 3, "events": 6, "hash": head.hash.hex(), "anchors": 0}
    assert plain[1] == [f"3 batches, 6 events, all hashes hold; head {head.hash.hex()}"]


async def test_a_broken_log_names_the_batch_and_exits_with_seven(postgres_url: str) -> None:
    await write_batches(postgres_url, 3)
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute("UPDATE event_pages SET body = set_byte(body, 99, get_byte(body, 99) # 4) WHERE seq = 3")
    await connection.close()

    code, lines, _ = await taobourse("verify", "log", "--json", url=postgres_url)
    plain = await taobourse("verify", "log", url=postgres_url)

    assert (code, plain[0]) == (7, 7)
    assert {name: json.loads(lines[-1])[name] for name in ("ok", "code", "batch")} == {
        "ok": False,
        "code": "log_chain_broken",
        "batch": 1,
    }
    assert "batch 1" in plain[2]


async def test_the_embedded_log_is_read_while_it_runs_and_while_it_rests(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with EmbeddedPostgres(folder) as server:
        await migrate(server.url)
        await write_batches(server.url, 1)
        beside = await taobourse("verify", "log", "--data-dir", str(folder))
        assert server.url_of_running() == server.url
        connection = await asyncpg.connect(server.url)
        await connection.close()
    resting = await taobourse("verify", "log", "--data-dir", str(folder))

    assert (beside[0], resting[0]) == (0, 0)
    assert beside[1] == resting[1]
    assert EmbeddedPostgres(folder).url_of_running() is None


@pytest.mark.parametrize("command", [("log", "cat"), ("verify", "log")])
async def test_a_folder_without_a_database_is_unavailable_and_stays_empty(
    tmp_path: Path, command: tuple[str, str]
) -> None:
    code, _, stderr = await taobourse(*command, "--data-dir", str(tmp_path / "none"))

    assert code == 3
    assert "no_database" in stderr
    assert content(tmp_path) == []
