from hypothesis import given
from hypothesis import strategies as st

from app.gateway.folds.recent import Recent
from app.gateway.folds.trades import DAY_MS, MINUTE_MS, Market, Trade, trade_price

NOW = 1_763_776_800_000


@given(owners=st.lists(st.integers(1, 4), max_size=200), per_owner=st.integers(1, 10), total=st.integers(1, 20))
def test_what_is_recent_is_bounded_per_owner_and_in_all(owners: list[int], per_owner: int, total: int) -> None:
    recent: Recent[list[int]] = Recent(per_owner_max=per_owner, total_max=total)
    model: list[tuple[int, list[int]]] = []
    forgotten = []
    for position, owner in enumerate(owners):
        item = [position]
        model.append((owner, item))
        forgotten += recent.add(owner, item)
        mine = [entry for entry in model if entry[0] == owner]
        if len(mine) > per_owner:
            model.remove(mine[0])
        while len(model) > total:
            model.pop(0)

    assert len(recent) == len(model)
    for owner in range(1, 5):
        assert list(recent.of(owner)) == [item for name, item in reversed(model) if name == owner]
    assert len(forgotten) + len(model) == len(owners)


def test_one_busy_owner_does_not_push_a_quiet_one_out() -> None:
    recent: Recent[list[int]] = Recent(per_owner_max=2, total_max=10)
    recent.add(1, [0])
    for position in range(1_000):
        recent.add(2, [position])

    assert list(recent.of(1)) == [[0]]
    assert len(recent._all) <= 21


def trade(ts_ms: int, price: int, volume: int = 10**9) -> Trade:
    return Trade(1, 1, 1, price, volume, price * volume // 10**9, is_sell=False, is_limit=False, ts_ms=ts_ms)


@given(steps=st.lists(st.tuples(st.integers(0, 3 * 3_600_000), st.integers(1, 10**6)), min_size=1, max_size=60))
def test_figures_of_a_day_are_those_of_the_trades_of_that_day(steps: list[tuple[int, int]]) -> None:
    market, now, trades = Market(), NOW, []
    for wait, price in steps:
        now += wait
        trades.append(trade(now, price))
        market.add(trades[-1])

    first = (now - DAY_MS) // MINUTE_MS * MINUTE_MS + MINUTE_MS
    inside = [row for row in trades if row.ts_ms // MINUTE_MS * MINUTE_MS >= first]
    day = market.last_day(now)
    assert (day.high, day.low) == (max(row.price for row in inside), min(row.price for row in inside))
    assert (day.open, day.close, day.count) == (inside[0].price, inside[-1].price, len(inside))
    assert day.volume == sum(row.volume for row in inside)
    today = [row for row in trades if row.ts_ms >= now // DAY_MS * DAY_MS]
    assert market.today(now).count == len(today)


def test_the_ring_of_trades_is_bounded() -> None:
    market = Market(ring_max=10)
    for price in range(1, 100):
        market.add(trade(NOW, price))

    assert [row.price for row in market.trades] == list(range(90, 100))


def test_trades_of_a_market_are_numbered_from_one() -> None:
    market = Market()

    assert [market.take_id() for _ in range(3)] == [1, 2, 3]


def test_a_price_is_rounded_to_the_nearest() -> None:
    assert trade_price(2, 3 * 10**9) == 1
    assert trade_price(0, 0) == 0
