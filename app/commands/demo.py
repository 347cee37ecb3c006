"""``taobourse demo``: the whole exchange on one machine, with a story; and the check that plays it through crashes."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from app.exits import UNAVAILABLE, USAGE

DEFAULT_PORT = 8_700
DEFAULT_CHAIN_PORT = 9_944
T = TypeVar("T")


def demo(
    *,
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept; made if absent.")] = Path(".demo"),
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the exchange, 0: a free one.")] = DEFAULT_PORT,
    chain_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of the chain, 0: a free one.")
    ] = DEFAULT_CHAIN_PORT,
    as_json: Annotated[
        bool, typer.Option("--json", help="No story: one line of JSON once everything answers.")
    ] = False,
    fast: Annotated[bool, typer.Option("--fast", help="Blocks every 250 ms instead of 2 s.")] = False,
    no_rate_limits: Annotated[bool, typer.Option("--no-rate-limits", help="Let every request through.")] = False,
    no_actors: Annotated[
        bool, typer.Option("--no-actors", help="No validators that set weights, and no miners, on the chain.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Play the story against a child that is killed; exit code 0 or 7.")
    ] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Wipe the data of an earlier demo and end.")] = False,
) -> None:
    """Start embedded PostgreSQL, the chain and the exchange, play one trade, and run until Ctrl-C."""
    from amm.kernel_cache import cache_folder
    from app.demo import check as checking
    from app.demo import run
    from app.observability import configure_logging

    if reset:
        if data_dir.exists():
            _answer(run.reset(data_dir))
        return
    options = run.DemoOptions(
        data_dir=data_dir,
        port=port,
        chain_port=chain_port,
        fast=fast,
        rate_limits=not no_rate_limits,
        actors=not no_actors,
    )
    if check:
        raise typer.Exit(asyncio.run(checking.run_check(options, say=typer.echo)))
    configure_logging("warning")
    if not cache_folder("ledger.engine").exists():
        typer.echo("compiling the engine first, once: about three minutes (make setup does it ahead)", err=True)
    raise typer.Exit(_answer(run.run_demo(options, as_json=as_json, say=typer.echo)))


def _answer(work: Coroutine[Any, Any, T]) -> T:
    """Run it; what the machine refuses becomes a line and exit code 3 instead of a traceback."""
    from asyncpg import InterfaceError, PostgresError
    from pydantic import ValidationError
    from sqlalchemy.exc import SQLAlchemyError

    from app.custody.errors import CustodyError
    from app.demo.node import NodeDidNotStart
    from app.demo.run import FolderRefused, PortTaken
    from app.postgres.errors import EmbeddedPostgresError
    from ledger.log.errors import LogError

    world = (FolderRefused, PortTaken, NodeDidNotStart, EmbeddedPostgresError, LogError, CustodyError, OSError)
    try:
        return asyncio.run(work)
    except ValidationError as error:
        for wrong in error.errors():
            typer.echo(f"TAOBOURSE_{'_'.join(map(str, wrong['loc'])).upper()}: {wrong['msg']}", err=True)
        raise typer.Exit(USAGE) from error
    except (*world, PostgresError, InterfaceError, SQLAlchemyError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNAVAILABLE) from error
