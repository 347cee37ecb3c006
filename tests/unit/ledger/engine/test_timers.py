from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.verify.exchange import Exchange
from ledger.engine.api import Answer
from ledger.engine.layout import CommandKind, EventKind, Flag, OrderState
from ledger.engine.parameters import TIMERS_PER_BATCH
from ledger.engine.records import command, request
from ledger.errors import Refusal
from tests.support.builders import SN, TAO, booked_balances, kinds, sell, trading_exchange

LOW = 30_000_000
"""A price at which buys rest."""


@pytest.fixture
def exchange() -> Exchange:
    return trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (100 * TAO, 1_000 * TAO)})[0]


def rest(exchange: Exchange, seconds: int, account: int = 1, **more: int) -> Answer:
    """Rest a buy that expires so many whole seconds from now."""
    figures = {"account": account, "netuid": SN, "alpha_rao": TAO, "limit": LOW}
    figures |= {"expires_s": exchange.ts_ms // 1_000 + seconds} | more
    return exchange.ask(CommandKind.PLACE_ORDER, flags=Flag.LIMIT, **figures)


def timer(exchange: Exchange) -> int | None:
    return exchange.engine.next_timer_ms


def state_of(exchange: Exchange, order_id: int) -> OrderState | None:
    rows = exchange.engine.state.orders
    found = rows["state"][rows["order_id"] == order_id]
    return OrderState(int(found[0])) if len(found) else None


def ends(exchange: Exchange, at: int) -> list[tuple[EventKind, int, int]]:
    """Return ``(kind, order id, code)`` of what an empty batch at a time brings."""
    exchange.ts_ms = at
    return [(EventKind(int(e["kind"])), int(e["order_id"]), int(e["code"])) for e in exchange.decide([]).events]


def test_a_resting_order_expires_at_its_time_and_frees_its_funds(exchange: Exchange) -> None:
    order = rest(exchange, 60)
    due = exchange.ts_ms + 60_000
    assert timer(exchange) == due

    early, late = ends(exchange, due - 1), ends(exchange, due)

    assert (early, late) == ([], [(EventKind.ORDER_CLOSED, order.reference, Refusal.EXPIRED)])
    assert exchange.views.balance(1, 0).free == 100 * TAO
    assert timer(exchange) is None
    assert booked_balances(exchange) == exchange.balances()


def test_what_is_due_ends_by_time_and_then_by_age(exchange: Exchange) -> None:
    orders = [rest(exchange, seconds).reference for seconds in (90, 30, 60, 30, 60)]

    ended = ends(exchange, exchange.ts_ms + 90_000)

    assert [order_id for _, order_id, _ in ended] == [orders[place] for place in (1, 3, 2, 4, 0)]


def test_an_order_that_is_cancelled_first_leaves_no_timer(exchange: Exchange) -> None:
    order = rest(exchange, 60)

    exchange.ask(CommandKind.CANCEL_ORDER, account=1, order_id=order.reference)

    assert timer(exchange) is None
    assert ends(exchange, exchange.ts_ms + 60_000) == []


def test_orders_quotes_and_guards_share_one_order_of_time(exchange: Exchange) -> None:
    exchange.ask(CommandKind.CANCEL_AFTER, account=2, timeout_ms=6_000)
    quote = exchange.ask(CommandKind.ISSUE_QUOTE, account=1, netuid=SN, alpha_rao=TAO, life_ms=5_000)
    first = rest(exchange, 5)
    second = rest(exchange, 6, account=2)

    ended = ends(exchange, exchange.ts_ms + 6_000)

    assert ended == [
        (EventKind.QUOTE_ENDED, quote.reference, Refusal.EXPIRED),
        (EventKind.ORDER_CLOSED, first.reference, Refusal.EXPIRED),
        (EventKind.ORDER_CLOSED, second.reference, Refusal.CANCEL_AFTER_FIRED),
        (EventKind.ORDERS_CANCELLED, 0, Refusal.CANCEL_AFTER_FIRED),
        (EventKind.CANCEL_AFTER_SET, exchange.engine.seq, 0),
    ]


def test_a_guard_cancels_every_order_of_its_account_and_no_other(exchange: Exchange) -> None:
    mine = [rest(exchange, 1_000).reference for _ in range(3)]
    other = rest(exchange, 1_000, account=2).reference
    exchange.ask(CommandKind.CANCEL_AFTER, account=1, timeout_ms=5_000)

    ended = ends(exchange, exchange.ts_ms + 5_000)

    assert [order_id for kind, order_id, _ in ended if kind == EventKind.ORDER_CLOSED] == mine
    assert int(exchange.events[-2]["amount"]) == 3
    assert state_of(exchange, other) == OrderState.RESTING
    assert exchange.views.balance(1, 0).free == 100 * TAO


def fly(exchange: Exchange, seconds: int) -> int:
    """Send a sale that does not fit the window and expires, with the next cut; return its id."""
    answer = exchange.ask(
        CommandKind.PLACE_ORDER,
        flags=Flag.SELL | Flag.LIMIT,
        account=1,
        netuid=SN,
        alpha_rao=500 * TAO,
        limit=LOW,
        expires_s=exchange.ts_ms // 1_000 + seconds,
    )
    assert state_of(exchange, answer.reference) == OrderState.QUEUED
    exchange.head()
    assert state_of(exchange, answer.reference) == OrderState.IN_FLIGHT
    return answer.reference


def test_in_flight_an_expiry_is_noted_once(exchange: Exchange) -> None:
    order_id = fly(exchange, 20)
    due = timer(exchange)
    assert due is not None

    ended = ends(exchange, due)

    assert ended == [(EventKind.CANCEL_NOTED, order_id, Refusal.EXPIRED)]
    assert state_of(exchange, order_id) == OrderState.IN_FLIGHT
    assert timer(exchange) is None
    assert ends(exchange, due + 1_000) == []


def test_a_guard_notes_what_is_in_flight(exchange: Exchange) -> None:
    order_id = fly(exchange, 2_000)
    exchange.ask(CommandKind.CANCEL_AFTER, account=1, timeout_ms=5_000)

    ended = ends(exchange, exchange.ts_ms + 5_000)

    assert ended[0] == (EventKind.CANCEL_NOTED, order_id, Refusal.CANCEL_AFTER_FIRED)
    assert timer(exchange) is None


def test_a_thousand_timers_run_before_a_batch_and_the_rest_before_the_next(exchange: Exchange) -> None:
    count = TIMERS_PER_BATCH + 7
    expires = exchange.ts_ms // 1_000 + 30
    figures = {"netuid": SN, "alpha_rao": TAO // 10, "limit": LOW, "expires_s": expires}
    for account, most in ((1, 900), (2, count - 900)):
        placed = [request(command(CommandKind.PLACE_ORDER, flags=Flag.LIMIT, account=account, **figures))] * most
        assert {answer.code for answer in exchange.decide(placed).answers} == {0}
    due = expires * 1_000

    first, second = ends(exchange, due), ends(exchange, due)

    assert (len(first), len(second)) == (TIMERS_PER_BATCH, 7)
    ids = [order_id for _, order_id, _ in first + second]
    assert all(before < after for before, after in pairwise(ids))
    assert timer(exchange) is None
    assert exchange.replay().state_hash() == exchange.engine.state_hash()


def test_a_batch_sees_the_world_after_its_timers(exchange: Exchange) -> None:
    rest(exchange, 10, alpha_rao=3_000 * TAO)
    exchange.ts_ms += 10_000

    answer = rest(exchange, 10, alpha_rao=3_000 * TAO)

    assert kinds(answer) == [EventKind.ORDER_ACCEPTED, EventKind.ORDER_RESTED]


STEPS = st.tuples(
    st.sampled_from(["rest", "quote", "guard", "renew", "cancel", "sell", "wait", "wait", "head"]),
    st.integers(1, 2),
    st.integers(1, 30),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=1, max_size=30))
def test_nothing_lives_past_its_time_and_the_next_timer_is_the_earliest(steps: list[tuple[str, int, int]]) -> None:
    exchange, _ = trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (100 * TAO, 1_000 * TAO)})
    exchange.ts_ms += 417
    for what, account, size in steps:
        if what == "rest":
            rest(exchange, size, account)
        elif what == "quote":
            meanings = {"account": account, "netuid": SN, "alpha_rao": size * TAO // 10, "life_ms": size * 400}
            exchange.ask(CommandKind.ISSUE_QUOTE, flags=Flag.SELL if size % 2 else 0, **meanings)
        elif what in ("guard", "renew"):
            exchange.ask(CommandKind.CANCEL_AFTER, account=account, timeout_ms=size * 500 if size % 7 else 0)
        elif what == "cancel":
            exchange.ask(CommandKind.CANCEL_ALL, account=account, netuid=SN)
        elif what == "sell":
            sell(exchange, account, alpha=size * TAO)
        elif what == "wait":
            exchange.ts_ms += size * 250
            exchange.decide([])
        else:
            exchange.head()
        rows = exchange.engine.state.orders
        waits = (rows["order_id"] != 0) & (rows["expires"] != 0) & (rows["cancel"] == 0)
        times = rows["expires"][waits].tolist()
        assert timer(exchange) == min(times, default=None)
        assert all(due > exchange.ts_ms for due in times)
    assert booked_balances(exchange) == exchange.balances()
    assert exchange.replay().state_hash() == exchange.engine.state_hash()
