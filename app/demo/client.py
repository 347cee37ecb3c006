"""A small client of the exchange's own REST interface, as a customer's program would have it."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import httpx

RATE_LIMIT = "EAPI:Rate limit exceeded"
ATTEMPTS = 30
PAUSE_S = 2.0


class Refused(Exception):  # noqa: N818 - the exchange said no, in its own words
    """The exchange answered with errors; ``errors`` holds its texts."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


def sign_request(path: str, nonce: str, body: bytes, secret: str) -> str:
    """Return ``API-Sign``: base64 of HMAC-SHA512 over path and SHA-256 of nonce and raw body."""
    message = path.encode() + hashlib.sha256(nonce.encode() + body).digest()
    return base64.b64encode(hmac.new(base64.b64decode(secret), message, hashlib.sha512).digest()).decode()


class ExchangeClient:
    """One API key on one exchange; nonces are nanoseconds and strictly increase."""

    def __init__(self, rest: str, *, key: str = "", secret: str = "", timeout_s: float = 30.0) -> None:
        self._http = httpx.AsyncClient(base_url=rest, timeout=timeout_s)
        self._key = key
        self._secret = secret
        self._nonce = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def public(self, name: str, /, **params: object) -> Any:
        """Call a public method and return its result, or raise ``Refused``."""
        answer = await self._http.get(f"/0/public/{name}", params={name: str(value) for name, value in params.items()})
        return _result(answer)

    async def private(self, name: str, /, **params: object) -> Any:
        """Sign and call a private method and return its result, or raise ``Refused``.

        A call that the rate limit kept out did nothing; it is made again, with a new nonce, once the counter decayed.
        """
        for _ in range(ATTEMPTS):
            try:
                return await self._private_once(name, params)
            except Refused as refused:
                if refused.errors != [RATE_LIMIT]:
                    raise
                await asyncio.sleep(PAUSE_S)
        raise Refused([RATE_LIMIT])

    async def _private_once(self, name: str, params: dict[str, object]) -> Any:
        nonce = self._next_nonce()
        path = f"/0/private/{name}"
        body = urlencode({"nonce": nonce, **params}).encode()
        headers = self._headers(path, nonce, body, "application/x-www-form-urlencoded")
        return _result(await self._http.post(path, content=body, headers=headers))

    async def add_address(self, *, asset: str, name: str, address: str) -> Any:
        """Register a withdrawal address under a name; the same again is no error."""
        path = "/v1/withdrawal-addresses"
        nonce = self._next_nonce()
        body = json.dumps({"nonce": nonce, "asset": asset, "key": name, "address": address}).encode()
        answer = await self._http.post(path, content=body, headers=self._headers(path, nonce, body, "application/json"))
        if answer.is_client_error:
            raise Refused([answer.text])
        answer.raise_for_status()
        return answer.json()

    async def get(self, path: str) -> Any:
        """Return the JSON of a ``/v1`` read."""
        answer = await self._http.get(path)
        answer.raise_for_status()
        return answer.json()

    def _next_nonce(self) -> str:
        self._nonce = max(self._nonce + 1, time.time_ns())
        return str(self._nonce)

    def _headers(self, path: str, nonce: str, body: bytes, content_type: str) -> dict[str, str]:
        signature = sign_request(path, nonce, body, self._secret)
        return {"API-Key": self._key, "API-Sign": signature, "Content-Type": content_type}


def _result(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    body: Mapping[str, Any] = answer.json()
    if body["error"]:
        raise Refused(list(body["error"]))
    return body["result"]
