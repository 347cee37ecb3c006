"""One ``/v2`` socket: reads requests, writes what its outbox holds, and ends when either side does."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from app.gateway.feeds.frames import pong_frame, reply_frame, status_frame
from app.gateway.feeds.hub import Hub, Outbox
from app.gateway.feeds.subscription import (
    UNKNOWN_METHOD,
    Asked,
    Reply,
    Subscriptions,
    Unreadable,
    read_frame,
)
from app.gateway.parts import Parts
from app.observability import Metrics

TOO_SLOW: Final = 1008
TRY_LATER: Final = 1013
CLOSE_SECONDS: Final = 2.0


class Sockets:
    """Serves every ``/v2`` socket of one gateway."""

    def __init__(self, parts: Parts, hub: Hub, metrics: Metrics) -> None:
        self._parts = parts
        self._hub = hub
        self._metrics = metrics

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one socket until it ends."""
        address = websocket.client.host if websocket.client is not None else ""
        now_ms = self._parts.now_ms()
        full = self._hub.socket_count >= self._parts.settings.sockets_max
        if full or not self._parts.limits.connection(address, now_ms):
            await websocket.close(TRY_LATER)
            return
        await websocket.accept()
        outbox = Outbox(self._parts.settings.outbox_max)
        subscriptions = Subscriptions(self._parts.settings.subscriptions_max)
        system = "cancel_only" if self._parts.replica.reads.halts().money else "online"
        outbox.put(status_frame(system, self._hub.next_connection_id()))
        self._hub.join(outbox)
        reader = asyncio.create_task(self._read(websocket, outbox, subscriptions))
        writer = asyncio.create_task(self._write(websocket, outbox))
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(outbox, subscriptions.streams)
            for task in (reader, writer):
                task.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)
            await self._close(websocket, outbox)

    async def _close(self, websocket: WebSocket, outbox: Outbox) -> None:
        if outbox.is_overflown:
            self._metrics.dropped.inc()
        if websocket.client_state is not WebSocketState.CONNECTED:
            return
        # A peer that reads nothing never answers the close either: it is given a moment, not for ever.
        with suppress(TimeoutError, RuntimeError, OSError, WebSocketDisconnect):
            async with asyncio.timeout(CLOSE_SECONDS):
                await websocket.close(TOO_SLOW if outbox.is_overflown else 1000)

    async def _write(self, websocket: WebSocket, outbox: Outbox) -> None:
        with suppress(WebSocketDisconnect, RuntimeError, OSError):
            while frames := await outbox.take():
                for frame in frames:
                    await websocket.send_text(frame)
                    if outbox.is_overflown:
                        return
                self._metrics.frames.inc(len(frames))

    async def _read(self, websocket: WebSocket, outbox: Outbox, subscriptions: Subscriptions) -> None:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            frame = message.get("text") or message.get("bytes") or b""
            in_ms = self._parts.now_ms()
            try:
                asked = read_frame(frame)
            except Unreadable as error:
                reply = Reply("", error.req_id, error=str(error))
                outbox.put(reply_frame(reply, in_ms=in_ms, out_ms=self._parts.now_ms()))
                continue
            if asked.method == "ping":
                outbox.put(pong_frame(asked.req_id, in_ms=in_ms, out_ms=self._parts.now_ms()))
                continue
            for reply in self._replies(asked, subscriptions):
                self._act(reply, outbox, in_ms)
            # One who sends without ever reading fills its own outbox and is dropped; others get their turn meanwhile.
            await asyncio.sleep(0)

    def _replies(self, asked: Asked, subscriptions: Subscriptions) -> Iterator[Reply]:
        if asked.method in {"subscribe", "unsubscribe"}:
            return subscriptions.answer(asked, self._find_symbol)
        return iter([Reply(asked.method, asked.req_id, error=UNKNOWN_METHOD)])

    def _find_symbol(self, text: str) -> str | None:
        pair = self._parts.replica.names.find_pair(text) if "/" in text else None
        return pair.wsname if pair is not None else None

    def _act(self, reply: Reply, outbox: Outbox, in_ms: int) -> None:
        outbox.put(reply_frame(reply, in_ms=in_ms, out_ms=self._parts.now_ms()))
        if reply.stream is None:
            return
        if reply.method == "unsubscribe":
            self._hub.unsubscribe(outbox, reply.stream)
        else:
            self._hub.subscribe(outbox, reply.stream, with_snapshot=reply.with_snapshot)
