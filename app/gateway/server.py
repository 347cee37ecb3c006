"""The server in front of the application: uvicorn, with a bound on what it gathers before it understands."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.gateway.feeds.door import Door
from app.settings import GatewaySettings

HEAD_BYTES_MAX: Final = 64 * 1_024
CONNECTIONS_MAX: Final = 20_000


class BoundedHttp(HttpToolsProtocol):
    """One HTTP connection whose request line and headers end within ``HEAD_BYTES_MAX``.

    The parser gathers them in memory without a bound of its own.
    """

    _head_bytes = 0
    _is_in_head = True

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._head_bytes = 0
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting; the body has its own bound."""
        self._is_in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Parse, and end the connection when the head is too long."""
        super().data_received(data)
        if self._is_in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self.send_400_response("Request line and headers are too long.")


class GatewayServer(uvicorn.Server):
    """A uvicorn server that leaves signals to whoever owns the process."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Install nothing."""
        yield


def create_server(app: FastAPI, settings: GatewaySettings) -> GatewayServer:
    """Return a server with bounded frames, headers and queues; ``await server.serve()`` runs it on this loop.

    Once it has ``started``, ``listening_port`` tells its port; ``should_exit = True`` ends it.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        ws=Door,
        ws_per_message_deflate=False,  # it costs more than all else of a frame
        ws_max_size=settings.frame_bytes_max,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        http=BoundedHttp,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
        server_header=False,
    )
    return GatewayServer(config)


def listening_port(server: uvicorn.Server) -> int:
    """Return the port a started server listens on."""
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port
