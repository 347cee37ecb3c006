"""A client at the ``/v2`` door: real frames over loopback."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app.settings import GatewaySettings
from ledger.engine.layout import CommandKind, Stage
from ledger.engine.records import command
from tests.support import small_exchange as kit
from tests.support.small_exchange import NETUID, Client, SmallExchange, decode_frame
from tests.support.sockets import WAIT_SECONDS, receive


async def ask(connection: ClientConnection, **request: Any) -> None:
    await connection.send(json.dumps(request))


async def closing_code(connection: ClientConnection) -> int | None:
    """Read until the server closes, and return the code it gave."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                await connection.recv()
    return connection.close_code


async def subscribe(connection: ClientConnection, channel: str, **params: Any) -> dict[str, Any]:
    """Subscribe to SN1/TAO, check the acknowledgement, and return the snapshot."""
    await ask(connection, method="subscribe", params={"channel": channel, "symbol": ["SN1/TAO"], **params}, req_id=1)
    told = await receive(connection)
    assert (told["success"], told["req_id"], told["result"]["symbol"]) == (True, 1, "SN1/TAO")
    snapshot: dict[str, Any] = await receive(connection)
    assert (snapshot["channel"], snapshot["type"]) == (channel, "snapshot")
    return snapshot


async def test_a_socket_is_told_the_status_and_hears_heartbeats(exchange: SmallExchange) -> None:
    async with connect(exchange.rest.replace("http", "ws") + "/v2") as connection:
        status = decode_frame(await connection.recv())
        async with asyncio.timeout(WAIT_SECONDS):
            beat = decode_frame(await connection.recv())

    assert status["type"] == "update"
    assert status["data"][0] | {"connection_id": 1} == {
        "system": "online",
        "api_version": "v2",
        "connection_id": 1,
        "version": "2.0.0",
    }
    assert beat == {"channel": "heartbeat"}


async def test_a_ping_is_answered_with_its_id(socket: ClientConnection) -> None:
    await ask(socket, method="ping", req_id=101)

    told = await receive(socket)

    assert (told["method"], told["req_id"]) == ("pong", 101)
    assert told["time_in"].endswith("Z")


async def test_a_trade_over_rest_reaches_ticker_and_trade_feeds(socket: ClientConnection, alice: Client) -> None:
    ticker = await subscribe(socket, "ticker")
    trades = await subscribe(socket, "trade")
    assert trades["data"] == []
    assert ticker["data"][0]["bid"] < ticker["data"][0]["ask"]

    await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="100")

    first, second = await receive(socket), await receive(socket)
    (trade,) = first["data"]
    assert (first["channel"], first["type"]) == ("trade", "update")
    assert (trade["symbol"], trade["side"], trade["qty"], trade["ord_type"]) == ("SN1/TAO", "buy", 100, "market")
    assert trade["trade_id"] == 1
    assert second["channel"] == "ticker"
    assert second["data"][0]["last"] == trade["price"]
    assert second["data"][0]["volume"] == 100
    assert second["data"][0]["ask"] > ticker["data"][0]["ask"]


async def test_a_late_subscriber_gets_the_last_trades_first(socket: ClientConnection, alice: Client) -> None:
    for _ in range(3):
        await alice.ok("AddOrder", pair="SN1TAO", type="sell", ordertype="market", volume="1")

    snapshot = await subscribe(socket, "trade")

    assert [row["trade_id"] for row in snapshot["data"]] == [1, 2, 3]
    assert {row["side"] for row in snapshot["data"]} == {"sell"}


async def test_numbers_are_plain_decimals_and_never_exponents(socket: ClientConnection) -> None:
    await ask(socket, method="subscribe", params={"channel": "instrument"})
    await receive(socket)
    frame = await receive(socket, raw=True)

    assert '"price_increment":0.000000010' in frame
    assert '"qty_increment":0.00000001' in frame
    pair = json.loads(frame)["data"]["pairs"][0]
    assert (pair["symbol"], pair["price_precision"], pair["qty_precision"]) == ("SN1/TAO", 8, 8)


async def test_a_new_head_moves_those_who_follow_the_best_prices(
    exchange: SmallExchange, socket: ClientConnection
) -> None:
    before = await subscribe(socket, "ticker", event_trigger="bbo")

    await exchange.import_head(pool=(kit.POOL_TAO * 101 // 100, kit.POOL_ALPHA))

    after = await receive(socket)
    assert after["data"][0]["ask"] > before["data"][0]["ask"] * 1.005


async def test_a_change_of_stage_reaches_the_instrument_feed(exchange: SmallExchange, socket: ClientConnection) -> None:
    await ask(socket, method="subscribe", params={"channel": "instrument"}, req_id=3)
    assert (await receive(socket))["success"] is True
    assert (await receive(socket))["data"]["pairs"][0]["status"] == "online"

    await exchange.submit(command(CommandKind.SET_STAGE, netuid=NETUID, stage=Stage.REDUCE_ONLY))

    assert (await receive(socket))["data"]["pairs"][0]["status"] == "reduce_only"


async def test_after_unsubscribing_nothing_comes(socket: ClientConnection, alice: Client) -> None:
    await subscribe(socket, "trade")
    await ask(socket, method="unsubscribe", params={"channel": "trade", "symbol": ["SN1/TAO"]}, req_id=2)
    assert (await receive(socket))["success"] is True

    await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="1")
    await ask(socket, method="ping", req_id=3)

    assert (await receive(socket))["method"] == "pong"


@pytest.mark.parametrize(
    ("frame", "error", "req_id"),
    [
        ('{"method": "subscribe", "params": {"channel": "trade", "symbol": ["SN9/TAO"]}, "req_id": 4}', "Currency", 4),
        ('{"method": "subscribe", "params": {"channel": "trade", "symbol": ["SN1TAO"]}, "req_id": 4}', "Currency", 4),
        ('{"method": "subscribe", "params": {"channel": "nothing"}, "req_id": 5}', "Subscription name invalid", 5),
        ('{"method": "subscribe", "params": {"channel": ["a"]}, "req_id": 5}', "Subscription name invalid", 5),
        ('{"method": "subscribe", "params": {"channel": "ticker", "symbol": "SN1/TAO"}, "req_id": 6}', "Symbol", 6),
        ('{"method": "subscribe", "req_id": 7}', "Subscription name invalid", 7),
        ('{"method": "launch", "req_id": 8}', "EGeneral:Unknown method", 8),
        ('{"method": "subscribe", "params": 5, "req_id": 9}', "EGeneral:Invalid arguments", 9),
        ("{", "EGeneral:Invalid arguments", None),
        ("[" * 20_000 + "]" * 20_000, "EGeneral:Invalid arguments", None),
        ('{"req_id": NaN}', "EGeneral:Invalid arguments", None),
        (b"\x00\xff", "EGeneral:Invalid arguments", None),
    ],
)
async def test_every_refusal_says_why_and_echoes_the_id(
    socket: ClientConnection, frame: str | bytes, error: str, req_id: int | None
) -> None:
    await socket.send(frame)

    told = await receive(socket)
    assert told["success"] is False
    assert told["error"].startswith(error)
    assert told.get("req_id") == req_id
    await ask(socket, method="ping", req_id=1)
    assert (await receive(socket))["method"] == "pong"


async def test_a_frame_above_the_limit_closes_that_socket_alone(
    exchange: SmallExchange, socket: ClientConnection
) -> None:
    async with connect(exchange.rest.replace("http", "ws") + "/v2") as other:
        await other.send("x" * (exchange.parts.settings.frame_bytes_max + 1))
        assert await closing_code(other) == 1009
    await ask(socket, method="ping", req_id=1)
    assert (await receive(socket))["method"] == "pong"


async def test_a_socket_that_does_not_read_is_dropped_with_1008(exchange: SmallExchange) -> None:
    built = await kit.build(settings=GatewaySettings(port=0, outbox_max=16))
    async with kit.serve(built):
        async with connect(built.rest.replace("http", "ws") + "/v2", max_queue=1) as connection:
            symbols = ["SN1/TAO"] * 400
            request = {"method": "subscribe", "params": {"channel": "trade", "symbol": symbols}}
            await connection.send(json.dumps(request))
            code = await closing_code(connection)
        async with httpx.AsyncClient(base_url=built.rest) as http:
            metrics = (await http.get("/metrics")).text

    assert code == 1008
    assert "taobourse_sockets_dropped_total 1.0" in metrics


async def test_there_are_only_so_many_sockets(exchange: SmallExchange) -> None:
    built = await kit.build(settings=GatewaySettings(port=0, sockets_max=1))
    async with kit.serve(built):
        url = built.rest.replace("http", "ws") + "/v2"
        async with connect(url):
            with pytest.raises(Exception, match="403"):
                async with connect(url):
                    pass


async def test_many_subscribers_hear_the_same_frame(exchange: SmallExchange, alice: Client) -> None:
    url = exchange.rest.replace("http", "ws") + "/v2"
    sockets = [await connect(url) for _ in range(20)]
    for one in sockets:
        assert decode_frame(await one.recv())["channel"] == "status"
        await subscribe(one, "trade")

    await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="1")

    frames = {await receive(one, raw=True) for one in sockets}
    assert len(frames) == 1
    for one in sockets:
        await one.close()
