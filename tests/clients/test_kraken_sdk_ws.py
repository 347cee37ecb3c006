"""python-kraken-sdk's socket clients, unmodified, against the real door over loopback.

The clients run in a loop and thread of their own, since one of them asks REST in the middle of a frame and blocks.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from kraken.base_api import SpotClient
from kraken.spot import SpotOrderBookClient, SpotWSClient

from tests.support import small_exchange as kit
from tests.support.small_exchange import ALICE, Client, SmallExchange

SYMBOL = "SN1/TAO"
WAIT_SECONDS = 20


class Side:
    """A client's thread: runs its coroutines in a loop of its own, and keeps every message it was given."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    async def heard(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    async def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine of the client there, and wait here without blocking."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def of(self, wanted: Callable[[dict[str, Any]], bool], count: int = 1) -> list[dict[str, Any]]:
        """Return the messages of a kind once there are so many."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                found = [message for message in list(self.messages) if wanted(message)]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.01)

    async def frames(self, channel: str, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the frames of a channel once there are so many."""
        return await self.of(lambda told: (told.get("channel"), told.get("type")) == (channel, kind), count)

    async def answers(self, method: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the answers to a method once there are so many."""
        return await self.of(lambda told: told.get("method") == method, count)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_SECONDS)
        self._loop.close()


@asynccontextmanager
async def client_side(create: Callable[[Side], Any]) -> AsyncIterator[tuple[Side, Any]]:
    """Start a client on a side of its own, and close both."""
    side = Side()
    side.start()

    async def begin() -> Any:
        client = create(side)
        await client.start()
        return client

    client = await side.run(begin())
    try:
        yield side, client
    finally:
        await side.run(client.close())
        side.stop()


def socket_client(exchange: SmallExchange, *, is_private: bool) -> Callable[[Side], SpotWSClient]:
    root = exchange.rest.replace("http", "ws")
    key = exchange.keys[ALICE]

    def create(side: Side) -> SpotWSClient:
        return SpotWSClient(
            key=key.key if is_private else "",
            secret=key.secret if is_private else "",
            callback=side.heard,
            no_public=is_private,
            rest_url=exchange.rest,
            ws_url=root,
            auth_ws_url=root,
        )

    return create


async def test_its_public_channels_say_what_rest_says(exchange: SmallExchange, bob: Client) -> None:
    await bob.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="20")
    async with client_side(socket_client(exchange, is_private=False)) as (side, client):
        for channel in ("ticker", "trade", "ohlc", "instrument"):
            await side.run(client.subscribe(params={"channel": channel, "symbol": [SYMBOL]}))
            await side.frames(channel, "snapshot")
        await bob.ok("AddOrder", pair="SN1TAO", type="sell", ordertype="market", volume="7.5")
        (ticker,) = (await side.frames("ticker", "update"))[-1]["data"]
        (trade,) = (await side.frames("trade", "update"))[-1]["data"]
        (candle,) = (await side.frames("ohlc", "update"))[-1]["data"]
        (instrument,) = [row["data"] for row in await side.frames("instrument", "snapshot")]

    shown = (await bob.public("Ticker", pair="SN1TAO"))["result"]["SN1TAO"]
    assert (ticker["ask"], ticker["bid"]) == (float(shown["a"][0]), float(shown["b"][0]))
    assert (ticker["last"], ticker["volume"]) == (float(shown["c"][0]), 27.5)
    row = (await bob.public("Trades", pair="SN1TAO"))["result"]["SN1TAO"][-1]
    assert (trade["price"], trade["qty"], trade["side"]) == (float(row[0]), 7.5, "sell")
    assert (trade["trade_id"], trade["ord_type"], trade["symbol"]) == (row[6], "market", SYMBOL)
    last = (await bob.public("OHLC", pair="SN1TAO", interval=1))["result"]["SN1TAO"][-1]
    names = ("open", "high", "low", "close", "vwap", "volume")
    assert [candle[name] for name in names] == [float(text) for text in last[1:7]]
    assert (candle["trades"], candle["interval"]) == (last[7], 1)
    listed = (await bob.public("AssetPairs", pair="SN1TAO"))["result"]["SN1TAO"]
    (pair,) = instrument["pairs"]
    assert (pair["price_precision"], pair["qty_precision"]) == (listed["pair_decimals"], listed["lot_decimals"])
    assert (pair["status"], pair["qty_min"]) == (listed["status"], float(listed["ordermin"]))


@pytest.mark.parametrize("depth", [10, 25])
async def test_its_book_client_finds_every_checksum_right(
    exchange: SmallExchange, bob: Client, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SpotClient, "URL", exchange.rest)
    monkeypatch.setattr(SpotOrderBookClient, "WS_URL", exchange.rest.replace("http", "ws"))
    books: list[dict[str, list[list[str]]]] = []
    verdicts: list[bool] = []

    def create(side: Side) -> SpotOrderBookClient:
        async def follow(pair: str, message: dict[str, Any]) -> None:
            book = client.get(pair)
            verdicts.append(book["valid"] and "error" not in message)
            books.append({name: [[price, row[0]] for price, row in book[name].items()] for name in ("ask", "bid")})
            side.messages.append({"book": len(books)})

        client = SpotOrderBookClient(depth=depth, callback=follow)
        return client

    async with client_side(create) as (side, client):
        await side.run(client.add_book(pairs=[SYMBOL]))
        for step, (kind, volume) in enumerate((("buy", "3"), ("sell", "2"), ("buy", "60"), ("sell", "41.5")), start=1):
            await side.of(lambda told: "book" in told, 2 * step - 1)
            await bob.ok("AddOrder", pair="SN1TAO", type=kind, ordertype="market", volume=volume)
            await side.of(lambda told: "book" in told, 2 * step)
            await exchange.import_head(pool=(kit.POOL_TAO * (1_000 + (-1) ** step * step) // 1_000, kit.POOL_ALPHA))
        await side.of(lambda told: "book" in told, 9)

    shown = (await bob.public("Depth", pair="SN1TAO", count=depth))["result"]["SN1TAO"]
    assert verdicts == [True] * 9
    assert books[-1] == {name: [row[:2] for row in shown[f"{name}s"]] for name in ("ask", "bid")}
    assert len(books[-1]["ask"]) == len(books[-1]["bid"]) == depth


async def test_an_order_by_its_socket_shows_in_executions_and_balances(exchange: SmallExchange, alice: Client) -> None:
    async with client_side(socket_client(exchange, is_private=True)) as (side, client):
        await side.run(client.subscribe(params={"channel": "executions", "snap_trades": True}))
        await side.run(client.subscribe(params={"channel": "balances"}))
        (snapshot,) = await side.frames("balances", "snapshot")
        await side.frames("executions", "snapshot", 2)
        params = {"order_type": "market", "side": "buy", "order_qty": 50.0, "symbol": SYMBOL, "order_userref": 42}
        await side.run(client.send_message({"method": "add_order", "params": params, "req_id": 77}))
        (answer,) = await side.answers("add_order")
        updates = await side.frames("executions", "update", 3)
        (moved,) = await side.frames("balances", "update")
        # What it would send after a reconnect: its record of what was acknowledged.
        subscriptions = client.active_private_subscriptions
        for params in subscriptions:
            await side.run(client.subscribe(params=params))
        again = await side.answers("subscribe", 4)

    assert {row["asset"]: row["balance"] for row in snapshot["data"]} == {"TAO": 1_000, "SN1": 500}
    assert (answer["success"], answer["req_id"], answer["result"]["order_userref"]) == (True, 77, 42)
    txid = answer["result"]["order_id"]
    assert [frame["sequence"] for frame in updates] == [3, 4, 5]
    assert [[row["exec_type"] for row in frame["data"]] for frame in updates] == [
        ["pending_new", "new"],
        ["trade"],
        ["filled"],
    ]
    rows = [row for frame in updates for row in frame["data"]]
    assert {(row["order_id"], row["symbol"], row["order_userref"]) for row in rows} == {(txid, SYMBOL, 42)}
    order = (await alice.ok("QueryOrders", txid=txid, trades=True))[txid]
    (fill_id,) = order["trades"]
    fill = (await alice.ok("QueryTrades", txid=fill_id))[fill_id]
    trade, filled = rows[-2], rows[-1]
    assert (trade["exec_id"], trade["trade_id"]) == (fill_id, fill["trade_id"])
    assert (trade["last_qty"], trade["cost"]) == (50, float(fill["cost"]))
    assert trade["fees"] == [{"asset": "TAO", "qty": float(fill["fee"])}]
    assert (filled["cum_qty"], filled["cum_cost"]) == (float(order["vol_exec"]), float(order["cost"]))
    assert filled["avg_price"] == float(order["price"])
    ledger = (await alice.ok("Ledgers", type="trade"))["ledger"]
    told = {
        row["ledger_id"]: (row["ref_id"], row["asset"], row["amount"], row["fee"], row["balance"])
        for row in moved["data"]
    }
    assert told == {
        entry_id: (row["refid"], row["asset"], *(float(row[name]) for name in ("amount", "fee", "balance")))
        for entry_id, row in ledger.items()
    }
    assert moved["sequence"] == 2
    assert [row["channel"] for row in subscriptions] == ["executions", "balances"]
    assert [row["result"] for row in again[2:]] == [row["result"] for row in again[:2]]


async def test_a_cancel_is_answered_once_per_order(exchange: SmallExchange) -> None:
    async with client_side(socket_client(exchange, is_private=True)) as (side, client):
        ids = ["OAAAAA-AAAAA-AAAAAA", "OBBBBB-BBBBB-BBBBBB"]
        message = {"method": "cancel_order", "params": {"order_id": ids, "cl_ord_id": ["mine"]}, "req_id": 5}
        await side.run(client.send_message(message))
        answers = await side.answers("cancel_order", 3)
        await side.run(client.send_message({"method": "cancel_all", "req_id": 6}))
        (all_of_them,) = await side.answers("cancel_all")

    assert [(row["success"], row["error"], row["req_id"]) for row in answers] == [
        (False, "EOrder:Unknown order", 5)
    ] * 3
    assert (all_of_them["result"], all_of_them["req_id"]) == ({"count": 0}, 6)


async def test_orders_that_wait_are_placed_amended_and_cancelled_over_its_socket(
    exchange: SmallExchange, alice: Client
) -> None:
    order = {"order_type": "limit", "side": "buy", "symbol": SYMBOL, "order_qty": 5, "limit_price": 0.0199}
    async with client_side(socket_client(exchange, is_private=True)) as (side, client):
        await side.run(client.subscribe(params={"channel": "executions"}))
        await side.frames("executions", "snapshot")
        await side.run(client.send_message({"method": "add_order", "params": order}))
        (added,) = await side.answers("add_order")
        txid = added["result"]["order_id"]
        await side.run(
            client.send_message({"method": "amend_order", "params": {"order_id": txid, "limit_price": 0.0198}})
        )
        assert (await side.answers("amend_order"))[0]["result"]["order_id"] == txid
        batch = {"symbol": SYMBOL, "orders": [{k: v for k, v in order.items() if k != "symbol"}] * 2}
        await side.run(client.send_message({"method": "batch_add", "params": batch}))
        ids = [row["order_id"] for row in (await side.answers("batch_add"))[0]["result"]]
        await side.run(client.send_message({"method": "batch_cancel", "params": {"orders": ids}}))
        assert (await side.answers("batch_cancel"))[0]["orders_cancelled"] == 2
        await side.run(client.send_message({"method": "cancel_all_orders_after", "params": {"timeout": 60}}))
        assert (await side.answers("cancel_all_orders_after"))[0]["success"]
        await side.run(client.send_message({"method": "cancel_order", "params": {"order_id": [txid]}}))
        assert (await side.answers("cancel_order"))[0]["result"] == {"order_id": txid}
        # Orders of one request come in one frame or in several: what is told last is the cancel.
        await side.of(lambda frame: frame.get("type") == "update" and (txid, "canceled") in _told(frame))
        frames = await side.frames("executions", "update")

    told = [kind for frame in frames for order_id, kind in _told(frame) if order_id == txid]
    assert told == ["pending_new", "new", "amended", "canceled"]
    assert (await alice.ok("OpenOrders"))["open"] == {}


def _told(frame: dict[str, Any]) -> list[tuple[str, str]]:
    """Return which order each element of an executions frame is about, and what happened to it."""
    return [(row["order_id"], row["exec_type"]) for row in frame["data"] if "exec_type" in row]
