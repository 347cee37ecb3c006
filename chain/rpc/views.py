"""What a client may read: committed blocks, storage by key and runtime calls, each at one block hash."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from chain.block import Header
from chain.epoch_records import EpochRecords
from chain.errors import Malformed
from chain.rpc.jsonrpc import CLIENT_ERROR, RpcError
from chain.rpc.params import read_hash, to_hex
from chain.runtime.declarations import RUNTIME_VERSION
from chain.runtime.state import State
from chain.runtime.subtensor.epochs import EpochRecord
from chain.runtime.transition import BlockInputs, replay_epochs
from chain.storage.history import HistoricState
from chain.storage.store import ChainStore, StoredBlock
from chain.storage_keys import storage_key

RuntimeCaller = Callable[[State, str, bytes], bytes]
"""Answers a runtime call by name and argument bytes; raises ``Malformed`` for an unknown name or bad arguments."""


@cache
def events_key() -> bytes:
    """Return the storage key of ``System.Events``, which is served from the block and is no entry of the state."""
    return storage_key("System", "Events")


@dataclass(slots=True)
class ChainView:
    """The committed chain; ``state`` and ``height`` move together when a block has become durable."""

    store: ChainStore
    call_runtime: RuntimeCaller
    genesis_hash: bytes
    height: int
    hash: bytes
    state: State
    records: EpochRecords = field(default_factory=EpochRecords)

    def advance(self, *, height: int, block_hash: bytes, state: State, epochs: tuple[EpochRecord, ...] = ()) -> None:
        """Show a new head, which is durable, and keep what its epochs were told."""
        self.height, self.hash, self.state = height, block_hash, state
        self.records.add(epochs)

    def resolve(self, at: Any) -> int:
        """Return the height of a block hash, the head for null; raises ``RpcError`` for a hash of no block here."""
        height = self.find(at)
        if height is None:
            raise RpcError(CLIENT_ERROR, f"Client error: UnknownBlock: Header was not found in the database: {at}")
        return height

    def find(self, at: Any) -> int | None:
        """Return the height of a block hash, the head for null, and ``None`` for a hash of no block here."""
        if at is None:
            return self.height
        height = self.store.height_of(read_hash(at, "at"))
        # A block that is durable but not yet announced is not there for clients.
        return height if height is not None and height <= self.height else None

    def hash_at(self, height: int) -> bytes | None:
        """Return the block hash of a height, ``None`` above the head."""
        return self.store.hash_at(height) if height <= self.height else None

    def header(self, height: int) -> Header:
        """Return the header of a height that exists."""
        header = self.store.header_at(height)
        if header is None:
            raise RpcError(CLIENT_ERROR, f"Client error: UnknownBlock: number {height}")
        return header

    def block(self, height: int) -> StoredBlock:
        """Return the block of a height that exists."""
        stored = self.store.block_at(height)
        if stored is None:
            raise RpcError(CLIENT_ERROR, f"Client error: UnknownBlock: number {height}")
        return stored

    def storage(self, key: bytes, height: int) -> bytes | None:
        """Return the value under ``key`` after the block at ``height``."""
        if key == events_key():
            return self.store.events_at(height)
        self._require_state(height)
        return self.store.read(key, height)

    def keys(self, prefix: bytes, *, height: int, after: bytes, limit: int) -> list[bytes]:
        """Return up to ``limit`` keys under ``prefix``, strictly above ``after``, as of ``height``."""
        self._require_state(height)
        return self.store.keys(prefix, height=height, after=after, limit=limit)

    def call(self, name: str, arguments: bytes, height: int) -> bytes:
        """Return the output of a runtime call on the state after the block at ``height``."""
        self._require_state(height)
        state = self.state if height == self.height else HistoricState(self.store, height)
        try:
            return self.call_runtime(state, name, arguments)
        except Malformed as error:
            raise RpcError(CLIENT_ERROR, f"Client error: Execution failed: {name}: {error}") from None

    def epoch(self, netuid: int, mecid: int, height: int) -> EpochRecord | None:
        """Return what a mechanism's epoch in the block at ``height`` was told, ``None`` where none ran.

        What is not at hand any more is found out again, from the state before that block.
        """
        known = self.records.find(netuid, mecid, height)
        if known is not None or not 0 < height <= self.height:
            return known
        self._require_state(height - 1)
        header = self.header(height)
        if header.info is None:
            return None
        inputs = BlockInputs(
            number=height,
            parent_hash=header.parent,
            genesis_hash=self.genesis_hash,
            time_ms=header.info.time_ms,
            proposer=header.info.proposer,
            extrinsics=(),
        )
        found = replay_epochs(HistoricState(self.store, height - 1), inputs)
        return next((record for record in found if (record.netuid, record.mecid) == (netuid, mecid)), None)

    def _require_state(self, height: int) -> None:
        if height < self.store.oldest_state(self.height):
            block_hash = self.store.hash_at(height) or b""
            raise RpcError(CLIENT_ERROR, f"Client error: State already discarded for {to_hex(block_hash)}")


@cache
def runtime_version() -> dict[str, Any]:
    """Return the version object of the JSON interface."""
    version = RUNTIME_VERSION
    return {
        "specName": version["spec_name"],
        "implName": version["impl_name"],
        "authoringVersion": version["authoring_version"],
        "specVersion": version["spec_version"],
        "implVersion": version["impl_version"],
        "apis": [[to_hex(api), number] for api, number in version["apis"]],
        "transactionVersion": version["transaction_version"],
        "systemVersion": version["system_version"],
        "stateVersion": 1,
    }
