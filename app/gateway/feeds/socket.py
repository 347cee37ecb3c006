"""One ``/v2`` socket: reads requests, writes what its outbox holds, and ends when either side does."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from app.gateway.feeds.frames import pong_frame, reply_frame, status_frame
from app.gateway.feeds.hub import Hub
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
TRY_LATER: Final = 1013
CLOSE_SECONDS: Final = 2.0
# Trading requests of one socket that wait for their answers; a client that sends more waits with them.
IN_FLIGHT_MAX: Final = 64


class Sockets:
    """Serves every ``/v2`` socket of one gateway."""

    def __init__(self, parts: Parts, hub: Hub, metrics: Metrics) -> None:
        self._parts = parts
        self._hub = hub
        self._metrics = metrics

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one socket until it ends."""
        address = websocket.client.host if websocket.client is not None else ""
        full = self._hub.socket_count >= self._parts.settings.sockets_max
        if full or not self._parts.limits.connection(address, self._parts.now_ms()):
            await websocket.close(TRY_LATER)
            return
        await websocket.accept()
        await Connection(self._parts, self._hub, self._metrics, websocket).run()


class Connection:
    """One accepted socket: its queue of frames, its streams, and its requests that wait for an answer."""

    def __init__(self, parts: Parts, hub: Hub, metrics: Metrics, websocket: WebSocket) -> None:
        self._parts = parts
        self._hub = hub
        self._metrics = metrics
        self._websocket = websocket
        self._outbox = Outbox(parts.settings.outbox_max)
        self._subscriptions = Subscriptions(
            parts.settings.subscriptions_max, max_rate_count=parts.limits.tier.engine.maximum // SCALE
        )
        self._session = Session(parts)
        self._held: dict[Stream, str] = {}
        self._room = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._in_flight: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve the socket until either side ends it."""
        system = "cancel_only" if self._parts.replica.reads.halts().money else "online"
        self._outbox.put(status_frame(system, self._hub.next_connection_id()))
        self._hub.join(self._outbox)
        reader = asyncio.create_task(self._read())
        writer = asyncio.create_task(self._write())
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(self._outbox, self._subscriptions.streams)
            for token in self._held.values():
                self._parts.tokens.release(token)
            for task in (reader, writer):
                task.cancel()
            # What was ordered already is ordered: those requests end by themselves, only nobody hears their answers.
            await asyncio.gather(reader, writer, *self._in_flight, return_exceptions=True)
            await self._close()

    async def _close(self) -> None:
        if self._outbox.is_overflown:
            self._metrics.dropped.inc()
        if self._websocket.client_state is not WebSocketState.CONNECTED:
            return
        # A peer that reads nothing never answers the close either: it is given a moment, not for ever.
        with suppress(TimeoutError, RuntimeError, OSError, WebSocketDisconnect):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._websocket.close(TOO_SLOW if self._outbox.is_overflown else 1000)

    async def _write(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError, OSError):
            while frames := await self._outbox.take():
                for frame in frames:
                    await self._websocket.send_text(frame)
                    if self._outbox.is_overflown:
                        return
                self._metrics.frames.inc(len(frames))

    async def _read(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            frame = message.get("text") or message.get("bytes") or b""
            in_ms = self._parts.now_ms()
            try:
                asked = read_frame(frame)
            except Unreadable as error:
                self._reply(Reply("", error.req_id, error=str(error)), in_ms)
                continue
            if asked.method == "ping":
                self._outbox.put(pong_frame(asked.req_id, in_ms=in_ms, out_ms=self._parts.now_ms()))
            elif asked.method in {"subscribe", "unsubscribe"}:
                for reply in self._subscriptions.answer(asked, self._find_symbol, self._session.find_key):
                    self._reply(reply, in_ms)
                    self._act(reply, asked)
            elif self._session.knows(asked.method):
                await self._room.acquire()
                task = asyncio.create_task(self._trade(asked, in_ms))
                self._in_flight.add(task)
                task.add_done_callback(self._in_flight.discard)
            else:
                self._reply(Reply(asked.method, asked.req_id, error=UNKNOWN_METHOD), in_ms)
            # One who sends without ever reading fills its own outbox and is dropped; others get their turn meanwhile.
            await asyncio.sleep(0)

    async def _trade(self, asked: Asked, in_ms: int) -> None:
        try:
            for reply in await self._session.answer(asked):
                self._reply(reply, in_ms)
        finally:
            self._room.release()

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
