import pytest

from app.verify.exchange import Exchange
from ledger.engine.api import Answer
from ledger.engine.layout import NO_NETUID, CommandKind, EventKind
from ledger.engine.parameters import CANCEL_AFTER_MAX_MS
from ledger.errors import Refusal
from tests.support.builders import TAO, kinds, trading_exchange


@pytest.fixture
def exchange() -> Exchange:
    return trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (100 * TAO, 1_000 * TAO)})[0]


def guard(exchange: Exchange, timeout_ms: int, account: int = 1) -> Answer:
    return exchange.ask(CommandKind.CANCEL_AFTER, account=account, timeout_ms=timeout_ms)


def fired(exchange: Exchange, at: int) -> list[tuple[EventKind, int, int]]:
    """Return ``(kind, account, code)`` of what an empty batch at a time brings."""
    exchange.ts_ms = at
    return [(EventKind(int(e["kind"])), int(e["account"]), int(e["code"])) for e in exchange.decide([]).events]


FIRED = [
    (EventKind.ORDERS_CANCELLED, 1, Refusal.CANCEL_AFTER_FIRED),
    (EventKind.CANCEL_AFTER_SET, 1, 0),
]


def test_a_cancel_after_tells_when_it_is_due_and_arms_the_timer(exchange: Exchange) -> None:
    answer = guard(exchange, 5_000)

    assert kinds(answer) == [EventKind.CANCEL_AFTER_SET]
    assert int(answer.events[0]["aux"]) == exchange.ts_ms + 5_000
    assert exchange.engine.next_timer_ms == exchange.ts_ms + 5_000


def test_it_fires_at_its_time_and_not_before(exchange: Exchange) -> None:
    guard(exchange, 5_000)
    due = exchange.ts_ms + 5_000

    early = fired(exchange, due - 1)
    late = fired(exchange, due)

    assert (early, late) == ([], FIRED)
    assert exchange.engine.next_timer_ms is None
    assert fired(exchange, due + 10**9) == []


def test_a_renewal_takes_the_place_of_the_one_before(exchange: Exchange) -> None:
    guard(exchange, 5_000)
    first_due = exchange.ts_ms + 5_000
    exchange.ts_ms += 4_000
    guard(exchange, 5_000)

    assert fired(exchange, first_due) == []
    assert fired(exchange, first_due + 4_000) == FIRED


def test_a_timeout_of_nothing_switches_it_off(exchange: Exchange) -> None:
    guard(exchange, 5_000)

    answer = guard(exchange, 0)

    assert int(answer.events[0]["aux"]) == 0
    assert exchange.engine.next_timer_ms is None
    assert fired(exchange, exchange.ts_ms + 5_000) == []
    assert kinds(guard(exchange, 0)) == [EventKind.CANCEL_AFTER_SET]


def test_it_fires_before_the_first_command_of_a_batch(exchange: Exchange) -> None:
    guard(exchange, 5_000)
    exchange.ts_ms += 5_000
    seq = exchange.engine.seq

    answer = guard(exchange, 1_000, account=2)

    assert kinds(answer) == [EventKind.CANCEL_AFTER_SET]
    assert answer.reference == seq + 3
    assert [int(event["kind"]) for event in exchange.log[-1][1]] == [*(kind for kind, _, _ in FIRED), kinds(answer)[0]]


def test_those_due_together_fire_in_the_order_they_were_set(exchange: Exchange) -> None:
    guard(exchange, 6_000, account=2)
    guard(exchange, 5_000, account=1)
    exchange.ts_ms += 1_000
    guard(exchange, 5_000, account=2)
    guard(exchange, 4_000, account=1)

    told = fired(exchange, exchange.ts_ms + 5_000)

    assert [account for _, account, _ in told] == [1, 1, 2, 2]


@pytest.mark.parametrize("timeout_ms", [-1, CANCEL_AFTER_MAX_MS + 1])
def test_a_timeout_out_of_range_is_refused(exchange: Exchange, timeout_ms: int) -> None:
    refused = guard(exchange, timeout_ms)

    assert (refused.code, refused.bound) == (Refusal.TIMEOUT_OUT_OF_RANGE, CANCEL_AFTER_MAX_MS)
    assert exchange.engine.next_timer_ms is None


def test_an_unknown_account_is_refused(exchange: Exchange) -> None:
    assert guard(exchange, 1_000, account=9).code == Refusal.UNKNOWN_ACCOUNT


def test_what_fired_names_every_market(exchange: Exchange) -> None:
    guard(exchange, 1_000)
    exchange.ts_ms += 1_000

    cancelled = exchange.decide([]).events[0]

    assert (int(cancelled["netuid"]), int(cancelled["amount"])) == (NO_NETUID, 0)


def test_a_replayed_engine_has_the_same_timers(exchange: Exchange) -> None:
    guard(exchange, 5_000)
    guard(exchange, 9_000, account=2)
    fired(exchange, exchange.ts_ms + 5_000)
    other = exchange.replay()

    assert other.state_hash() == exchange.engine.state_hash()
    assert other.next_timer_ms == exchange.engine.next_timer_ms
    told = [engine.decide(exchange.ts_ms + 4_000, []).events.tobytes() for engine in (other, exchange.engine)]
    assert told[0] == told[1]
    assert told[0] != b""
