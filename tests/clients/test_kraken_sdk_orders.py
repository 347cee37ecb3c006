"""python-kraken-sdk as it is with orders that wait: placed, amended, edited, triggered and cancelled."""

import pytest

from tests.clients.kits import Clients, sdk_clients
from tests.support.served_exchange import ServedExchange
from tests.support.small_exchange import ALICE, BOB

PAIR = "SN1TAO"


@pytest.fixture
def alice(shop: ServedExchange) -> Clients:
    return sdk_clients(shop, ALICE)


@pytest.fixture
def bob(shop: ServedExchange) -> Clients:
    return sdk_clients(shop, BOB)


def place(client: Clients, ordertype: str = "limit", side: str = "buy", volume: str = "5", **more: str) -> str:
    placed = client.trade.create_order(ordertype=ordertype, side=side, pair=PAIR, volume=volume, **more)
    return str(placed["txid"][0])


def test_a_limit_order_rests_is_amended_and_cancelled(alice: Clients) -> None:
    txid = place(alice, price="0.0199", cl_ord_id="mine")

    assert list(alice.user.get_open_orders()["open"]) == [txid]
    amended = alice.trade.amend_order(cl_ord_id="mine", order_qty="4", limit_price="0.0198")
    assert amended["amend_id"].startswith("T")
    told = alice.user.get_orders_info(txid=txid)[txid]
    assert (told["vol"], told["descr"]["price"], told["status"]) == ("4.000000000", "0.01980000", "open")
    assert alice.trade.cancel_order(cl_ord_id="mine") == {"count": 1}
    closed = alice.user.get_closed_orders()["closed"]
    assert (closed[txid]["status"], closed[txid]["reason"]) == ("canceled", "User requested")


def test_an_order_is_edited_under_a_new_id(alice: Clients) -> None:
    txid = place(alice, price="0.0199")

    told = alice.trade.edit_order(txid=txid, pair=PAIR, volume="6", price="0.0197")

    assert (told["status"], told["originaltxid"], told["orders_cancelled"]) == ("ok", txid, 1)
    assert list(alice.user.get_open_orders()["open"]) == [told["txid"]]
    only = alice.trade.edit_order(txid=told["txid"], pair=PAIR, price="0.0196", validate=True)
    assert "txid" not in only
    assert list(alice.user.get_open_orders()["open"]) == [told["txid"]]


@pytest.mark.parametrize("ordertype", ["stop-loss", "stop-loss-limit", "take-profit", "take-profit-limit"])
def test_triggered_orders_wait(alice: Clients, ordertype: str) -> None:
    price = "0.015" if ordertype.startswith("stop") else "0.03"
    more = {"price2": "0.0145"} if ordertype.endswith("limit") else {}

    txid = place(alice, ordertype, "sell", "3", price=price, trigger="index", **more)

    told = alice.user.get_open_orders()["open"][txid]
    assert (told["descr"]["ordertype"], told["trigger"], told["status"]) == (ordertype, "index", "open")
    assert alice.user.get_balances()["SN1"]["hold_trade"] == "3.000000000"
    assert alice.trade.cancel_all_orders() == {"count": 1}


def test_a_maker_is_told_as_one(alice: Clients, bob: Clients) -> None:
    resting = place(alice, side="sell", volume="2", price="0.020005", oflags="post")
    taking = place(bob, volume="2", price="0.0201", timeinforce="FOK")

    for client, txid, is_maker in ((alice, resting, True), (bob, taking, False)):
        (trade,) = client.user.get_trades_history()["trades"].values()
        assert (trade["ordertxid"], trade["maker"], trade["price"]) == (txid, is_maker, "0.02000500")
        assert client.user.get_orders_info(txid=txid)[txid]["status"] == "closed"


def test_batches_and_the_dead_mans_switch(shop: ServedExchange, alice: Clients) -> None:
    rows = [{"ordertype": "limit", "type": "buy", "volume": "1", "price": price} for price in ("0.019", "0.018")]
    placed = alice.trade.create_order_batch(orders=rows, pair=PAIR)["orders"]
    assert alice.trade.cancel_order_batch(orders=[row["txid"] for row in placed]) == {"count": 2}

    txid = place(alice, price="0.0199", timeinforce="GTD", expiretm="+600")
    armed = alice.trade.cancel_all_orders_after_x(timeout=60)
    assert armed["triggerTime"] > armed["currentTime"]
    shop.exchange.clock.now_ms += 61_000
    shop.import_head()
    assert alice.user.get_orders_info(txid=txid)[txid]["status"] == "canceled"


def test_the_fees_of_the_account_are_told(alice: Clients) -> None:
    told = alice.user.get_trade_volume(pair=PAIR)

    assert (told["currency"], told["fees"][PAIR]["fee"], told["fees_maker"][PAIR]["fee"]) == ("TAO", "0.2600", "0.1600")
