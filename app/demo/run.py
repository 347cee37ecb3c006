"""Runs the demo: the chain as a child process, the exchange on this loop, a story, and then whatever the user does."""

import asyncio
import fcntl
import json
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.bootstrap import Exchange, ExchangeConfig
from app.collector import spare_the_collector
from app.demo.actors import start_actors, stop_actors
from app.demo.client import ExchangeClient
from app.demo.node import ChildNode, start_node
from app.demo.setup import LISTED, TESTER, Customer, House, fund_tester, open_customers, prepare_house
from app.demo.story import Say, Story
from app.link.settings import LinkSettings
from app.postgres.embedded import EmbeddedPostgres
from app.settings import ExchangeSettings, GatewaySettings

BLOCK_MS: Final = 2_000
FAST_BLOCK_MS: Final = 250
MARK: Final = "taobourse.demo"
STORYTELLER: Final = "alice"
STORY_COLD_URI: Final = "//Cold//alice"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the command line asks for; ports 0 take free ones."""

    data_dir: Path
    port: int
    chain_port: int
    fast: bool = False
    rate_limits: bool = True
    actors: bool = True

    @property
    def block_ms(self) -> int:
        """Return the time between blocks, ms."""
        return FAST_BLOCK_MS if self.fast else BLOCK_MS


@dataclass(frozen=True, slots=True)
class Running:
    """A demo that answers."""

    exchange: Exchange
    node: ChildNode
    customers: list[Customer]

    @property
    def rest(self) -> str:
        """Return the URL of the REST interface, without a path."""
        return f"http://{self.exchange.config.gateway.host}:{self.exchange.port}"

    def told(self) -> dict[str, Any]:
        """Return what a program needs to use the demo."""
        return {
            "rest": self.rest,
            "ws": self.rest.replace("http", "ws", 1) + "/v2",
            "chain_ws": self.node.url,
            "symbols": [self.exchange.replica.names.pair_of(netuid).wsname for netuid in LISTED],
            "accounts": [customer.told() for customer in self.customers],
        }


@dataclass(eq=False)
class FolderRefused(Exception):  # noqa: N818 - an answer
    """The demo does not touch this folder; ``code``: ``not_a_demo`` or ``folder_in_use``."""

    code: str
    data_dir: Path

    def __str__(self) -> str:
        """Return what is wrong and what would be right."""
        if self.code == "not_a_demo":
            return f"{self.code}: {self.data_dir} was not made by a demo and is left alone; name an empty or new folder"
        return f"{self.code}: another demo runs on {self.data_dir}; end it first, or name another folder"


@dataclass(eq=False)
class PortTaken(Exception):  # noqa: N818 - what was found
    """Somebody else listens where the exchange should."""

    host: str
    port: int
    code: str = "port_taken"

    def __str__(self) -> str:
        """Return what is wrong and what would be right."""
        return f"{self.code}: {self.host}:{self.port} is in use; choose another --port, or 0 for a free one"


def check_port(host: str, port: int) -> None:
    """Raise ``PortTaken`` before anything is started that would only have to be stopped again."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(host, port) from error


@contextmanager
def held_folder(data_dir: Path, *, make: bool) -> Iterator[None]:
    """Hold a demo's folder for as long as the body runs; ``make`` it where there is none.

    A mark says that a demo made the folder: nothing is written into, or wiped from, a folder of somebody else. Raises
    ``FolderRefused``.
    """
    mark = data_dir / MARK
    if make and not mark.exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(data_dir.iterdir()):
            raise FolderRefused("not_a_demo", data_dir)
    elif not mark.exists():
        raise FolderRefused("not_a_demo", data_dir)
    with mark.open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderRefused("folder_in_use", data_dir) from error
        yield


async def reset(data_dir: Path) -> None:
    """Wipe what a demo keeps, its database stopped first; raises ``FolderRefused``."""
    with held_folder(data_dir, make=False):
        await EmbeddedPostgres(data_dir).stop_left_over()
        shutil.rmtree(data_dir)


@asynccontextmanager
async def running_demo(options: DemoOptions) -> AsyncIterator[Running]:
    """Start everything, set it up where that is still to be done, and stop it at the end."""
    settings = ExchangeSettings.read()
    gateway = GatewaySettings.read(port=options.port, rate_limits=options.rate_limits, address_cooling_ms=0)
    check_port(gateway.host, gateway.port)
    node = await start_node(
        options.data_dir / "chain",
        port=options.chain_port,
        block_ms=options.block_ms,
        log=options.data_dir / "chain.log",
    )
    try:
        config = ExchangeConfig(
            data_dir=options.data_dir,
            link=LinkSettings(url=node.url, block_interval_ms=options.block_ms, anchor_every=settings.anchor_heads),
            gateway=gateway,
            database_url=settings.database_url,
            passphrase=settings.passphrase_bytes,
            snapshots=settings.snapshots,
        )
        exchange = Exchange(config, prepare=lambda built: prepare_house(_house_of(built)))
        await exchange.start()
        spare_the_collector()
        try:
            house = _house_of(exchange)
            customers = await open_customers(house, exchange.vault)
            await fund_tester(house, next(customer for customer in customers if customer.name == TESTER))
            async with _acting(options, node):
                yield Running(exchange, node, customers)
        finally:
            await exchange.stop()
    finally:
        await node.stop()


def _house_of(exchange: Exchange) -> House:
    return House(
        reads=exchange.replica.reads,
        submit=exchange.sequencer.submit,
        chain_keys=exchange.chain_keys,
        signer=exchange.signer,
        node_url=exchange.config.link.url,
    )


@asynccontextmanager
async def _acting(options: DemoOptions, node: ChildNode) -> AsyncIterator[None]:
    """Have actors on the chain while the body runs, unless nobody wants them."""
    if not options.actors:
        yield
        return
    actors = await start_actors(node.url, log=options.data_dir / "actors.log")
    try:
        yield
    finally:
        await stop_actors(actors)


async def run_demo(options: DemoOptions, *, as_json: bool, say: Say) -> int:
    """Run until SIGINT or SIGTERM, which may come during the start too, or until a part ends by itself.

    Return the exit code: 0 when asked to end, 1 when a part ended. Raises ``FolderRefused`` and what a start raises.
    """
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, asked.set)
    with held_folder(options.data_dir, make=True):
        running = asyncio.create_task(_run_until_a_part_ends(options, as_json=as_json, say=say))
        ending = asyncio.create_task(asked.wait())
        await asyncio.wait([running, ending], return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if not running.done():
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            return 0
        return running.result()


async def _run_until_a_part_ends(options: DemoOptions, *, as_json: bool, say: Say) -> int:
    async with running_demo(options) as running:
        if as_json:
            say(json.dumps(running.told()))
        else:
            await tell_story(running, say)
            say(_guide(running, options))
        parts = [
            asyncio.create_task(running.node.process.wait()),
            asyncio.create_task(running.exchange.wait()),
        ]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in parts:
                task.cancel()
    return 1


async def tell_story(running: Running, say: Say) -> None:
    """Play the story once in the life of the data."""
    customer = next(customer for customer in running.customers if customer.name == STORYTELLER)
    key, secret = customer.keys[0]
    async with ExchangeClient(running.rest, key=key, secret=secret) as client:
        if await client.private("WithdrawStatus", asset="TAO"):
            say("the story was played on this data before; everything goes on from there")
            return
        story = Story(client, running.node.url, cold_uri=STORY_COLD_URI, say=say)
        await story.begin()
        await story.deposit()
        await story.buy()
        await story.sell_part()
        await story.settle()
        await story.reconcile()
        await story.request_withdrawal()
        await story.receive_withdrawal()


def _guide(running: Running, options: DemoOptions) -> str:
    pair = running.exchange.replica.names.pair_of(LISTED[0]).key
    lines = [
        "",
        f"REST    {running.rest}",
        f"socket  {running.told()['ws']}",
        f"chain   {running.node.url}",
        "",
    ]
    for customer in running.customers:
        lines.append(f"{customer.name}: deposit address {customer.deposit_address}")
        for key, secret in customer.keys:
            lines += [f"  key    {key}", f"  secret {secret}"]
    lines += [
        "",
        "Try:",
        f"  curl -s '{running.rest}/0/public/Ticker?pair={pair}'",
        f"  curl -s '{running.rest}/0/public/Depth?pair={pair}&count=5'",
        f"  curl -s '{running.rest}/v1/markets'",
        f"  .venv/bin/taobourse log cat --data-dir {options.data_dir} | tail -3",
        "",
        "Ctrl-C ends; the next start goes on from here.",
    ]
    return "\n".join(lines)
