"""Orders of every type over the ``/v2`` socket, and what the executions channel tells of them."""

from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from tests.support.small_exchange import ALICE, TAO, Client, SmallExchange
from tests.support.sockets import call, receive

SYMBOL = "SN1/TAO"
LIMIT = {"order_type": "limit", "side": "buy", "symbol": SYMBOL, "order_qty": 5, "limit_price": 0.0199}


async def follow(socket: ClientConnection, token: str) -> None:
    """Subscribe to executions, and take the empty snapshot."""
    assert (await call(socket, "subscribe", channel="executions", token=token))["success"]
    assert (await receive(socket))["data"] == []


async def steps(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    """Return the next elements of the executions channel, passing over answers; sequences have no gaps."""
    told: list[dict[str, Any]] = []
    sequences = []
    while len(told) < count:
        frame = await receive(socket)
        if frame.get("channel") == "executions":
            told += frame["data"]
            sequences.append(frame["sequence"])
            assert len({row["exec_type"] == "trade" for row in frame["data"]}) == 1
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    return told


def words(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["exec_type"], row["order_status"]) for row in told]


async def test_an_order_is_placed_amended_and_cancelled_step_by_step(
    socket: ClientConnection, token: str, alice: Client
) -> None:
    await follow(socket, token)
    placed = await call(socket, "add_order", token=token, **LIMIT, time_in_force="gtc", cl_ord_id="mine")
    txid = placed["result"]["order_id"]
    assert placed["result"] == {"order_id": txid, "cl_ord_id": "mine"}
    amended = await call(socket, "amend_order", token=token, order_id=txid, order_qty=4, limit_price=0.0198)
    assert amended["result"]["order_id"] == txid
    assert amended["result"]["amend_id"].startswith("T")
    by_name = await call(socket, "amend_order", token=token, cl_ord_id="mine", order_qty=3)
    assert by_name["result"]["cl_ord_id"] == "mine"
    gone = await call(socket, "cancel_order", token=token, cl_ord_id=["mine"])
    assert gone["result"] == {"cl_ord_id": "mine"}

    assert (await alice.ok("QueryOrders", txid=txid))[txid]["status"] == "canceled"


async def test_the_channel_tells_every_step_of_a_resting_order(
    socket: ClientConnection, token: str, alice: Client
) -> None:
    await follow(socket, token)
    placed = await alice.ok(
        "AddOrder", pair="SN1TAO", type="buy", ordertype="limit", volume="5", price="0.0199", cl_ord_id="a"
    )
    await alice.ok("AmendOrder", txid=placed["txid"][0], order_qty="4")
    await alice.ok("CancelOrder", cl_ord_id="a")

    told = await steps(socket, 4)
    assert words(told) == [("pending_new", "pending_new"), ("new", "new"), ("amended", "new"), ("canceled", "canceled")]
    assert [row["order_qty"] for row in told] == [5, 5, 4, 4]
    assert {row["symbol"] for row in told} == {SYMBOL}
    assert {row["cl_ord_id"] for row in told} == {"a"}
    assert told[-1]["reason"] == "User requested"


async def test_a_fill_tells_who_made_and_who_took(
    socket: ClientConnection, token: str, alice: Client, bob: Client
) -> None:
    await follow(socket, token)
    sale = {"pair": "SN1TAO", "ordertype": "limit", "price": "0.020005"}
    await alice.ok("AddOrder", **sale, type="sell", volume="3")
    await bob.ok("AddOrder", **sale, type="buy", volume="1", timeinforce="IOC")
    await bob.ok("AddOrder", **sale, type="buy", volume="2", timeinforce="IOC")

    told = await steps(socket, 5)
    assert words(told) == [
        ("pending_new", "pending_new"),
        ("new", "new"),
        ("trade", "partially_filled"),
        ("trade", "filled"),
        ("filled", "filled"),
    ]
    assert [row["liquidity_ind"] for row in told[2:4]] == ["m", "m"]
    assert [(row["last_qty"], row["cum_qty"]) for row in told[2:4]] == [(1, 1), (2, 3)]
    assert told[2]["last_price"] == 0.020005


async def test_a_stop_is_armed_triggered_and_filled(socket: ClientConnection, token: str, alice: Client) -> None:
    await follow(socket, token)
    placed = await call(
        socket,
        "add_order",
        token=token,
        order_type="stop-loss",
        side="sell",
        symbol=SYMBOL,
        order_qty=3,
        triggers={"reference": "last", "price": 0.01999, "price_type": "static"},
    )
    assert placed["success"], placed
    txid = placed["result"]["order_id"]
    shown = (await alice.ok("OpenOrders"))["open"][txid]
    assert shown["descr"]["order"] == "sell 3.000000000 SN1TAO @ stop loss 0.01999000"
    await alice.ok("AddOrder", pair="SN1TAO", type="sell", ordertype="market", volume="1", userref="5")

    told = [row for row in await steps(socket, 7) if row["order_id"] == txid]
    assert words(told)[-3:] == [("status", "triggered"), ("trade", "filled"), ("filled", "filled")]
    assert (told[-1]["stop_price"], told[-1]["triggers"]["status"]) == (0.01999, "triggered")


async def test_an_order_beyond_the_window_is_restated_and_an_old_one_expires(
    exchange: SmallExchange, socket: ClientConnection, token: str, alice: Client
) -> None:
    await follow(socket, token)
    await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="40", oflags="viqc")
    told = await steps(socket, 3)
    assert words(told)[-1] == ("restated", "new")
    assert told[-1]["reason"].startswith("Waits for the next block")
    await alice.ok("CancelAll")
    await steps(socket, 1)

    await alice.ok(
        "AddOrder",
        pair="SN1TAO",
        type="buy",
        ordertype="limit",
        volume="1",
        price="0.0199",
        timeinforce="GTD",
        expiretm="+5",
    )
    exchange.clock.now_ms += 6_000
    await exchange.import_head()
    told = await steps(socket, 3)
    assert words(told)[-1] == ("expired", "expired")
    assert told[0]["time_in_force"] == "GTD"
    assert told[0]["expire_time"].endswith("Z")


async def test_batches_and_the_dead_mans_switch(socket: ClientConnection, token: str, alice: Client) -> None:
    orders = [{name: value for name, value in LIMIT.items() if name != "symbol"} | {"order_userref": n} for n in (3, 4)]
    added = await call(socket, "batch_add", token=token, symbol=SYMBOL, orders=orders)
    assert [row["order_userref"] for row in added["result"]] == [3, 4]
    ids = [row["order_id"] for row in added["result"]]

    edited = await call(
        socket, "edit_order", token=token, order_id=ids[0], symbol=SYMBOL, order_qty=2, limit_price=0.0197
    )
    assert edited["result"]["original_order_id"] == ids[0]
    cancelled = await call(socket, "batch_cancel", token=token, orders=[edited["result"]["order_id"], ids[1]])
    assert (cancelled["success"], cancelled["orders_cancelled"]) == (True, 2)

    armed = await call(socket, "cancel_all_orders_after", token=token, timeout=60)
    assert armed["result"]["triggerTime"] > armed["result"]["currentTime"]
    off = await call(socket, "cancel_all_orders_after", token=token, timeout=0)
    assert off["result"]["triggerTime"] == "0"
    await call(socket, "add_order", token=token, **LIMIT)
    assert (await call(socket, "cancel_all", token=token))["result"] == {"count": 1}


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("amend_order", {"order_id": "OAAAAA-AAAAA-AAAAAA", "order_qty": 5}, "EOrder:Unknown order"),
        ("amend_order", {"order_qty": 5}, "EGeneral:Invalid arguments:txid"),
        ("edit_order", {"order_id": "OAAAAA-AAAAA-AAAAAA", "symbol": SYMBOL}, "EOrder:Unknown order"),
        ("batch_add", {"symbol": SYMBOL, "orders": [LIMIT]}, "EGeneral:Invalid arguments:orders"),
        ("batch_cancel", {"orders": ["OAAAAA-AAAAA-AAAAAA"]}, "EOrder:Unknown order"),
        ("cancel_all_orders_after", {"timeout": 90_000}, "EGeneral:Invalid arguments:timeout"),
        ("cancel_all_orders_after", {}, "EGeneral:Invalid arguments:timeout"),
        ("add_order", LIMIT | {"triggers": {"price": 1}}, "EGeneral:Invalid arguments:triggers"),
        ("add_order", LIMIT | {"order_type": "stop-loss-limit"}, "EGeneral:Invalid arguments:price"),
        (
            "add_order",
            LIMIT | {"limit_price": 0.0205, "post_only": True, "validate": True},
            "EOrder:Invalid order:Post only order",
        ),
    ],
)
async def test_what_cannot_be_is_refused_with_its_request_id(
    socket: ClientConnection, token: str, method: str, params: dict[str, Any], error: str
) -> None:
    told = await call(socket, method, token=token, **params)

    assert (told["success"], told["error"]) == (False, error)


async def test_resting_orders_are_in_the_book_channel_and_its_checksum(
    exchange: SmallExchange, socket: ClientConnection, alice: Client
) -> None:
    await call(socket, "subscribe", channel="book", symbol=[SYMBOL], depth=10)
    (book,) = (await receive(socket))["data"]
    best = book["bids"][0]["price"]
    price = f"{best + 0.00000001:.8f}"
    await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="limit", volume="7", price=price, oflags="post")

    (change,) = (await receive(socket))["data"]
    assert [(f"{row['price']:.8f}", row["qty"]) for row in change["bids"]] == [(price, 7)]
    assert change["checksum"] != book["checksum"]
    await alice.ok("CancelAll")
    (back,) = (await receive(socket))["data"]
    assert back["checksum"] == book["checksum"]
    assert exchange.replica.reads.balance(ALICE, 0).free == 1_000 * TAO
