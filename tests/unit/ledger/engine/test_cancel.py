"""Cancelling one order and all orders."""

import pytest

from app.verify.exchange import Exchange
from ledger.engine.layout import NO_NETUID, CommandKind, EventKind, Flag, OrderState, Stage, Trait
from ledger.errors import Refusal
from tests.support.builders import DEEP, SN, TAO, booked_balances, kinds, sell, trading_exchange
from tests.support.placing import ask, bid, cancel, live_rows, place, state_of

CLOSED = EventKind.ORDER_CLOSED


@pytest.fixture
def exchange() -> Exchange:
    exchange, _ = trading_exchange(dict.fromkeys(("alice", "bob"), (100 * TAO, 1000 * TAO)))
    return exchange


def cancel_all(exchange: Exchange, account: int, netuid: int = SN) -> list[tuple[EventKind, int]]:
    answer = exchange.ask(CommandKind.CANCEL_ALL, account=account, netuid=netuid)
    return [(EventKind(int(event["kind"])), int(event["order_id"])) for event in answer.events]


def test_a_cancelled_order_gives_back_what_was_held_for_it(exchange: Exchange) -> None:
    before = exchange.balances()
    orders = [
        bid(exchange, 1, 10 * TAO, 33_000_000).reference,
        ask(exchange, 1, 10 * TAO, 34_000_000).reference,
        sell(exchange, 1, alpha=200 * TAO).reference,
        place(exchange, 1, Flag.SELL, alpha_rao=TAO, trigger=30_000_000, traits=Trait.STOP_LOSS).reference,
    ]
    assert [state_of(exchange, order) for order in orders] == [1, 1, 2, 4]
    assert exchange.balances() != before

    for order in orders:
        answer = cancel(exchange, 1, order)
        assert (kinds(answer), int(answer.events[0]["code"])) == ([CLOSED], Refusal.CANCELLED)
        assert answer.reference == order
    assert exchange.balances() == before == booked_balances(exchange)
    assert live_rows(exchange) == []


def test_only_a_live_order_of_the_account_is_cancelled(exchange: Exchange) -> None:
    order = bid(exchange, 1, 10 * TAO, 33_000_000).reference

    assert cancel(exchange, 2, order).code == Refusal.UNKNOWN_ORDER
    assert cancel(exchange, 1, order + 1).code == Refusal.UNKNOWN_ORDER
    assert cancel(exchange, 9, order).code == Refusal.UNKNOWN_ACCOUNT
    assert cancel(exchange, 1, order).code == 0
    assert cancel(exchange, 1, order).code == Refusal.UNKNOWN_ORDER


def test_all_orders_of_an_account_are_cancelled_oldest_first(exchange: Exchange) -> None:
    other = bid(exchange, 2, TAO, 33_000_000).reference
    orders = [bid(exchange, 1, TAO, limit).reference for limit in (33_000_000, 32_000_000, 33_100_000)]

    told = cancel_all(exchange, 1)

    assert told == [*((CLOSED, order) for order in orders), (EventKind.ORDERS_CANCELLED, 0)]
    assert int(exchange.events[-1]["amount"]) == 3
    assert [int(order["order_id"]) for order in live_rows(exchange)] == [other]
    assert cancel_all(exchange, 1) == [(EventKind.ORDERS_CANCELLED, 0)]


def test_all_orders_of_one_market_leave_those_of_others(exchange: Exchange) -> None:
    exchange.list_market(2, DEEP)
    exchange.configure(2)
    exchange.head()
    here = bid(exchange, 1, TAO, 33_000_000).reference
    there = bid(exchange, 1, TAO, 33_000_000, netuid=2).reference

    assert cancel_all(exchange, 1, 2)[0] == (CLOSED, there)
    assert cancel_all(exchange, 1, NO_NETUID)[0] == (CLOSED, here)
    assert exchange.ask(CommandKind.CANCEL_ALL, account=1, netuid=3).code == Refusal.UNKNOWN_MARKET
    assert exchange.ask(CommandKind.CANCEL_ALL, account=9, netuid=2).code == Refusal.UNKNOWN_ACCOUNT


@pytest.mark.parametrize(
    ("stage", "allowed"), [(Stage.CANCEL_ONLY, True), (Stage.DELISTING, True), (Stage.DEPOSITS, False)]
)
def test_a_stage_tells_whether_orders_may_be_cancelled(exchange: Exchange, stage: Stage, *, allowed: bool) -> None:
    order = bid(exchange, 1, TAO, 33_000_000).reference
    exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=stage)

    assert len(cancel_all(exchange, 1)) == (2 if allowed else 1)
    code = cancel(exchange, 1, order).code
    assert code == (Refusal.UNKNOWN_ORDER if allowed else Refusal.MARKET_STAGE)
    assert (state_of(exchange, order) == OrderState.RESTING) is not allowed
