"""``taobourse verify``: checks that anybody can repeat, each with exit code 7 where something differs."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.log import verify_log, verify_replay
from app.commands.projections import verify_projections
from app.exits import DIFFERS
from app.verify.vectors import verify_files

app = typer.Typer(no_args_is_help=True)


app.command("log")(verify_log)
app.command("replay")(verify_replay)
app.command("projections")(verify_projections)


@app.command()
def vectors(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="Vector files.")],
    *,
    show: Annotated[int, typer.Option(min=0, help="How many failures to describe per section.")] = 3,
) -> None:
    """Run every known answer of the files against the project's own code."""
    total = verify_files(files, show=show, write=typer.echo)
    typer.echo(str(total))
    if total.failed:
        raise typer.Exit(DIFFERS)


@app.callback()
def verify() -> None:
    """Check vectors, the log, a replay."""
