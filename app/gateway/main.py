"""The gateway as one ASGI application; ``server.py`` runs it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from app.gateway.feeds.hub import Hub
from app.gateway.feeds.legacy import LegacyFeeds
from app.gateway.feeds.socket import Sockets
from app.gateway.kraken.books import Books
from app.gateway.kraken.routes import HotDoor, KrakenRoutes
from app.gateway.parts import Parts
from app.gateway.problems import Problem
from app.gateway.seq import SeqHeader
from app.gateway.server import GatewayServer, create_server, listening_port
from app.gateway.v1.addresses import addresses_router
from app.gateway.v1.custody import custody_router
from app.gateway.v1.executions import executions_router
from app.gateway.v1.operations import operations_router
from app.gateway.v1.quotes import quotes_router
from app.gateway.v1.terms import terms_router
from app.observability import METRICS_TYPE, Metrics
from app.projections.errors import HistoryUnavailable

__all__ = ["GatewayServer", "create_app", "create_server", "listening_port"]

_ROUTING_CODES: Final = {404: "not_found", 405: "method_not_allowed"}


def create_app(parts: Parts) -> FastAPI:
    """Return the application over these parts.

    The hot surface ``/0`` is answered before any routing, the ``/v2`` socket by the server's own doors; ``/v1`` is
    FastAPI with its OpenAPI document.
    """
    metrics = Metrics()
    books = Books(parts.replica)
    hub = Hub(parts.replica, books, metrics, parts.now_ms, parts.history)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        feeds = asyncio.create_task(hub.run(), name="feeds")
        try:
            yield
        finally:
            feeds.cancel()
            with suppress(asyncio.CancelledError):
                await feeds

    app = FastAPI(
        title="taobourse",
        version="0.1.0",
        openapi_url="/v1/openapi.json",
        docs_url="/v1/docs",
        redoc_url=None,
        lifespan=lifespan,
    )
    app.include_router(operations_router(parts))
    app.include_router(terms_router(parts))
    app.include_router(custody_router(parts))
    app.include_router(addresses_router(parts))
    app.include_router(quotes_router(parts))
    app.include_router(executions_router(parts))
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HistoryUnavailable, _answer_unavailable)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_middleware(HotDoor, routes=KrakenRoutes(parts, books, metrics))
    app.add_middleware(SeqHeader, replica=parts.replica)
    app.state.sockets = Sockets(parts, hub, metrics)  # for the doors of server.py, which serve /v2 themselves
    app.router.routes.append(WebSocketRoute("/", LegacyFeeds(parts, books).serve))
    app.router.routes.extend(_health_routes(parts, metrics))
    return app


def _health_routes(parts: Parts, metrics: Metrics) -> list[Route]:
    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        ready = parts.is_ready()
        told = {"ready": ready, "seq": parts.replica.seq, **({"gateway": parts.name} if parts.name else {})}
        return JSONResponse(told, 200 if ready else 503, None if ready else {"retry-after": "1"})

    async def metrics_text(_: Request) -> Response:
        return Response(metrics.exposition() + parts.more_metrics(), media_type=METRICS_TYPE)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics_text)]


async def _answer_problem(_: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    return error.response()


async def _answer_unavailable(_: Request, error: Exception) -> Response:
    if not isinstance(error, HistoryUnavailable):
        raise error
    return Problem(503, error.code, "History cannot be read now", retry_after_s=1).response()


async def _answer_http(request: Request, error: Exception) -> Response:
    """Answer what the routing refuses: a path that is not there, a verb that a path does not take."""
    if not isinstance(error, HTTPException):
        raise error
    code = _ROUTING_CODES.get(error.status_code, "refused")
    response = Problem(error.status_code, code, str(error.detail), value=request.url.path[:120]).response()
    response.headers.update(error.headers or {})
    return response


async def _answer_invalid(_: Request, error: Exception) -> Response:
    return Problem(422, "malformed_request", "The request does not have the right form", str(error)[:120]).response()
