"""The exchanges that the clients' harnesses talk to."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from kraken.spot import SpotClient

from app.postgres.embedded import EmbeddedPostgres
from tests.support import small_exchange as kit
from tests.support.served_exchange import ServedExchange, served
from tests.support.small_exchange import ALICE, BOB, Client, SmallExchange


@pytest.fixture(autouse=True)
def _database_server(embedded_postgres: EmbeddedPostgres) -> None:
    """Have the server that the history of exchanges is kept in."""
    assert embedded_postgres.url


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedExchange]:
    """An exchange in a thread of its own, for blocking clients."""
    with served() as exchange:
        # Some clients of python-kraken-sdk build others inside and give them no URL.
        monkeypatch.setattr(SpotClient, "URL", exchange.rest)
        yield exchange


@pytest.fixture
async def exchange() -> AsyncIterator[SmallExchange]:
    built = await kit.build()
    async with kit.serve(built):
        yield built


@pytest.fixture
async def bob(exchange: SmallExchange) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(base_url=exchange.rest) as http:
        yield Client(http, exchange.keys[BOB])


@pytest.fixture
async def alice(exchange: SmallExchange) -> AsyncIterator[Client]:
    """Alice at REST, with a key of her own: clients count nonces in different units."""
    async with httpx.AsyncClient(base_url=exchange.rest) as http:
        yield Client(http, await exchange.add_key(ALICE))
