"""``taobourse serve``: a database, a node or the URL of one, and all parts of the server shape under one supervisor."""

import asyncio
import json
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from app.demo.run import BLOCK_MS, PortTaken
from app.demo.setup import LISTED
from app.exits import GAVE_UP
from app.gateway.vault import load_or_create_master_key
from app.link.connection import LinkError, NodeConnection
from app.postgres.files import write_private
from app.serve.database import Database
from app.serve.orders import MASTER_KEY, ChainOrder, Order, SnapshotOrder
from app.serve.sockets import held, shared_port, socket_folder
from app.serve.supervisor import DevNode, Supervisor
from app.serve.watched import DEATHS_MAX, GaveUp
from app.settings import ExchangeSettings, GatewaySettings

log = structlog.get_logger(__name__)

GENESIS: Final = "signer.genesis"
"""File with the genesis hash of the chain that this data folder's keys sign for; written once."""
LOCK: Final = "serve.lock"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the command line asks for; ``node_url`` ``None``: a development node is run; ports 0 take free ones."""

    data_dir: Path
    workers: int
    port: int
    node_url: str | None = None
    chain_port: int = 0
    block_ms: int = BLOCK_MS
    rate_limits: bool = True
    deaths_max: int = DEATHS_MAX

    @property
    def is_dev(self) -> bool:
        """Return whether chain, house and customers of the demo are set up."""
        return self.node_url is None


@dataclass(eq=False)
class ChainDiffers(Exception):  # noqa: N818 - what was found
    """The node has another genesis than the one this folder's keys sign for."""

    pinned: str
    found: str
    code: str = "chain_differs"

    def __str__(self) -> str:
        """Return both hashes."""
        return f"{self.code}: this folder belongs to the chain {self.pinned}, the node has {self.found}"


async def run_serve(options: ServeOptions, *, as_json: bool, say: Say) -> int:
    """Run until SIGINT or SIGTERM, which may come during the start too; return the exit code.

    0 when asked to end, ``GAVE_UP`` when a part died too often. Raises what a start raises.
    """
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, asked.set)
    options.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with held(options.data_dir / LOCK, "supervisor"):
        running = asyncio.create_task(_run(options, as_json=as_json, say=say))
        ending = asyncio.create_task(asked.wait())
        await asyncio.wait([running, ending], return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if not running.done():
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            return 0
        try:
            running.result()
        except GaveUp as error:
            log.critical("gave_up", part=error.part, deaths=error.deaths)
            return GAVE_UP
        return 0


async def _run(options: ServeOptions, *, as_json: bool, say: Say) -> None:
    async with serving(options) as (supervisor, told):
        say(json.dumps(told) if as_json else _guide(told))
        await supervisor.wait()


@asynccontextmanager
async def serving(options: ServeOptions) -> AsyncIterator[tuple[Supervisor, dict[str, Any]]]:
    """Bring all parts up, and end them in order; yields the supervisor and what a program needs to use it all."""
    async with AsyncExitStack() as stack:
        exchange = ExchangeSettings.read()
        gateway = GatewaySettings.read(port=options.port, rate_limits=options.rate_limits)
        if options.is_dev:
            gateway = gateway.model_copy(update={"address_cooling_ms": 0})
        try:
            reserved = shared_port(gateway.host, gateway.port)
        except OSError as error:
            raise PortTaken(gateway.host, gateway.port) from error
        stack.callback(reserved.close)
        gateway = gateway.model_copy(update={"port": reserved.getsockname()[1]})
        database = Database(options.data_dir, exchange.database_url, deaths_max=options.deaths_max)
        stack.push_async_callback(database.stop)
        await database.start()
        load_or_create_master_key(options.data_dir / MASTER_KEY)
        node = DevNode(
            data_dir=options.data_dir / "chain",
            port=options.chain_port,
            block_ms=options.block_ms,
            log=options.data_dir / "chain.log",
        )
        snapshots = exchange.snapshots
        order = Order(
            name="supervisor",
            data_dir=str(options.data_dir.resolve()),
            database_url=database.url,
            socket_dir=str(socket_folder(options.data_dir)),
            chain=ChainOrder(
                url=options.node_url or "", block_ms=options.block_ms, anchor_every=exchange.anchor_heads, genesis=""
            ),
            snapshots=SnapshotOrder(
                every_events=snapshots.every_events, every_s=snapshots.every_s, keep=snapshots.keep
            ),
            gateway=gateway.model_dump(),
            passphrase=None if exchange.passphrase is None else exchange.passphrase.get_secret_value(),
            log_level=gateway.log_level,
        )
        stack.callback(shutil.rmtree, order.socket_dir, ignore_errors=True)
        supervisor = Supervisor(order, database, options.workers, options.deaths_max)
        stack.push_async_callback(supervisor.stop)
        supervisor.watch_database()
        yield supervisor, await _bring_up(options, supervisor, node, f"http://{gateway.host}:{gateway.port}")


async def _bring_up(options: ServeOptions, supervisor: Supervisor, node: DevNode, rest: str) -> dict[str, Any]:
    """Start the parts as soon as what they need is there, and return what is told of the whole."""
    url = options.node_url
    if url is None:
        await supervisor.up(supervisor.add("node", node.start))
        url = f"ws://127.0.0.1:{node.port}"
    genesis = await pinned_genesis(options.data_dir, url)
    chain = msgspec.structs.replace(supervisor.order.chain, url=url, genesis=genesis)
    supervisor.order = msgspec.structs.replace(supervisor.order, chain=chain)
    first = [supervisor.add("engine"), supervisor.add("signer"), *supervisor.add_gateways()]
    supervisor.add("projector")
    if options.is_dev:
        for watched in first[:2]:
            await supervisor.up(watched)
        await supervisor.do("house")
    first.append(supervisor.add("link"))
    accounts = (await supervisor.do("customers"))["accounts"] if options.is_dev else []
    for watched in first:
        await supervisor.up(watched)
    symbols = [f"SN{netuid}/TAO" for netuid in LISTED] if options.is_dev else []
    return {
        "rest": rest,
        "ws": rest.replace("http", "ws", 1) + "/v2",
        "chain_ws": url,
        "symbols": symbols,
        "accounts": accounts,
        "pids": supervisor.pids(),
    }


async def pinned_genesis(data_dir: Path, url: str) -> str:
    """Return the genesis hash, in hex, of the chain that this folder's keys sign for; raises ``ChainDiffers``.

    The node is asked at the first start and believed then; later the file is, and a node that says something else is
    refused. One that cannot be asked is the link's trouble.
    """
    path = data_dir / GENESIS
    pinned = path.read_text(encoding="ascii").strip() if path.exists() else ""
    try:
        async with NodeConnection(url) as node:
            found = node.genesis_hash.hex()
    except LinkError as error:
        if not pinned:
            raise
        log.warning("node_away", url=url, error=str(error))
        return pinned
    if not pinned:
        write_private(path, found)
    elif pinned != found:
        raise ChainDiffers(pinned, found)
    return found


def _guide(told: dict[str, Any]) -> str:
    lines = ["", f"REST    {told['rest']}", f"socket  {told['ws']}", f"chain   {told['chain_ws']}", ""]
    for account in told["accounts"]:
        lines.append(f"{account['name']}: deposit address {account['deposit_address']}")
        for key in account["keys"]:
            lines += [f"  key    {key['key']}", f"  secret {key['secret']}"]
    lines += [f"{name}: process {pid}" for name, pid in told["pids"].items()]
    return "\n".join([*lines, "", "Ctrl-C ends; the next start goes on from here."])
