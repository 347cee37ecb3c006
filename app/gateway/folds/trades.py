"""Trades and price statistics of each market: a bounded ring of trades, and one bucket per minute of the last day."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from app.projections.rows import TradeRow

RING_MAX: Final = 1_000
MINUTE_MS: Final = 60_000
DAY_MINUTES: Final = 24 * 60
DAY_MS: Final = DAY_MINUTES * MINUTE_MS
RAO_PER_WHOLE: Final = 10**9


class Trade(NamedTuple):
    """One public trade, told from the taker's side; ``price`` is rao per whole alpha, rounded to the nearest."""

    trade_id: int
    seq: int
    netuid: int
    price: int
    volume: int
    cost: int
    is_sell: bool
    is_limit: bool
    ts_ms: int


@dataclass(slots=True)
class Bucket:
    """What was traded in a span of time; prices in rao per whole alpha, ``volume`` alpha rao, ``cost`` TAO rao."""

    start_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    cost: int = 0
    count: int = 0

    def add(self, price: int, *, volume: int, cost: int) -> None:
        """Count one trade."""
        # Comparisons cost half of what max and min do, and every trade comes by here twice.
        if price > self.high:  # noqa: PLR1730
            self.high = price
        if price < self.low:  # noqa: PLR1730
            self.low = price
        self.close = price
        self.volume += volume
        self.cost += cost
        self.count += 1

    def merge(self, later: "Bucket") -> None:
        """Add a later bucket to this one."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.cost += later.cost
        self.count += later.count

    @property
    def vwap(self) -> int:
        """Return the mean price weighted by volume, rounded down; the close where nothing was traded."""
        return self.cost * RAO_PER_WHOLE // self.volume if self.volume else self.close


def trade_of_row(row: TradeRow) -> Trade:
    """Return a trade as history keeps it."""
    return Trade(
        row.trade_id, row.seq, row.netuid, row.price, row.volume, row.cost, row.is_sell, row.is_limit, row.ts_ms
    )


class Market:
    """Trades of one market; ``trade_id`` counts from 1 and is the same in every replay."""

    def __init__(self, *, ring_max: int = RING_MAX) -> None:
        self.trades: deque[Trade] = deque(maxlen=ring_max)
        self._minutes: deque[Bucket] = deque(maxlen=DAY_MINUTES + 1)
        self._last_id = 0

    @property
    def last(self) -> Trade | None:
        """Return the newest trade."""
        return self.trades[-1] if self.trades else None

    def take_id(self) -> int:
        """Return the id of the next trade."""
        self._last_id += 1
        return self._last_id

    def restore(self, last_id: int, trades: Iterable[Trade], minutes: Iterable[Bucket]) -> None:
        """Take over the newest trades and the traded minutes of the last day, oldest first."""
        self._last_id = last_id
        self.trades.extend(trades)
        self._minutes.extend(minutes)

    def add(self, trade: Trade, *, with_minutes: bool = True, before: Bucket | None = None) -> None:
        """Fold one trade; without its minute where that is known already.

        ``before``: the prices that the minute began with, those of the pool in the market's first traded minute.
        """
        self.trades.append(trade)
        if not with_minutes:
            return
        start, price = trade.ts_ms // MINUTE_MS * MINUTE_MS, trade.price
        if not self._minutes or self._minutes[-1].start_ms < start:
            began = (before.open, before.high, before.low, before.close) if before else (price, price, price, price)
            self._minutes.append(Bucket(start, *began))
        self._minutes[-1].add(trade.price, volume=trade.volume, cost=trade.cost)

    def since(self, start_ms: int) -> Bucket | None:
        """Return all minutes that begin at or after a time as one bucket, None where nothing was traded."""
        total: Bucket | None = None
        for minute in self._minutes:
            if minute.start_ms < start_ms:
                continue
            if total is None:
                total = Bucket(start_ms, minute.open, minute.high, minute.low, minute.close)
            total.merge(minute)
        return total

    def today(self, now_ms: int) -> Bucket | None:
        """Return what was traded since midnight UTC."""
        return self.since(now_ms // DAY_MS * DAY_MS)

    def last_day(self, now_ms: int) -> Bucket | None:
        """Return what was traded in the last 24 hours, to the minute."""
        return self.since((now_ms - DAY_MS) // MINUTE_MS * MINUTE_MS + MINUTE_MS)


def trade_price(cost: int, volume: int) -> int:
    """Return the price of a fill to the nearest rao per whole alpha, halves up; display only."""
    return (2 * cost * RAO_PER_WHOLE + volume) // (2 * volume) if volume else 0
