"""One ``/v2`` socket: hears requests, answers them, and carries the frames of its streams."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from app.gateway.auth import ApiKey
from app.gateway.feeds.door import Door
from app.gateway.feeds.frames import pong_frame, reply_frame, status_frame
from app.gateway.feeds.hot import Desk
from app.gateway.feeds.hub import Hub
from app.gateway.feeds.lane import Lane
from app.gateway.feeds.outbox import Outbox
from app.gateway.feeds.subscription import (
    PRIVATE,
    UNKNOWN_METHOD,
    Asked,
    Reply,
    Stream,
    Subscriptions,
    Unreadable,
    read_frame,
)
from app.gateway.feeds.trading import Session
from app.gateway.limits import SCALE
from app.gateway.parts import Parts
from app.observability import Metrics

TOO_SLOW: Final = 1008
# Trading requests of one socket that wait for their answers; a client that sends more waits with them.
IN_FLIGHT_MAX: Final = 64
SEVERAL_STEPS: Final = frozenset({"edit_order", "batch_add", "cancel_order", "batch_cancel"})
"""Methods that the general way does in several commands: what the same client asks next waits for all of them."""


class Sockets:
    """Receives every ``/v2`` socket of one gateway."""

    def __init__(self, parts: Parts, hub: Hub, metrics: Metrics) -> None:
        self._parts = parts
        self._hub = hub
        self._metrics = metrics
        self._lane = Lane(parts)
        self._desk = Desk(parts, self._lane)

    def receive(self, address: str, door: Door) -> "Connection | None":
        """Begin to serve a socket, or turn it away: so many are open at once, and so often may an address connect."""
        full = self._hub.socket_count >= self._parts.settings.sockets_max
        if full or not self._parts.limits.connection(address, self._parts.now_ms()):
            return None
        return Connection(self._parts, self._hub, self._metrics, self._lane, self._desk, door)


class Connection:
    """One accepted socket: its queue of frames, its streams, and its requests that wait for an answer."""

    def __init__(self, parts: Parts, hub: Hub, metrics: Metrics, lane: Lane, desk: Desk, door: Door) -> None:
        self._parts = parts
        self._hub = hub
        self._metrics = metrics
        self._lane = lane
        self._desk = desk
        self._door = door
        self._outbox = Outbox(parts.settings.outbox_max, self._wake)
        self._subscriptions = Subscriptions(
            parts.settings.subscriptions_max, max_rate_count=parts.limits.tier.engine.maximum // SCALE
        )
        self._session = Session(parts)
        self._held: dict[Stream, str] = {}
        self._in_flight = 0
        self._is_alone = False
        self._tasks: set[asyncio.Task[None]] = set()
        system = "cancel_only" if parts.replica.reads.halts().money else "online"
        self._outbox.put(status_frame(system, hub.next_connection_id()))
        hub.join(self._outbox)

    def hear(self, message: bytes, *, is_text: bool) -> None:
        """Take one message; where enough is on its way, read no more for now."""
        in_ms = self._parts.now_ms()
        self._in_flight += 1
        if not self._desk.take(self, message, in_ms):
            self._in_flight -= 1
            self._hear_other(message, in_ms, is_text=is_text)
        if self._in_flight >= IN_FLIGHT_MAX or self._is_alone:
            self._door.hold()

    def find_key(self, token: object) -> ApiKey | None:
        """Return the key of a good token."""
        return self._session.find_key(token)

    def answer(self, frames: Sequence[str]) -> None:
        """Send the answers to one request that was on its way."""
        for frame in frames:
            if self._outbox.is_full and self._door.is_writable:
                self._door.flush()
            self._outbox.put(frame)
        self._ended()

    def take_frames(self) -> list[str | bytes]:
        """Return what is to be sent, and forget it."""
        frames = self._outbox.drain()
        self._metrics.frames.inc(len(frames))
        return frames

    def left(self) -> None:
        """Forget the socket. What was ordered already is ordered: nobody hears those answers."""
        self._hub.leave(self._outbox, self._subscriptions.streams)
        for token in self._held.values():
            self._parts.tokens.release(token)
        self._held.clear()

    def _ended(self) -> None:
        self._in_flight -= 1
        if self._in_flight <= IN_FLIGHT_MAX // 2 and not self._is_alone:
            self._door.go_on()

    def _wake(self) -> None:
        if not self._outbox.is_overflown:
            self._door.wake()
        elif self._door.shut(TOO_SLOW):
            self._metrics.dropped.inc()

    def _hear_other(self, message: bytes, in_ms: int, *, is_text: bool) -> None:
        """Take a message that is no trading request, or an unusual one."""
        if is_text and not _is_utf8(message):
            self._door.refuse_text()
            return
        try:
            asked = read_frame(message)
        except Unreadable as error:
            self._reply(Reply("", error.req_id, error=str(error)), in_ms)
            return
        if asked.method == "ping":
            self._outbox.put(pong_frame(asked.req_id, in_ms=in_ms, out_ms=self._parts.now_ms()))
        elif asked.method in {"subscribe", "unsubscribe"}:
            for reply in self._subscriptions.answer(asked, self._find_symbol, self._session.find_key):
                self._reply(reply, in_ms)
                self._act(reply, asked)
        elif self._session.knows(asked.method):
            self._begin(asked, in_ms)
        else:
            self._reply(Reply(asked.method, asked.req_id, error=UNKNOWN_METHOD), in_ms)

    def _begin(self, asked: Asked, in_ms: int) -> None:
        """Let the general way do a trading request, behind what was gathered before it."""
        self._lane.cut()
        self._in_flight += 1
        self._is_alone = asked.method in SEVERAL_STEPS
        task = asyncio.create_task(self._trade(asked, in_ms))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _trade(self, asked: Asked, in_ms: int) -> None:
        try:
            for reply in await self._session.answer(asked):
                self._reply(reply, in_ms)
        finally:
            if asked.method in SEVERAL_STEPS:
                self._is_alone = False
            self._ended()

    def _find_symbol(self, text: str) -> str | None:
        pair = self._parts.replica.names.find_pair(text) if "/" in text else None
        return pair.wsname if pair is not None else None

    def _reply(self, reply: Reply, in_ms: int) -> None:
        self._outbox.put(reply_frame(reply, in_ms=in_ms, out_ms=self._parts.now_ms()))

    def _act(self, reply: Reply, asked: Asked) -> None:
        """Begin or end the stream that a reply acknowledged."""
        stream = reply.stream
        if stream is None:
            return
        if stream.channel in PRIVATE:
            self._hold_token(stream, asked)
        if reply.method == "unsubscribe":
            self._hub.unsubscribe(self._outbox, stream)
        else:
            self._hub.subscribe(self._outbox, stream, reply.result if isinstance(reply.result, Mapping) else {})

    def _hold_token(self, stream: Stream, asked: Asked) -> None:
        """Keep the token of a private stream good while the stream is up."""
        before = self._held.pop(stream, None)
        token = str(asked.params.get("token"))
        key = self._session.find_key(token)
        if asked.method == "subscribe" and key is not None:
            self._parts.tokens.hold(token, key)
            self._held[stream] = token
        if before is not None:
            self._parts.tokens.release(before)


def _is_utf8(message: bytes) -> bool:
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True
