"""``taobourse log``: the log for people; ``taobourse verify log`` and ``replay``, which read every byte of it again."""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from app.exits import DIFFERS, UNAVAILABLE
from app.postgres.access import reach_database
from app.postgres.errors import EmbeddedPostgresError
from ledger.codec import Batch
from ledger.log.base import Head
from ledger.log.errors import ChainBroken
from ledger.log.postgres import PostgresLog

app = typer.Typer(no_args_is_help=True, add_completion=False)


DataDir = Annotated[Path, typer.Option(help="Data folder of the exchange.")]
Url = Annotated[
    str | None, typer.Option("--database-url", envvar="TAOBOURSE_DATABASE_URL", help="Another database instead.")
]
DEMO_DATA = Path(".demo")


@app.callback()
def log() -> None:
    """Read the log."""


@app.command()
def cat(
    *,
    data_dir: DataDir = DEMO_DATA,
    url: Url = None,
    from_batch: Annotated[int, typer.Option("--from", min=0, help="First batch to print.")] = 0,
    count: Annotated[int | None, typer.Option(min=1, help="How many batches, all if absent.")] = None,
) -> None:
    """Print every event as one line of JSON, with its batch and time; amounts are decimal strings of rao."""

    async def show(database_url: str) -> None:
        left = count
        async for batch in PostgresLog(database_url).read(from_batch):
            typer.echo("\n".join(tell_batch(batch)))
            if left is not None:
                left -= 1
                if not left:
                    break

    _run(data_dir, url, show)


def verify_log(
    *,
    data_dir: DataDir = DEMO_DATA,
    url: Url = None,
    node: Annotated[
        str | None, typer.Option("--node", help="Websocket of a node: look every anchor up in the chain.")
    ] = None,
    scan_from: Annotated[
        int | None, typer.Option("--scan-from", min=0, help="With --node: find anchors in every block from here on.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")] = False,
) -> None:
    """Read the whole log again, check every hash and every anchor, and name the first that is wrong (exit code 7)."""
    from app.link.connection import LinkError
    from app.verify.anchors import AnchorDiffers, verify_anchored_log

    async def check(database_url: str) -> None:
        try:
            found = await verify_anchored_log(database_url, node_url=node, scan_from=scan_from)
        except AnchorDiffers as error:
            told = {"ok": False, "code": error.code, "batch": error.batch, "detail": error.detail}
            typer.echo(json.dumps(told) if as_json else str(error), err=not as_json)
            raise typer.Exit(DIFFERS) from error
        except LinkError as error:
            typer.echo(f"unavailable: {error}", err=True)
            raise typer.Exit(UNAVAILABLE) from error
        typer.echo(_told(found.head, found.anchors, as_json=as_json))

    _run(data_dir, url, check, as_json=as_json)


def verify_replay(
    *,
    data_dir: DataDir = DEMO_DATA,
    url: Url = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")] = False,
) -> None:
    """Evolve a fresh engine by the whole log, compare it with the double entry, and print the state's hash."""
    from app.verify.replay import ReplayDiffers, replay
    from ledger.errors import InvariantBroken

    async def check(database_url: str) -> None:
        try:
            found = await replay(PostgresLog(database_url).read())
        except (ReplayDiffers, InvariantBroken) as error:
            typer.echo(json.dumps({"ok": False, "detail": str(error)}) if as_json else str(error), err=not as_json)
            raise typer.Exit(DIFFERS) from error
        state = found.state_hash.hex()
        told = {"ok": True, "batches": found.batches, "events": found.seq, "state": state}
        text = (
            f"{found.batches} batches, {found.seq} events, all balances are the sums of their postings; state {state}"
        )
        typer.echo(json.dumps(told) if as_json else text)

    _run(data_dir, url, check, as_json=as_json)


def tell_batch(batch: Batch) -> list[str]:
    """Return the events of a batch as lines of JSON."""
    from ledger.engine.records import describe

    lines = []
    for event in batch.events:
        told: dict[str, Any] = {"batch": batch.number, "ts_ms": batch.ts_ms, **describe(event)}
        if event["payload"]:
            told["payload"] = _readable(batch.payloads[int(event["payload"]) - 1])
        lines.append(json.dumps(told, separators=(",", ":")))
    return lines


def _readable(payload: bytes) -> str:
    """Return text as it is, and anything else as hex."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return f"0x{payload.hex()}"
    return text if text.isprintable() else f"0x{payload.hex()}"


def _told(head: Head, anchors: int, *, as_json: bool) -> str:
    figures = {"batches": head.number + 1, "events": head.seq, "hash": head.hash.hex(), "anchors": anchors}
    if as_json:
        return json.dumps({"ok": True, **figures})
    anchored = f", {anchors} anchors too" if anchors else ""
    return f"{head.number + 1} batches, {head.seq} events, all hashes hold{anchored}; head {head.hash.hex()}"


def _run(
    data_dir: Path, url: str | None, work: Callable[[str], Coroutine[Any, Any, None]], *, as_json: bool = False
) -> None:
    """Run ``work`` on the database; turn what goes wrong into words and an exit code."""

    async def reach() -> None:
        async with reach_database(data_dir, url) as database_url:
            await work(database_url)

    try:
        asyncio.run(reach())
    except ChainBroken as error:
        broken = {"ok": False, "code": error.code, "batch": error.number, "detail": error.detail}
        typer.echo(json.dumps(broken) if as_json else str(error), err=not as_json)
        raise typer.Exit(DIFFERS) from error
    except BrokenPipeError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader left; nothing more can be told
        raise typer.Exit(1) from error
    except (EmbeddedPostgresError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        typer.echo(f"unavailable: {error}", err=True)
        raise typer.Exit(UNAVAILABLE) from error
