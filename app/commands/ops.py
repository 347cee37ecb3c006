"""``taobourse ops``: what an operator decides while the exchange rests, and what the house stands to win or lose."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from app.exits import FAILED, UNAVAILABLE
from app.ops import Desk, open_desk
from app.postgres.access import reach_database
from app.postgres.errors import EmbeddedPostgresError
from ledger.engine.api import Answer
from ledger.engine.layout import Halt
from ledger.errors import TEXTS, Refusal
from ledger.log.errors import LogError
from ledger.log.postgres import PostgresLog

app = typer.Typer(no_args_is_help=True, add_completion=False)

NAMES = {halt.name.lower(): halt for halt in Halt if halt.name}

DataDir = Annotated[Path, typer.Option(help="Data folder of the exchange, which must not run.")]
Url = Annotated[
    str | None, typer.Option("--database-url", envvar="TAOBOURSE_DATABASE_URL", help="Another database instead.")
]
What = Annotated[str, typer.Argument(help=f"What: {', '.join(NAMES)}.")]
Netuid = Annotated[int | None, typer.Option(min=0, max=65_534, help="Of this market or its alpha; all where absent.")]
DEMO_DATA = Path(".demo")
ALPHA_FIGURES = frozenset({"need", "inventory", "target", "shortfall"})


@app.callback()
def ops() -> None:
    """Decide as an operator while the exchange rests."""


@app.command()
def status(*, data_dir: DataDir = DEMO_DATA, url: Url = None) -> None:
    """Print what is halted and what lies in suspense, as one JSON object; amounts in rao."""

    async def show(desk: Desk) -> None:
        halts = desk.views.halts()
        told: dict[str, Any] = {
            "head": desk.views.head().number,
            "money_halted": halts.money,
            "signer_halted": halts.signer,
            "instant_halted": halts.instant,
            "withdrawals_halted": list(halts.withdrawals),
            "instant_halted_markets": list(halts.instant_markets),
            "suspense_rao": {_asset_name(asset): str(amount) for asset, amount in desk.suspense().items()},
        }
        typer.echo(json.dumps(told))

    _run(data_dir, url, show)


@app.command()
def exposure(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array; amounts in rao.")] = False,
    data_dir: Annotated[Path, typer.Option(help="Data folder of the exchange, which may run.")] = DEMO_DATA,
    url: Url = None,
) -> None:
    """Print what the house stands to win or lose in each market, read from the log; the exchange may run."""
    from app.exposure import read_exposure

    async def read() -> None:
        async with reach_database(data_dir, url) as database_url:
            markets = await read_exposure(PostgresLog(database_url).read())
        if as_json:
            typer.echo(json.dumps([{name: _plain(name, value) for name, value in asdict(m).items()} for m in markets]))
            return
        for market in markets:
            typer.echo(f"SN{market.netuid}")
            for name, value in asdict(market).items():
                if name != "netuid":
                    unit = "alpha" if name in ALPHA_FIGURES else "TAO"
                    typer.echo(f"  {name:<14} {value / 10**9:>+22.9f} {unit}")

    _reach(read)


@app.command()
def halt(what: What, *, netuid: Netuid = None, data_dir: DataDir = DEMO_DATA, url: Url = None) -> None:
    """Halt something until an operator clears it."""
    _set(what, on=True, netuid=netuid, data_dir=data_dir, url=url)


@app.command()
def clear(what: What, *, netuid: Netuid = None, data_dir: DataDir = DEMO_DATA, url: Url = None) -> None:
    """Clear a halt, once its cause is understood."""
    _set(what, on=False, netuid=netuid, data_dir=data_dir, url=url)


@app.command("resolve-suspense")
def resolve_suspense(
    amount: Annotated[
        int, typer.Argument(help="Rao to move out of suspense; negative: the house pays what is missing.")
    ],
    *,
    operators: Annotated[tuple[int, int], typer.Option(help="The numbers of two different operators.")],
    netuid: Annotated[
        int | None, typer.Option(min=0, max=65_534, help="Alpha of this subnet; TAO where absent.")
    ] = None,
    account: Annotated[int, typer.Option(min=0, help="Account to credit; 0: the house.")] = 0,
    data_dir: DataDir = DEMO_DATA,
    url: Url = None,
) -> None:
    """Move what lies in suspense to its owner, or to the house."""

    async def resolve(desk: Desk) -> None:
        _told(
            await desk.resolve_suspense(
                amount, netuid=netuid, is_alpha=netuid is not None, account=account, operators=operators
            )
        )

    _run(data_dir, url, resolve)


def _set(what: str, *, on: bool, netuid: int | None, data_dir: Path, url: str | None) -> None:
    if what not in NAMES:
        raise typer.BadParameter(f"{what} is none of {', '.join(NAMES)}")

    async def change(desk: Desk) -> None:
        _told(await desk.set_halt(NAMES[what], on=on, netuid=netuid))

    _run(data_dir, url, change)


def _told(answer: Answer) -> None:
    if answer.code:
        refusal = Refusal(answer.code)
        text = TEXTS[refusal]
        typer.echo(
            f"{refusal.name.lower()}: {text.meaning} ({answer.value}); right: {text.right} ({answer.bound})", err=True
        )
        raise typer.Exit(FAILED)
    typer.echo("done")


def _asset_name(asset: int) -> str:
    return f"SN{asset - 1}" if asset else "TAO"


def _plain(name: str, value: int) -> int | str:
    return value if name == "netuid" else str(value)


def _run(data_dir: Path, url: str | None, work: Callable[[Desk], Awaitable[None]]) -> None:
    async def reach() -> None:
        async with reach_database(data_dir, url) as database_url, open_desk(database_url) as desk:
            await work(desk)

    _reach(reach)


def _reach(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it; a database that cannot be used becomes a line and exit code 3."""
    try:
        asyncio.run(work())
    except (EmbeddedPostgresError, LogError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        typer.echo(f"unavailable: {error}", err=True)
        raise typer.Exit(UNAVAILABLE) from error
