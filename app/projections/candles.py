"""Candles of every market in every interval, from trades and, before a market's first trade, from the pool's price.

Only buckets in which something happened are stored; whoever reads carries the close over the others.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sqlalchemy import Table

from app.projections.base import Step, Store
from app.projections.tables import CANDLES
from app.projections.tape import TAPE_KINDS, trades_of
from ledger.engine.layout import EventKind

INTERVALS: Final = (1, 5, 15, 30, 60, 240, 1_440, 10_080, 21_600)
"""Lengths in minutes; buckets are aligned to 1970-01-01 00:00 UTC."""
MINUTE_MS: Final = 60_000
_POOL_UPDATED: Final = int(EventKind.POOL_UPDATED)

TRADED: Final = "SELECT DISTINCT netuid FROM {history_candles} WHERE minutes = 21600 AND trades > 0"
MERGE: Final = """
    INSERT INTO {history_candles} AS c (netuid, minutes, start_ms, open, high, low, close, volume, cost, trades)
    SELECT * FROM unnest(
        $1::integer[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::numeric[], $9::numeric[], $10::bigint[]
    )
    ON CONFLICT (netuid, minutes, start_ms) DO UPDATE SET
        high = greatest(c.high, excluded.high), low = least(c.low, excluded.low), close = excluded.close,
        volume = c.volume + excluded.volume, cost = c.cost + excluded.cost, trades = c.trades + excluded.trades
"""


@dataclass(slots=True)
class Candle:
    """One bucket: prices in rao per whole alpha, ``volume`` alpha rao, ``cost`` TAO rao."""

    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    cost: int = 0
    trades: int = 0

    def merge(self, later: "Candle") -> None:
        """Add what came later to this bucket."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.cost += later.cost
        self.trades += later.trades


class CandlesFold:
    """The fold; holds which markets have traded."""

    name = "candles"
    version = 1
    tables: tuple[Table, ...] = (CANDLES,)
    kinds = TAPE_KINDS | {_POOL_UPDATED}

    def __init__(self) -> None:
        self._traded: set[int] = set()
        self._minutes: dict[tuple[int, int], Candle] = {}

    async def load(self, store: Store) -> None:
        """Read which markets have traded."""
        self._traded = {row["netuid"] for row in await store.fetch(TRADED)}

    def fold(self, step: Step) -> None:
        """Gather what a batch changes: by market and minute, since times never go back."""
        start = step.ts_ms // MINUTE_MS * MINUTE_MS
        # The pool's price counts only until the first trade, so the order between the two matters.
        first_trade: dict[int, int] = {}
        trades = [trade for trade in trades_of(step) if not trade.is_part]
        for trade in trades:
            first_trade.setdefault(trade.row.netuid, trade.row.seq)
        for row in step.rows:
            if row.kind != _POOL_UPDATED or not row.amount or row.netuid in self._traded:
                continue
            if row.seq < first_trade.get(row.netuid, row.seq + 1):
                self._add(row.netuid, start, Candle(row.amount, row.amount, row.amount, row.amount))
        for trade in trades:
            price, row = trade.price, trade.row
            self._traded.add(row.netuid)
            self._add(row.netuid, start, Candle(price, price, price, price, row.amount, trade.cost, 1))

    async def write(self, store: Store) -> None:
        """Merge the minutes into the stored buckets of every interval."""
        minutes, self._minutes = self._minutes, {}
        if not minutes:
            return
        buckets: dict[tuple[int, int, int], Candle] = {}
        for (netuid, start), candle in minutes.items():
            for interval in INTERVALS:
                span = interval * MINUTE_MS
                key = (netuid, interval, start // span * span)
                known = buckets.get(key)
                if known is None:
                    buckets[key] = Candle(*_figures(candle))
                else:
                    known.merge(candle)
        rows = [
            (*key, c.open, c.high, c.low, c.close, Decimal(c.volume), Decimal(c.cost), c.trades)
            for key, c in buckets.items()
        ]
        await store.execute(MERGE, *zip(*rows, strict=True))

    def _add(self, netuid: int, start: int, candle: Candle) -> None:
        known = self._minutes.get((netuid, start))
        if known is None:
            self._minutes[netuid, start] = candle
        else:
            known.merge(candle)


def _figures(candle: Candle) -> tuple[int, ...]:
    return candle.open, candle.high, candle.low, candle.close, candle.volume, candle.cost, candle.trades
