"""Frames between the processes of one exchange: length (u32, little-endian), kind (one byte), body.

Client to engine: ``HELLO``, ``REQUESTS``, ``RUN``, ``BLOCK``. Engine to client: ``WELCOME`` or ``REFUSED``, then
``BATCH`` (or ``LEFT_OUT`` for one too large for a frame), ``ANSWERS``, ``DECISIONS``, ``ALIVE`` once a second, and
``BYE`` with the reason of an end.
"""

import asyncio
import struct
from enum import IntEnum
from typing import Final, TypeVar

import msgspec

from app.serve.errors import FrameBroken
from ledger.engine.layout import LAYOUT_VERSION
from ledger.log.base import Head

PROTOCOL: Final = 2
"""Raised by every change of the frames or of their bodies."""
HEAD: Final = struct.Struct("<IB")
FRAME_BYTES_MAX: Final = 16 * 2**20
READ_AHEAD_BYTES: Final = 2**20
"""What a stream holds of frames not yet asked for."""
HELLO_TIMEOUT_S: Final = 5.0


Message = TypeVar("Message", bound=msgspec.Struct)


class Kind(IntEnum):
    """What a frame is."""

    HELLO = 1
    WELCOME = 2
    REFUSED = 3
    REQUESTS = 4
    ANSWERS = 5
    BATCH = 6
    LEFT_OUT = 7
    ALIVE = 8
    BYE = 9
    RUN = 10
    BLOCK = 11
    DECISIONS = 12


class Hello(msgspec.Struct, frozen=True):
    """Who asks, which formats it speaks, and the end of the log it has applied."""

    name: str
    number: int
    hash: bytes
    protocol: int = PROTOCOL
    layout: int = LAYOUT_VERSION


class Welcome(msgspec.Struct, frozen=True):
    """The engine's head at this moment: every later batch follows on this connection."""

    number: int
    seq: int
    hash: bytes
    ts_ms: int
    writer_epoch: int

    @property
    def head(self) -> Head:
        """Return the head."""
        return Head(number=self.number, seq=self.seq, hash=self.hash, ts_ms=self.ts_ms)


class Reason(msgspec.Struct, frozen=True):
    """Why a connection is refused or ended."""

    code: str
    detail: str = ""


def frame(kind: Kind, *parts: bytes) -> bytes:
    """Return one frame; raises ``FrameBroken`` for a body above the bound."""
    size = sum(map(len, parts))
    if size > FRAME_BYTES_MAX:
        raise FrameBroken(f"a body of {size} bytes, at most {FRAME_BYTES_MAX}")
    return b"".join((HEAD.pack(size, kind), *parts))


def message(kind: Kind, body: msgspec.Struct) -> bytes:
    """Return a frame with a message in msgpack."""
    return frame(kind, msgspec.msgpack.encode(body))


async def read_frame(reader: asyncio.StreamReader) -> tuple[Kind, bytes]:
    """Return the next frame; raises ``FrameBroken``, and ``asyncio.IncompleteReadError`` at the end of the stream."""
    size, number = HEAD.unpack(await reader.readexactly(HEAD.size))
    if size > FRAME_BYTES_MAX:
        raise FrameBroken(f"a body of {size} bytes, at most {FRAME_BYTES_MAX}")
    try:
        kind = Kind(number)
    except ValueError as error:
        raise FrameBroken(f"kind {number}") from error
    return kind, await reader.readexactly(size)


def read_hello(body: bytes) -> Hello:
    """Return a greeting; raises ``FrameBroken``."""
    return _decode(body, Hello)


def read_welcome(body: bytes) -> Welcome:
    """Return the engine's answer to a greeting; raises ``FrameBroken``."""
    return _decode(body, Welcome)


def read_reason(body: bytes) -> Reason:
    """Return why it ended; raises ``FrameBroken``."""
    return _decode(body, Reason)


def _decode(body: bytes, kind: type[Message]) -> Message:
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FrameBroken(f"{kind.__name__}: {error}") from error
