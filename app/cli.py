"""The ``taobourse`` command: one entry, one file per group in ``app/commands``.

Exit codes: 0 done, 1 failed, 2 usage, 3 unavailable (database, node), 4 a part died too often, 7 a check found a
difference.
"""

import typer

from app.commands import chain, demo, log, ops, projections, serve, verify

app = typer.Typer(name="taobourse", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(chain.app, name="chain", help="Run the in-repo chain.")
app.add_typer(log.app, name="log", help="Read the log.")
app.command()(demo.demo)
app.command()(serve.serve)
app.add_typer(ops.app, name="ops", help="Decide as an operator while the exchange rests.")
app.add_typer(projections.app, name="projections", help="Look at history, and fold it again from the log.")
app.add_typer(verify.app, name="verify", help="Check vectors, the log, a replay.")


@app.callback()
def taobourse() -> None:
    """Run and check an exchange for Bittensor subnet tokens."""


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
