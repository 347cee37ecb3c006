from hypothesis import given
from hypothesis import strategies as st

from app.gateway.limits import PRO, PUBLIC, Counters, Limits, Rate, cancel_cost


def test_a_counter_fills_and_decays() -> None:
    counters = Counters()
    rate = Rate(maximum=3_000, decay=500)

    assert [counters.take("k", rate, 1_000, 0) for _ in range(4)] == [True, True, True, False]
    assert not counters.take("k", rate, 1_000, 1_999)
    assert counters.take("k", rate, 1_000, 4_000)


@given(times=st.lists(st.integers(0, 100_000), max_size=200))
def test_no_span_of_time_lets_more_through_than_maximum_and_decay(times: list[int]) -> None:
    counters = Counters()
    allowed = [now for now in sorted(times) if counters.take("k", PUBLIC, 1_000, now)]

    for i, first in enumerate(allowed):
        for j in range(i, len(allowed)):
            spent = (j - i + 1) * 1_000
            assert spent <= PUBLIC.maximum + PUBLIC.decay * (allowed[j] - first) // 1_000 + (j - i + 1)


def test_the_table_stays_bounded() -> None:
    counters = Counters(table_max=100)
    for address in range(1_000):
        counters.take(address, PUBLIC, 1_000, 0)

    assert len(counters) == 100


def test_limits_that_are_off_let_everything_through() -> None:
    limits = Limits(enabled=False)

    assert all(limits.public_call("a", 0) and limits.rest_call("k", 100, 0) for _ in range(1_000))
    assert all(limits.engine_call(1, 1, 10**9, 0) and limits.connection("a", 0) for _ in range(100))


def test_pairs_and_accounts_have_their_own_order_counters() -> None:
    limits = Limits(PRO)
    count = PRO.engine.maximum // 1_000

    assert all(limits.engine_call(1, 1, 1_000, 0) for _ in range(count))
    assert not limits.engine_call(1, 1, 1_000, 0)
    assert limits.engine_call(1, 2, 1_000, 0)
    assert limits.engine_call(2, 1, 1_000, 0)


def test_a_cancel_costs_less_the_older_the_order_is() -> None:
    costs = [cancel_cost(age_s * 1_000) for age_s in (0, 5, 10, 15, 45, 90, 300)]

    assert costs == [8_000, 6_000, 5_000, 4_000, 2_000, 1_000, 0]
