"""The ``/v2`` socket by its bytes: whatever way frames are cut, joined or broken, what they say is heard or refused."""

import asyncio
import base64
import json
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.small_exchange import SmallExchange

WAIT_S = 10.0
TEXT, BINARY, CLOSE, PING, PONG, MORE = 0x81, 0x82, 0x88, 0x89, 0x8A, 0x00
UNFINISHED_TEXT, LAST = 0x01, 0x80


def framed(payload: bytes, first: int = TEXT, *, mask: bytes = b"\x01\x80\xff\x0c") -> bytes:
    """Return a masked frame."""
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    size = len(payload)
    if size < 126:
        return bytes([first, 0x80 | size]) + mask + masked
    return bytes([first, 0x80 | 126]) + struct.pack("!H", size) + mask + masked


def ping_of(req_id: int) -> bytes:
    return json.dumps({"method": "ping", "req_id": req_id}).encode()


class Raw:
    """One connection after its handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes) -> None:
        """Send pieces, each in a packet of its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def frame(self) -> tuple[int, bytes]:
        """Return the next frame: its first byte and its payload."""
        async with asyncio.timeout(WAIT_S):
            first, size = await self.reader.readexactly(2)
            assert size < 127
            if size == 126:
                size = struct.unpack("!H", await self.reader.readexactly(2))[0]
            return first, await self.reader.readexactly(size)

    async def answer(self) -> dict[str, Any]:
        """Return the next answer to a request."""
        while True:
            first, payload = await self.frame()
            assert first == TEXT
            told: dict[str, Any] = json.loads(payload)
            if "method" in told:
                return told

    async def end(self) -> int:
        """Return the code of the close frame, which comes at last."""
        while True:
            first, payload = await self.frame()
            if first == CLOSE:
                return int.from_bytes(payload[:2], "big")


@asynccontextmanager
async def raw_socket(exchange: SmallExchange) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(exchange.rest.rpartition(":")[2]))
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /v2?x=1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"deflate" not in head.lower()
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()


@pytest.fixture
async def raw(exchange: SmallExchange) -> AsyncIterator[Raw]:
    async with raw_socket(exchange) as opened:
        yield opened


async def test_a_frame_may_come_byte_by_byte(raw: Raw) -> None:
    await raw.send(*(bytes([byte]) for byte in framed(ping_of(7))))

    assert (await raw.answer())["req_id"] == 7


async def test_frames_that_come_together_are_answered_in_order(raw: Raw) -> None:
    whole = b"".join(framed(ping_of(number)) for number in range(200))
    await raw.send(whole[:1_001], whole[1_001:])

    assert [(await raw.answer())["req_id"] for _ in range(200)] == list(range(200))


async def test_a_message_in_fragments_is_one_and_a_ping_may_stand_between_them(raw: Raw) -> None:
    message = ping_of(5)
    pieces = (framed(message[:4], UNFINISHED_TEXT), framed(b"are you there", PING), framed(message[4:], LAST))
    await raw.send(framed(ping_of(4)) + pieces[0], pieces[1], pieces[2] + framed(ping_of(6)))

    frames: list[Any] = []
    while len(frames) < 4:
        first, payload = await raw.frame()
        if b'"channel"' not in payload:
            frames.append(json.loads(payload)["req_id"] if first == TEXT else (first, payload))
    assert [one for one in frames if isinstance(one, int)] == [4, 5, 6]
    assert (PONG, b"are you there") in frames


async def test_a_binary_frame_and_a_long_one_are_heard_as_well(raw: Raw) -> None:
    await raw.send(framed(ping_of(1), BINARY), framed(ping_of(2) + b" " * 5_000), framed(ping_of(3)))

    assert [(await raw.answer())["req_id"] for _ in range(3)] == [1, 2, 3]


async def test_a_close_is_answered_with_its_code(raw: Raw) -> None:
    await raw.send(framed(ping_of(1)) + framed(struct.pack("!H", 1000), CLOSE))

    assert await raw.end() == 1000


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (bytes([TEXT, 2]) + b"{}", 1002),  # not masked
        (framed(b"\xff\xfe"), 1007),  # no UTF-8
        (framed(b"{}", 0xC1), 1002),  # compressed, which was not agreed on
        (framed(b"{}", 0x83), 1002),  # an opcode that does not exist
        (framed(b"{}", LAST), 1002),  # the end of nothing
        (framed(b"{", UNFINISHED_TEXT) + framed(b"{}"), 1002),  # another message within a message
        (bytes([TEXT, 0xFF]) + struct.pack("!Q", 2**40) + bytes(4), 1009),  # too large
    ],
)
async def test_what_breaks_the_rules_closes_that_socket_alone(exchange: SmallExchange, data: bytes, code: int) -> None:
    async with raw_socket(exchange) as other, raw_socket(exchange) as spoilt:
        await spoilt.send(framed(ping_of(1)) + data + framed(ping_of(2)))
        assert await spoilt.end() == code
        await other.send(framed(ping_of(3)))
        assert (await other.answer())["req_id"] == 3
