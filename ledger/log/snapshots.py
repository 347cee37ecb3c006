"""A state as bytes and back: what a restart may begin with instead of the first event.

A snapshot is a header and parts. Each part is a piece of one table of at most 4 MB, packed by itself, so that several
threads make and read parts and no more than a few are in memory; a piece of zeros only is left out. The header names
every part with the digest of its content; the hash over all of these is the hash of the state, which a loaded engine
must give again from what lies in its own memory.
"""

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final

import msgspec
import numpy as np

from ledger.engine.directory import Directory
from ledger.engine.growth import empty_state, new_table
from ledger.engine.layout import LAYOUT_VERSION, Records
from ledger.engine.machine import Engine
from ledger.engine.state import TABLES as ALL_TABLES
from ledger.engine.state import State
from ledger.hashing import HASH_BYTES
from ledger.log.base import Head
from ledger.log.errors import LogError

TABLES: Final = ALL_TABLES[: ALL_TABLES.index("run")]
"""Tables that are the truth; those behind are the working place of a batch."""

TEXTS: Final = "texts"
COMPRESSION: Final = 1
PART_BYTES: Final = 4 * 2**20
STATE_BYTES_MAX: Final = 8 * 2**30
PUBLIC_KEY: Final = 32


@dataclass(eq=False)
class SnapshotBroken(LogError):  # noqa: N818 - says what is wrong
    """Bytes that are no snapshot of this layout, or do not give the state they name."""

    detail: str
    code: str = "snapshot_broken"

    def __str__(self) -> str:
        """Return code and detail."""
        return f"{self.code}: {self.detail}"


class PartRow(msgspec.Struct, frozen=True, array_like=True):
    """One part: ``size`` bytes of a table (or of the texts) from ``offset`` on, and their blake2b-256."""

    table: str
    offset: int
    size: int
    digest: bytes


class Header(msgspec.Struct, frozen=True):
    """What a snapshot is of: the head it was taken at, shape and record type of each table, and its parts in order."""

    layout: int
    number: int
    seq: int
    ts_ms: int
    batch_hash: bytes
    texts_bytes: int
    tables: dict[str, tuple[str, tuple[int, ...]]]
    parts: list[PartRow]

    @property
    def head(self) -> Head:
        """Return the head of the log that the state is of."""
        return Head(number=self.number, seq=self.seq, hash=self.batch_hash, ts_ms=self.ts_ms)

    @property
    def state_hash(self) -> bytes:
        """Return the hash of the state: of shapes, places and digests of all that is not zero."""
        content = (self.layout, self.seq, self.texts_bytes, sorted(self.tables.items()), self.parts)
        return digest_of(msgspec.msgpack.encode(content))


@dataclass(frozen=True, slots=True)
class Piece:
    """A part before it is packed."""

    row: PartRow
    content: bytes

    def packed(self) -> bytes:
        """Return what is stored; threads may do this side by side."""
        return zlib.compress(self.content, COMPRESSION)


class Taking:
    """One snapshot of an engine that rests meanwhile: first its pieces, then the header that names them."""

    def __init__(self, engine: Engine, head: Head) -> None:
        if engine.seq != head.seq:
            raise SnapshotBroken(f"the engine stands at seq {engine.seq}, the head at {head.seq}")
        self._engine = engine
        self._head = head
        self._texts = pack_texts(engine.directory)
        self._rows: list[PartRow] = []

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces in order, each once."""
        for name in TABLES:
            yield from self._pieces_of(name, _bytes_of(getattr(self._engine.state, name)))
        yield from self._pieces_of(TEXTS, np.frombuffer(self._texts, np.uint8))

    def _pieces_of(self, name: str, content: Records) -> Iterator[Piece]:
        for offset in range(0, len(content), PART_BYTES):
            part = content[offset : offset + PART_BYTES]
            if part.any():
                copied = part.tobytes()
                row = PartRow(name, offset, len(copied), digest_of(copied))
                self._rows.append(row)
                yield Piece(row, copied)

    def header(self) -> Header:
        """Return the header; all pieces must have been asked for."""
        head, state = self._head, self._engine.state
        tables = {name: (_record_type(getattr(state, name)), getattr(state, name).shape) for name in TABLES}
        return Header(
            LAYOUT_VERSION, head.number, head.seq, head.ts_ms, head.hash, len(self._texts), tables, list(self._rows)
        )


class Loading:
    """An engine on its way from a header and its parts; parts may be put in by several threads, in any order."""

    def __init__(self, header: Header) -> None:
        if header.layout != LAYOUT_VERSION:
            raise SnapshotBroken(f"layout {header.layout}, this build reads {LAYOUT_VERSION}")
        self._header = header
        self._state = _blank_state(header)
        self._texts = bytearray(header.texts_bytes)
        self._places = {name: _bytes_of(getattr(self._state, name)) for name in TABLES}
        self._places[TEXTS] = np.frombuffer(self._texts, np.uint8)
        self._is_loaded = bytearray(len(header.parts))

    def put(self, position: int, packed: bytes) -> None:
        """Unpack one part to its place; raises ``SnapshotBroken`` for other bytes than were stored."""
        row = self._header.parts[position]
        place = self._places.get(row.table)
        if place is None or not 0 <= row.offset <= row.offset + row.size <= len(place) or row.size > PART_BYTES:
            raise SnapshotBroken(f"part {position} lies outside of {row.table}")
        unpacker = zlib.decompressobj()
        try:
            content = unpacker.decompress(packed, row.size + 1)
        except zlib.error as error:
            raise SnapshotBroken(f"part {position}: {error}") from error
        if len(content) != row.size or not unpacker.eof or unpacker.unused_data or digest_of(content) != row.digest:
            raise SnapshotBroken(f"part {position} holds other bytes than were written")
        place[row.offset : row.offset + row.size] = np.frombuffer(content, np.uint8)
        self._is_loaded[position] = 1

    def engine(self) -> Engine:
        """Return the engine once every part is there."""
        if not all(self._is_loaded):
            raise SnapshotBroken(f"part {self._is_loaded.index(0)} is missing")
        engine = Engine()
        engine.state = self._state
        engine.directory = unpack_texts(bytes(self._texts))
        if (engine.seq, engine.ts_ms) != (self._header.seq, self._header.ts_ms):
            raise SnapshotBroken(f"the state stands at seq {engine.seq}, the header says {self._header.seq}")
        return engine


def encode_header(header: Header) -> bytes:
    """Return the header with a digest of its own bytes before it."""
    body = msgspec.msgpack.encode(header)
    return digest_of(body) + body


def decode_header(data: bytes) -> Header:
    """Return the header of these bytes; raises ``SnapshotBroken``."""
    digest, body = data[:HASH_BYTES], data[HASH_BYTES:]
    if digest_of(body) != digest:
        raise SnapshotBroken("the header is not the one that was written")
    try:
        return msgspec.msgpack.decode(body, type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SnapshotBroken(f"{type(error).__name__}: {error}") from error


def digest_of(content: bytes) -> bytes:
    """Return blake2b-256."""
    return hashlib.blake2b(content, digest_size=HASH_BYTES).digest()


class _Texts(msgspec.Struct, frozen=True):
    """A directory without what follows from the rest: numbers count from 1 in the order of the lists."""

    names: bytes
    key_publics: bytes
    hotkey_publics: bytes
    deposit_accounts: bytes
    deposit_keys: bytes
    others: Directory


def pack_texts(directory: Directory) -> bytes:
    """Return a directory as bytes; a million names and keys are a few long strings."""
    others = replace(
        directory, names=[], accounts={}, key_publics=[], keys={}, hotkey_publics=[], hotkeys={}, deposit_keys={}
    )
    texts = _Texts(
        names="\n".join(directory.names).encode(),  # names are printable
        key_publics=b"".join(directory.key_publics),
        hotkey_publics=b"".join(directory.hotkey_publics),
        deposit_accounts=np.fromiter(directory.deposit_keys.keys(), np.int64).tobytes(),
        deposit_keys=np.fromiter(directory.deposit_keys.values(), np.int64).tobytes(),
        others=others,
    )
    return msgspec.msgpack.encode(texts)


def unpack_texts(data: bytes) -> Directory:
    """Return the directory of these bytes; raises ``SnapshotBroken``."""
    try:
        texts = msgspec.msgpack.decode(data, type=_Texts)
        names = texts.names.decode().split("\n") if texts.names else []
        accounts = np.frombuffer(texts.deposit_accounts, np.int64).tolist()
        keys = np.frombuffer(texts.deposit_keys, np.int64).tolist()
        deposit_keys = dict(zip(accounts, keys, strict=True))
    except (msgspec.MsgspecError, ValueError) as error:
        raise SnapshotBroken(f"{type(error).__name__}: {error}") from error
    key_publics, hotkey_publics = _cut(texts.key_publics), _cut(texts.hotkey_publics)
    return replace(
        texts.others,
        names=names,
        accounts=dict(zip(names, count(1), strict=False)),
        key_publics=key_publics,
        keys=dict(zip(key_publics, count(1), strict=False)),
        hotkey_publics=hotkey_publics,
        hotkeys=dict(zip(hotkey_publics, count(1), strict=False)),
        deposit_keys=deposit_keys,
    )


def _cut(publics: bytes) -> list[bytes]:
    return [publics[place : place + PUBLIC_KEY] for place in range(0, len(publics), PUBLIC_KEY)]


def _bytes_of(table: Records) -> Records:
    """Return the bytes of a table, without a copy."""
    return np.ascontiguousarray(table).reshape(-1).view(np.uint8)


def _record_type(table: Records) -> str:
    return str(table.dtype.descr)


def _blank_state(header: Header) -> State:
    """Return a state of zeros with the tables' shapes; memory is taken as the parts come."""
    empty = empty_state()
    if header.tables.keys() != set(TABLES) or header.texts_bytes < 1:
        raise SnapshotBroken("other tables than this build has")
    blank: dict[str, Any] = {}
    size = header.texts_bytes
    for name, (record_type, shape) in header.tables.items():
        table = getattr(empty, name)
        if record_type != _record_type(table) or len(shape) != table.ndim or min(shape) < 1:
            raise SnapshotBroken(f"{name} has another form than in this build")
        rows = 1
        for length in shape:
            rows *= length
        size += rows * table.itemsize
        if not 0 <= size <= STATE_BYTES_MAX:
            raise SnapshotBroken("larger than allowed")
        blank[name] = new_table(name, tuple(shape), table.dtype)
    return replace(empty, **blank)
