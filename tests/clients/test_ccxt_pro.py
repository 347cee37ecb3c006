"""ccxt.pro, unmodified, on the ``/v2`` socket: what it understands is compared figure by figure with REST."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any, Self

import ccxt.pro
import pytest

from tests.support import small_exchange as kit
from tests.support.small_exchange import ALICE, Client, SmallExchange

SYMBOL = "SN1/TAO"
WAIT_SECONDS = 20


class Figure(str):
    """The client's ``number``: text with eight decimals that sorts as a number.

    Its checksum is taken of the text of prices and volumes, and a float has none with all its decimals.
    """

    __slots__ = ()

    def __new__(cls, text: object) -> Self:
        return super().__new__(cls, f"{Decimal(str(text)):.8f}")

    def __neg__(self) -> Decimal:
        return -Decimal(self)

    def __bool__(self) -> bool:
        return Decimal(self) != 0

    def __lt__(self, other: object) -> bool:
        return Decimal(self) < Decimal(str(other))


@pytest.fixture
async def pro(exchange: SmallExchange) -> AsyncIterator[Any]:
    key = exchange.keys[ALICE]
    client = ccxt.pro.kraken({"apiKey": key.key, "secret": key.secret, "enableRateLimit": False, "newUpdates": False})
    client.urls["api"]["public"] = client.urls["api"]["private"] = exchange.rest
    socket = exchange.rest.replace("http", "ws") + "/v2"
    client.urls["api"]["ws"] = dict.fromkeys(("public", "private", "publicV2", "privateV2"), socket)
    await client.load_markets()
    async with asyncio.timeout(WAIT_SECONDS):
        yield client
    await client.close()


async def until(watch: Callable[[], Any], is_there: Callable[[], bool]) -> None:
    """Let the client take in frames until its cache holds what is waited for."""
    while not is_there():
        await watch()


async def test_its_ticker_is_the_one_of_rest(pro: Any, bob: Client) -> None:
    first = await pro.watch_ticker(SYMBOL)
    before = (await bob.public("Ticker", pair="SN1TAO"))["result"]["SN1TAO"]
    assert (first["ask"], first["bid"]) == (float(before["a"][0]), float(before["b"][0]))
    assert (first["askVolume"], first["bidVolume"]) == (float(before["a"][2]), float(before["b"][2]))

    await bob.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="25")

    await until(lambda: pro.watch_ticker(SYMBOL), lambda: pro.tickers[SYMBOL]["baseVolume"] == 25)
    later = pro.tickers[SYMBOL]
    after = (await bob.public("Ticker", pair="SN1TAO"))["result"]["SN1TAO"]
    assert (later["last"], later["ask"]) == (float(after["c"][0]), float(after["a"][0]))
    assert (later["vwap"], later["high"], later["low"]) == tuple(float(after[name][1]) for name in "phl")


async def test_its_best_prices_follow_a_block(pro: Any, exchange: SmallExchange, bob: Client) -> None:
    await pro.watch_bids_asks([SYMBOL])
    first = pro.tickers[SYMBOL]["ask"]
    await exchange.import_head(pool=(kit.POOL_TAO * 102 // 100, kit.POOL_ALPHA))

    await until(lambda: pro.watch_bids_asks([SYMBOL]), lambda: pro.tickers[SYMBOL]["ask"] != first)

    told = (await bob.public("Ticker", pair="SN1TAO"))["result"]["SN1TAO"]
    best = pro.tickers[SYMBOL]
    assert (best["ask"], best["bid"]) == (float(told["a"][0]), float(told["b"][0]))
    assert (best["askVolume"], best["bidVolume"]) == (float(told["a"][2]), float(told["b"][2]))


async def test_its_trades_are_the_ones_of_rest(pro: Any, bob: Client) -> None:
    await bob.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="30")
    await pro.watch_trades(SYMBOL)
    await bob.ok("AddOrder", pair="SN1TAO", type="sell", ordertype="market", volume="12.5")

    await until(lambda: pro.watch_trades(SYMBOL), lambda: len(pro.trades[SYMBOL]) == 2)
    trades = pro.trades[SYMBOL]

    rows = (await bob.public("Trades", pair="SN1TAO"))["result"]["SN1TAO"]
    assert [(t["side"], t["amount"], t["type"], t["id"]) for t in trades] == [
        ("buy", 30.0, "market", "1"),
        ("sell", 12.5, "market", "2"),
    ]
    assert [(t["price"], t["amount"]) for t in trades] == [(float(row[0]), float(row[1])) for row in rows]


@pytest.mark.parametrize("depth", [10, 100])
async def test_its_book_stays_right_by_its_own_checksum(
    pro: Any, exchange: SmallExchange, bob: Client, depth: int
) -> None:
    pro.options["watchOrderBook"]["checksum"] = True
    pro.number = Figure

    async def shown() -> dict[str, list[list[str]]]:
        told = (await bob.public("Depth", pair="SN1TAO", count=depth))["result"]["SN1TAO"]
        return {side: [row[:2] for row in told[side]] for side in ("asks", "bids")}

    async def follow() -> None:
        wanted = await shown()
        assert len(wanted["asks"]) == len(wanted["bids"]) == depth

        def is_same() -> bool:
            return all([list(row) for row in pro.orderbooks[SYMBOL][side]] == wanted[side] for side in wanted)

        await until(lambda: pro.watch_order_book(SYMBOL, depth), is_same)

    await pro.watch_order_book(SYMBOL, depth)
    await follow()
    sizes = (("buy", "7"), ("sell", "5"), ("buy", "90.5"), ("sell", "33.25"), ("buy", "0.5"))
    for moved, (side, volume) in enumerate(sizes):
        await bob.ok("AddOrder", pair="SN1TAO", type=side, ordertype="market", volume=volume)
        await follow()
        await exchange.import_head(pool=(kit.POOL_TAO * (1_000 + (-1) ** moved * moved) // 1_000, kit.POOL_ALPHA))
        await follow()


async def test_its_candles_are_the_ones_of_rest(pro: Any, exchange: SmallExchange, bob: Client) -> None:
    async def rows() -> list[list[float]]:
        told = (await bob.public("OHLC", pair="SN1TAO", interval=1))["result"]["SN1TAO"]
        return [[row[0] * 1_000, *map(float, row[1:5]), float(row[6])] for row in told]

    await bob.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="30")
    exchange.clock.now_ms += 180_000
    await exchange.import_head()
    first = await pro.watch_ohlcv(SYMBOL, "1m")
    assert [[row[0], *map(float, row[1:])] for row in first] == await rows()
    await bob.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="4")
    later = pro.ohlcvs[SYMBOL]["1m"]
    await until(lambda: pro.watch_ohlcv(SYMBOL, "1m"), lambda: float(later[-1][5]) == 4)

    assert [[row[0], *map(float, row[1:])] for row in later] == await rows()
    assert [float(row[5]) for row in later][-4:] == [30, 0, 0, 4]


async def test_an_order_over_the_socket_is_followed_to_its_end(pro: Any, alice: Client) -> None:
    # One token for both: the client would ask for two in the same millisecond, with the same nonce.
    await pro.authenticate()
    trades_task = asyncio.create_task(pro.watch_my_trades(SYMBOL))
    orders_task = asyncio.create_task(pro.watch_orders(SYMBOL))
    placed = await pro.create_order_ws(SYMBOL, "market", "buy", 120, params={"clientOrderId": "mine-1"})

    (trade,) = await trades_task
    await orders_task
    await until(lambda: pro.watch_orders(SYMBOL), lambda: pro.orders[-1]["status"] == "closed")
    order = pro.orders[-1]

    known = (await alice.ok("QueryOrders", txid=placed["id"], trades=True))[placed["id"]]
    fills = (await alice.ok("TradesHistory"))["trades"]
    assert (order["id"], order["symbol"], order["side"], order["type"]) == (placed["id"], SYMBOL, "buy", "market")
    assert (order["amount"], order["filled"]) == (120, float(known["vol_exec"]))
    assert (order["cost"], order["average"]) == (float(known["cost"]), float(known["price"]))
    assert (order["info"]["cl_ord_id"], known["cl_ord_id"]) == ("mine-1", "mine-1")
    (fill_id,) = known["trades"]
    fill = fills[fill_id]
    assert (trade["id"], trade["order"], trade["symbol"]) == (fill_id, placed["id"], SYMBOL)
    assert (trade["amount"], trade["cost"], trade["price"]) == (120, float(fill["cost"]), float(fill["price"]))
    assert trade["fee"] == {"cost": float(fill["fee"]), "currency": "TAO"}
    assert trade["takerOrMaker"] == "taker"


async def test_a_limit_order_takes_what_the_book_shows_and_the_rest_is_cancelled(pro: Any, bob: Client) -> None:
    book = await pro.watch_order_book(SYMBOL, 10)
    price, volume = book["asks"][2][0], sum(row[1] for row in book["asks"][:3])
    await pro.authenticate()
    watching = asyncio.create_task(pro.watch_orders(SYMBOL))
    placed = await pro.create_order_ws(SYMBOL, "limit", "buy", volume, price, {"timeInForce": "IOC"})
    await watching
    await until(lambda: pro.watch_orders(SYMBOL), lambda: pro.orders[-1]["status"] != "open")
    await pro.create_order_ws(SYMBOL, "limit", "buy", 10, price / 2, {"timeInForce": "IOC"})
    await until(lambda: pro.watch_orders(SYMBOL), lambda: pro.orders[-1]["status"] == "canceled")
    orders = pro.orders

    by_id = {order["id"]: order for order in orders}
    taken, missed = by_id[placed["id"]], orders[-1]
    assert taken["status"] == "closed"
    assert taken["filled"] == pytest.approx(volume, abs=1e-8)
    assert taken["average"] <= price == taken["price"]
    assert (missed["info"]["cum_qty"], missed["info"]["reason"]) == (0, "Limit price reached")


async def test_its_balance_follows_every_ledger_entry(pro: Any, alice: Client) -> None:
    first = await pro.watch_balance()
    assert (first["TAO"]["total"], first["SN1"]["total"]) == (1_000, 500)

    await pro.create_order_ws(SYMBOL, "market", "sell", 40)

    told = {asset: float(text) for asset, text in (await alice.ok("Balance")).items()}
    await until(pro.watch_balance, lambda: pro.balance["spot"]["TAO"]["total"] == told["TAO"])
    later = pro.balance["spot"]
    assert {asset: later[asset]["total"] for asset in told} == told
    assert told["SN1"] == 460


@pytest.mark.parametrize(
    ("kind", "side", "amount", "price", "params", "error"),
    [
        ("market", "sell", 600, None, {}, ccxt.InsufficientFunds),
        ("market", "buy", 0.05, None, {}, ccxt.InvalidOrder),
        ("limit", "buy", 10, 0.02, {"timeInForce": "GTD"}, ccxt.BadRequest),
        ("limit", "buy", 100_000, 0.0199, {}, ccxt.InsufficientFunds),
        ("market", "buy", 10, None, {"deadline": "yesterday"}, ccxt.BadRequest),
        ("market", "buy", 10, None, {"params": {"symbol": "SN9/TAO"}}, ccxt.BadSymbol),
    ],
)
async def test_a_refused_order_raises_the_right_error(
    pro: Any, kind: str, side: str, amount: float, price: float | None, params: dict[str, Any], error: type[Exception]
) -> None:
    if "params" in params or "deadline" in params:
        token = await pro.authenticate()
        body = {"order_type": kind, "side": side, "order_qty": amount, "symbol": SYMBOL, "token": token}
        params = {"params": body | params.get("params", {}) | {k: v for k, v in params.items() if k != "params"}}

    with pytest.raises(error):
        await pro.create_order_ws(SYMBOL, kind, side, amount, price, params)


async def test_a_resting_order_is_followed_through_amendment_fill_and_cancel(pro: Any, bob: Client) -> None:
    await pro.authenticate()
    watching = asyncio.create_task(pro.watch_orders(SYMBOL))
    placed = await pro.create_order_ws(SYMBOL, "limit", "sell", 3, 0.020005, {"postOnly": True})
    await watching
    amended = await pro.edit_order_ws(placed["id"], SYMBOL, "limit", "sell", 2.5, 0.020005)
    await until(lambda: pro.watch_orders(SYMBOL), lambda: pro.orders[-1]["amount"] == 2.5)
    assert (amended["id"], pro.orders[-1]["status"], pro.orders[-1]["price"]) == (placed["id"], "open", 0.020005)

    sale = {"pair": "SN1TAO", "type": "buy", "ordertype": "limit", "price": "0.020005", "timeinforce": "IOC"}
    own = asyncio.create_task(pro.watch_my_trades(SYMBOL))
    await asyncio.sleep(0)
    await bob.ok("AddOrder", **sale, volume="1")
    (trade,) = await own
    assert (trade["order"], trade["amount"], trade["takerOrMaker"]) == (placed["id"], 1, "maker")

    await pro.cancel_order_ws(placed["id"])
    await until(lambda: pro.watch_orders(SYMBOL), lambda: pro.orders[-1]["status"] == "canceled")
    assert (pro.orders[-1]["id"], pro.orders[-1]["info"]["cum_qty"]) == (placed["id"], 1)


@pytest.mark.parametrize(
    ("kind", "price", "params", "told"),
    [
        ("market", None, {"stopLossPrice": 0.015}, "stop-loss"),
        ("limit", 0.014, {"stopLossPrice": 0.015}, "stop-loss-limit"),
        ("market", None, {"takeProfitPrice": 0.03}, "take-profit"),
        ("limit", 0.029, {"takeProfitPrice": 0.03}, "take-profit-limit"),
    ],
)
async def test_triggered_orders_are_placed_over_the_socket(
    pro: Any, alice: Client, kind: str, price: float | None, params: dict[str, Any], told: str
) -> None:
    placed = await pro.create_order_ws(SYMBOL, kind, "sell", 3, price, params)

    shown = (await alice.ok("OpenOrders"))["open"][placed["id"]]
    assert shown["descr"]["ordertype"] == told
    assert (await pro.cancel_all_orders_ws())["result"] == {"count": 1}


async def test_cancelling_what_is_not_open_raises_order_not_found(pro: Any) -> None:
    placed = await pro.create_order_ws(SYMBOL, "market", "buy", 1)

    for unknown in (placed["id"], "OAAAAA-AAAAA-AAAAAA"):
        with pytest.raises(ccxt.OrderNotFound):
            await pro.cancel_order_ws(unknown)
    assert (await pro.cancel_all_orders_ws())["result"] == {"count": 0}


async def test_a_made_up_token_raises_an_authentication_error(pro: Any) -> None:
    known = pro.client(pro.urls["api"]["ws"]["private"]).subscriptions
    known["authenticated"] = {"token": "made up", "expires": 900, "start": pro.seconds()}

    with pytest.raises(ccxt.AuthenticationError):
        await pro.create_order_ws(SYMBOL, "market", "buy", 1)
