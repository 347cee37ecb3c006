"""The older socket protocol at ``/``: events in, arrays out, as one known client speaks it."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.support.small_exchange import Client, SmallExchange
from tests.support.sockets import WAIT_SECONDS


@pytest.fixture
async def legacy(exchange: SmallExchange) -> AsyncIterator[ClientConnection]:
    async with connect(exchange.rest.replace("http", "ws") + "/") as connection:
        status = await receive(connection)
        assert (status["event"], status["status"]) == ("systemStatus", "online")
        yield connection


async def receive(connection: ClientConnection) -> Any:
    """Return the next frame that is no heartbeat."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            told = json.loads(await connection.recv())
            if not isinstance(told, dict) or told.get("event") != "heartbeat":
                return told


async def subscribe(connection: ClientConnection, **subscription: Any) -> dict[str, Any]:
    request = {"event": "subscribe", "pair": ["SN1/TAO"], "subscription": subscription, "reqid": 7}
    if "token" in subscription:
        del request["pair"]
    await connection.send(json.dumps(request))
    told: dict[str, Any] = await receive(connection)
    assert (told["event"], told["reqid"]) == ("subscriptionStatus", 7)
    return told


def crc(book: dict[str, dict[str, str]]) -> str:
    asks = sorted(book["a"].items(), key=lambda row: float(row[0]))[:10]
    bids = sorted(book["b"].items(), key=lambda row: -float(row[0]))[:10]
    figures = (text for row in (*asks, *bids) for text in row)
    return str(zlib.crc32("".join(text.replace(".", "").lstrip("0") for text in figures).encode()))


async def test_a_book_is_kept_up_by_its_own_checksum(legacy: ClientConnection, alice: Client) -> None:
    told = await subscribe(legacy, name="book", depth=10)
    assert (told["status"], told["channelName"], told["pair"]) == ("subscribed", "book-10", "SN1/TAO")
    channel, snapshot, name, pair = await receive(legacy)
    assert (channel, name, pair) == (told["channelID"], "book-10", "SN1/TAO")
    book = {side: {row[0]: row[1] for row in snapshot[f"{side}s"]} for side in ("a", "b")}

    sale = {"pair": "SN1TAO", "type": "sell", "ordertype": "limit", "volume": "3", "price": "0.020005"}
    await alice.ok("AddOrder", **sale)
    _, change, *_ = await receive(legacy)

    for side in ("a", "b"):
        for price, volume, _ in change.get(side, []):
            book[side][price] = volume
            if float(volume) == 0:
                del book[side][price]
        kept = sorted(book[side], key=float, reverse=side == "b")[:10]
        book[side] = {price: book[side][price] for price in kept}
    assert book["a"]["0.02000500"] == "3.00000000"
    assert change["c"] == crc(book)


async def test_trades_and_candles_follow_an_order(legacy: ClientConnection, alice: Client) -> None:
    await subscribe(legacy, name="trade")
    assert (await receive(legacy))[1] == []
    assert (await subscribe(legacy, name="ohlc", interval=5))["channelName"] == "ohlc-5"
    assert (await receive(legacy))[2] == "ohlc-5"

    await alice.ok("AddOrder", pair="SN1TAO", type="sell", ordertype="market", volume="2")

    (trade,), name = (await receive(legacy))[1:3]
    assert (name, trade[1], trade[3:]) == ("trade", "2.000000000", ["s", "m", ""])
    candle = (await receive(legacy))[1]
    assert (candle[5], candle[7], candle[8]) == (trade[0], "2.000000000", 1)


async def test_own_orders_and_trades_come_with_a_sequence(legacy: ClientConnection, alice: Client, token: str) -> None:
    for name in ("openOrders", "ownTrades"):
        assert (await subscribe(legacy, name=name, token=token))["status"] == "subscribed"
        assert await receive(legacy) == [[], name, {"sequence": 1}]

    placed = await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="2", userref="5")

    ((row,), name, numbered), ((mine,), own, second) = await receive(legacy), await receive(legacy)
    (order,), (trade,) = row.values(), mine.values()
    assert (name, numbered, own, second) == ("openOrders", {"sequence": 2}, "ownTrades", {"sequence": 2})
    assert (list(row), order["status"], order["userref"]) == (placed["txid"], "closed", 5)
    assert (trade["ordertxid"], trade["userref"], trade["vol"]) == (placed["txid"][0], 5, "2.000000000")


@pytest.mark.parametrize(
    ("request_text", "member", "text"),
    [
        ('{"event": "ping", "reqid": 3}', "event", "pong"),
        ("nonsense", "errorMessage", "Malformed request"),
        ('{"event": "dance"}', "errorMessage", "Unsupported event"),
        (
            '{"event": "subscribe", "pair": ["SN9/TAO"], "subscription": {"name": "book"}}',
            "errorMessage",
            "Currency pair not supported SN9/TAO",
        ),
        (
            '{"event": "subscribe", "pair": ["SN1/TAO"], "subscription": {"name": "book", "depth": 7}}',
            "errorMessage",
            "Subscription depth not supported",
        ),
        (
            '{"event": "subscribe", "pair": ["SN1/TAO"], "subscription": {"name": "spread9"}}',
            "errorMessage",
            "Subscription name invalid",
        ),
        (
            '{"event": "subscribe", "subscription": {"name": "ownTrades", "token": "x"}}',
            "errorMessage",
            "ESession:Invalid session",
        ),
    ],
)
async def test_what_it_does_not_know_is_told(
    legacy: ClientConnection, request_text: str, member: str, text: str
) -> None:
    await legacy.send(request_text)

    assert (await receive(legacy))[member] == text
