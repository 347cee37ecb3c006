"""python-kraken-sdk as it is against a served exchange: only its URL is changed."""

from collections.abc import Callable
from typing import Any

import pytest
from kraken import exceptions as kraken_errors
from kraken.spot import SpotAsyncClient, User

from chain.ss58 import ss58_encode
from tests.clients.kits import Clients, sdk_clients
from tests.support import small_exchange as kit
from tests.support.served_exchange import ServedExchange
from tests.support.small_exchange import ALICE, START_MS, TAO, rao

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated Kraken endpoint:DeprecationWarning")
PAIR = "SN1TAO"
COLD = ss58_encode(bytes(range(32)))
NOW_S = (START_MS + 2 * kit.BLOCK_MS) // 1_000


@pytest.fixture
def alice(shop: ServedExchange) -> Clients:
    return sdk_clients(shop, ALICE)


def buy(alice: Clients, volume: str) -> str:
    placed = alice.trade.create_order(ordertype="market", side="buy", pair=PAIR, volume=volume)
    return str(placed["txid"][0])


def test_what_is_listed(alice: Clients) -> None:
    assert set(alice.market.get_assets()) == {"TAO", "SN1"}
    assert list(alice.market.get_asset_pairs()) == [PAIR]
    assert list(alice.market.get_asset_pairs(pair="SN1/TAO")) == ["SN1/TAO"]
    assert alice.market.get_system_status()["status"] == "online"


def test_ticker_book_and_spread_show_one_best(alice: Clients) -> None:
    ticker = alice.market.get_ticker(pair=PAIR)[PAIR]
    book = alice.market.get_order_book(pair=PAIR, count=10)[PAIR]
    spread = alice.market.get_recent_spreads(pair=PAIR)[PAIR]

    assert (ticker["a"][0], ticker["b"][0]) == (book["asks"][0][0], book["bids"][0][0])
    assert spread[-1][1:] == [ticker["b"][0], ticker["a"][0]]
    assert (len(book["asks"]), len(book["bids"])) == (10, 10)


def test_candles_and_trades(alice: Clients) -> None:
    buy(alice, "5")
    buy(alice, "3")

    rows = alice.market.get_ohlc(pair=PAIR, interval=5)
    trades = alice.market.get_recent_trades(pair=PAIR, since=0)

    assert [trade[1] for trade in trades[PAIR]] == ["5.000000000", "3.000000000"]
    first, last = (trade[0] for trade in trades[PAIR])
    assert rows[PAIR][-1][0] == NOW_S // 300 * 300
    assert (rows[PAIR][-1][4], rows[PAIR][-1][6:]) == (last, ["8.000000000", 2])
    assert rows[PAIR][-1][2] == max(first, last)
    assert rows["last"] == NOW_S // 300 * 300 - 300


def test_orders_trades_ledgers_and_balances_agree(alice: Clients) -> None:
    txid = buy(alice, "5")

    order = alice.user.get_orders_info(txid=txid, trades=True)[txid]
    ((trade_id, trade),) = alice.user.get_trades_history(ledgers=True)["trades"].items()
    entries = alice.user.get_ledgers(id_=trade["ledgers"])
    assert (order["status"], order["vol_exec"], order["trades"]) == ("closed", "5.000000000", [trade_id])
    assert list(alice.user.get_closed_orders()["closed"]) == [txid]
    assert alice.user.get_open_orders() == {"open": {}}
    assert alice.user.get_trades_info(txid=trade_id)[trade_id]["ordertxid"] == txid
    assert {entry["refid"] for entry in entries.values()} == {trade_id}
    balances = alice.user.get_account_balance()
    listed = alice.user.get_ledgers_info()
    assert listed["count"] == 4
    for asset in ("TAO", "SN1"):
        rows = [entry for entry in listed["ledger"].values() if entry["asset"] == asset]
        assert sum(rao(row["amount"]) - rao(row["fee"]) for row in rows) == rao(balances[asset])
        assert rows[0]["balance"] == balances[asset]
    assert rao(balances["TAO"]) == 1_000 * TAO - rao(trade["cost"]) - rao(trade["fee"])
    assert alice.user.get_balance("SN1") == {"currency": "SN1", "balance": 505.0, "available_balance": 505.0}
    assert alice.user.get_balances()["SN1"] == {"balance": "505.000000000", "hold_trade": "0.000000000"}


def test_ledgers_are_chosen_by_asset_type_and_time(shop: ServedExchange, alice: Clients) -> None:
    shop.import_head()
    buy(alice, "5")

    def count(**chosen: Any) -> int:
        return int(alice.user.get_ledgers_info(**chosen)["count"])

    assert (count(asset="SN1"), count(asset=["TAO", "SN1"]), count(type_="deposit")) == (2, 4, 2)
    assert (count(end=NOW_S), count(start=NOW_S), count(type_="earn")) == (2, 2, 0)
    assert len(alice.user.get_ledgers_info(ofs=3)["ledger"]) == 1


def test_an_order_that_is_only_validated_leaves_nothing(alice: Clients) -> None:
    told = alice.trade.create_order(ordertype="market", side="buy", pair=PAIR, volume=5, validate=True)

    assert told == {"descr": {"order": "buy 5.000000000 SN1TAO @ market"}}
    assert alice.user.get_closed_orders()["count"] == 0


def test_truncated_figures_are_accepted(alice: Clients) -> None:
    ask = alice.market.get_order_book(pair=PAIR, count=1)[PAIR]["asks"][0]

    placed = alice.trade.create_order(
        ordertype="limit", side="buy", pair=PAIR, volume=1.2345678919, price=ask[0], timeinforce="IOC", truncate=True
    )

    order = alice.user.get_orders_info(txid=placed["txid"][0])[placed["txid"][0]]
    assert (order["vol_exec"], order["descr"]["price"]) == ("1.234567890", ask[0])


def test_several_orders_in_one_call(alice: Clients) -> None:
    orders = [{"ordertype": "market", "type": "sell", "volume": volume} for volume in ("100", "401", "400")]

    told = alice.trade.create_order_batch(orders=orders, pair=PAIR)["orders"]

    assert [row.get("error") for row in told] == [None, "EOrder:Insufficient funds", None]
    assert told[2]["descr"]["order"] == "sell 400.000000000 SN1TAO @ market"
    assert alice.user.get_account_balance().keys() == {"TAO"}
    assert set(alice.user.get_closed_orders()["closed"]) == {told[0]["txid"], told[2]["txid"]}


def test_one_order_that_cannot_be_read_refuses_all_of_a_batch(alice: Clients) -> None:
    orders = [{"ordertype": "market", "type": "sell", "volume": volume} for volume in ("1", "0.00000001")]

    with pytest.raises(kraken_errors.KrakenOrderMinimumNotMetError):
        alice.trade.create_order_batch(orders=orders, pair=PAIR)
    with pytest.raises(kraken_errors.KrakenInvalidArgumentsError):
        alice.trade.create_order_batch(orders=orders[:1], pair=PAIR)

    assert alice.user.get_closed_orders()["count"] == 0


def test_cancelling(alice: Clients) -> None:
    txid = buy(alice, "1")

    assert alice.trade.cancel_all_orders() == {"count": 0}
    with pytest.raises(kraken_errors.KrakenUnknownOrderError):
        alice.trade.cancel_order(txid=txid)
    with pytest.raises(kraken_errors.KrakenUnknownOrderError):
        alice.trade.cancel_order_batch(orders=[txid])


def test_worth_fees_and_positions(alice: Clients) -> None:
    buy(alice, "5")
    (trade,) = alice.user.get_trades_history()["trades"].values()

    volume = alice.user.get_trade_volume(pair=PAIR)
    worth = alice.user.get_trade_balance()

    # Counted in thousandths of a TAO, rounded down.
    assert (volume["currency"], rao(volume["volume"])) == ("TAO", rao(trade["cost"]) // 10**6 * 10**6)
    assert (volume["fees"][PAIR]["fee"], volume["fees_maker"][PAIR]["fee"]) == ("0.2600", "0.1600")
    assert worth["eb"] == worth["e"] == worth["mf"]
    spot = kit.POOL_TAO * TAO // kit.POOL_ALPHA - 1
    balances = alice.user.get_account_balance()
    assert rao(worth["eb"]) == rao(balances["TAO"]) + 505 * spot
    objects = alice.user.get_trade_volume(pair=[{"asset": PAIR, "aclass": "currency"}])
    assert objects["fees"] == volume["fees"]
    assert alice.user.get_open_positions() == []


def test_deposits(alice: Clients) -> None:
    (method,) = alice.funding.get_deposit_methods(asset="TAO")
    (address,) = alice.funding.get_deposit_address(asset="TAO", method=method["method"])
    plain = alice.funding.get_recent_deposits_status()
    page = alice.funding.get_recent_deposits_status(cursor=True, extra_params={"limit": 1})
    rest = alice.funding.get_recent_deposits_status(cursor=page["next_cursor"])

    assert address["address"] == ss58_encode(kit.public_key(kit.ALICE_KEY))
    assert [(row["asset"], row["amount"]) for row in plain] == [("SN1", "500.000000000"), ("TAO", "1000.000000000")]
    assert page["deposits"] + rest["deposits"] == plain
    assert rest["next_cursor"] is None


def test_a_withdrawal(shop: ServedExchange, alice: Clients) -> None:
    shop.add_address(ALICE, asset="TAO", key="cold", address=COLD)

    info = alice.funding.get_withdrawal_info(asset="TAO", key="cold", amount="10")
    sent = alice.funding.withdraw_funds(asset="TAO", key="cold", amount="10", max_fee="0.001")

    assert (info["amount"], info["fee"], info["limit"]) == ("9.999000000", "0.001000000", "1000.000000000")
    (row,) = alice.funding.get_recent_withdraw_status(asset="TAO")
    assert (row["refid"], row["status"], row["info"], row["key"]) == (sent["refid"], "Initial", COLD, "cold")
    (entry,) = alice.user.get_ledgers_info(type_="withdrawal")["ledger"].values()
    assert (entry["refid"], entry["amount"], entry["fee"]) == (sent["refid"], "-9.999000000", "0.001000000")
    assert entry["balance"] == alice.user.get_account_balance()["TAO"] == "990.000000000"
    assert [row["key"] for row in alice.funding.withdraw_addresses(asset="TAO")] == ["cold"]
    assert {row["asset"] for row in alice.funding.withdraw_methods()} == {"TAO", "SN1"}
    with pytest.raises(kraken_errors.KrakenInvalidReferenceIdError):
        alice.funding.cancel_withdraw(asset="TAO", refid=sent["refid"])
    with pytest.raises(kraken_errors.KrakenPermissionDeniedError):
        alice.funding.wallet_transfer(asset="TAO", from_="Spot Wallet", to_="Futures Wallet", amount="1")


def order(**fields: Any) -> Callable[[Clients], Any]:
    return lambda alice: alice.trade.create_order(**{"pair": PAIR, "ordertype": "market", "side": "buy"} | fields)


ERRORS: dict[str, tuple[Callable[[Clients], Any], str]] = {
    "funds": (order(side="sell", volume="501"), "KrakenInsufficientFundsError"),
    "size": (order(volume="0.01"), "KrakenOrderMinimumNotMetError"),
    "cost": (order(ordertype="limit", volume="1", price="0.0001", timeinforce="IOC"), "KrakenCostMinimumNotMetError"),
    "price": (order(ordertype="limit", volume="1", price="0.020000001", timeinforce="IOC"), "KrakenInvalidPriceError"),
    "deadline": (order(volume="1", deadline="2020-01-01T00:00:00Z"), "KrakenDeadlineElapsedError"),
    "post": (
        order(ordertype="limit", volume="1", price="0.03", oflags="post", validate=True),
        "KrakenInvalidOrderError",
    ),
    "rest": (order(ordertype="limit", volume="100000", price="0.0199"), "KrakenInsufficientFundsError"),
    "type": (order(ordertype="trailing-stop", volume="1", price="+1"), "KrakenInvalidArgumentsError"),
    "expiry": (order(ordertype="limit", volume="1", price="0.01", timeinforce="GTD"), "KrakenInvalidArgumentsError"),
    "amend": (
        lambda alice: alice.trade.amend_order(txid="OAAAAA-AAAAA-AAAAAA", order_qty="1"),
        "KrakenUnknownOrderError",
    ),
    "edit": (
        lambda alice: alice.trade.edit_order(txid="OAAAAA-AAAAA-AAAAAA", pair=PAIR, volume="1"),
        "KrakenUnknownOrderError",
    ),
    "switch": (lambda alice: alice.trade.cancel_all_orders_after_x(timeout=90_000), "KrakenInvalidArgumentsError"),
    "flags": (order(volume="1", oflags="post"), "KrakenInvalidOrderError"),
    "pair": (order(pair="DOGETAO", volume="1"), "KrakenUnknownAssetError"),
    "order": (lambda alice: alice.user.get_orders_info(txid="OAAAAA-AAAAA-AAAAAA"), "KrakenUnknownOrderError"),
    "trade": (lambda alice: alice.user.get_trades_info(txid="TAAAAA-AAAAA-AAAAAA"), "KrakenInvalidOrderError"),
    "entry": (lambda alice: alice.user.get_ledgers(id_="LAAAAA-AAAAA-AAAAAA"), "KrakenInvalidArgumentsError"),
    "asset": (lambda alice: alice.funding.get_deposit_methods(asset="DOGE"), "KrakenUnknownAssetError"),
    "key": (
        lambda alice: alice.funding.withdraw_funds(asset="TAO", key="none", amount="1"),
        "KrakenUnknownWithdrawKeyError",
    ),
    "amount": (
        lambda alice: alice.funding.withdraw_funds(asset="TAO", key="cold", amount="1001"),
        "KrakenInvalidAmountError",
    ),
    "fee": (
        lambda alice: alice.funding.withdraw_funds(asset="TAO", key="cold", amount="1", max_fee="0"),
        "KrakenMaxFeeExceededError",
    ),
    "refid": (lambda alice: alice.funding.cancel_withdraw(asset="TAO", refid="W"), "KrakenUnknownReferenceIdError"),
    "method": (lambda alice: alice.user.request(method="POST", uri="/0/private/Nothing"), "KrakenUnknownMethodError"),
}


def test_each_refusal_is_the_exception_that_the_sdk_has_for_it(shop: ServedExchange, alice: Clients) -> None:
    shop.add_address(ALICE, asset="TAO", key="cold", address=COLD)

    raised = {}
    for name, (call, _) in ERRORS.items():
        with pytest.raises(Exception, match="Details: ") as caught:
            call(alice)
        raised[name] = type(caught.value).__name__

    assert raised == {name: kind for name, (_, kind) in ERRORS.items()}
    assert alice.user.get_account_balance() == {"TAO": "1000.000000000", "SN1": "500.000000000"}


def test_who_is_not_known_or_signs_badly_is_told(shop: ServedExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    key = shop.new_key(ALICE)

    with pytest.raises(kraken_errors.KrakenInvalidAPIKeyError):
        User(key="nobody", secret=key.secret, url=shop.rest).get_account_balance()
    with pytest.raises(kraken_errors.KrakenInvalidSignatureError):
        User(key=key.key, secret="c2VjcmV0", url=shop.rest).get_account_balance()
    late = User(key=key.key, secret=key.secret, url=shop.rest)
    late.get_account_balance()
    monkeypatch.setattr(late, "get_nonce", lambda: "5")
    with pytest.raises(kraken_errors.KrakenInvalidNonceError):
        late.get_account_balance()


async def test_the_async_client_trades_too(shop: ServedExchange) -> None:
    key = shop.new_key(ALICE)
    client: Any = SpotAsyncClient(key=key.key, secret=key.secret, url=shop.rest)
    try:
        fields = {"pair": PAIR, "type": "buy", "ordertype": "market", "volume": "5"}
        placed = await client.request(method="POST", uri="/0/private/AddOrder", params=fields)
        found = await client.request(method="POST", uri="/0/private/QueryOrders", params={"txid": placed["txid"][0]})
        assert found[placed["txid"][0]]["vol_exec"] == "5.000000000"
        with pytest.raises(kraken_errors.KrakenInsufficientFundsError):
            await client.request(
                method="POST", uri="/0/private/AddOrder", params=fields | {"type": "sell", "volume": "506"}
            )
    finally:
        await client.close()
