"""A state as bytes and back: what a restart may begin with instead of the first event.

A snapshot carries the hash of the canonical state it was taken from, and is used only if the state it gives has that
hash.
"""

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
    return zlib.compress(msgspec.msgpack.encode(snapshot), COMPRESSION)


def decode_snapshot(data: bytes) -> Engine:
    """Return an engine that stands where the snapshot was taken; raises ``SnapshotBroken``."""
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(data, UNPACKED_MAX)
        if not unpacker.eof:
            raise SnapshotBroken("cut off, or larger than allowed")
        snapshot = msgspec.msgpack.decode(content, type=_Snapshot)
    except (zlib.error, msgspec.MsgspecError) as error:
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
