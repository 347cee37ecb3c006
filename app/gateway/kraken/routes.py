"""The doors of ``/0``: read the bytes, find the method, check who asks, answer 200 with the envelope."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.gateway.auth import Authenticator
from app.gateway.bodies import BodyTooLarge, client_address, read_body
from app.gateway.kraken import account, amends, batches, errors, funding, history, ledgers, orders, standing
from app.gateway.kraken.books import Books
from app.gateway.kraken.calls import Call, Handler, Method, PrivateCall, Result
from app.gateway.kraken.charts import Charts
from app.gateway.kraken.envelope import CONTENT_TYPE, encode_refusal, encode_result
from app.gateway.kraken.errors import Refused, malformed
from app.gateway.kraken.fields import Fields, Malformed, parse_body, parse_form
from app.gateway.kraken.public import Public
from app.gateway.kraken.spreads import Spreads
from app.gateway.parts import Parts
from app.observability import Metrics, get_logger
from app.projections.errors import HistoryUnavailable
from ledger.failpoints import fail_point

PUBLIC_PATH: Final = "/0/public/"
PRIVATE_PATH: Final = "/0/private/"
RETRY_AFTER_S: Final = "1"
_ASK_AGAIN: Final = frozenset({errors.UNAVAILABLE, errors.BUSY})


class KrakenRoutes:
    """All of ``/0`` over one set of parts."""

    def __init__(self, parts: Parts, books: Books, metrics: Metrics) -> None:
        self._parts = parts
        self._metrics = metrics
        self._log = get_logger("gateway")
        self._authenticator: Authenticator = parts.authenticator
        charts = Charts(Spreads(parts.replica, books))
        self._public: Mapping[str, Handler] = {**Public(books).methods(), **charts.methods()}
        groups = (account, standing, ledgers, orders, amends, history, batches, funding)
        self._private: Mapping[str, Method] = {
            name: method for group in groups for name, method in group.methods().items()
        }

    async def answer(self, request: Request) -> Response:
        """Return the answer to a call of ``/0`` or below."""
        path: str = request.scope["path"]
        if path.startswith(PRIVATE_PATH):
            return await self._answer(request, path.removeprefix(PRIVATE_PATH), self._call_private)
        if path.startswith(PUBLIC_PATH):
            return await self._answer(request, path.removeprefix(PUBLIC_PATH), self._call_public)
        return await self._answer(request, path, self._call_nothing)

    async def _call_nothing(self, _: Request, name: str) -> Result:
        raise Refused(errors.UNKNOWN_METHOD, "unknown_method", name="method", value=name)

    async def _answer(self, request: Request, name: str, call: Callable[[Request, str], Awaitable[Result]]) -> Response:
        started = time.perf_counter()
        headers = {}
        try:
            body = encode_result(await call(request, name))
        except Refused as refused:
            body = self._refuse(refused)
            if refused.error in _ASK_AGAIN:
                headers["retry-after"] = RETRY_AFTER_S
        except HistoryUnavailable as error:
            headers["retry-after"] = RETRY_AFTER_S
            body = self._refuse(Refused(errors.UNAVAILABLE, error.code))
        except BodyTooLarge as error:
            # The rest of the body is not read: the connection ends with this answer.
            headers["connection"] = "close"
            limit = str(error.limit)
            body = self._refuse(Refused(errors.INVALID_ARGUMENTS, "body_too_large", value=str(error), bound=limit))
        except Exception:  # noqa: BLE001 - a bug of ours is told as one, and the process goes on
            self._log.exception("a call failed", method=name)
            body = self._refuse(Refused(errors.INTERNAL_ERROR, "internal_error"))
        known = name if name in self._public or name in self._private else "unknown"
        self._metrics.requests.labels(known).inc()
        self._metrics.duration.labels(known).observe(time.perf_counter() - started)
        return Response(body, media_type=CONTENT_TYPE, headers=headers)

    def _refuse(self, refused: Refused) -> bytes:
        self._metrics.refusals.labels(refused.code).inc()
        return encode_refusal(refused)

    async def _call_public(self, request: Request, name: str) -> Result:
        handler = self._public.get(name)
        if handler is None:
            raise Refused(errors.UNKNOWN_METHOD, "unknown_method", name="method", value=name)
        now_ms = self._parts.now_ms()
        if not self._parts.limits.public_call(client_address(request), now_ms):
            raise Refused(errors.TOO_MANY_REQUESTS, "too_many_requests")
        try:
            fields = parse_form(request.scope["query_string"])
            if request.method == "POST":
                raw = await read_body(request, self._parts.settings.body_bytes_max)
                fields |= parse_body(raw, request.headers.get("content-type", ""))
        except Malformed as error:
            raise malformed(str(error)) from error
        return await handler(Call(self._parts, Fields(fields), now_ms))

    async def _call_private(self, request: Request, name: str) -> Result:
        method = self._private.get(name)
        if method is None or request.method != "POST":
            raise Refused(errors.UNKNOWN_METHOD, "unknown_method", name="method", value=name)
        raw = await read_body(request, self._parts.settings.body_bytes_max)
        now_ms = self._parts.now_ms()
        headers = request.headers
        api_key = self._authenticator.find_key(headers.get("api-key", ""), client_address(request), now_ms)
        try:
            fields = Fields(parse_body(raw, headers.get("content-type", "")))
        except Malformed as error:
            raise malformed(str(error)) from error
        caller = await self._authenticator.check(
            api_key,
            path=PRIVATE_PATH + name,
            nonce=fields.get("nonce", ""),
            raw_body=raw,
            signature=headers.get("api-sign", ""),
            permission=method.permission,
        )
        if not self._parts.limits.rest_call(api_key.key, method.cost, now_ms):
            raise Refused(errors.API_RATE_LIMIT, "rate_limit")
        return await method.handler(PrivateCall(self._parts, fields, now_ms, caller))


class HotDoor:
    """Answers ``/0`` before the application's routing: the hot surface pays for nothing it does not use."""

    def __init__(self, app: ASGIApp, routes: KrakenRoutes) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request."""
        if scope["type"] == "http" and (scope["path"].startswith("/0/") or scope["path"] == "/0"):
            response = await self._routes.answer(Request(scope, receive))
            await response(scope, receive, send)
            fail_point("gateway.answered")
            return
        await self._app(scope, receive, send)
