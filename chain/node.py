"""A node: joins consensus, runtime, pool and storage, and owns the loop, the clock and the sockets.

A block is durable before anyone hears of it: no notification and no answer shows a block that a crash could take back.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from chain.consensus.messages import Commit
from chain.errors import ChainError
from chain.executor import Candidate, Head
from chain.keys import KeyPair
from chain.mempool import Mempool, PoolEvent
from chain.producer import build_from_pool, decide_alone
from chain.rpc.hub import Announcement, Hub
from chain.rpc.jsonrpc import CLIENT_ERROR, RpcError
from chain.rpc.server import RpcServer
from chain.rpc.views import ChainView
from chain.runtime.errors import UNDECODABLE, Inadmissible
from chain.runtime.parameters import CHAIN_NAME_KEY
from chain.runtime.state import DELETED, RAW
from chain.runtime.transition import Validity, validate_extrinsic
from chain.runtime.views import call_runtime
from chain.startup import DEV_PRESET, PRESETS, load_head, load_validator_key
from chain.storage.store import STATE_HISTORY_DEFAULT, ChainStore

SEALS: Final = ("interval", "on_tx", "manual")
REWARD_URI: Final = "//Validator//reward"
"""Whose account gets the fees where the configuration names none: an open development key."""

_CANNOT_CHECK: Final = "Verification Error: Runtime error: Execution failed: the extrinsic could not be checked"

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class NodeRefused(ChainError):  # noqa: N818 - an answer, like every error here
    """The node does not start with this configuration."""

    code: str
    detail: str = ""

    def __str__(self) -> str:
        """Return code and detail."""
        return f"{self.code}: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """How a node runs. ``port`` 0 takes a free one; ``clock`` gives milliseconds since 1970.

    ``preset``, ``validator_seed`` (32 bytes, made up and kept in the folder where there is none) and ``reward_account``
    (32 bytes, which get the fees) are decided at the first start. ``block_interval_ms`` is the pace of
    ``seal="interval"``.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 9944
    preset: str = "dev"
    block_interval_ms: int = 2_000
    seal: str = "interval"
    validator_seed: bytes | None = None
    reward_account: bytes | None = None
    state_history: int = STATE_HISTORY_DEFAULT
    clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000


class Node:
    """One validator that makes, keeps and serves blocks; ``start`` continues from what the folder holds."""

    def __init__(self, config: NodeConfig) -> None:
        if config.seal not in SEALS:
            raise NodeRefused("seal_unknown", f"{config.seal} is none of {', '.join(SEALS)}")
        if config.block_interval_ms <= 0:
            raise NodeRefused("interval_invalid", f"{config.block_interval_ms} ms between blocks")
        if config.preset not in PRESETS:
            raise NodeRefused("preset_unknown", f"{config.preset} is none of {', '.join(PRESETS)}")
        if config.preset == DEV_PRESET and not _is_loopback(config.host):
            # Everyone knows the keys of its accounts.
            raise NodeRefused("dev_loopback", f"a development chain does not listen on {config.host}")
        self.config = config
        self.port = config.port
        self._offset_ms = 0
        self._pool = Mempool()
        self._hub = Hub()
        self._server = RpcServer(self, self._hub)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chain-writer")
        self._sealing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._producer: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._ended = asyncio.Event()

    # Life.

    async def start(self) -> None:
        """Open the folder, check it, listen, and begin to make blocks; raises ``ChainError`` where that cannot be."""
        config = self.config
        self._store = ChainStore(config.data_dir, state_history=config.state_history)
        try:
            self._key = load_validator_key(config.data_dir, config.validator_seed)
            self._head = load_head(
                self._store,
                preset=config.preset,
                validator=self._key,
                reward_account=config.reward_account or KeyPair.from_uri(REWARD_URI).public,
                time_ms=config.clock(),
            )
            self.is_dev = bool(self._head.parameters.dev)
            self.chain_name = self._head.state.get(RAW, CHAIN_NAME_KEY).decode()
            self.view = ChainView(
                store=self._store,
                call_runtime=call_runtime,
                genesis_hash=self._head.genesis_hash,
                height=self._head.height,
                hash=self._head.block_hash,
                state=self._head.state,
            )
            self.port = await self._server.start(config.host, config.port)
        except BaseException:
            self._store.close()
            raise
        self._producer = asyncio.create_task(self._produce(), name="block producer")

    async def stop(self) -> None:
        """Finish the block being written, close every connection, and let go of the folder."""
        self._stopping.set()
        self._wake.set()
        try:
            if self._producer is not None:
                await asyncio.gather(self._producer, return_exceptions=True)
            await self._server.stop()
            async with self._sealing:
                self._writer.shutdown()
        finally:
            self._store.close()
            self._ended.set()

    async def wait(self) -> None:
        """Wait for the end, and raise what caused it: a node that cannot go on must not look alive."""
        await self._ended.wait()
        if self._failure is not None:
            raise self._failure

    @property
    def genesis_hash(self) -> bytes:
        """The chain's identity."""
        return self._head.genesis_hash

    @property
    def height(self) -> int:
        """Height of the last announced block."""
        return self.view.height

    @property
    def url(self) -> str:
        """Where clients connect."""
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        return f"ws://{host}:{self.port}"

    # What methods ask for.

    def submit(self, data: bytes) -> list[PoolEvent]:
        """Put an extrinsic into the pool and return what became of it; raises ``RpcError`` as clients know it."""
        try:
            events = self._pool.add(data, height=self._head.height, validate=self._validate)
        except Inadmissible as error:
            raise RpcError(error.code, error.message, error.data or None) from None
        # The newcomer's own watcher hears of it after it has got the subscription's id.
        self._hub.report(events[1:])
        if self.config.seal == "on_tx":
            self._wake.set()
        return events

    def pending(self) -> list[bytes]:
        """Return the extrinsics that wait."""
        return self._pool.pending()

    def next_nonce(self, account: bytes) -> int:
        """Return an account's next nonce, its waiting extrinsics counted."""
        return self._pool.next_nonce(account, self._head.state.get("System.Account", account)["nonce"])

    async def seal(self) -> bytes:
        """Make a block now and return its hash; raises ``RpcError`` unless seals are manual."""
        self._require_manual()
        # A caller that goes away must not leave a block on disk that the memory does not know.
        return await asyncio.shield(asyncio.create_task(self._seal_one()))

    def advance_time(self, milliseconds: int) -> int:
        """Move the clock and return its new time in milliseconds; raises ``RpcError`` unless seals are manual."""
        self._require_manual()
        self._offset_ms += milliseconds
        return self._now()

    # Making blocks.

    async def _produce(self) -> None:
        try:
            while not self._stopping.is_set():
                await self._wait_for_turn()
                if not self._stopping.is_set():
                    await self._seal_one()
        except BaseException as error:
            self._fail(error)
            raise

    async def _wait_for_turn(self) -> None:
        """Return when the next block may be made, or when the node is to stop."""
        if self.config.seal != "interval":
            while not self._stopping.is_set() and not self._has_work():
                self._wake.clear()
                await self._wake.wait()
        pace = self.config.block_interval_ms if self.config.seal == "interval" else 0
        due = max(self._head.time_ms + pace, self._head.earliest_time_ms())
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0, due - self._now()) / 1_000):
                await self._stopping.wait()

    def _has_work(self) -> bool:
        return self.config.seal == "on_tx" and next(iter(self._pool.ready()), None) is not None

    async def _seal_one(self) -> bytes:
        """Agree on the next block with ourselves, make it durable, then tell of it, and return its hash."""
        async with self._sealing:
            try:
                return await self._seal_next(self._head)
            except BaseException as error:
                # The disk failed or a law is broken: going on would build on something that is not there.
                self._fail(error)
                raise

    async def _seal_next(self, head: Head) -> bytes:
        lost: list[PoolEvent] = []

        def build(round_number: int) -> Candidate:
            candidate, events = build_from_pool(
                head,
                self._pool,
                time_ms=max(self._now(), head.earliest_time_ms()),
                round_number=round_number,
                proposer=self._key.public,
            )
            lost.extend(events)
            return candidate

        candidate, commit = decide_alone(head, self._key, build)
        await asyncio.get_running_loop().run_in_executor(self._writer, self._write, candidate, commit)
        self._adopt(candidate, commit)
        self._hub.report(lost)
        return candidate.block.hash

    def _write(self, candidate: Candidate, commit: Commit) -> None:
        self._store.append(block=candidate.block, commit=commit, events=candidate.events, delta=candidate.delta)

    def _adopt(self, candidate: Candidate, commit: Commit) -> None:
        """Go on from a durable block: first reads, then the pool, then those who listen."""
        head = self._head = candidate.commit_on(self._head, commit)
        self.view.advance(
            height=head.height, block_hash=head.block_hash, state=head.state, epochs=candidate.result.epochs
        )
        nonces = {
            keys[0]: value["nonce"]
            for (item, keys), value in candidate.changes.items()
            if item == "System.Account" and value is not DELETED
        }
        events = self._pool.after_block(
            height=head.height, included=candidate.result.receipts, nonces=nonces, validate=self._validate
        )
        self._hub.announce(
            Announcement(
                block_hash=head.block_hash,
                header=candidate.block.header,
                included=frozenset(receipt.hash for receipt in candidate.result.receipts),
                delta=candidate.delta,
                events=candidate.events,
            )
        )
        self._hub.report(events)

    # Helpers.

    def _validate(self, data: bytes, verified: bool) -> Validity:  # noqa: FBT001 - the shape the pool calls
        head = self._head
        try:
            return validate_extrinsic(
                head.state, data, genesis_hash=head.genesis_hash, head_hash=head.block_hash, verified=verified
            )
        except Inadmissible:
            raise
        except Exception as error:  # noqa: BLE001 - logged and refused
            # Strange bytes may find a mistake of ours; they stay outside, and the chain goes on.
            _log.exception("an extrinsic could not be checked")
            raise Inadmissible(type(error).__name__, UNDECODABLE, _CANNOT_CHECK) from None

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
        self._stopping.set()
        self._wake.set()
        self._ended.set()

    def _now(self) -> int:
        return self.config.clock() + self._offset_ms

    def _require_manual(self) -> None:
        if self.config.seal != "manual":
            raise RpcError(CLIENT_ERROR, "Client error: this chain does not seal by hand")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
