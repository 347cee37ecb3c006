import numpy as np
import pytest

from app.verify.exchange import Exchange
from ledger.engine.layout import EVENT, CommandKind, EventKind, Flag
from ledger.engine.machine import Engine
from ledger.engine.parameters import HORIZON_MS
from ledger.engine.records import body_digest, client_id, command, request
from ledger.errors import InvariantBroken, Refusal
from tests.support.builders import SN, TAO, buy, kinds, sell, trading_exchange, withdraw


@pytest.fixture
def exchange() -> Exchange:
    return trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})[0]


def ids(text: str, body: bytes = b"body") -> dict[str, int]:
    high, low = client_id(text)
    return {"client_id_hi": high, "client_id_lo": low, "body_digest": body_digest(body)}


def test_a_replica_that_evolves_the_events_has_the_same_state(exchange: Exchange) -> None:
    buy(exchange, 1, tao=TAO, **ids("a"))
    sell(exchange, 1, alpha=5 * TAO)
    withdraw(exchange, 1, TAO)
    exchange.head()

    replica = exchange.replay()

    assert replica.export() == exchange.engine.export()
    assert replica.state_hash() == exchange.engine.state_hash()
    assert (replica.seq, replica.ts_ms) == (exchange.engine.seq, exchange.engine.ts_ms)


def test_a_replica_goes_on_where_the_first_engine_stopped(exchange: Exchange) -> None:
    replica = exchange.replay()
    more = [request(command(CommandKind.OPEN_ACCOUNT, payload=1), payloads=[b"bob"])]

    ours, theirs = exchange.engine.decide(exchange.ts_ms, more), replica.decide(exchange.ts_ms, more)

    assert ours.events.tobytes() == theirs.events.tobytes()
    assert exchange.engine.state_hash() == replica.state_hash()


def test_seqs_have_no_gaps(exchange: Exchange) -> None:
    assert [int(event["seq"]) for event in exchange.events] == list(range(1, exchange.engine.seq + 1))


def test_a_batch_is_answered_in_the_order_asked(exchange: Exchange) -> None:
    place = command(
        CommandKind.PLACE_ORDER, flags=Flag.IN_QUOTE, account=1, netuid=SN, tao_rao=TAO // 2, slippage_ppm=9_000
    )
    poor = command(CommandKind.PLACE_ORDER, flags=Flag.SELL, account=1, netuid=SN, alpha_rao=9_999 * TAO)
    opened = request(command(CommandKind.OPEN_ACCOUNT, payload=1), payloads=[b"bob"])
    taken = request(command(CommandKind.OPEN_ACCOUNT, payload=2), payloads=[b"noise", b"bob"])

    decided = exchange.decide([request(place), opened, request(poor), taken, request(place), exchange.group()])

    codes = [answer.code for answer in decided.answers]
    assert codes == [0, 0, Refusal.INSUFFICIENT_FUNDS, Refusal.NAME_TAKEN, 0, 0]
    assert np.concatenate([answer.events for answer in decided.answers]).tobytes() == decided.events.tobytes()
    assert decided.payloads == (b"bob",)
    assert kinds(decided.answers[4])[1] == EventKind.FILLED
    assert decided.answers[4].reference == int(decided.answers[4].events[0]["order_id"])


def test_the_same_id_with_the_same_body_gets_the_first_answer_and_appends_nothing(exchange: Exchange) -> None:
    first = buy(exchange, 1, tao=TAO, **ids("order 1"))
    seq = exchange.engine.seq
    again = buy(exchange, 1, tao=TAO, **ids("order 1"))

    assert (again.code, again.reference, again.duplicate) == (0, first.reference, True)
    assert len(again.events) == 0
    assert exchange.engine.seq == seq


def test_a_refusal_is_repeated_as_it_was(exchange: Exchange) -> None:
    first = sell(exchange, 1, alpha=9_999 * TAO, **ids("order 1"))
    exchange.head([exchange.deposit_record(exchange.deposit_key(1), netuid=SN, alpha=9_999 * TAO)])

    again = sell(exchange, 1, alpha=9_999 * TAO, **ids("order 1"))

    assert (again.code, again.value, again.bound) == (first.code, first.value, first.bound)
    assert again.duplicate


def test_the_same_id_with_another_body_is_refused_every_time(exchange: Exchange) -> None:
    first = buy(exchange, 1, tao=TAO, **ids("order 1"))
    other = buy(exchange, 1, tao=2 * TAO, **ids("order 1", b"other"))
    once_more = buy(exchange, 1, tao=2 * TAO, **ids("order 1", b"other"))
    true_one = buy(exchange, 1, tao=TAO, **ids("order 1"))

    assert other.code == once_more.code == Refusal.ID_REUSED
    assert (true_one.reference, true_one.duplicate) == (first.reference, True)


def test_ids_belong_to_their_account(exchange: Exchange) -> None:
    exchange.open_account("bob")
    buy(exchange, 1, tao=TAO, **ids("order 1"))

    assert buy(exchange, 2, tao=TAO, **ids("order 1")).code == Refusal.INSUFFICIENT_FUNDS


def test_opening_an_account_twice_under_one_id_opens_one(exchange: Exchange) -> None:
    first = exchange.ask(CommandKind.OPEN_ACCOUNT, b"bob", **ids("open bob"))
    again = exchange.ask(CommandKind.OPEN_ACCOUNT, b"bob", **ids("open bob"))

    assert (again.code, again.reference, again.duplicate) == (0, first.reference, True)


def test_a_duplicate_within_one_batch_is_answered_from_the_first(exchange: Exchange) -> None:
    place = command(
        CommandKind.PLACE_ORDER,
        flags=Flag.IN_QUOTE,
        account=1,
        netuid=SN,
        tao_rao=TAO,
        slippage_ppm=9_000,
        **ids("order 1"),
    )

    first, again = exchange.decide([request(place), request(place)]).answers

    assert (first.duplicate, again.duplicate) == (False, True)
    assert again.reference == first.reference


def test_a_validated_order_does_not_use_up_its_id(exchange: Exchange) -> None:
    flags = Flag.VALIDATE_ONLY | Flag.SELL
    meanings = {"account": 1, "netuid": SN, "alpha_rao": 9_999 * TAO, **ids("order 1")}
    assert exchange.ask(CommandKind.PLACE_ORDER, flags=flags, **meanings).code == Refusal.INSUFFICIENT_FUNDS

    assert buy(exchange, 1, tao=TAO, **ids("order 1", b"the order")).duplicate is False


def test_answers_are_kept_for_the_horizon_and_forgotten_in_bounded_time(exchange: Exchange) -> None:
    first = withdraw(exchange, 1, TAO)
    assert first.code == 0
    made = sell(exchange, 1, alpha=9_999 * TAO, **ids("old"))
    exchange.ts_ms += HORIZON_MS
    kept = sell(exchange, 1, alpha=9_999 * TAO, **ids("old"))
    sell(exchange, 1, alpha=9_999 * TAO, **ids("next"))
    for generation in range(2):
        exchange.ts_ms += HORIZON_MS
        sell(exchange, 1, alpha=9_999 * TAO, **ids(f"later {generation}"))
    forgotten = sell(exchange, 1, alpha=9_999 * TAO, **ids("old"))

    assert made.code == kept.code == Refusal.INSUFFICIENT_FUNDS
    assert (kept.duplicate, forgotten.duplicate) == (True, False)
    assert exchange.replay().state_hash() == exchange.engine.state_hash()


def test_time_never_runs_backwards(exchange: Exchange) -> None:
    exchange.engine.decide(1, [request(command(CommandKind.CANCEL_ORDER, account=1))])

    assert exchange.engine.ts_ms == exchange.ts_ms


def test_tables_grow_without_losing_a_row() -> None:
    exchange = Exchange()
    names = [f"customer {number}" for number in range(300)]

    numbers = [exchange.ask(CommandKind.OPEN_ACCOUNT, name.encode(), **ids(name)).reference for name in names]

    assert numbers == list(range(1, 301))
    assert exchange.ask(CommandKind.OPEN_ACCOUNT, b"customer 7", **ids("customer 7")).reference == 8
    assert exchange.replay().state_hash() == exchange.engine.state_hash()


def test_events_out_of_order_stop_the_engine(exchange: Exchange) -> None:
    replica = Engine()
    _, events, payloads = exchange.log[0]
    replica.evolve(exchange.ts_ms, events, payloads)

    with pytest.raises(InvariantBroken, match="seq has no gaps"):
        replica.evolve(exchange.ts_ms, events, payloads)


def test_an_event_that_overdraws_a_customer_stops_the_engine(exchange: Exchange) -> None:
    event = np.zeros(1, EVENT)
    event["seq"] = exchange.engine.seq + 1
    event["kind"] = EventKind.WITHDRAWAL_HELD
    event["account"] = 1
    event["amount"] = 101 * TAO

    with pytest.raises(InvariantBroken, match="no balance of a customer is below zero"):
        exchange.engine.evolve(exchange.ts_ms, event, ())


def test_an_event_that_moves_more_than_custody_stops_the_engine(exchange: Exchange) -> None:
    event = np.zeros(1, EVENT)
    event["seq"] = exchange.engine.seq + 1
    event["kind"] = EventKind.CHAIN_FEE_BOOKED
    event["key"] = 2
    event["amount"] = 1

    with pytest.raises(InvariantBroken, match="custody holds no less than nothing"):
        exchange.engine.evolve(exchange.ts_ms, event, ())


def test_an_unknown_event_stops_the_engine(exchange: Exchange) -> None:
    event = np.zeros(1, EVENT)
    event["seq"] = exchange.engine.seq + 1
    event["kind"] = 999

    with pytest.raises(InvariantBroken, match="an event kind is known"):
        exchange.engine.evolve(exchange.ts_ms, event, ())
