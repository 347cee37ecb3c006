"""``taobourse chain``: run the in-repo chain as a process of its own."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def chain() -> None:
    """Run the in-repo chain."""


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
