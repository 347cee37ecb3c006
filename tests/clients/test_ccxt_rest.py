"""ccxt as it is, sync and async, against a served exchange: only its URLs are changed."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import ccxt.async_support  # type: ignore[import-untyped]
import pytest

from chain.ss58 import ss58_encode
from ledger.engine.layout import CommandKind, Stage
from ledger.engine.records import command
from tests.clients.kits import options
from tests.support import small_exchange as kit
from tests.support.served_exchange import ServedExchange
from tests.support.small_exchange import ALICE, BOB, NETUID, START_MS, TAO, rao

SYMBOL = "SN1/TAO"
COLD = ss58_encode(bytes(range(32)))
NOW_MS = START_MS + 2 * kit.BLOCK_MS


@pytest.fixture
def alice(shop: ServedExchange) -> Any:
    return ccxt.kraken(options(shop.rest, shop.new_key(ALICE)))


def test_markets_have_the_figures_of_the_pair(alice: Any) -> None:
    markets = alice.load_markets()

    assert list(markets) == [SYMBOL]
    market = markets[SYMBOL]
    assert (market["id"], market["base"], market["quote"], market["active"]) == ("SN1TAO", "SN1", "TAO", True)
    assert (market["taker"], market["maker"], market["margin"]) == (0.0026, 0.0016, False)
    assert market["precision"]["price"] == market["precision"]["amount"] == 1e-8
    assert (market["limits"]["amount"]["min"], market["limits"]["cost"]["min"]) == (0.1, 0.0005)
    assert set(alice.currencies) == {"SN1", "TAO"}


def test_time_and_status(shop: ServedExchange, alice: Any) -> None:
    assert alice.fetch_time() == NOW_MS
    assert alice.fetch_status()["status"] == "ok"


def test_ticker_and_book_show_one_best(alice: Any) -> None:
    ticker, book = alice.fetch_ticker(SYMBOL), alice.fetch_order_book(SYMBOL, 10)

    assert (ticker["ask"], ticker["bid"]) == (book["asks"][0][0], book["bids"][0][0])
    assert ticker["bid"] < ticker["last"] < ticker["ask"]
    assert (len(book["asks"]), len(book["bids"])) == (10, 10)
    assert book["asks"] == sorted(book["asks"])
    assert book["bids"] == sorted(book["bids"], reverse=True)
    assert alice.fetch_tickers([SYMBOL])[SYMBOL]["ask"] == ticker["ask"]


def test_a_market_buy_is_told_alike_by_order_trades_ledger_and_balance(alice: Any) -> None:
    placed = alice.create_order(SYMBOL, "market", "buy", 5)

    order = alice.fetch_order(placed["id"], SYMBOL)
    (trade,) = alice.fetch_my_trades(SYMBOL)
    assert (order["status"], order["filled"], order["remaining"], order["side"]) == ("closed", 5.0, 0.0, "buy")
    assert (trade["order"], trade["amount"], trade["takerOrMaker"]) == (placed["id"], 5.0, "taker")
    cost, fee = rao(trade["info"]["cost"]), rao(trade["info"]["fee"])
    assert (rao(order["info"]["cost"]), rao(order["info"]["fee"])) == (cost, fee)
    assert fee == (cost * kit.TAKER_PPM + 500_000) // 1_000_000
    balance = alice.fetch_balance()
    assert rao(balance["info"]["result"]["SN1"]["balance"]) == 505 * TAO
    assert rao(balance["info"]["result"]["TAO"]["balance"]) == 1_000 * TAO - cost - fee
    assert balance["SN1"] == {"free": 505.0, "used": 0.0, "total": 505.0}
    assert {entry["referenceId"] for entry in alice.fetch_ledger() if entry["type"] == "trade"} == {trade["id"]}
    assert [public["amount"] for public in alice.fetch_trades(SYMBOL)] == [5.0]
    (found,) = alice.fetch_order_trades(placed["id"], SYMBOL, params={"trades": [trade["id"]]})
    assert found["id"] == trade["id"]


def test_a_cost_based_buy_spends_what_was_asked_and_no_more(alice: Any) -> None:
    placed = alice.create_market_buy_order_with_cost(SYMBOL, 10)

    order = alice.fetch_order(placed["id"], SYMBOL)
    paid = rao(order["info"]["cost"]) + rao(order["info"]["fee"])
    assert 10 * TAO - 2 <= paid <= 10 * TAO
    assert alice.fetch_balance()["TAO"]["total"] == float(Decimal(1_000 * TAO - paid) / TAO)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_limit_ioc_at_the_best_price_fills_what_is_shown(alice: Any, side: str) -> None:
    book = alice.fetch_order_book(SYMBOL, 10)
    price, volume = book["asks" if side == "buy" else "bids"][0][:2]

    placed = alice.create_order(SYMBOL, "limit", side, volume, price, {"timeInForce": "IOC"})

    order = alice.fetch_order(placed["id"], SYMBOL)
    assert (order["status"], order["filled"], order["price"]) == ("closed", volume, price)
    assert order["average"] <= price if side == "buy" else order["average"] >= price


def test_a_limit_ioc_that_nothing_meets_is_canceled(alice: Any) -> None:
    placed = alice.create_order(SYMBOL, "limit", "buy", 5, 0.01, {"timeInForce": "IOC"})

    order = alice.fetch_order(placed["id"], SYMBOL)
    assert (order["status"], order["filled"]) == ("canceled", 0.0)
    assert alice.fetch_balance()["TAO"]["free"] == 1_000.0


def test_several_orders_in_one_call(alice: Any) -> None:
    wanted = [
        {"symbol": SYMBOL, "type": "market", "side": side, "amount": amount}
        for side, amount in (("buy", 5), ("sell", 2))
    ]

    placed = alice.create_orders(wanted)

    assert [alice.fetch_order(order["id"], SYMBOL)["filled"] for order in placed] == [5.0, 2.0]
    assert alice.fetch_balance()["SN1"]["total"] == 503.0


def test_one_order_of_several_that_cannot_be_paid_is_told_and_the_others_stand(alice: Any) -> None:
    wanted = [{"symbol": SYMBOL, "type": "market", "side": "sell", "amount": amount} for amount in (100, 401, 400)]

    with pytest.raises(ccxt.InsufficientFunds):
        alice.create_orders(wanted)

    assert alice.fetch_balance()["total"].keys() == {"TAO"}


def test_closed_orders_and_trades_come_in_pages(shop: ServedExchange, alice: Any) -> None:
    for _ in range(52):
        alice.create_order(SYMBOL, "market", "sell", 1)

    first, second = alice.fetch_closed_orders(), alice.fetch_closed_orders(params={"ofs": 50})
    trades = alice.private_post_tradeshistory({"ofs": 50})["result"]
    entries = alice.private_post_ledgers({"ofs": 100, "type": "trade"})["result"]

    assert (len(first), len(second)) == (50, 2)
    assert len({order["id"] for order in first + second}) == 52
    assert (len(trades["trades"]), trades["count"]) == (2, 52)
    assert (len(entries["ledger"]), entries["count"]) == (4, 104)
    assert alice.fetch_open_orders() == []


def test_time_bounds_part_history(shop: ServedExchange, alice: Any) -> None:
    alice.create_order(SYMBOL, "market", "sell", 1)
    shop.import_head()
    alice.create_order(SYMBOL, "market", "sell", 2)

    early = alice.fetch_my_trades(params={"end": NOW_MS // 1_000})
    late = alice.fetch_my_trades(since=NOW_MS)

    assert ([trade["amount"] for trade in early], [trade["amount"] for trade in late]) == ([1.0], [2.0])
    assert [order["amount"] for order in alice.fetch_closed_orders(since=NOW_MS + 1_000)] == [2.0]


def test_ledger_entries_chain_and_sum_to_the_balance(shop: ServedExchange, alice: Any) -> None:
    shop.add_address(ALICE, asset="TAO", key="cold", address=COLD)
    alice.create_order(SYMBOL, "market", "buy", 7)
    alice.create_order(SYMBOL, "market", "sell", 3)
    alice.create_market_buy_order_with_cost(SYMBOL, 4)
    alice.withdraw("TAO", 10, COLD, params={"key": "cold"})

    balance = alice.private_post_balance()["result"]
    for asset in ("TAO", "SN1"):
        rows = list(alice.private_post_ledgers({"asset": asset})["result"]["ledger"].values())
        total = 0
        for row in reversed(rows):
            total += rao(row["amount"]) - rao(row["fee"])
            assert rao(row["balance"]) == total
            assert rao(row["fee"]) >= 0
        assert total == rao(balance[asset])
    trades = {trade["id"]: trade["info"] for trade in alice.fetch_my_trades(params={"ledgers": True})}
    assert len(trades) == 3
    for txid, trade in trades.items():
        pair = alice.private_post_queryledgers({"id": ",".join(trade["ledgers"])})["result"]
        base, quote = pair.values()
        sign = 1 if trade["type"] == "buy" else -1
        assert {entry["refid"] for entry in pair.values()} == {txid}
        assert (base["asset"], rao(base["amount"])) == ("SN1", sign * rao(trade["vol"]))
        assert (quote["asset"], rao(quote["amount"]), quote["fee"]) == ("TAO", -sign * rao(trade["cost"]), trade["fee"])


def test_a_ledger_entry_is_found_by_id(alice: Any) -> None:
    (entry,) = alice.fetch_ledger("SN1")

    assert alice.fetch_ledger_entry(entry["id"])["after"] == 500.0
    with pytest.raises(ccxt.ExchangeError, match="Invalid arguments:id"):
        alice.fetch_ledger_entry("LAAAAA-AAAAA-AAAAAA")


def test_candles_carry_silence_and_end_with_the_running_one(shop: ServedExchange, alice: Any) -> None:
    alice.create_order(SYMBOL, "market", "buy", 5)
    for _ in range(15):
        shop.import_head()
    alice.create_order(SYMBOL, "market", "buy", 3)

    rows = alice.fetch_ohlcv(SYMBOL, "1m")

    trades = alice.fetch_trades(SYMBOL)
    minute = NOW_MS // 60_000 * 60_000
    assert [row[0] for row in rows[-4:]] == [minute + step * 60_000 for step in range(4)]
    assert [row[5] for row in rows[-4:]] == [5.0, 0.0, 0.0, 3.0]
    assert rows[-2][1:5] == [trades[0]["price"]] * 4
    assert rows[-1][1:5] == [trades[1]["price"]] * 4
    (hour,) = alice.fetch_ohlcv(SYMBOL, "1h", since=minute // 3_600_000 * 3_600_000)
    assert (hour[4], hour[5]) == (trades[1]["price"], 8.0)


def test_fees_are_those_of_the_pair(alice: Any) -> None:
    fee = alice.fetch_trading_fee(SYMBOL)

    assert (fee["taker"], fee["maker"]) == (0.0026, 0.0016)


def test_deposits_and_where_they_go(shop: ServedExchange, alice: Any) -> None:
    address = ss58_encode(kit.public_key(kit.ALICE_KEY))

    assert alice.fetch_deposit_address("TAO")["address"] == address
    assert alice.fetch_deposit_address("SN1")["address"] == address
    deposits = alice.fetch_deposits()
    told = {row["currency"]: (row["amount"], row["status"], row["txid"]) for row in deposits}
    block = f"0x{kit.block_hash(2).hex()}"
    assert told == {"TAO": (1_000.0, "ok", f"{block}-10"), "SN1": (500.0, "ok", f"{block}-11")}
    assert alice.fetch_deposits("TAO", since=NOW_MS + 1_000) == []


def test_a_withdrawal_is_held_and_listed(shop: ServedExchange, alice: Any) -> None:
    shop.add_address(ALICE, asset="TAO", key="cold", address=COLD)

    sent = alice.withdraw("TAO", 10, COLD, params={"key": "cold"})

    (row,) = alice.fetch_withdrawals("TAO")
    assert (row["id"], row["status"], row["address"]) == (sent["id"], "pending", COLD)
    assert (row["amount"], row["fee"]["cost"]) == (9.999, 0.001)
    assert alice.fetch_balance()["TAO"]["total"] == 990.0
    with pytest.raises(ccxt.ExchangeError, match="Invalid reference id"):
        alice.private_post_withdrawcancel({"asset": "TAO", "refid": sent["id"]})
    with pytest.raises(ccxt.ExchangeError, match="Unknown reference id"):
        alice.private_post_withdrawcancel({"asset": "TAO", "refid": "WAAAAA-AAAAA-AAAAAA"})


def test_cancelling_what_is_not_there(alice: Any) -> None:
    placed = alice.create_order(SYMBOL, "market", "sell", 1)

    with pytest.raises(ccxt.OrderNotFound):
        alice.cancel_order(placed["id"], SYMBOL)
    with pytest.raises(ccxt.InvalidOrder):
        alice.cancel_orders([placed["id"]], SYMBOL)
    assert alice.cancel_all_orders()[0]["info"]["result"] == {"count": 0}
    assert alice.fetch_positions() == []


def test_worth_of_the_account_is_told_in_tao(alice: Any) -> None:
    result = alice.private_post_tradebalance()["result"]

    spot = kit.POOL_TAO * TAO // kit.POOL_ALPHA - 1  # a weighted price is rounded down
    assert rao(result["eb"]) == rao(result["mf"]) == 1_000 * TAO + 500 * spot
    assert rao(result["m"]) == 0


def test_traded_volume_counts_the_cost(alice: Any) -> None:
    alice.create_order(SYMBOL, "market", "sell", 3)

    (trade,) = alice.fetch_my_trades()
    told = alice.private_post_tradevolume()["result"]
    # Counted in thousandths of a TAO, rounded down.
    assert (told["currency"], rao(told["volume"])) == ("TAO", rao(trade["info"]["cost"]) // 10**6 * 10**6)


def test_spreads_show_each_change_of_the_best(shop: ServedExchange, alice: Any) -> None:
    before = alice.public_get_spread({"pair": "SN1TAO"})["result"]["SN1TAO"]
    shop.exchange.clock.now_ms += 1_000
    volume = sum(level[1] for level in alice.fetch_order_book(SYMBOL, 3)["asks"])
    assert alice.fetch_order(alice.create_order(SYMBOL, "market", "buy", volume)["id"])["status"] == "closed"
    after = alice.public_get_spread({"pair": "SN1TAO"})["result"]["SN1TAO"]

    book = alice.fetch_order_book(SYMBOL, 10)
    assert after[: len(before)] == before
    assert [float(text) for text in after[-1][1:]] == [book["bids"][0][0], book["asks"][0][0]]
    assert float(after[-1][2]) > float(before[-1][2])


def test_a_post_only_order_that_would_trade_is_found_as_canceled(alice: Any) -> None:
    made = alice.create_order(SYMBOL, "limit", "buy", 1, 0.03, {"postOnly": True})

    told = alice.fetch_order(made["id"])

    assert (told["status"], told["filled"], told["info"]["reason"]) == ("canceled", 0, "Post only order")


def wrong_secret(shop: ServedExchange) -> Any:
    key = shop.new_key(ALICE)
    return ccxt.kraken(options(shop.rest, key) | {"secret": "c2VjcmV0"})


def order(*figures: Any, **params: Any) -> Callable[[Any], Any]:
    return lambda client: client.create_order(SYMBOL, *figures, params=params)


ERRORS: dict[str, tuple[Callable[[Any], Any], type[ccxt.BaseError], str]] = {
    "funds": (order("market", "sell", 501), ccxt.InsufficientFunds, "EOrder:Insufficient funds"),
    "size": (order("market", "buy", 0.01), ccxt.InvalidOrder, "EOrder:Order minimum not met"),
    "cost": (order("limit", "buy", 1, 0.0001, timeInForce="IOC"), ccxt.ExchangeError, "EOrder:Cost minimum not met"),
    "post": (
        order("limit", "buy", 1, 0.03, postOnly=True, validate=True),
        ccxt.InvalidOrder,
        "EOrder:Invalid order:Post only order",
    ),
    "rest": (order("limit", "buy", 100_000, 0.0199), ccxt.InsufficientFunds, "EOrder:Insufficient funds"),
    "time": (order("limit", "buy", 1, 0.01, timeInForce="GTX"), ccxt.ExchangeError, "Invalid arguments:timeinforce"),
    "expiry": (order("limit", "buy", 1, 0.01, timeInForce="GTD"), ccxt.ExchangeError, "Invalid arguments:expiretm"),
    "trailing": (order("market", "sell", 1, trailingPercent="5"), ccxt.ExchangeError, "Invalid arguments:ordertype"),
    "iceberg": (order("iceberg", "sell", 1, 0.03), ccxt.ExchangeError, "EGeneral:Invalid arguments:ordertype"),
    "trigger": (order("stop-loss", "sell", 1), ccxt.InvalidOrder, "EGeneral:Invalid arguments:price"),
    "edit": (
        lambda c: c.edit_order("OAAAAA-AAAAA-AAAAAA", SYMBOL, "limit", "buy", 1, 0.01),
        ccxt.InvalidOrder,
        "EOrder:Unknown order",
    ),
    "switch": (
        lambda c: c.private_post_cancelallordersafter({"timeout": "x"}),
        ccxt.ExchangeError,
        "EGeneral:Invalid arguments:timeout",
    ),
    "viqc": (order("market", "sell", 5, oflags="viqc"), ccxt.InvalidOrder, "EGeneral:Invalid arguments:viqc"),
    "unknown order": (lambda c: c.fetch_order("OAAAAA-AAAAA-AAAAAA"), ccxt.InvalidOrder, "EOrder:Unknown order"),
    "cancel": (lambda c: c.cancel_order("OAAAAA-AAAAA-AAAAAA"), ccxt.OrderNotFound, "EOrder:Unknown order"),
    "unknown key": (
        lambda c: c.withdraw("TAO", 1, "", params={"key": "nobody"}),
        ccxt.InvalidAddress,
        "EFunding:Unknown withdraw",
    ),
    "too much": (
        lambda c: c.withdraw("TAO", 5_000, "", params={"key": "cold"}),
        ccxt.InsufficientFunds,
        "EFunding:Invalid",
    ),
    "too dear": (
        lambda c: c.withdraw("TAO", 5, "", params={"key": "cold", "max_fee": "0.0001"}),
        ccxt.ExchangeError,
        "EFunding:Max fee exceeded",
    ),
    "other address": (
        lambda c: c.withdraw("TAO", 5, ss58_encode(bytes(32)), params={"key": "cold"}),
        ccxt.ExchangeError,
        "EGeneral:Invalid arguments:address",
    ),
    "no method": (
        lambda c: c.private_post_depositaddresses({"asset": "TAO", "method": "Bitcoin"}),
        ccxt.BadRequest,
        "EFunding:No funding method",
    ),
    "funding asset": (
        lambda c: c.private_post_depositmethods({"asset": "DOGE"}),
        ccxt.BadSymbol,
        "EFunding:Unknown asset",
    ),
    "asset": (lambda c: c.public_get_assets({"asset": "DOGE"}), ccxt.BadSymbol, "EQuery:Unknown asset"),
    "pair": (lambda c: c.public_get_ticker({"pair": "DOGETAO"}), ccxt.ExchangeError, "EQuery:Unknown asset pair"),
    "interval": (
        lambda c: c.public_get_ohlc({"pair": "SN1TAO", "interval": 7}),
        ccxt.ExchangeError,
        "Invalid arguments:interval",
    ),
    "transfer": (
        lambda c: c.private_post_wallettransfer({"asset": "TAO", "amount": "1"}),
        ccxt.PermissionDenied,
        "Permission denied",
    ),
    "earn": (lambda c: c.private_post_earn_strategies(), ccxt.ExchangeError, "EGeneral:Unknown method"),
}


def test_each_refusal_is_the_exception_that_ccxt_has_for_it(shop: ServedExchange, alice: Any) -> None:
    shop.add_address(ALICE, asset="TAO", key="cold", address=COLD)

    raised = {}
    for name, (call, _, _) in ERRORS.items():
        with pytest.raises(ccxt.BaseError) as caught:
            call(alice)
        raised[name] = (type(caught.value), str(caught.value))

    assert {name: kind for name, (kind, _) in raised.items()} == {name: kind for name, (_, kind, _) in ERRORS.items()}
    assert [name for name, (_, _, text) in ERRORS.items() if text not in raised[name][1]] == []
    assert alice.fetch_balance()["total"] == {"TAO": 1_000.0, "SN1": 500.0}


def test_a_price_finer_than_the_tick_is_refused_by_its_own_string(alice: Any) -> None:
    fields = {"pair": "SN1TAO", "type": "buy", "ordertype": "limit", "timeinforce": "IOC", "volume": "1"}

    with pytest.raises(ccxt.ExchangeError, match="price can only be specified up to 8 decimals"):
        alice.private_post_addorder({**fields, "price": "0.020000001"})


def test_who_is_not_known_or_signs_badly_is_told(shop: ServedExchange, alice: Any) -> None:
    stranger = ccxt.kraken(options(shop.rest, shop.new_key(BOB)) | {"apiKey": "nobody"})
    with pytest.raises(ccxt.AuthenticationError, match="EAPI:Invalid key"):
        stranger.fetch_balance()
    with pytest.raises(ccxt.ExchangeError, match="EAPI:Invalid signature"):
        wrong_secret(shop).fetch_balance()
    alice.fetch_balance()
    alice.nonce = lambda: 5
    with pytest.raises(ccxt.InvalidNonce):
        alice.fetch_balance()


def test_a_market_that_does_not_trade_is_on_maintenance(shop: ServedExchange, alice: Any) -> None:
    alice.load_markets()
    shop.run(shop.exchange.submit(command(CommandKind.SET_STAGE, netuid=NETUID, stage=Stage.CANCEL_ONLY)))

    with pytest.raises(ccxt.OnMaintenance, match="cancel_only"):
        alice.create_order(SYMBOL, "market", "sell", 1)
    assert alice.load_markets(True)[SYMBOL]["active"] is False


async def test_the_async_client_trades_as_the_sync_one(shop: ServedExchange) -> None:
    client = ccxt.async_support.kraken(options(shop.rest, shop.new_key(ALICE)))
    try:
        await client.load_markets()
        ticker, book = await client.fetch_ticker(SYMBOL), await client.fetch_order_book(SYMBOL, 5)
        placed = await client.create_order(SYMBOL, "market", "buy", 5)
        found = await client.fetch_order(placed["id"], SYMBOL)
        (trade,) = await client.fetch_my_trades(SYMBOL)
        balance = await client.fetch_balance()
        newest = next(iter((await client.private_post_ledgers({"asset": "SN1"}))["result"]["ledger"].values()))
        with pytest.raises(ccxt.InsufficientFunds):
            await client.create_order(SYMBOL, "market", "sell", 10_000)
        assert (ticker["ask"], ticker["bid"]) == (book["asks"][0][0], book["bids"][0][0])
        assert (found["status"], found["filled"]) == ("closed", 5.0)
        assert (newest["refid"], float(newest["balance"])) == (trade["id"], balance["SN1"]["total"])
        assert newest["balance"] == "505.000000000"
    finally:
        await client.close()
