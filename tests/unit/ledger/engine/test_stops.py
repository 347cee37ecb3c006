from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.verify.exchange import Exchange, PoolShown
from ledger.engine.api import Answer
from ledger.engine.layout import CommandKind, EventKind, Flag, OrderState, Stage, Trait
from ledger.engine.parameters import STOPS_PER_COMMAND
from ledger.errors import Refusal
from tests.support.builders import DEEP, SN, TAO, booked_balances, buy, kinds, sell, trading_exchange, withdraw

SPOT = 33_333_333
LOSS, PROFIT, INDEX = Trait.STOP_LOSS, Trait.TAKE_PROFIT, Trait.ON_INDEX
ARMED = [EventKind.ORDER_ACCEPTED, EventKind.STOP_ARMED]
RUN = [EventKind.STOP_TRIGGERED, EventKind.FILLED, EventKind.ORDER_CLOSED]


@pytest.fixture
def exchange() -> Exchange:
    return trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (100 * TAO, 1_000 * TAO)})[0]


def stop(
    exchange: Exchange,
    traits: int,
    trigger: int,
    *,
    account: int = 1,
    flags: int = Flag.SELL,
    alpha: int = TAO,
    limit: int = 0,
    **more: int,
) -> Answer:
    """Place a stop of an account: a sale unless flags tell otherwise, in the market form without a limit."""
    figures = {"account": account, "netuid": SN, "alpha_rao": alpha, "limit": limit, "trigger": trigger}
    figures |= {"traits": traits, "slippage_ppm": 0 if limit else 5_000} | more
    return exchange.ask(CommandKind.PLACE_ORDER, flags=flags | (Flag.LIMIT if limit else 0), **figures)


def row(exchange: Exchange, order_id: int) -> Any:
    rows = exchange.engine.state.orders
    return rows[rows["order_id"] == order_id][0]


def row_is_gone(exchange: Exchange, order_id: int) -> bool:
    return order_id not in exchange.engine.state.orders["order_id"]


def armed(exchange: Exchange) -> list[int]:
    rows = exchange.engine.state.orders
    return sorted(rows["order_id"][rows["state"] == OrderState.ARMED].tolist())


def timer(exchange: Exchange) -> int | None:
    return exchange.engine.next_timer_ms


def last(exchange: Exchange) -> int:
    state = exchange.engine.state
    return int(state.markets[int(state.market_slots[SN]) - 1]["last"])


def triggered(answer: Answer) -> list[int]:
    return [int(event["order_id"]) for event in answer.events if event["kind"] == EventKind.STOP_TRIGGERED]


def test_a_stop_waits_with_its_funds_held(exchange: Exchange) -> None:
    sale = stop(exchange, LOSS, SPOT - 30_000)
    market_buy = stop(exchange, LOSS, SPOT + 30_000, flags=0)
    limit_buy = stop(exchange, PROFIT, SPOT - 30_000, flags=0, limit=SPOT)

    assert kinds(sale) == kinds(market_buy) == kinds(limit_buy) == ARMED
    highest = (SPOT + 30_000) * 1_005_000 // 1_000_000
    assert [int(row(exchange, answer.reference)["held"]) for answer in (sale, market_buy, limit_buy)] == [
        TAO,
        highest + (highest * 2_600 + 500_000) // 10**6,
        SPOT + (SPOT * 2_600 + 500_000) // 10**6,
    ]
    assert timer(exchange) is None
    assert booked_balances(exchange) == exchange.balances()


def test_a_stop_loss_sale_runs_right_after_the_trade_that_reached_it(exchange: Exchange) -> None:
    waits = stop(exchange, LOSS, SPOT - 20_000)

    above = sell(exchange, 2, alpha=30 * TAO)
    below = sell(exchange, 2, alpha=100 * TAO)

    assert triggered(above) == []
    assert triggered(below) == [waits.reference]
    assert kinds(below)[-3:] == RUN
    told = below.events[-3]
    assert int(told["aux"]) == int(below.events[1]["tao"]) * TAO // int(below.events[1]["amount"])
    assert armed(exchange) == []
    assert exchange.views.balance(1, SN + 1).free == 999 * TAO
    assert booked_balances(exchange) == exchange.balances()


@pytest.mark.parametrize(
    ("traits", "flags", "trigger", "falls"),
    [
        (LOSS, Flag.SELL, SPOT - 15_000, True),
        (PROFIT, 0, SPOT - 15_000, True),
        (LOSS, 0, SPOT + 15_000, False),
        (PROFIT, Flag.SELL, SPOT + 15_000, False),
    ],
)
def test_each_form_waits_for_its_own_side(
    exchange: Exchange, traits: int, flags: int, trigger: int, *, falls: bool
) -> None:
    waits = stop(exchange, traits, trigger, flags=flags)

    away = buy(exchange, 2, tao=TAO) if falls else sell(exchange, 2, alpha=30 * TAO)
    towards = sell(exchange, 2, alpha=90 * TAO) if falls else buy(exchange, 2, tao=3 * TAO)

    assert triggered(away) == []
    assert triggered(towards) == [waits.reference]


def test_a_stop_whose_price_has_passed_runs_right_after_its_own_command(exchange: Exchange) -> None:
    sell(exchange, 2, alpha=30 * TAO)

    answer = stop(exchange, LOSS, SPOT + 500_000)

    assert kinds(answer) == ARMED + RUN


def test_nothing_is_triggered_before_the_first_trade(exchange: Exchange) -> None:
    assert kinds(stop(exchange, LOSS, SPOT + 500_000)) == ARMED


def test_the_price_that_went_furthest_past_comes_first_then_the_older_order(exchange: Exchange) -> None:
    near = stop(exchange, LOSS, SPOT - 15_000)
    far = [stop(exchange, LOSS, SPOT - 12_000) for _ in range(2)]
    nearest = stop(exchange, LOSS, SPOT - 20_000)

    answer = sell(exchange, 2, alpha=100 * TAO)

    assert triggered(answer) == [far[0].reference, far[1].reference, near.reference, nearest.reference]


def test_each_stop_is_held_against_the_price_that_the_one_before_has_left(exchange: Exchange) -> None:
    sale = stop(exchange, LOSS, SPOT - 15_000)
    buy_back = stop(exchange, PROFIT, SPOT - 10_000, flags=0)

    answer = sell(exchange, 2, alpha=100 * TAO)

    assert triggered(answer) == [buy_back.reference]
    assert last(exchange) > SPOT - 15_000
    assert armed(exchange) == [sale.reference]


def test_a_stop_that_trades_triggers_others_until_none_is_left(exchange: Exchange) -> None:
    first = stop(exchange, LOSS, SPOT - 12_000, alpha=40 * TAO)
    second = stop(exchange, LOSS, SPOT - 22_000, alpha=10 * TAO)

    answer = sell(exchange, 2, alpha=50 * TAO)

    assert triggered(answer) == [first.reference, second.reference]
    assert timer(exchange) is None


def test_a_hundred_stops_run_after_one_command_and_the_rest_before_the_next_batch(exchange: Exchange) -> None:
    for number in range(STOPS_PER_COMMAND + 5):
        stop(exchange, LOSS, SPOT - 12_000 - number % 3, account=1 + number % 2, alpha=TAO // 100)

    answer = sell(exchange, 2, alpha=60 * TAO)
    waiting = armed(exchange)

    assert len(triggered(answer)) == STOPS_PER_COMMAND
    assert len(waiting) == 5
    assert timer(exchange) == exchange.ts_ms
    events = exchange.decide([]).events
    assert events["kind"].tolist().count(EventKind.STOP_TRIGGERED) == 5
    assert timer(exchange) is None
    assert exchange.replay().state_hash() == exchange.engine.state_hash()


def test_the_index_is_judged_at_a_head_and_not_before(exchange: Exchange) -> None:
    waits = stop(exchange, LOSS | INDEX, SPOT - 500_000)
    sell(exchange, 2, alpha=100 * TAO)
    exchange.pools[SN] = PoolShown(DEEP.tao * 96 // 100, DEEP.alpha)

    heads = [exchange.head(), exchange.head()]

    assert [triggered(head) for head in heads] == [[], [waits.reference]]
    assert (
        int(heads[1].events[heads[1].events["kind"] == EventKind.STOP_TRIGGERED]["aux"][0])
        == (2 * SPOT + 2 * 32_000_000) // 4
    )
    names = kinds(heads[1])
    assert (
        names.index(EventKind.WINDOW_OPENED) < names.index(EventKind.STOP_TRIGGERED) < names.index(EventKind.HEAD_ENDED)
    )


def test_a_stop_on_the_index_that_has_passed_runs_at_once(exchange: Exchange) -> None:
    assert kinds(stop(exchange, LOSS | INDEX, SPOT + 1)) == ARMED + RUN
    assert kinds(stop(exchange, LOSS | INDEX, SPOT)) == ARMED + RUN
    assert kinds(stop(exchange, LOSS | INDEX, SPOT - 1)) == ARMED


def test_a_triggered_limit_order_rests_where_its_limit_is_not_reached(exchange: Exchange) -> None:
    answer = stop(exchange, LOSS | INDEX, SPOT + 1, limit=SPOT + 400_000)

    assert kinds(answer) == [*ARMED, EventKind.STOP_TRIGGERED, EventKind.ORDER_RESTED]
    assert int(row(exchange, answer.reference)["state"]) == OrderState.RESTING
    assert int(row(exchange, answer.reference)["held"]) == TAO


def test_a_market_buy_whose_price_jumped_past_its_hold_pays_the_rest_from_free(exchange: Exchange) -> None:
    waits = stop(exchange, LOSS | INDEX, SPOT + 10_000, flags=0, slippage_ppm=0)
    held = int(row(exchange, waits.reference)["held"])
    exchange.pools[SN] = PoolShown(DEEP.tao * 11 // 10, DEEP.alpha)

    head = exchange.head()

    event = head.events[head.events["kind"] == EventKind.STOP_TRIGGERED][0]
    price = SPOT * 11 // 10
    assert price <= int(event["limit"]) <= price + 2
    assert held + int(event["hold"]) == int(event["limit"]) + (int(event["limit"]) * 2_600 + 500_000) // 10**6
    assert booked_balances(exchange) == exchange.balances()


def test_a_market_buy_without_free_money_buys_what_its_hold_pays(exchange: Exchange) -> None:
    waits = stop(exchange, LOSS | INDEX, SPOT + 10_000, flags=0)
    held = int(row(exchange, waits.reference)["held"])
    withdraw(exchange, 1, exchange.views.balance(1, 0).free - 1_000_000)
    assert exchange.views.balance(1, 0).free == 0
    exchange.pools[SN] = PoolShown(DEEP.tao * 11 // 10, DEEP.alpha)

    head = exchange.head()

    (told,) = head.events[head.events["kind"] == EventKind.STOP_TRIGGERED]
    (filled,) = head.events[head.events["kind"] == EventKind.FILLED]
    assert int(told["hold"]) == 0
    assert held - 2 <= int(filled["tao"]) + int(filled["fee"]) <= held
    assert 0 < int(filled["amount"]) < TAO
    assert row_is_gone(exchange, waits.reference)
    assert booked_balances(exchange) == exchange.balances()


def test_without_a_mirror_a_triggered_market_stop_is_closed(exchange: Exchange) -> None:
    exchange.ts_ms += 1
    sell(exchange, 2, alpha=30 * TAO)
    state = exchange.engine.state
    exchange.configure(SN, target=700_000 * TAO)
    assert int(state.markets[int(state.market_slots[SN]) - 1]["mirror_alpha"]) == 0

    answer = stop(exchange, LOSS, SPOT + 1)

    assert kinds(answer) == [*ARMED, EventKind.STOP_TRIGGERED, EventKind.ORDER_CLOSED]
    assert int(answer.events[-1]["code"]) == Refusal.POOL_CLOSED
    assert int(answer.events[-1]["hold"]) == TAO


def test_while_the_stage_takes_no_market_orders_stops_stay_armed(exchange: Exchange) -> None:
    waits = stop(exchange, LOSS | INDEX, SPOT - 500_000)
    exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.CANCEL_ONLY)
    exchange.pools[SN] = PoolShown(DEEP.tao * 9 // 10, DEEP.alpha)

    halted = [exchange.head() for _ in range(3)]
    due = timer(exchange)
    opened = exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.ONLINE)

    assert [triggered(head) for head in halted] == [[], [], []]
    assert due is None
    assert triggered(opened) == []
    assert timer(exchange) == exchange.ts_ms
    events = exchange.decide([]).events
    assert events["order_id"][events["kind"] == EventKind.STOP_TRIGGERED].tolist() == [waits.reference]


def test_a_stage_that_only_sells_closes_a_triggered_buy(exchange: Exchange) -> None:
    waits = stop(exchange, LOSS | INDEX, SPOT + 10_000, flags=0)
    exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.REDUCE_ONLY)
    exchange.pools[SN] = PoolShown(DEEP.tao * 11 // 10, DEEP.alpha)

    head = exchange.head()

    closed = head.events[head.events["kind"] == EventKind.ORDER_CLOSED][0]
    assert (int(closed["order_id"]), int(closed["code"])) == (waits.reference, Refusal.MARKET_STAGE)
    assert exchange.views.balance(1, 0).free == 100 * TAO


def test_a_stop_can_be_cancelled_and_expires(exchange: Exchange) -> None:
    cancelled = stop(exchange, LOSS, SPOT - 30_000)
    expires_s = exchange.ts_ms // 1_000 + 60
    expiring = stop(exchange, LOSS, SPOT - 30_000, limit=SPOT - 40_000, expires_s=expires_s)

    answer = exchange.ask(CommandKind.CANCEL_ORDER, account=1, order_id=cancelled.reference)
    exchange.ts_ms = expires_s * 1_000
    ended = exchange.decide([]).events

    assert kinds(answer) == [EventKind.ORDER_CLOSED]
    assert ended[["kind", "order_id", "code"]].tolist() == [
        (EventKind.ORDER_CLOSED, expiring.reference, Refusal.EXPIRED)
    ]
    assert exchange.views.balance(1, SN + 1).free == 1_000 * TAO


@pytest.mark.parametrize(
    ("traits", "trigger", "flags", "code"),
    [
        (LOSS, 0, 0, Refusal.TRIGGER_OUT_OF_RANGE),
        (LOSS, -1, 0, Refusal.TRIGGER_OUT_OF_RANGE),
        (LOSS, 2**62, 0, Refusal.TRIGGER_OUT_OF_RANGE),
        (0, SPOT, 0, Refusal.TRIGGER_OUT_OF_RANGE),
        (LOSS | PROFIT, SPOT, 0, Refusal.ORDER_TYPE_UNSUPPORTED),
        (INDEX, 0, 0, Refusal.ORDER_TYPE_UNSUPPORTED),
        (LOSS, SPOT, Flag.POST_ONLY, Refusal.ORDER_TYPE_UNSUPPORTED),
    ],
)
def test_a_trigger_that_makes_no_sense_is_refused(
    exchange: Exchange, traits: int, trigger: int, flags: int, code: Refusal
) -> None:
    limit = SPOT if flags else 0

    assert stop(exchange, traits, trigger, flags=flags, limit=limit).code == code


STEPS = st.tuples(
    st.sampled_from(["buy", "sell", "stop", "stop", "stop", "head", "cancel", "empty"]),
    st.integers(1, 2),
    st.sampled_from([LOSS, PROFIT, LOSS | INDEX, PROFIT | INDEX]),
    st.sampled_from([0, Flag.SELL]),
    st.integers(-60_000, 60_000),
    st.integers(1, 20),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=st.lists(STEPS, min_size=1, max_size=30), pushes=st.lists(st.integers(990, 1_010), min_size=30, max_size=30)
)
def test_no_stop_waits_whose_price_has_come(
    steps: list[tuple[str, int, int, int, int, int]], pushes: list[int]
) -> None:
    """And none runs whose price has not: held against prices from the events alone."""
    exchange, _ = trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (100 * TAO, 1_000 * TAO)})
    for (what, account, traits, flags, away, size), push in zip(steps, pushes, strict=False):
        if what == "buy":
            buy(exchange, account, tao=size * TAO // 10)
        elif what == "sell":
            sell(exchange, account, alpha=3 * size * TAO)
        elif what == "stop":
            limit = SPOT + away if size % 2 else 0
            stop(exchange, traits, SPOT + away, account=account, flags=flags, alpha=size * TAO, limit=limit)
        elif what == "head":
            exchange.pools[SN] = PoolShown(DEEP.tao * push // 1_000, DEEP.alpha)
            exchange.head()
        elif what == "cancel" and armed(exchange):
            exchange.ask(CommandKind.CANCEL_ORDER, account=account, order_id=armed(exchange)[0])
        elif what == "empty":
            exchange.ts_ms += 100
            exchange.decide([])
        judge_armed(exchange)
    judge_triggers(exchange)
    assert booked_balances(exchange) == exchange.balances()
    assert exchange.replay().state_hash() == exchange.engine.state_hash()


def passed(order: Any, price: int) -> bool:
    rises = bool(int(order["traits"]) & LOSS) != bool(int(order["flags"]) & Flag.SELL)
    return price > 0 and (price >= int(order["trigger"]) if rises else price <= int(order["trigger"]))


def judge_armed(exchange: Exchange) -> None:
    state = exchange.engine.state
    market = state.markets[int(state.market_slots[SN]) - 1]
    seen = [int(market[f"spot_{place}"]) for place in range(int(market["spots"]))]
    for order_id in armed(exchange):
        order = row(exchange, order_id)
        price = sum(seen) // len(seen) if int(order["traits"]) & INDEX else last(exchange)
        assert not passed(order, price)
    assert timer(exchange) is None


def judge_triggers(exchange: Exchange) -> None:
    accepted: dict[int, dict[str, int]] = {}
    for event in exchange.events:
        if event["kind"] == EventKind.ORDER_ACCEPTED:
            figures = {"traits": "code", "flags": "flags", "trigger": "pool_tao"}
            accepted[int(event["order_id"])] = {name: int(event[at]) for name, at in figures.items()}
        elif event["kind"] == EventKind.STOP_TRIGGERED:
            assert passed(accepted[int(event["order_id"])], int(event["aux"]))
