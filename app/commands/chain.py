"""``taobourse chain``: run the in-repo chain as a process of its own, and actors on a development chain."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_URL = "ws://127.0.0.1:9944"

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def chain() -> None:
    """Run the in-repo chain, and actors on it."""


@app.command()
def run(
    *,
    data_dir: Annotated[Path, typer.Option(help="Where the chain lives; made if absent.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65_535)] = 9944,
    preset: Annotated[str, typer.Option(help="Genesis of a new chain: dev or main.")] = "dev",
    block_ms: Annotated[int, typer.Option(help="Milliseconds between blocks.", min=1)] = 2_000,
    seal: Annotated[str, typer.Option(help="When to make a block: interval, on_tx or manual.")] = "interval",
    with_parent: Annotated[bool, typer.Option("--with-parent", help="Stop when the starting process is gone.")] = False,
) -> None:
    """Run a node until Ctrl-C; one line of JSON on stdout says where it listens once it answers."""
    from chain.__main__ import run as run_chain
    from chain.node import NodeConfig

    config = NodeConfig(data_dir=data_dir, host=host, port=port, preset=preset, block_interval_ms=block_ms, seal=seal)
    raise typer.Exit(run_chain(config, with_parent=with_parent))


@app.command()
def actors(
    *,
    seed: Annotated[int, typer.Option(help="Decides everything that the actors choose.", min=0)],
    url: Annotated[str, typer.Option(help="Websocket of a node with a development chain.")] = DEFAULT_URL,
    blocks: Annotated[int, typer.Option(help="Blocks to act in; 0: until Ctrl-C.", min=0)] = 0,
    arena: Annotated[
        list[int] | None, typer.Option(help="Subnet where miners compete for slots; may be repeated.", min=1)
    ] = None,
    seal: Annotated[
        bool, typer.Option("--seal", help="Make each block, on a chain that is sealed by hand, once all have acted.")
    ] = False,
    with_parent: Annotated[bool, typer.Option("--with-parent", help="Stop when the starting process is gone.")] = False,
) -> None:
    """Run validators that score and set weights, and miners that register, compete and are replaced.

    Prints one line of JSON when they begin and one with what they did at the end. Exit code 3 when there is no node, or
    it goes away.
    """
    from app.actors.run import ActorsOptions, run_actors
    from app.actors.strategy import ARENAS
    from app.observability import configure_logging

    configure_logging("error")
    options = ActorsOptions(
        seed=seed, url=url, blocks=blocks, arenas=tuple(arena or ARENAS), seal=seal, with_parent=with_parent
    )
    raise typer.Exit(run_actors(options, say=typer.echo))
