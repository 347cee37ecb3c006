"""``taobourse serve``: the server shape, every part a process of its own, under one supervisor."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from app.exits import UNAVAILABLE, USAGE

DEFAULT_PORT = 8_700
BLOCK_MS = 12_000
DEV_BLOCK_MS = 2_000
FAST_BLOCK_MS = 250


def serve(
    *,
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept; made if absent.")],
    workers: Annotated[int, typer.Option(min=1, max=32, help="Gateways that share the port.")] = 2,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the exchange, 0: a free one.")] = DEFAULT_PORT,
    node: Annotated[str, typer.Option(help="Websocket of the chain's node.")] = "",
    dev_node: Annotated[
        bool, typer.Option("--dev-node", help="Run a development chain too, with the demo's house and customers.")
    ] = False,
    chain_port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of that chain, 0: a free one.")] = 0,
    block_ms: Annotated[
        int, typer.Option(min=0, help="Milliseconds between blocks; 0: 12 000, on a development chain 2 000.")
    ] = 0,
    fast: Annotated[bool, typer.Option("--fast", help="Development blocks every 250 ms instead of 2 s.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON once everything answers.")] = False,
    deaths_max: Annotated[int, typer.Option(min=2, help="Deaths of one part in a minute that end it all.")] = 12,
    no_rate_limits: Annotated[bool, typer.Option("--no-rate-limits", help="Let every request through.")] = False,
) -> None:
    """Start engine, signer, link, projector and gateways as processes, and keep them running until Ctrl-C."""
    from asyncpg import InterfaceError, PostgresError
    from pydantic import ValidationError
    from sqlalchemy.exc import SQLAlchemyError

    from app.demo.run import PortTaken
    from app.link.connection import LinkError
    from app.observability import configure_logging
    from app.postgres.errors import EmbeddedPostgresError
    from app.serve.errors import ServeError
    from app.serve.run import ChainDiffers, ServeOptions, run_serve
    from app.settings import GatewaySettings
    from ledger.log.errors import LogError

    if bool(node) == dev_node:
        raise typer.BadParameter("name a node with --node, or run one with --dev-node")
    options = ServeOptions(
        data_dir=data_dir,
        workers=workers,
        port=port,
        node_url=node or None,
        chain_port=chain_port,
        block_ms=FAST_BLOCK_MS if fast else block_ms or (DEV_BLOCK_MS if dev_node else BLOCK_MS),
        rate_limits=not no_rate_limits,
        deaths_max=deaths_max,
    )
    world = (ServeError, ChainDiffers, PortTaken, EmbeddedPostgresError, LogError, LinkError, OSError)
    try:
        configure_logging(GatewaySettings.read().log_level)
        code = asyncio.run(run_serve(options, as_json=as_json, say=typer.echo))
    except ValidationError as error:
        for wrong in error.errors():
            typer.echo(f"TAOBOURSE_{'_'.join(map(str, wrong['loc'])).upper()}: {wrong['msg']}", err=True)
        raise typer.Exit(USAGE) from error
    except (*world, PostgresError, InterfaceError, SQLAlchemyError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNAVAILABLE) from error
    raise typer.Exit(code)
