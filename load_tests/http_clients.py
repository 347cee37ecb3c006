"""Clients of the REST door: keep-alive connections that each send their next signed order once the last was answered.

The client is kept lean, since it shares the machine with what it measures: requests are signed before the clock runs,
and an answer is looked at only as far as to tell a placed order from a refusal.
"""

import asyncio
import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

from app.gateway.auth import sign
from load_tests.orders import MarketOrder

PATH = "/0/private/AddOrder"
PLACED = b'{"error":[],"result":{'
RAO_PER_WHOLE = 10**9


@dataclass(frozen=True, slots=True)
class Key:
    """What a client signs with; the secret in base64."""

    key: str
    secret: str


class NotPlaced(Exception):  # noqa: N818 - says what is the matter
    """An order was refused or the connection failed; the text is what was answered."""


def sign_order(order: MarketOrder, key: Key, nonce: int) -> bytes:
    """Return the bytes of a signed AddOrder request."""
    fields = {
        "nonce": nonce,
        "ordertype": "market",
        "type": "sell" if order.is_sell else "buy",
        "volume": f"{order.volume // RAO_PER_WHOLE}.{order.volume % RAO_PER_WHOLE // 10:08d}",
        "pair": f"SN{order.netuid}TAO",
    }
    body = urlencode(fields).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\nConnection: keep-alive\r\n"
        f"API-Key: {key.key}\r\nAPI-Sign: {sign(PATH, str(nonce), body, base64.b64decode(key.secret))}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Client(asyncio.Protocol):
    """One connection and its requests; ``done`` resolves after the last answer, ``samples`` are seconds each."""

    def __init__(self, requests: Sequence[bytes], expected: bytes = PLACED) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.samples: list[float] = []
        self._requests = iter(requests)
        self._expected = expected
        self._transport: asyncio.Transport
        self._buffer = b""
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; ``begin`` sends."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def begin(self) -> None:
        """Send the next request, or be done."""
        request = next(self._requests, None)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._begun = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take an answer in once it is whole, and go on."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self.samples.append(time.perf_counter() - self._begun)
        self._buffer = b""
        if not body.startswith(self._expected):
            self._fail(body.decode(errors="replace"))
            return
        self.begin()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail what is not done."""
        self._fail(f"connection lost: {error}")

    def _fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(NotPlaced(why))
            self._transport.close()


def _length(head: bytes) -> int:
    _, _, after = head.lower().partition(b"\r\ncontent-length:")
    return int(after.partition(b"\r\n")[0])


async def send_all(port: int, requests: Sequence[Sequence[bytes]]) -> tuple[float, list[float]]:
    """Send the requests of every client at once; return answers per second and the seconds of each.

    Raises ``NotPlaced`` where any of them is not what was expected.
    """
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda own=own: Client(own), "127.0.0.1", port))[1]  # type: ignore[misc]
        for own in requests
    ]
    begun = time.perf_counter()
    for client in clients:
        client.begin()
    await asyncio.gather(*(client.done for client in clients))
    taken = time.perf_counter() - begun
    samples = [sample for client in clients for sample in client.samples]
    return len(samples) / taken, samples
