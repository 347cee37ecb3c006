"""Books, private channels and trading requests at the ``/v2`` door: real frames over loopback."""

import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from app.gateway.auth import TOKEN_SECONDS, TRADER, Permission
from tests.support import small_exchange as kit
from tests.support.small_exchange import ALICE, TAO, Client, SmallExchange
from tests.support.sockets import call, receive

SYMBOL = "SN1/TAO"


async def place(connection: ClientConnection, token: str, text: str) -> dict[str, Any]:
    """Send an ``add_order`` whose figures are written as given, and return the answer."""
    params = f'{{"symbol": "{SYMBOL}", "token": "{token}", {text}}}'
    await connection.send(f'{{"method": "add_order", "params": {params}, "req_id": 9}}')
    told = await receive(connection)
    while told.get("method") != "add_order":
        told = await receive(connection)
    return dict(told)


@pytest.mark.parametrize("depth", [10, 25, 100, 500, 1_000])
async def test_a_book_shows_what_rest_shows_up_to_its_depth(
    socket: ClientConnection, alice: Client, depth: int
) -> None:
    answer = await call(socket, "subscribe", channel="book", symbol=[SYMBOL], depth=depth)
    frame = await receive(socket, raw=True)
    told = (await alice.public("Depth", pair="SN1TAO", count=min(depth, 500)))["result"]["SN1TAO"]

    assert answer["result"] == {"channel": "book", "symbol": SYMBOL, "depth": depth, "snapshot": True}
    (book,) = json.loads(frame, parse_float=str)["data"]
    for side in ("asks", "bids"):
        assert [[level["price"], level["qty"]] for level in book[side]][:500] == [row[:2] for row in told[side]]
        assert 10 <= len(book[side]) <= depth


async def test_a_block_is_one_frame_of_the_book_and_one_that_changes_nothing_is_none(
    exchange: SmallExchange, socket: ClientConnection
) -> None:
    await call(socket, "subscribe", channel="book", symbol=[SYMBOL])
    await receive(socket)

    await exchange.import_head(pool=(kit.POOL_TAO * 101 // 100, kit.POOL_ALPHA))
    update = await receive(socket)
    await exchange.import_head(pool=(kit.POOL_TAO * 101 // 100, kit.POOL_ALPHA))
    # A new subscription sends first what was gathered for the others.
    await call(socket, "subscribe", channel="instrument")
    after = await receive(socket)

    assert (update["channel"], update["type"]) == ("book", "update")
    (row,) = update["data"]
    assert row["checksum"] > 0
    assert row["timestamp"].endswith("Z")
    assert len([level for level in row["asks"] if level["qty"]]) == 10
    assert after["channel"] == "instrument"


async def test_a_deep_book_is_kept_up_with_too(socket: ClientConnection, alice: Client) -> None:
    await call(socket, "subscribe", channel="book", symbol=[SYMBOL], depth=500)
    (book,) = json.loads(await receive(socket, raw=True), parse_float=str)["data"]
    asks = {level["price"]: level["qty"] for level in book["asks"]}
    for volume in ("40", "2.5"):
        await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume=volume)
    wanted = (await alice.public("Depth", pair="SN1TAO", count=500))["result"]["SN1TAO"]["asks"]

    while [[price, asks[price]] for price in sorted(asks)][:500] != [row[:2] for row in wanted]:
        (update,) = json.loads(await receive(socket, raw=True), parse_float=str)["data"]
        for level in update["asks"]:
            asks[level["price"]] = level["qty"]
            if float(level["qty"]) == 0:
                del asks[level["price"]]


async def test_a_book_whose_market_stalls_is_emptied_within_a_heartbeat(
    exchange: SmallExchange, socket: ClientConnection
) -> None:
    await call(socket, "subscribe", channel="book", symbol=[SYMBOL])
    (full,) = (await receive(socket))["data"]

    exchange.clock.now_ms += 600_000

    (emptied,) = (await receive(socket))["data"]
    for side in ("asks", "bids"):
        assert [level["price"] for level in emptied[side]] == [level["price"] for level in full[side]]
        assert {level["qty"] for level in emptied[side]} == {0}
    assert emptied["checksum"] == 0


async def test_two_followers_of_a_book_hear_the_same_changes(exchange: SmallExchange, alice: Client) -> None:
    url = exchange.rest.replace("http", "ws") + "/v2"
    async with connect(url) as first, connect(url) as second:
        for one in (first, second):
            await receive(one)
            await call(one, "subscribe", channel="book", symbol=[SYMBOL])
            assert (await receive(one))["type"] == "snapshot"
            await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="5")
            await receive(one)
        both_seen = await receive(first)
        await alice.ok("AddOrder", pair="SN1TAO", type="sell", ordertype="market", volume="2")
        frames = {await receive(first, raw=True), await receive(second, raw=True)}

    assert both_seen["channel"] == "book"
    assert len(frames) == 1


async def test_figures_of_an_order_pass_through_as_they_are_written(
    socket: ClientConnection, token: str, alice: Client
) -> None:
    await call(socket, "subscribe", channel="executions", token=token)
    await receive(socket)
    await socket.send(
        f'{{"method": "add_order", "params": {{"order_type": "market", "side": "buy", "symbol": "{SYMBOL}", '
        f'"order_qty": 123.45678901e-1, "token": "{token}"}}}}'
    )
    refused = await receive(socket)
    placed = await place(socket, token, '"order_type": "market", "side": "buy", "order_qty": 1234567.8e-6')

    assert refused["error"] == "EGeneral:Invalid arguments:volume"
    assert refused["reason"]["value"] == "12.345678901"
    order = await alice.ok("QueryOrders", txid=placed["result"]["order_id"])
    assert order[placed["result"]["order_id"]]["vol"] == "1.234567800"


@pytest.mark.parametrize(
    ("figures", "error"),
    [
        (
            '"order_type": "limit", "side": "buy", "order_qty": 1, "limit_price": 0.02, "time_in_force": "gtd"',
            ":expiretm",
        ),
        ('"order_type": "limit", "side": "buy", "order_qty": 1, "limit_price": 0.020000001', "EOrder:Invalid price"),
        ('"order_type": "market", "side": "sell", "order_qty": 501', "EOrder:Insufficient funds (insufficient"),
        ('"order_type": "market", "side": "sell", "order_qty": 0.01', "EOrder:Order minimum not met (volume"),
        ('"order_type": "market", "side": "hold", "order_qty": 1', "EGeneral:Invalid arguments:type"),
        ('"order_type": "market", "side": "buy", "order_qty": -1', "EGeneral:Invalid arguments:volume"),
        ('"order_type": "market", "side": "buy", "order_qty": [[[[[[[[[[[[1]]]]]]]]]]]]', "EGeneral:Invalid arg"),
        ('"order_type": "market", "side": "buy"', "EGeneral:Invalid arguments:volume"),
    ],
)
async def test_a_refused_order_says_why_and_costs_nothing(
    socket: ClientConnection, token: str, alice: Client, figures: str, error: str
) -> None:
    told = await place(socket, token, figures)

    assert (told["success"], told["req_id"]) == (False, 9)
    assert error in told["error"]
    assert told["reason"]["code"]
    assert (await alice.ok("Balance")) == {"TAO": "1000.000000000", "SN1": "500.000000000"}


async def test_a_validated_order_leaves_nothing(socket: ClientConnection, token: str, alice: Client) -> None:
    told = await place(socket, token, '"order_type": "market", "side": "buy", "order_qty": 5, "validate": true')

    assert (told["success"], told["result"]) == (True, {})
    assert (await alice.ok("ClosedOrders"))["count"] == 0


async def test_the_same_client_order_id_places_one_order(socket: ClientConnection, token: str, alice: Client) -> None:
    figures = '"order_type": "market", "side": "buy", "order_qty": 5, "cl_ord_id": "one"'

    first, second = await place(socket, token, figures), await place(socket, token, figures)

    assert first["result"] == second["result"]
    assert first["result"]["cl_ord_id"] == "one"
    assert (await alice.ok("Balance"))["SN1"] == "505.000000000"


async def test_many_orders_at_once_are_all_answered(socket: ClientConnection, token: str, alice: Client) -> None:
    params = {"order_type": "market", "side": "buy", "order_qty": 1, "symbol": SYMBOL, "token": token}
    for number in range(200):
        await socket.send(json.dumps({"method": "add_order", "params": params, "req_id": number}))

    answers = [await receive(socket) for _ in range(200)]

    assert {told["req_id"] for told in answers} == set(range(200))
    assert len({told["result"]["order_id"] for told in answers}) == 200
    assert (await alice.ok("Balance"))["SN1"] == "700.000000000"


@pytest.mark.parametrize("channel", ["executions", "balances"])
@pytest.mark.parametrize("token", ["made up", None, 7, ""])
async def test_private_channels_need_a_token(socket: ClientConnection, channel: str, token: object) -> None:
    told = await call(socket, "subscribe", channel=channel, token=token)

    assert (told["success"], told["error"]) == (False, "ESession:Invalid session")


async def test_a_token_ends_after_its_time_but_not_under_a_subscription(
    exchange: SmallExchange, socket: ClientConnection, token: str
) -> None:
    figures = {"order_type": "market", "side": "buy", "order_qty": 1, "symbol": SYMBOL, "validate": True}
    await call(socket, "subscribe", channel="balances", token=token)
    exchange.clock.now_ms += TOKEN_SECONDS * 1_000 + 1

    held = await call(socket, "add_order", **figures, token=token)
    await call(socket, "unsubscribe", channel="balances", token=token)
    ended = await call(socket, "add_order", **figures, token=token)

    assert held.get("error") != "ESession:Invalid session"
    assert ended["error"] == "ESession:Invalid session"


async def test_a_key_does_only_what_it_may(exchange: SmallExchange, socket: ClientConnection) -> None:
    may = TRADER & ~(Permission.MODIFY_ORDERS | Permission.CANCEL_ORDERS | Permission.QUERY_OPEN_ORDERS)
    async with httpx.AsyncClient(base_url=exchange.rest) as http:
        token = (await Client(http, await exchange.add_key(ALICE, may)).ok("GetWebSocketsToken"))["token"]

    refused = [
        await place(socket, token, '"order_type": "market", "side": "buy", "order_qty": 1'),
        await call(socket, "cancel_order", order_id=["OAAAAA-AAAAA-AAAAAA"], token=token),
        await call(socket, "cancel_all", token=token),
        await call(socket, "subscribe", channel="executions", token=token),
    ]
    allowed = await call(socket, "subscribe", channel="balances", token=token)

    assert {told["error"] for told in refused} == {"EGeneral:Permission denied"}
    assert allowed["success"]


async def test_snapshots_of_orders_and_trades_are_two_frames_with_their_numbers(
    socket: ClientConnection, token: str, alice: Client
) -> None:
    for volume in ("3", "4"):
        await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume=volume)
    fills = (await alice.ok("TradesHistory"))["trades"]

    answer = await call(socket, "subscribe", channel="executions", token=token, snap_trades=True, order_status=False)
    orders, trades = await receive(socket), await receive(socket)
    for volume in ("1", "2"):
        await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume=volume)
    updates = [await receive(socket) for _ in range(6)]

    assert answer["result"] == {
        "channel": "executions",
        "snap_orders": True,
        "snap_trades": True,
        "order_status": False,
        "maxratecount": 180,
    }
    assert (orders["data"], orders["sequence"], trades["sequence"]) == ([], 1, 2)
    assert [row["exec_id"] for row in trades["data"]] == list(reversed(fills))
    assert {(row["symbol"], row["order_status"]) for row in trades["data"]} == {(SYMBOL, "filled")}
    assert [frame["sequence"] for frame in updates] == [3, 4, 5, 6, 7, 8]
    assert [[row["exec_type"] for row in frame["data"]] for frame in updates] == [["new"], ["trade"], ["filled"]] * 2
    assert [frame["data"][0]["cum_qty"] for frame in updates] == [0, 1, 1, 0, 2, 2]


async def test_a_deposit_is_one_entry_of_balances(
    exchange: SmallExchange, socket: ClientConnection, token: str
) -> None:
    await call(socket, "subscribe", channel="balances", token=token)
    snapshot = await receive(socket)

    await exchange.import_head(deposits={ALICE: (3 * TAO, 0)})

    update = await receive(socket)
    (entry,) = update["data"]
    assert (snapshot["sequence"], update["sequence"]) == (1, 2)
    assert (entry["type"], entry["asset"], entry["amount"], entry["balance"]) == ("deposit", "TAO", 3, 1_003)
    assert (entry["fee"], entry["asset_class"], entry["wallet_type"], entry["wallet_id"]) == (
        0,
        "currency",
        "spot",
        "main",
    )


async def test_nobody_hears_of_another_account(exchange: SmallExchange, socket: ClientConnection, token: str) -> None:
    async with httpx.AsyncClient(base_url=exchange.rest) as http:
        bob = Client(http, exchange.keys[kit.BOB])
        for channel in ("executions", "balances"):
            await call(socket, "subscribe", channel=channel, token=token)
            await receive(socket)
        await bob.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="1")

    await socket.send('{"method": "ping"}')
    assert (await receive(socket))["method"] == "pong"
