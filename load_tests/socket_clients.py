"""Clients of the ``/v2`` socket: each holds one connection and sends trading requests, several under way at a time.

The clients are kept lean, since they share the machine with what they measure: frames are made before the clock runs,
masked with zeros, and an answer is looked at only as far as to tell success from refusal. Answers of one connection
come in the order of its requests, which is how a time belongs to a request.
"""

import asyncio
import base64
import json
import os
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

import httpx

from app.gateway.auth import sign
from load_tests.http_clients import RAO_PER_WHOLE, Key
from load_tests.orders import MarketOrder

TOKEN_PATH = "/0/private/GetWebSocketsToken"  # noqa: S105 - a path
SWITCHED = b"HTTP/1.1 101"
SUCCESS = b'"success":true'
ANSWER = b'{"method":"'
ROW_REFUSED = b'"error":"'
PONGED = b'{"method":"pong"'
BUSY = b'"error":"EService:Busy"'
REQ_ID = b'"req_id":'
DIGITS = b"0123456789"
SHORT, LONG = 126, 127
PING, PONG = 0x89, 0x8A


class NotPlaced(Exception):  # noqa: N818 - says what is the matter
    """An order was refused or the connection failed; the text is what was answered."""


async def token_of(port: int, key: Key, nonce: int) -> str:
    """Return a token for a key's socket."""
    body = f"nonce={nonce}".encode()
    headers = {
        "API-Key": key.key,
        "API-Sign": sign(TOKEN_PATH, str(nonce), body, base64.b64decode(key.secret)),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"http://127.0.0.1:{port}{TOKEN_PATH}", content=body, headers=headers)
    token: str = answer.json()["result"]["token"]
    return token


def cancel_all(token: str, req_id: int) -> bytes:
    """Return the frame that cancels everything."""
    return _frame({"method": "cancel_all", "params": {"token": token}, "req_id": req_id})


def ping(req_id: int) -> bytes:
    """Return the frame of a read that needs nothing but the server's attention."""
    return _frame({"method": "ping", "params": {}, "req_id": req_id})


def add_order(order: MarketOrder, token: str, req_id: int) -> bytes:
    """Return the frame of one order."""
    params = {"symbol": f"SN{order.netuid}/TAO", "token": token, **_fields(order)}
    return _frame({"method": "add_order", "params": params, "req_id": req_id})


def batch_add(orders: Sequence[MarketOrder], token: str, req_id: int) -> bytes:
    """Return the frame of a batch of orders on the market of the first."""
    params = {"symbol": f"SN{orders[0].netuid}/TAO", "token": token, "orders": [_fields(order) for order in orders]}
    return _frame({"method": "batch_add", "params": params, "req_id": req_id})


def _fields(order: MarketOrder) -> dict[str, Any]:
    quantity = f"{order.volume // RAO_PER_WHOLE}.{order.volume % RAO_PER_WHOLE // 10:08d}"
    return {"order_type": "market", "side": "sell" if order.is_sell else "buy", "order_qty": float(quantity)}


def _frame(message: dict[str, Any]) -> bytes:
    payload = json.dumps(message, separators=(",", ":")).encode()
    size = len(payload)
    head = bytes([0x81, 0x80 | size]) if size < SHORT else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + bytes(4) + payload


def _req_id(data: bytes, start: int) -> int:
    """Return the number of the request or answer that begins at ``start``."""
    at = data.index(REQ_ID, start) + len(REQ_ID)
    end = at
    while data[end] in DIGITS:
        end += 1
    return int(data[at:end])


class SocketClient(asyncio.Protocol):
    """One connection; ``send`` sends frames, ``samples`` are the seconds from each to its answer.

    ``may_refuse``: that the exchange is busy is an answer too, whose seconds are ``refusals``; it may overtake others.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[None] = loop.create_future()
        self.samples: list[float] = []
        self.refusals: list[float] = []
        self.may_refuse = False
        self._frames: deque[bytes] = deque()
        self._sent: deque[float] = deque()
        self._sent_at: dict[int, float] = {}
        self._rest = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET /v2 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def begin(self, frames: Sequence[bytes], depth: int) -> None:
        """Send all frames, ``depth`` of them under way at a time; ``done`` resolves after the last answer."""
        self.samples, self.done = [], asyncio.get_running_loop().create_future()
        self._frames = deque(frames)
        self._send_some(depth)

    def send(self, frame: bytes, due_s: float) -> None:
        """Send one frame now, that was due at a time of ``perf_counter``."""
        if self.may_refuse:
            self._sent_at[_req_id(frame, 0)] = due_s
        else:
            self._sent.append(due_s)
        self._transport.write(frame)

    @property
    def waiting(self) -> int:
        """Return how many requests wait for their answers."""
        return len(self._sent) + len(self._sent_at)

    def _send_some(self, count: int) -> None:
        frames = [self._frames.popleft() for _ in range(min(count, len(self._frames)))]
        if frames:
            now_s = time.perf_counter()
            if self.may_refuse:
                self._sent_at |= {_req_id(frame, 0): now_s for frame in frames}
            else:
                self._sent.extend([now_s] * len(frames))
            self._transport.write(b"".join(frames))

    def data_received(self, data: bytes) -> None:
        """Take answers in, and send as many more."""
        data = self._rest + data
        if not self.opened.done():
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            if not head.startswith(SWITCHED):
                self._fail(head.decode(errors="replace"))
                return
            self.opened.set_result(None)
        position, size, answered = 0, len(data), 0
        now_s = time.perf_counter()
        while size - position >= 2:
            length, start = data[position + 1], position + 2
            if length == SHORT:
                length, start = int.from_bytes(data[start : start + 2], "big"), start + 2
            elif length == LONG:
                length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
            end = start + length
            if end > size:
                break
            if data[position] == PING:
                self._transport.write(bytes([PONG, 0x80 | length]) + bytes(4) + data[start:end])
            position = end
            if data.startswith(ANSWER, start):
                answered += 1
                if not self._take_answer(data, start, end, now_s):
                    return
        self._rest = data[position:]
        if answered:
            self._send_some(answered)
            if not self._frames and not self.waiting and not self.done.done():
                self.done.set_result(None)

    def _take_answer(self, data: bytes, start: int, end: int, now_s: float) -> bool:
        """Take one answer in, and tell whether to go on."""
        taken_s = now_s - (self._sent_at.pop(_req_id(data, start)) if self.may_refuse else self._sent.popleft())
        is_placed = data.find(SUCCESS, start, end) >= 0 and data.find(ROW_REFUSED, start, end) < 0
        if is_placed or data.startswith(PONGED, start):
            self.samples.append(taken_s)
        elif self.may_refuse and data.find(BUSY, start, end) >= 0:
            self.refusals.append(taken_s)
        else:
            self._fail(data[start:end].decode(errors="replace"))
            return False
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """Fail what is not done."""
        self._fail(f"connection lost: {error}")

    def close(self) -> None:
        """Leave."""
        self._transport.close()

    def _fail(self, why: str) -> None:
        for future in (self.opened, self.done):
            if not future.done():
                future.set_exception(NotPlaced(why))
                future.exception()  # whoever awaits it hears of it
        self._transport.close()


async def connect_all(port: int, count: int) -> list[SocketClient]:
    """Return so many open connections."""
    loop = asyncio.get_running_loop()
    clients = []
    for _ in range(count):
        _, client = await loop.create_connection(SocketClient, "127.0.0.1", port)
        await client.opened
        clients.append(client)
    return clients


async def send_all(
    clients: Sequence[SocketClient], frames: Sequence[Sequence[bytes]], depth: int
) -> tuple[float, list[float]]:
    """Send the frames of every client at once; return seconds in all, and those of each request."""
    begun = time.perf_counter()
    for client, own in zip(clients, frames, strict=True):
        client.begin(own, depth)
    await asyncio.gather(*(client.done for client in clients))
    taken = time.perf_counter() - begun
    return taken, [sample for client in clients for sample in client.samples]


async def send_paced(
    clients: Sequence[SocketClient], frames: Sequence[Sequence[bytes]], rate: float
) -> tuple[float, list[float]]:
    """Send frames at a steady rate over all clients in turn, whatever is answered.

    Returns the seconds until the last answer, and those of each request from the time it was due.
    """
    turns = [frame for turn in zip(*frames, strict=True) for frame in turn]
    for client in clients:
        client.begin([], 0)
    begun, sent = time.perf_counter(), 0
    while sent < len(turns):
        due = min(int((time.perf_counter() - begun) * rate) + 1, len(turns))
        while sent < due:
            clients[sent % len(clients)].send(turns[sent], begun + sent / rate)
            sent += 1
        await asyncio.sleep(max(begun + sent / rate - time.perf_counter(), 0))
    while any(client.waiting for client in clients):
        for client in clients:
            if client.done.done() and client.done.exception() is not None:
                client.done.result()
        await asyncio.sleep(0.001)
    return time.perf_counter() - begun, [sample for client in clients for sample in client.samples]
