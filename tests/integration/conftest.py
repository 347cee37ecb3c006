"""Fixtures of the gateway's doors: a small exchange that is served, two customers, a socket with a token."""

from collections.abc import AsyncIterator

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from app.postgres.embedded import EmbeddedPostgres
from tests.support import small_exchange as kit
from tests.support.small_exchange import ALICE, BOB, Client, SmallExchange, decode_frame


@pytest.fixture(autouse=True)
def _database_server(request: pytest.FixtureRequest) -> None:
    """Have the server that the history of exchanges is kept in, wherever a test may build one."""
    if "gateway" in request.module.__name__:
        request.getfixturevalue("embedded_postgres")


@pytest.fixture
async def exchange(embedded_postgres: EmbeddedPostgres) -> AsyncIterator[SmallExchange]:
    assert embedded_postgres.url  # history is kept there
    built = await kit.build()
    async with kit.serve(built):
        yield built


@pytest.fixture
async def alice(exchange: SmallExchange) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(base_url=exchange.rest) as http:
        yield Client(http, exchange.keys[ALICE])


@pytest.fixture
async def bob(exchange: SmallExchange) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(base_url=exchange.rest) as http:
        yield Client(http, exchange.keys[BOB])


@pytest.fixture
async def token(alice: Client) -> str:
    told: str = (await alice.ok("GetWebSocketsToken"))["token"]
    return told


@pytest.fixture
async def socket(exchange: SmallExchange) -> AsyncIterator[ClientConnection]:
    async with connect(exchange.rest.replace("http", "ws") + "/v2") as connection:
        assert decode_frame(await connection.recv())["channel"] == "status"
        yield connection
