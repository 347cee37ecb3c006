"""The websocket server: frames in and out, limits on both, and nobody else waits for a slow client."""

import asyncio
import contextlib
import logging
from functools import partial
from typing import Any, Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from chain.rpc.hub import Hub
from chain.rpc.jsonrpc import INTERNAL_ERROR, RpcError, answer_frame
from chain.rpc.methods import Backend, call_method
from chain.rpc.session import Session

FRAME_BYTES_MAX: Final = 16 * 1024 * 1024
CONNECTIONS_MAX: Final = 256
FRAMES_IN_FLIGHT: Final = 64
"""Frames of one client that were read and not yet answered; beyond that its socket is not read."""

SEND_SECONDS_MAX: Final = 20
"""How long a few frames may take to leave before their reader counts as gone."""
FRAMES_PER_TURN: Final = 8
"""How many frames of one client are answered before others have a turn; their answers leave in one write."""
FRAMES_AT_ONCE: Final = 16
"""How many frames share that time."""

_CROWDED: Final = 1013

_log = logging.getLogger(__name__)


class RpcServer:
    """Serves a node to clients; ``hub`` holds its sessions."""

    def __init__(self, node: Backend, hub: Hub) -> None:
        self._node = node
        self._hub = hub
        self._server: Server | None = None
        self._numbers = 0

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port; ``port`` 0 takes a free one."""
        self._server = await serve(
            self._serve,
            host,
            port,
            max_size=FRAME_BYTES_MAX,
            max_queue=FRAMES_IN_FLIGHT,
            compression=None,
            ping_interval=30,
            ping_timeout=60,
            close_timeout=1,
        )
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, connection: ServerConnection) -> None:
        if len(self._hub.sessions) >= CONNECTIONS_MAX:
            await connection.close(_CROWDED, "too many connections")
            return
        self._numbers += 1
        session = Session(self._numbers)
        self._hub.sessions[session.number] = session
        writer = asyncio.create_task(_write(connection, session))
        try:
            await self._read(connection, session)
        except ConnectionClosed:
            pass
        finally:
            del self._hub.sessions[session.number]
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                await writer

    async def _read(self, connection: ServerConnection, session: Session) -> None:
        call = partial(self._call, session)
        answered = 0
        async for frame in connection:
            session.answer(await answer_frame(frame, call))
            answered += 1
            # A client with a long queue of requests must not keep the loop from making blocks.
            if answered % FRAMES_PER_TURN == 0:
                await asyncio.sleep(0)

    async def _call(self, session: Session, method: str, params: list[Any]) -> Any:
        try:
            return await call_method(self._node, session, method, params)
        except RpcError:
            raise
        except Exception:  # noqa: BLE001 - whatever it was, it is logged and answered
            # Reading never changes the chain, so our own mistake in one answer ends that answer and nothing else.
            _log.exception("method %s failed", method)
            raise RpcError(INTERNAL_ERROR, "Internal error") from None


async def _write(connection: ServerConnection, session: Session) -> None:
    """Send queued frames; a client that stops reading is closed, and its queue with it."""
    try:
        while await session.has_frames():
            # One timer for several frames: setting one up costs as much as sending a short answer.
            async with asyncio.timeout(SEND_SECONDS_MAX):
                for frame in session.take_frames(FRAMES_AT_ONCE):
                    await connection.send(frame, text=True)
    except TimeoutError:
        pass
    # The close handshake would wait behind what was not read, so the transport is cut.
    connection.transport.abort()
