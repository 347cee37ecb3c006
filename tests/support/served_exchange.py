"""The small exchange on a thread of its own, so that clients that block can talk to it."""

import asyncio
import base64
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from app.gateway.auth import sign
from app.gateway.vault import NewKey
from tests.support import small_exchange as kit
from tests.support.small_exchange import SmallExchange

T = TypeVar("T")
TIMEOUT_S = 60.0


@dataclass
class ServedExchange:
    """An exchange that answers at ``rest``; ``run`` does something on its own loop."""

    exchange: SmallExchange
    loop: asyncio.AbstractEventLoop

    @property
    def rest(self) -> str:
        return self.exchange.rest

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(TIMEOUT_S)

    def new_key(self, account: int) -> NewKey:
        """Return a fresh API key: clients count nonces in units of their own."""
        return self.run(self.exchange.add_key(account))

    def add_address(self, account: int, **fields: str) -> None:
        """Register a withdrawal address as a customer does."""
        key, path = self.new_key(account), "/v1/withdrawal-addresses"
        body = httpx.Request("POST", "http://x", json={"nonce": "1", **fields}).content
        headers = {
            "API-Key": key.key,
            "API-Sign": sign(path, "1", body, base64.b64decode(key.secret)),
            "Content-Type": "application/json",
        }
        answer = httpx.post(f"{self.rest}{path}", content=body, headers=headers)
        assert answer.status_code == 201, answer.text

    def import_head(self, **changes: Any) -> None:
        """Import the next head."""
        self.run(self.exchange.import_head(**changes))


@contextmanager
def served() -> Iterator[ServedExchange]:
    """Serve a small exchange until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="exchange")
    thread.start()
    try:
        exchange = asyncio.run_coroutine_threadsafe(kit.build(), loop).result(TIMEOUT_S)
        serving = kit.serve(exchange)
        asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result(TIMEOUT_S)
        try:
            yield ServedExchange(exchange, loop)
        finally:
            asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result(TIMEOUT_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(TIMEOUT_S)
        loop.close()
