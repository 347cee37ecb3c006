from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.gateway.folds.candles import INTERVALS, ROWS_MAX, Candles
from app.gateway.folds.trades import MINUTE_MS, Bucket

NOON = 1_763_812_800_000


def figures(bucket: Bucket) -> tuple[int, ...]:
    return (bucket.open, bucket.high, bucket.low, bucket.close, bucket.volume, bucket.cost, bucket.count)


def test_a_market_without_a_price_has_no_candles() -> None:
    assert Candles().rows(1, NOON) == []


def test_a_silent_bucket_is_carried_from_the_close_before_it() -> None:
    candles = Candles()
    candles.traded(10, volume=5, cost=50, ts_ms=NOON + 1)
    candles.traded(7, volume=1, cost=7, ts_ms=NOON + 2)

    rows = candles.rows(1, NOON + 3 * MINUTE_MS + 5)

    assert [row.start_ms for row in rows] == [NOON + step * MINUTE_MS for step in range(4)]
    assert [figures(row) for row in rows] == [(10, 10, 7, 7, 6, 57, 2), *[(7, 7, 7, 7, 0, 0, 0)] * 3]


def test_the_pool_makes_the_price_until_the_first_trade_and_never_after() -> None:
    candles = Candles()
    candles.pool_moved(10, NOON)
    candles.pool_moved(14, NOON + 12_000)
    candles.pool_moved(9, NOON + MINUTE_MS)
    candles.traded(11, volume=2, cost=22, ts_ms=NOON + MINUTE_MS + 1)
    candles.pool_moved(99, NOON + 2 * MINUTE_MS)

    rows = candles.rows(1, NOON + 2 * MINUTE_MS)

    assert [figures(row) for row in rows] == [
        (10, 14, 10, 14, 0, 0, 0),
        (9, 11, 9, 11, 2, 22, 1),
        (11, 11, 11, 11, 0, 0, 0),
    ]


def test_reading_changes_nothing() -> None:
    candles = Candles()
    candles.traded(10, volume=5, cost=50, ts_ms=NOON)

    first = [[figures(row) for row in candles.rows(interval, NOON)] for interval in INTERVALS]

    assert first == [[figures(row) for row in candles.rows(interval, NOON)] for interval in INTERVALS]


@given(
    interval=st.sampled_from(INTERVALS),
    trades=st.lists(
        st.tuples(st.integers(0, 3 * 86_400_000), st.integers(1, 1_000), st.integers(1, 1_000)), min_size=1, max_size=40
    ),
)
def test_candles_are_what_the_trades_of_their_time_come_to(interval: int, trades: list[tuple[int, int, int]]) -> None:
    candles, span = Candles(), interval * MINUTE_MS
    trades.sort(key=lambda trade: trade[0])
    for after, price, volume in trades:
        candles.traded(price, volume=volume, cost=price * volume, ts_ms=NOON + after)
    now = NOON + trades[-1][0]

    rows = candles.rows(interval, now)

    assert len(rows) <= ROWS_MAX
    assert rows[-1].start_ms == now // span * span
    assert all(later.start_ms - row.start_ms == span for row, later in pairwise(rows))
    for row in rows:
        inside = [trade for trade in trades if row.start_ms <= NOON + trade[0] < row.start_ms + span]
        prices = [price for _, price, _ in inside]
        if not inside:
            before = [trade for trade in trades if NOON + trade[0] < row.start_ms]
            assert figures(row) == (*[before[-1][1]] * 4, 0, 0, 0)
            continue
        assert (row.high, row.low, row.volume) == (max(prices), min(prices), sum(volume for _, _, volume in inside))
        assert (row.open, row.close, row.count) == (prices[0], prices[-1], len(inside))
        assert row.cost == sum(price * volume for _, price, volume in inside)


def test_what_is_kept_is_bounded() -> None:
    candles = Candles()
    for minute in range(2_000):
        candles.traded(minute + 1, volume=1, cost=1, ts_ms=NOON + minute * MINUTE_MS)

    rows = candles.rows(1, NOON + 1_999 * MINUTE_MS)

    assert (len(rows), rows[0].open, rows[-1].close) == (ROWS_MAX, 2_000 - ROWS_MAX + 1, 2_000)
    assert len(candles.rows(21_600, NOON + 1_999 * MINUTE_MS)) <= 2
