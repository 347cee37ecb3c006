"""``taobourse projections``: how far history is, folding it again; and ``taobourse verify projections``."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from app.exits import DIFFERS, UNAVAILABLE, USAGE
from app.postgres.access import reach_database
from app.postgres.errors import EmbeddedPostgresError
from app.projections.errors import CheckpointForeign, ProjectionDiffers, ProjectionError, ProjectionOutdated
from ledger.log.errors import ChainBroken

app = typer.Typer(no_args_is_help=True, add_completion=False)

DataDir = Annotated[Path, typer.Option(help="Data folder of the exchange, which may run.")]
Url = Annotated[
    str | None, typer.Option("--database-url", envvar="TAOBOURSE_DATABASE_URL", help="Another database instead.")
]
Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]
DEMO_DATA = Path(".demo")
ALL = "all"


@app.callback()
def projections() -> None:
    """Look at history, and fold it again from the log."""


@app.command()
def status(*, data_dir: DataDir = DEMO_DATA, url: Url = None, as_json: Json = False) -> None:
    """Print how far each projection is behind the log, in batches and in ms of the log's time."""
    from app.projections.status import read_status

    async def show(database_url: str) -> None:
        told = await read_status(database_url)
        if as_json:
            typer.echo(json.dumps(told))
            return
        typer.echo(f"log: {told['batches']} batches, {told['events']} events")
        for name, one in told["projections"].items():
            lag = f"{one['lag_batches']} batches and {one['lag_ms']} ms behind"
            typer.echo(f"{name}: batch {one['batch']}, seq {one['seq']}, {lag}")

    _run(data_dir, url, show, as_json=as_json)


@app.command()
def rebuild(
    name: Annotated[str, typer.Argument(help="Which projection, or all.")],
    *,
    data_dir: DataDir = DEMO_DATA,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Fold a projection again from the log's beginning, and put the new rows in place of the old; reads go on."""
    from app.projections.catalogue import FOLDS
    from app.projections.rebuild import rebuild as fold_again

    if name != ALL and name not in FOLDS:
        typer.echo(f"unknown projection {name!r}: {ALL}, {', '.join(FOLDS)}", err=True)
        raise typer.Exit(USAGE)

    async def build(database_url: str) -> None:
        told = {}
        for each in FOLDS if name == ALL else (name,):
            head = await fold_again(database_url, each)
            told[each] = {"batch": head.number, "seq": head.seq}
            if not as_json:
                typer.echo(f"{each}: rebuilt up to batch {head.number}, seq {head.seq}")
        if as_json:
            typer.echo(json.dumps({"ok": True, "projections": told}))

    _run(data_dir, url, build, as_json=as_json)


@app.command()
def run(*, data_dir: DataDir = DEMO_DATA, url: Url = None) -> None:
    """Follow the log and keep all projections up to it, until interrupted."""
    from app.observability import configure_logging
    from app.projections.projector import PAGES_APART, Projector

    async def follow(database_url: str) -> None:
        await Projector(database_url, pages_max=PAGES_APART).run()

    configure_logging()
    _run(data_dir, url, follow)


def verify_projections(*, data_dir: DataDir = DEMO_DATA, url: Url = None, as_json: Json = False) -> None:
    """Fold the log again from nothing, compare every row of history, and name the first that differs (exit code 7)."""
    from app.projections.verify import verify_projections as verify

    async def check(database_url: str) -> None:
        found = await verify(database_url)
        if as_json:
            told = {one.name: {"batch": one.head.number, "seq": one.head.seq, "rows": one.rows} for one in found}
            typer.echo(json.dumps({"ok": True, "projections": told}))
            return
        for one in found:
            typer.echo(f"{one.name}: {one.rows} rows up to batch {one.head.number} are what the log folds to")

    _run(data_dir, url, check, as_json=as_json)


def _run(
    data_dir: Path, url: str | None, work: Callable[[str], Coroutine[Any, Any, None]], *, as_json: bool = False
) -> None:
    """Run ``work`` on the database; turn what goes wrong into words and an exit code."""

    async def reach() -> None:
        async with reach_database(data_dir, url) as database_url:
            await work(database_url)

    try:
        asyncio.run(reach())
    except (ProjectionDiffers, CheckpointForeign, ProjectionOutdated, ChainBroken) as error:
        told = {"ok": False, "code": error.code, "detail": str(error)}
        typer.echo(json.dumps(told) if as_json else str(error), err=not as_json)
        raise typer.Exit(DIFFERS) from error
    except (ProjectionError, EmbeddedPostgresError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        typer.echo(f"unavailable: {error}", err=True)
        raise typer.Exit(UNAVAILABLE) from error
    except KeyboardInterrupt:
        raise typer.Exit from None
