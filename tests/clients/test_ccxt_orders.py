"""ccxt as it is with orders that wait: placed, amended, triggered and cancelled, every type it knows."""

from typing import Any

import ccxt
import pytest

from tests.clients.kits import options
from tests.support.served_exchange import ServedExchange
from tests.support.small_exchange import ALICE, BOB, TAO, rao

SYMBOL = "SN1/TAO"


@pytest.fixture
def alice(shop: ServedExchange) -> Any:
    return ccxt.kraken(options(shop.rest, shop.new_key(ALICE)))


@pytest.fixture
def bob(shop: ServedExchange) -> Any:
    return ccxt.kraken(options(shop.rest, shop.new_key(BOB)))


def test_a_limit_order_rests_is_amended_and_cancelled(alice: Any) -> None:
    placed = alice.create_order(SYMBOL, "limit", "buy", 5, 0.0199, {"clientOrderId": "mine"})

    (shown,) = alice.fetch_open_orders(SYMBOL)
    assert (shown["id"], shown["status"], shown["price"], shown["remaining"]) == (placed["id"], "open", 0.0199, 5.0)
    assert (shown["type"], shown["side"], shown["clientOrderId"]) == ("limit", "buy", "mine")
    assert alice.fetch_balance()["TAO"]["used"] == 0.0997587
    amended = alice.edit_order(placed["id"], SYMBOL, "limit", "buy", 4, 0.0198)
    assert amended["id"].startswith("T")
    found = alice.fetch_order(placed["id"])
    assert (found["amount"], found["price"], found["status"]) == (4.0, 0.0198, "open")
    alice.cancel_order(placed["id"], SYMBOL)
    assert alice.fetch_order(placed["id"])["status"] == "canceled"
    assert [row["id"] for row in alice.fetch_closed_orders(SYMBOL)] == [placed["id"]]
    assert alice.fetch_balance()["TAO"]["used"] == 0.0


def test_a_maker_and_a_taker_meet_at_the_makers_price(alice: Any, bob: Any) -> None:
    resting = alice.create_order(SYMBOL, "limit", "sell", 3, 0.020005, {"postOnly": True})
    assert resting["id"]
    taken = bob.create_order(SYMBOL, "limit", "buy", 2, 0.020005, {"timeInForce": "FOK"})

    (mine,), (theirs,) = alice.fetch_my_trades(SYMBOL), bob.fetch_my_trades(SYMBOL)
    assert (mine["takerOrMaker"], theirs["takerOrMaker"]) == ("maker", "taker")
    assert (mine["price"], theirs["price"], mine["amount"]) == (0.020005, 0.020005, 2.0)
    assert bob.fetch_order(taken["id"])["status"] == "closed"
    left = alice.fetch_order(resting["id"])
    assert (left["status"], left["filled"], left["remaining"], left["postOnly"]) == ("open", 2.0, 1.0, True)
    assert [trade["amount"] for trade in alice.fetch_trades(SYMBOL)] == [2.0]
    assert alice.fetch_order_book(SYMBOL, 10)["asks"][0][:2] == [0.020005, 1.0]
    assert (rao(mine["info"]["fee"]), rao(theirs["info"]["fee"])) == (64_016, 104_026)


@pytest.mark.parametrize(
    ("kind", "price", "params", "told"),
    [
        ("market", None, {"stopLossPrice": 0.015}, ("stop-loss", 0.015, None)),
        ("limit", 0.014, {"stopLossPrice": 0.015}, ("stop-loss-limit", 0.015, 0.014)),
        ("market", None, {"takeProfitPrice": 0.03}, ("take-profit", 0.03, None)),
        ("limit", 0.029, {"takeProfitPrice": 0.03, "trigger": "index"}, ("take-profit-limit", 0.03, 0.029)),
    ],
)
def test_triggered_orders_wait_and_can_be_changed(
    alice: Any, kind: str, price: float | None, params: dict[str, Any], told: tuple[str, float, float | None]
) -> None:
    placed = alice.create_order(SYMBOL, kind, "sell", 3, price, params)

    (shown,) = alice.fetch_open_orders(SYMBOL)
    word, trigger, limit = told
    name = "stopLossPrice" if "stopLossPrice" in params else "takeProfitPrice"
    assert (shown["id"], shown["info"]["descr"]["ordertype"]) == (placed["id"], word)
    assert (shown[name], shown["price"]) == (trigger, limit)
    assert alice.fetch_balance()["SN1"]["used"] == 3.0
    alice.edit_order(placed["id"], SYMBOL, kind, "sell", 2, price, {name: trigger * 1.01})
    changed = alice.fetch_order(placed["id"])
    assert (changed["amount"], changed[name]) == (2.0, round(trigger * 1.01, 8))
    assert alice.cancel_all_orders()[0]["info"]["result"] == {"count": 1}
    assert alice.fetch_balance()["SN1"] == {"free": 500.0, "used": 0.0, "total": 500.0}


def test_a_stop_is_triggered_by_a_trade_and_filled(alice: Any) -> None:
    stop = alice.create_order(SYMBOL, "market", "sell", 3, None, {"stopLossPrice": 0.01999})
    alice.create_order(SYMBOL, "market", "sell", 1)

    found = alice.fetch_order(stop["id"])
    assert (found["status"], found["filled"], found["info"]["misc"]) == ("closed", 3.0, "stopped")


def test_an_order_with_a_day_ends_and_the_dead_mans_switch_fires(shop: ServedExchange, alice: Any) -> None:
    timed = alice.create_order(SYMBOL, "limit", "buy", 5, 0.0199, {"timeInForce": "GTD", "expiretm": "+60"})
    lasting = alice.create_order(SYMBOL, "limit", "buy", 5, 0.0199)
    armed = alice.cancel_all_orders_after(90_000)["result"]
    assert armed["triggerTime"] > armed["currentTime"]

    shop.exchange.clock.now_ms += 61_000
    shop.import_head()
    assert (alice.fetch_order(timed["id"])["status"], alice.fetch_order(lasting["id"])["status"]) == ("expired", "open")
    shop.exchange.clock.now_ms += 31_000
    shop.import_head()
    assert alice.fetch_order(lasting["id"])["status"] == "canceled"
    assert alice.cancel_all_orders_after(0)["result"]["triggerTime"] == "0"


def test_batches_are_placed_and_cancelled(alice: Any) -> None:
    rows = [{"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 1, "price": price} for price in (0.019, 0.018)]
    placed = alice.create_orders(rows)

    ids = [row["id"] for row in placed]
    assert {row["id"] for row in alice.fetch_open_orders(SYMBOL)} == set(ids)
    alice.cancel_orders(ids, SYMBOL)
    assert alice.fetch_open_orders(SYMBOL) == []


def test_an_order_beyond_the_window_waits_for_the_block(shop: ServedExchange, alice: Any) -> None:
    waiting = alice.create_market_buy_order_with_cost(SYMBOL, 40)

    (shown,) = alice.fetch_open_orders(SYMBOL)
    assert (shown["id"], shown["status"], shown["filled"]) == (waiting["id"], "open", 0.0)
    assert rao(alice.fetch_balance()["info"]["result"]["TAO"]["hold_trade"]) == 40 * TAO
    alice.cancel_order(waiting["id"], SYMBOL)
    assert alice.fetch_balance()["TAO"]["free"] == 1_000.0
