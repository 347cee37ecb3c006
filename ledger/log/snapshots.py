"""A state as bytes and back: what a restart may begin with instead of the first event.

A snapshot carries a digest of its own bytes, since the lists of the book stand outside the canonical state, and the
hash of the canonical state it was taken from; it is used only if both hold.
"""

import hashlib
import zlib
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from ledger.engine.directory import Directory
from ledger.engine.layout import LAYOUT_VERSION
from ledger.engine.machine import Engine
from ledger.engine.state import State, empty_state
from ledger.log.errors import LogError

WORKING: Final = frozenset({"run", "out"})
"""Tables that are the working place of a batch and no part of the truth."""

COMPRESSION: Final = 1
UNPACKED_MAX: Final = 8 * 2**30
DIGEST_BYTES: Final = 32


@dataclass(eq=False)
class SnapshotBroken(LogError):  # noqa: N818 - says what is wrong
    """Bytes that are no snapshot of this layout, or do not give the state they name."""

    detail: str
    code: str = "snapshot_broken"

    def __str__(self) -> str:
        """Return code and detail."""
        return f"{self.code}: {self.detail}"


class _Table(msgspec.Struct, frozen=True):
    shape: tuple[int, ...]
    data: bytes


class _Snapshot(msgspec.Struct, frozen=True):
    layout: int
    seq: int
    state_hash: bytes
    tables: dict[str, _Table]
    texts: Directory


def encode_snapshot(engine: Engine) -> bytes:
    """Return the whole state of an engine, compressed."""
    tables = {
        name: _Table(table.shape, table.tobytes())
        for name, table in engine.state._asdict().items()
        if name not in WORKING
    }
    snapshot = _Snapshot(LAYOUT_VERSION, engine.seq, engine.state_hash(), tables, engine.directory)
    body = msgspec.msgpack.encode(snapshot)
    return zlib.compress(_digest(body) + body, COMPRESSION)


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest()


def decode_snapshot(data: bytes) -> Engine:
    """Return an engine that stands where the snapshot was taken; raises ``SnapshotBroken``."""
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(data, UNPACKED_MAX)
        if not unpacker.eof:
            raise SnapshotBroken("cut off, or larger than allowed")
        body = content[DIGEST_BYTES:]
        if _digest(body) != content[:DIGEST_BYTES]:
            raise SnapshotBroken("the bytes are not those that were written")
        snapshot = msgspec.msgpack.decode(body, type=_Snapshot)
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SnapshotBroken(f"{type(error).__name__}: {error}") from error
    if snapshot.layout != LAYOUT_VERSION:
        raise SnapshotBroken(f"layout {snapshot.layout}, this build reads {LAYOUT_VERSION}")
    engine = Engine()
    engine.state = _tables(snapshot)
    engine.directory = snapshot.texts
    if engine.seq != snapshot.seq or engine.state_hash() != snapshot.state_hash:
        raise SnapshotBroken(f"the state is not the one at seq {snapshot.seq} that it names")
    return engine


def _tables(snapshot: _Snapshot) -> State:
    empty = empty_state()
    if snapshot.tables.keys() != set(State._fields) - WORKING:
        raise SnapshotBroken("other tables than this layout has")
    loaded = {}
    for name, table in snapshot.tables.items():
        dtype = getattr(empty, name).dtype
        try:
            loaded[name] = np.frombuffer(table.data, dtype).reshape(table.shape).copy()
        except ValueError as error:
            raise SnapshotBroken(f"{name}: {error}") from error
    return empty._replace(**loaded)
