"""A small client of the exchange's own REST interface, as a customer's program would have it."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import httpx


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

    async def public(self, method: str, **params: object) -> Any:
        """Call a public method and return its result, or raise ``Refused``."""
        answer = await self._http.get(
            f"/0/public/{method}", params={name: str(value) for name, value in params.items()}
        )
        return _result(answer)

    async def private(self, method: str, **params: object) -> Any:
        """Sign and call a private method and return its result, or raise ``Refused``."""
        self._nonce = max(self._nonce + 1, time.time_ns())
        nonce = str(self._nonce)
        path = f"/0/private/{method}"
        body = urlencode({"nonce": nonce, **params}).encode()
        headers = {
            "API-Key": self._key,
            "API-Sign": sign_request(path, nonce, body, self._secret),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return _result(await self._http.post(path, content=body, headers=headers))

    async def get(self, path: str) -> Any:
        """Return the JSON of a ``/v1`` read."""
        answer = await self._http.get(path)
        answer.raise_for_status()
        return answer.json()


def _result(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    body: Mapping[str, Any] = answer.json()
    if body["error"]:
        raise Refused(list(body["error"]))
    return body["result"]
