"""Both clients against the whole demo: gateway, engine, PostgreSQL log, link and chain in their own processes."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt  # type: ignore[import-untyped]
import ccxt.pro  # type: ignore[import-untyped]
import pytest
import pytest_asyncio
from kraken.spot import Funding, Market, Trade, User

from app.demo.check import Child, compare_custody, start_child
from app.demo.run import DemoOptions
from app.demo.setup import TESTER

SYMBOL = "SN2/TAO"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Child]:
    folder: Path = tmp_path_factory.mktemp("clients") / "demo"
    child = await start_child(DemoOptions(data_dir=folder, port=0, chain_port=0, fast=True, rate_limits=False))
    yield child
    await child.stop()


def keys(child: Child) -> list[dict[str, str]]:
    account = next(account for account in child.told["accounts"] if account["name"] == TESTER)
    return list(account["keys"])


def for_ccxt(child: Child) -> dict[str, Any]:
    key, rest, ws = keys(child)[0], child.told["rest"], child.told["ws"]
    sockets = {"public": ws, "private": ws, "publicV2": ws, "privateV2": ws}
    return {
        "apiKey": key["key"],
        "secret": key["secret"],
        "rateLimit": 2,
        "urls": {"api": {"public": rest, "private": rest, "ws": sockets}},
    }


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_ccxt_trades_on_the_running_demo(demo: Child) -> None:
    exchange = ccxt.kraken(for_ccxt(demo))

    def play() -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
        assert SYMBOL in exchange.load_markets()
        before, known = exchange.fetch_balance(), {trade["id"] for trade in exchange.fetch_my_trades(SYMBOL)}
        bought = exchange.create_order(SYMBOL, "market", "buy", 3)
        ask = exchange.fetch_order_book(SYMBOL)["asks"][3][0]
        exchange.create_order(SYMBOL, "limit", "buy", 2, ask, {"timeInForce": "IOC"})
        assert exchange.fetch_order(bought["id"], SYMBOL)["status"] == "closed"
        trades = [trade for trade in exchange.fetch_my_trades(SYMBOL) if trade["id"] not in known]
        return before, exchange.fetch_balance(), trades

    before, after, trades = await asyncio.to_thread(play)

    assert sum(Decimal(trade["info"]["vol"]) for trade in trades) == Decimal(5)
    paid = sum(Decimal(trade["info"]["cost"]) + Decimal(trade["info"]["fee"]) for trade in trades)
    assert Decimal(before["info"]["result"]["TAO"]["balance"]) - paid == Decimal(
        after["info"]["result"]["TAO"]["balance"]
    )
    with pytest.raises(ccxt.InsufficientFunds):
        await asyncio.to_thread(exchange.create_order, SYMBOL, "market", "sell", 500_000)


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_ccxt_places_amends_triggers_and_cancels_on_the_running_demo(demo: Child) -> None:
    exchange = ccxt.kraken(for_ccxt(demo))

    def play() -> None:
        exchange.load_markets()
        bid = exchange.fetch_ticker(SYMBOL)["bid"]
        resting = exchange.create_order(SYMBOL, "limit", "buy", 2, bid * 0.9, {"postOnly": True})
        exchange.edit_order(resting["id"], SYMBOL, "limit", "buy", 1.5, bid * 0.91)
        stops = [
            exchange.create_order(SYMBOL, kind, "sell", 1, price, params)
            for kind, price, params in (
                ("market", None, {"stopLossPrice": bid * 0.5}),
                ("limit", bid * 0.4, {"stopLossPrice": bid * 0.5}),
                ("market", None, {"takeProfitPrice": bid * 2, "trigger": "index"}),
                ("limit", bid * 1.9, {"takeProfitPrice": bid * 2}),
            )
        ]
        told = {order["id"]: order for order in exchange.fetch_open_orders(SYMBOL)}
        assert set(told) == {resting["id"], *(stop["id"] for stop in stops)}
        assert told[resting["id"]]["amount"] == 1.5
        killed = exchange.create_order(SYMBOL, "limit", "buy", 1, bid * 0.9, {"timeInForce": "FOK"})
        assert exchange.fetch_order(killed["id"])["status"] == "canceled"
        exchange.cancel_all_orders_after(60_000)
        exchange.cancel_order(resting["id"], SYMBOL)
        assert exchange.cancel_all_orders()[0]["info"]["result"] == {"count": 4}
        exchange.cancel_all_orders_after(0)
        assert exchange.fetch_open_orders(SYMBOL) == []

    await asyncio.to_thread(play)


async def seen_trade(exchange: Any, amount: float) -> dict[str, Any]:
    """Return the own trade of this amount once the socket tells it; a snapshot of older ones may come first."""
    while True:
        for trade in await exchange.watch_my_trades(SYMBOL):
            if trade["amount"] == amount:
                return dict(trade)


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_ccxt_pro_sees_an_order_placed_over_its_own_socket(demo: Child) -> None:
    exchange = ccxt.pro.kraken(for_ccxt(demo))
    try:
        await exchange.load_markets()
        book = await asyncio.wait_for(exchange.watch_order_book(SYMBOL), 30)
        watching = asyncio.create_task(seen_trade(exchange, 1.25))
        await asyncio.wait_for(exchange.create_order_ws(SYMBOL, "market", "buy", 1.25), 30)
        trade = await asyncio.wait_for(watching, 30)
    finally:
        await exchange.close()

    assert book["bids"][0][0] < book["asks"][0][0]
    assert (trade["symbol"], trade["side"]) == (SYMBOL, "buy")


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_the_sdk_trades_and_custody_still_equals_the_chain(demo: Child) -> None:
    key, rest = keys(demo)[1], demo.told["rest"]

    def play() -> tuple[Decimal, Decimal, dict[str, Any]]:
        secrets = {"key": key["key"], "secret": key["secret"], "url": rest}
        user = User(**secrets)
        before = Decimal(user.get_account_balance()["SN2"])
        order = Trade(**secrets).create_order(ordertype="market", side="sell", pair="SN2TAO", volume="2")
        trade = Trade(**secrets)
        waiting = trade.create_order(ordertype="limit", side="sell", pair="SN2TAO", volume="1", price="100")["txid"][0]
        trade.amend_order(txid=waiting, order_qty="0.5")
        edited = trade.edit_order(txid=waiting, pair="SN2TAO", price="99")["txid"]
        assert list(user.get_open_orders()["open"]) == [edited]
        assert trade.cancel_order(txid=edited) == {"count": 1}
        address = Funding(**secrets).get_deposit_address(asset="TAO", method="Bittensor")
        assert address[0]["address"].startswith("5")
        assert "SN2TAO" in Market(url=rest).get_ticker(pair="SN2TAO")
        return before, Decimal(user.get_account_balance()["SN2"]), user.get_orders_info(txid=order["txid"][0])

    before, after, orders = await asyncio.to_thread(play)

    (order,) = orders.values()
    assert (order["status"], Decimal(order["vol_exec"])) == ("closed", Decimal(2))
    assert before - after == Decimal(2)
    assert await compare_custody(rest, demo.told["chain_ws"]) > 0
