"""Resting orders that the mirror comes to: they trade on the curve, as makers."""

import pytest

from amm.exchange_reference import buy_out, sell_in, trading_fee
from amm.reference import Pool
from app.verify.exchange import Exchange, PoolShown
from ledger.engine.api import Answer
from ledger.engine.layout import CommandKind, EventKind, Flag, Halt, OrderState, Shelf, Stage
from ledger.errors import Refusal
from tests.support.builders import DEEP, SN, TAO, booked_balances, trading_exchange
from tests.support.placing import ask, bid, place, row, shelf, state_of

MAKER_PPM = 1_600
FILLED, CLOSED, QUEUED = EventKind.FILLED, EventKind.ORDER_CLOSED, EventKind.ORDER_QUEUED


@pytest.fixture
def exchange() -> Exchange:
    exchange, _ = trading_exchange(dict.fromkeys(("alice", "bob"), (100 * TAO, 1000 * TAO)))
    return exchange


def head_at(exchange: Exchange, tao: int) -> Answer:
    exchange.pools[SN] = PoolShown(tao, DEEP.alpha)
    return exchange.head()


def of_orders(answer: Answer) -> list[tuple[EventKind, int]]:
    """Return the kinds and order ids of what happened to orders."""
    wanted = {FILLED, CLOSED, QUEUED, EventKind.ORDER_RESTED, EventKind.CROSSED}
    return [(EventKind(int(e["kind"])), int(e["order_id"])) for e in answer.events if e["kind"] in wanted]


def test_a_resting_buy_that_the_curve_falls_to_gets_the_curves_price_as_maker(exchange: Exchange) -> None:
    order = bid(exchange, 1, 20 * TAO, 33_300_000).reference

    answer = head_at(exchange, 19_950 * TAO)

    assert of_orders(answer) == [(FILLED, order), (CLOSED, order)]
    filled = next(event for event in answer.events if event["kind"] == FILLED)
    known = buy_out(Pool(19_950 * TAO, DEEP.alpha), 20 * TAO)
    assert (int(filled["tao"]), int(filled["amount"])) == (known.cost, 20 * TAO)
    assert int(filled["fee"]) == trading_fee(known.cost, MAKER_PPM)
    assert int(filled["flags"]) == Flag.MAKER
    assert int(filled["limit"]) == known.pool.tao - 19_950 * TAO
    assert exchange.views.balance(1, 0).free == 100 * TAO - known.cost - int(filled["fee"])
    assert exchange.views.balance(1, 0).held == 0
    assert booked_balances(exchange) == exchange.balances()


def test_a_resting_sale_that_the_curve_rises_to_trades_up_to_its_limit_and_the_rest_keeps_its_place(
    exchange: Exchange,
) -> None:
    first = ask(exchange, 1, 900 * TAO, 33_400_000).reference
    second = ask(exchange, 2, TAO, 33_400_000).reference

    answer = head_at(exchange, 20_055 * TAO)

    assert of_orders(answer) == [(FILLED, first)]
    filled = next(event for event in answer.events if event["kind"] == FILLED)
    alpha, tao = int(filled["amount"]), int(filled["tao"])
    assert 0 < alpha < 900 * TAO
    assert tao == sell_in(Pool(20_055 * TAO, DEEP.alpha), alpha).tao_out
    assert tao * TAO >= alpha * 33_400_000
    assert shelf(exchange, Shelf.ASKS) == [first, second]
    assert int(row(exchange, first)["held"]) == 900 * TAO - alpha


def test_price_and_then_time_decide_who_trades_first(exchange: Exchange) -> None:
    low = bid(exchange, 1, TAO, 33_200_000).reference
    high = bid(exchange, 2, TAO, 33_250_000).reference
    later = bid(exchange, 1, TAO, 33_250_000).reference

    answer = head_at(exchange, 19_800 * TAO)

    assert [order for kind, order in of_orders(answer) if kind == FILLED] == [high, later, low]


def test_what_does_not_fit_the_window_is_queued_whole_and_a_smaller_one_behind_it_is_filled(exchange: Exchange) -> None:
    large = bid(exchange, 1, 200 * TAO, 33_250_000).reference
    small = bid(exchange, 2, 10 * TAO, 33_240_000).reference

    answer = head_at(exchange, 19_800 * TAO)

    assert of_orders(answer)[:3] == [(QUEUED, large), (FILLED, small), (CLOSED, small)]
    queued = next(event for event in answer.events if event["kind"] == QUEUED)
    assert (int(queued["code"]), int(queued["hold"])) == (Refusal.WINDOW_FULL, 0)


def test_while_the_pool_cannot_be_traded_reached_orders_stay_in_the_book(exchange: Exchange) -> None:
    order = bid(exchange, 1, TAO, 33_250_000).reference
    exchange.pools[SN] = PoolShown(19_800 * TAO, DEEP.alpha, closed=True)

    assert of_orders(exchange.head()) == []
    assert state_of(exchange, order) == OrderState.RESTING


def test_a_halted_market_queues_what_its_mirror_reaches(exchange: Exchange) -> None:
    order = bid(exchange, 1, TAO, 33_250_000).reference
    exchange.ask(CommandKind.SET_HALT, flags=Flag.ARM, netuid=SN, halt=Halt.INSTANT)

    assert of_orders(head_at(exchange, 19_800 * TAO))[0] == (QUEUED, order)


def test_a_new_target_moves_the_mirror_and_what_it_reaches_trades_at_once(exchange: Exchange) -> None:
    order = ask(exchange, 1, 10 * TAO, 33_400_000).reference

    answer = exchange.configure(SN, target=21_000 * TAO)

    assert of_orders(answer) == [(FILLED, order), (CLOSED, order)]


def test_a_stage_that_only_takes_resting_orders_lets_nothing_trade(exchange: Exchange) -> None:
    order = bid(exchange, 1, TAO, 33_250_000).reference
    exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.POST_ONLY)

    assert of_orders(head_at(exchange, 19_800 * TAO)) == []
    assert state_of(exchange, order) == OrderState.RESTING


def test_an_order_in_quote_spends_its_money_on_the_curve(exchange: Exchange) -> None:
    answer = place(exchange, 1, Flag.LIMIT | Flag.IN_QUOTE, tao_rao=TAO, limit=33_250_000)
    order, money = answer.reference, int(row(exchange, answer.reference)["amount"])

    answer = head_at(exchange, 19_800 * TAO)

    assert of_orders(answer) == [(FILLED, order), (CLOSED, order)]
    filled = next(event for event in answer.events if event["kind"] == FILLED)
    assert int(filled["tao"]) == money
    assert exchange.views.balance(1, 0).free == 100 * TAO - money - int(filled["fee"])


def test_a_resting_order_too_small_for_the_curve_is_closed_as_dust(exchange: Exchange) -> None:
    order = ask(exchange, 1, 1, 33_400_000).reference

    answer = head_at(exchange, 20_300 * TAO)

    assert of_orders(answer) == [(CLOSED, order)]
    assert int(answer.events[answer.events["kind"] == CLOSED][0]["code"]) == Refusal.DUST
