"""The only place where real parts are built and joined: one process with engine, gateway, link and signer on one loop.

Starting and recovering are the same code: open the log as its only writer, bring engine and replica up by the newest
snapshot and the rest of the log, and open the door. History is folded beside all that from the first moment on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from fastapi import FastAPI

from app.custody.opening import open_keyring, open_signer
from app.custody.signer import Signer
from app.ending import end_process
from app.gateway.limits import TIERS, Limits
from app.gateway.main import GatewayServer, create_app, create_server, listening_port
from app.gateway.nonces import PostgresNonces
from app.gateway.parts import Parts, wall_clock_ms
from app.gateway.replica import Replica
from app.gateway.vault import Vault, load_or_create_master_key
from app.link.connection import NodeConnection
from app.link.deposits import ChainKeys
from app.link.follower import ChainLink
from app.link.settings import LinkSettings
from app.opening import open_sequencer
from app.postgres.embedded import EmbeddedPostgres
from app.projections.projector import Projector
from app.projections.reads import HistoryReads
from app.projections.status import ProjectionMetrics
from app.settings import GatewaySettings
from ledger.engine.views import Views
from ledger.log.anchors import PostgresAnchors
from ledger.log.migrate import migrate
from ledger.log.postgres import PostgresLog
from ledger.log.snapshot_writer import SnapshotSettings
from ledger.sequencer import Sequencer

START_TIMEOUT_S = 30.0
NONCE_CONNECTIONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeConfig:
    """What one embedded exchange needs to know.

    ``data_dir`` holds database, sealed seed, signer's journal and secrets, mode 0700; ``database_url`` uses another
    PostgreSQL; ``passphrase`` opens the sealed seed (where it is absent, one is drawn and kept beside it, mode 0600).
    """

    data_dir: Path
    link: LinkSettings
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    database_url: str | None = None
    passphrase: bytes | None = None
    clock_ms: Callable[[], int] = wall_clock_ms
    snapshots: SnapshotSettings = field(default_factory=SnapshotSettings)


class Exchange:
    """All parts of the embedded shape; ``start`` returns once it answers, ``stop`` leaves everything durable."""

    def __init__(
        self,
        config: ExchangeConfig,
        *,
        prepare: Callable[["Exchange"], Awaitable[None]] | None = None,
        on_fatal: Callable[[BaseException], None] | None = None,
    ) -> None:
        """``prepare`` runs once ledger and custody stand and before the first block is followed, at every start."""
        self.config = config
        self._prepare = prepare
        self.sequencer: Sequencer
        self.replica: Replica
        self.views: Views
        self.chain_keys: ChainKeys
        self.signer: Signer
        self.link: ChainLink
        self.projector: Projector
        self.history: HistoryReads
        self.vault: Vault
        self.app: FastAPI
        self.port = 0
        self._on_fatal = on_fatal or end_process
        self._stack = AsyncExitStack()
        self._server: GatewayServer
        self._serving: asyncio.Task[None]

    async def start(self) -> None:
        """Bring everything up in the order of dependence; what fails takes down what stands already."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """Close the doors first, the log last."""
        await self._stack.aclose()

    async def wait(self) -> None:
        """Return when the gateway ends by itself, which it does only when something went wrong."""
        await asyncio.shield(self._serving)

    async def _start(self) -> None:
        self.config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        url = await self._open_database()
        await self._open_ledger(url)
        self._open_history(url)
        await self._open_custody()
        if self._prepare is not None:
            await self._prepare(self)
        self._open_link(url)
        await self._open_gateway(url)

    async def _open_database(self) -> str:
        url = self.config.database_url
        if url is None:
            postgres = EmbeddedPostgres(self.config.data_dir)
            url = await postgres.start()
            self._stack.push_async_callback(postgres.stop)
        await migrate(url)
        return url

    async def _open_ledger(self, url: str) -> None:
        event_log = PostgresLog(url)
        self.replica = await Replica.recover(url, event_log)
        self.views = self.replica.reads
        self.sequencer = await open_sequencer(
            self._stack,
            event_log,
            url=url,
            clock=self.config.clock_ms,
            snapshots=self.config.snapshots,
            on_fatal=self._on_fatal,
            follower=self.replica,
        )

    def _open_history(self, url: str) -> None:
        """Fold history beside the exchange: whatever happens to it is reported, tried again, and stops nothing."""
        self.projector = Projector(url)
        self.history = HistoryReads(url)
        self._stack.push_async_callback(self.history.close)
        self._stack.push_async_callback(self.projector.stop)
        self._stack.callback(self.sequencer.subscribe(self.projector.nudge))
        self.projector.start()

    async def _open_custody(self) -> None:
        folder = self.config.data_dir
        keyring = await asyncio.to_thread(open_keyring, folder, self.config.passphrase)
        self.chain_keys = ChainKeys(self.replica.reads, self.sequencer.submit, keyring)
        hot, trading = await self.chain_keys.ensure_custody()
        async with NodeConnection(self.config.link.url) as node:
            genesis_hash = node.genesis_hash
        self.signer = open_signer(
            folder,
            keyring,
            hot=hot.public,
            trading=trading.public,
            genesis_hash=genesis_hash,
            clock_ms=self.config.clock_ms,
        )
        self._stack.callback(self.signer.journal.close)

    def _open_link(self, url: str) -> None:
        self.link = ChainLink.of(self.config.link, self.views, self.sequencer.submit, self.signer, PostgresAnchors(url))
        self._stack.callback(self.sequencer.subscribe(self.link.observe))
        following = self.link.start()
        following.add_done_callback(self._link_ended)
        self._stack.push_async_callback(self.link.stop)

    def _link_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_fatal(error)

    async def _open_gateway(self, url: str) -> None:
        pool: Any = await asyncpg.create_pool(url, min_size=1, max_size=NONCE_CONNECTIONS)
        self._stack.push_async_callback(pool.close)
        self.vault = Vault(load_or_create_master_key(self.config.data_dir / "api.master"))
        settings = self.config.gateway
        parts = Parts(
            replica=self.replica,
            history=self.history,
            sequencer=self.sequencer,
            vault=self.vault,
            nonces=PostgresNonces(pool),
            limits=Limits(TIERS[settings.tier], enabled=settings.rate_limits),
            assign_deposit_key=self.chain_keys.assign_deposit_key,
            settings=settings,
            now_ms=self.config.clock_ms,
            is_ready=lambda: self.link.status.connected,
            more_metrics=ProjectionMetrics(self.projector.progress).exposition,
        )
        self.app = create_app(parts)
        self._server = create_server(self.app, settings)
        self._serving = asyncio.create_task(self._server.serve(), name="gateway")
        self._stack.push_async_callback(self._close_gateway)
        async with asyncio.timeout(START_TIMEOUT_S):
            while not self._server.started:
                if self._serving.done():
                    self._serving.result()
                    raise OSError(f"the gateway could not listen on {settings.host}:{settings.port}")
                await asyncio.sleep(0.01)
        self.port = listening_port(self._server)

    async def _close_gateway(self) -> None:
        self._server.should_exit = True
        await asyncio.wait([self._serving])
