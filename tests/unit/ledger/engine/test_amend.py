"""Amending live orders: what keeps its place, what is decided anew, what is refused."""

import pytest

from amm.exchange_reference import trading_fee
from app.verify.exchange import Exchange
from ledger.engine.api import Answer
from ledger.engine.layout import MAX_AMOUNT, CommandKind, EventKind, Flag, OrderState, Shelf, Stage, Trait
from ledger.errors import Refusal
from tests.support.builders import SN, TAO, booked_balances, kinds, sell, trading_exchange
from tests.support.placing import amend, ask, bid, place, row, shelf, state_of

AMENDED, RESTED, CROSSED = EventKind.ORDER_AMENDED, EventKind.ORDER_RESTED, EventKind.CROSSED
CLOSED, ARMED = EventKind.ORDER_CLOSED, EventKind.STOP_ARMED
TAKER = 2_600


@pytest.fixture
def exchange() -> Exchange:
    exchange, _ = trading_exchange(dict.fromkeys(("alice", "bob"), (100 * TAO, 1000 * TAO)))
    return exchange


def hold(alpha: int, limit: int) -> int:
    cost = -(-alpha * limit // TAO)
    return cost + trading_fee(cost, TAKER)


def held(exchange: Exchange, account: int, asset: int = 0) -> int:
    return exchange.views.balance(account, asset).held


def test_less_of_the_same_keeps_its_place_and_frees_the_difference(exchange: Exchange) -> None:
    first = bid(exchange, 1, 10 * TAO, 33_000_000).reference
    second = bid(exchange, 2, TAO, 33_000_000).reference

    answer = amend(exchange, 1, first, alpha_rao=4 * TAO)

    assert (kinds(answer), int(answer.events[0]["code"]), answer.reference) == ([AMENDED], 1, first)
    assert int(answer.events[0]["hold"]) == hold(4 * TAO, 33_000_000) - hold(10 * TAO, 33_000_000)
    assert shelf(exchange, Shelf.BIDS) == [first, second]
    assert held(exchange, 1) == hold(4 * TAO, 33_000_000)


@pytest.mark.parametrize("change", [{"alpha_rao": 11 * TAO}, {"limit": 33_000_000}])
def test_more_volume_or_another_price_comes_last(exchange: Exchange, change: dict[str, int]) -> None:
    first = bid(exchange, 1, 10 * TAO, 33_000_000 if "alpha_rao" in change else 32_000_000).reference
    second = bid(exchange, 2, TAO, 33_000_000).reference

    answer = amend(exchange, 1, first, **change)

    assert (kinds(answer), int(answer.events[0]["code"])) == ([AMENDED, RESTED], 0)
    assert shelf(exchange, Shelf.BIDS) == [second, first]
    assert held(exchange, 1) == hold(change.get("alpha_rao", 10 * TAO), 33_000_000)
    assert booked_balances(exchange) == exchange.balances()


def test_a_price_that_crosses_trades_at_once_out_of_the_hold(exchange: Exchange) -> None:
    maker = ask(exchange, 2, 4 * TAO, 33_340_000).reference
    order = bid(exchange, 1, 10 * TAO, 33_000_000).reference

    answer = amend(exchange, 1, order, limit=33_345_000)

    assert kinds(answer) == [AMENDED, CROSSED, CLOSED, RESTED]
    crossed = answer.events[1]
    cost, rest = 133_360_000, 200_070_000
    left = rest + trading_fee(cost + rest, TAKER) - trading_fee(cost, TAKER)
    assert int(crossed["aux"]) == maker
    assert int(crossed["hold"]) == hold(10 * TAO, 33_345_000) - left
    assert (held(exchange, 1), int(answer.events[3]["hold"])) == (left, 0)
    assert int(row(exchange, order)["alpha"]) == 4 * TAO


def test_volume_counts_what_is_filled_already(exchange: Exchange) -> None:
    order = ask(exchange, 1, 10 * TAO, 33_340_000).reference
    bid(exchange, 2, 4 * TAO, 33_345_000)

    assert amend(exchange, 1, order, alpha_rao=4 * TAO).code == Refusal.AMOUNT_OUT_OF_RANGE
    assert amend(exchange, 1, order, alpha_rao=5 * TAO).code == 0
    assert held(exchange, 1, SN + 1) == TAO


def test_a_queued_order_is_decided_anew(exchange: Exchange) -> None:
    order = sell(exchange, 1, alpha=200 * TAO).reference
    assert state_of(exchange, order) == OrderState.QUEUED

    kept = amend(exchange, 1, order, alpha_rao=190 * TAO)
    assert (kinds(kept), state_of(exchange, order)) == ([AMENDED], OrderState.QUEUED)
    larger = amend(exchange, 1, order, alpha_rao=195 * TAO)
    assert kinds(larger) == [AMENDED, EventKind.ORDER_QUEUED]
    priced = ask(exchange, 1, 200 * TAO, 33_000_000).reference
    away = amend(exchange, 1, priced, limit=34_000_000)
    assert (kinds(away), state_of(exchange, priced)) == ([AMENDED, RESTED], OrderState.RESTING)


def test_a_waiting_stop_moves_its_trigger(exchange: Exchange) -> None:
    flags = Flag.LIMIT
    meanings = {"alpha_rao": TAO, "limit": 35_000_000, "trigger": 34_000_000, "traits": Trait.STOP_LOSS}
    order = place(exchange, 1, flags, **meanings).reference
    assert state_of(exchange, order) == OrderState.ARMED

    answer = amend(exchange, 1, order, trigger=34_500_000, limit=36_000_000)

    assert kinds(answer) == [AMENDED, ARMED]
    assert int(row(exchange, order)["trigger"]) == 34_500_000
    assert held(exchange, 1) == hold(TAO, 36_000_000)
    assert shelf(exchange, Shelf.LAST_RISING) == [order]


def refused(exchange: Exchange, order: int, **more: int) -> Answer:
    before, place_of = exchange.balances(), shelf(exchange, Shelf.BIDS)
    answer = amend(exchange, 1, order, **more)
    assert kinds(answer) == [EventKind.COMMAND_REJECTED]
    assert (exchange.balances(), shelf(exchange, Shelf.BIDS)) == (before, place_of)
    return answer


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"alpha_rao": -1}, Refusal.AMOUNT_OUT_OF_RANGE),
        ({"alpha_rao": MAX_AMOUNT + 1}, Refusal.AMOUNT_OUT_OF_RANGE),
        ({"limit": -1}, Refusal.LIMIT_OUT_OF_RANGE),
        ({"limit": MAX_AMOUNT + 1}, Refusal.LIMIT_OUT_OF_RANGE),
        ({"trigger": 5}, Refusal.AMEND_NOT_POSSIBLE),
        ({"deadline": 1}, Refusal.DEADLINE_PASSED),
        ({"alpha_rao": 4_000 * TAO}, Refusal.INSUFFICIENT_FUNDS),
        ({"limit": 33_345_000, "flags": Flag.POST_ONLY}, Refusal.POST_ONLY_WOULD_TRADE),
    ],
)
def test_an_amendment_that_is_refused_changes_nothing(
    exchange: Exchange, changes: dict[str, int], code: Refusal
) -> None:
    ask(exchange, 2, TAO, 33_340_000)
    order = bid(exchange, 1, 10 * TAO, 33_000_000).reference

    assert refused(exchange, order, **changes).code == code


def test_orders_in_quote_and_market_orders_keep_their_terms(exchange: Exchange) -> None:
    quote = place(exchange, 1, Flag.LIMIT | Flag.IN_QUOTE, tao_rao=TAO, limit=33_000_000).reference
    market = sell(exchange, 1, alpha=200 * TAO).reference

    assert refused(exchange, quote, limit=32_000_000).code == Refusal.AMEND_NOT_POSSIBLE
    assert refused(exchange, market, limit=32_000_000).code == Refusal.AMEND_NOT_POSSIBLE


def test_only_the_owner_amends_and_only_where_the_stage_allows(exchange: Exchange) -> None:
    order = bid(exchange, 1, 10 * TAO, 33_000_000).reference

    assert amend(exchange, 2, order, alpha_rao=TAO).code == Refusal.UNKNOWN_ORDER
    assert amend(exchange, 9, order, alpha_rao=TAO).code == Refusal.UNKNOWN_ACCOUNT
    exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.CANCEL_ONLY)
    assert amend(exchange, 1, order, alpha_rao=TAO).code == Refusal.MARKET_STAGE


def test_a_repeated_amendment_is_answered_once(exchange: Exchange) -> None:
    order = bid(exchange, 1, 10 * TAO, 33_000_000).reference
    first = amend(exchange, 1, order, alpha_rao=9 * TAO, client_id_hi=1, client_id_lo=2, body_digest=3)
    again = amend(exchange, 1, order, alpha_rao=9 * TAO, client_id_hi=1, client_id_lo=2, body_digest=3)

    assert (first.reference, again.reference, again.duplicate) == (order, order, True)
    assert len(again.events) == 0
