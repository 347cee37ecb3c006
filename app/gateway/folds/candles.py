"""Candles of one market in every interval, at most ``KEPT_MAX`` of each, from trades and, before the first, the pool.

A trade touches one bucket, that of its minute; when the minute is over it is added to the longer intervals. Buckets in
which nothing happened are not stored: they are carried when read.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from app.gateway.folds.trades import MINUTE_MS, Bucket

INTERVALS: Final = (1, 5, 15, 30, 60, 240, 1_440, 10_080, 21_600)
"""Lengths in minutes; buckets are aligned to 1970-01-01 00:00 UTC."""
ROWS_MAX: Final = 720
KEPT_MAX: Final = ROWS_MAX + 1


class Candles:
    """The candles of one market; prices in rao per whole alpha."""

    def __init__(self) -> None:
        self._over: dict[int, deque[Bucket]] = {interval: deque(maxlen=KEPT_MAX) for interval in INTERVALS}
        self._minute: Bucket | None = None
        self._is_traded = False

    def restore(self, interval: int, buckets: Iterable[Bucket]) -> None:
        """Take over the newest buckets of an interval, oldest first; what comes later is merged into the last."""
        self._over[interval].extend(buckets)
        self._is_traded = self._is_traded or any(bucket.count for bucket in self._over[interval])

    def traded(self, price: int, *, volume: int, cost: int, ts_ms: int) -> None:
        """Count one trade; times never go back."""
        self._is_traded = True
        self._running(price, ts_ms).add(price, volume=volume, cost=cost)

    @property
    def running(self) -> Bucket | None:
        """Return the running minute."""
        return self._minute

    def pool_moved(self, price: int, ts_ms: int) -> None:
        """Follow the pool's price while the market has no trade of its own; afterwards only trades make prices."""
        if self._is_traded:
            return
        minute = self._running(price, ts_ms)
        minute.high, minute.low, minute.close = max(minute.high, price), min(minute.low, price), price

    def rows(self, interval: int, now_ms: int) -> list[Bucket]:
        """Return the candles up to the running one, oldest first, without a hole, at most ``ROWS_MAX``.

        ``interval`` is one of ``INTERVALS``. A bucket without trades has the close before it as all its prices. The
        list is empty before the first price.
        """
        span = interval * MINUTE_MS
        known = self._known(interval, span)
        if not known:
            return []
        end = max(now_ms // span * span, known[-1].start_ms)
        start = max(end - (ROWS_MAX - 1) * span, known[0].start_ms)
        found = {bucket.start_ms: bucket for bucket in known}
        close = next((bucket.close for bucket in reversed(known) if bucket.start_ms < start), known[0].open)
        rows = []
        for at in range(start, end + 1, span):
            row = found.get(at) or Bucket(at, close, close, close, close)
            close = row.close
            rows.append(row)
        return rows

    def _known(self, interval: int, span: int) -> list[Bucket]:
        """Return what is stored of an interval together with the running minute."""
        known, minute = list(self._over[interval]), self._minute
        if minute is None:
            return known
        start = minute.start_ms // span * span
        if known and known[-1].start_ms == start:
            known[-1] = replace(known[-1])
            known[-1].merge(minute)
        else:
            known.append(replace(minute, start_ms=start))
        return known

    def _running(self, price: int, ts_ms: int) -> Bucket:
        """Return the bucket of a time's minute; the one before it is added to all intervals."""
        start = ts_ms // MINUTE_MS * MINUTE_MS
        if self._minute is None or self._minute.start_ms < start:
            if self._minute is not None:
                self._close(self._minute)
            self._minute = Bucket(start, price, price, price, price)
        return self._minute

    def _close(self, minute: Bucket) -> None:
        for interval, over in self._over.items():
            start = minute.start_ms // (interval * MINUTE_MS) * interval * MINUTE_MS
            if over and over[-1].start_ms == start:
                over[-1].merge(minute)
            else:
                over.append(replace(minute, start_ms=start))
