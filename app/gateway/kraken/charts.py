"""Public methods about prices over time: OHLC and Spread (``kraken_api`` section 7)."""

from collections.abc import Mapping
from typing import Any, Final

from app.gateway.folds.candles import INTERVALS
from app.gateway.folds.trades import MINUTE_MS, Bucket
from app.gateway.kraken.calls import Call, Handler
from app.gateway.kraken.envelope import alpha_text, price_text
from app.gateway.kraken.errors import invalid_argument
from app.gateway.kraken.names import result_key
from app.gateway.kraken.spreads import Spreads

SINCE_MAX: Final = 2**53
_S: Final = 1_000


class Charts:
    """The public methods over one set of spreads."""

    def __init__(self, spreads: Spreads) -> None:
        self._spreads = spreads

    def methods(self) -> Mapping[str, Handler]:
        """Return every method by name."""
        return {"OHLC": self.ohlc, "Spread": self.spread}

    async def ohlc(self, call: Call) -> dict[str, Any]:
        """Return candles from ``since`` (inclusive) to the running one; ``last`` is the start of the last closed."""
        asked = call.fields.required("pair")
        pair = call.pair(asked)
        interval = call.fields.integer("interval", INTERVALS[0], smallest=1)
        if interval not in INTERVALS:
            bound = ", ".join(map(str, INTERVALS))
            raise invalid_argument("interval", call.fields.text("interval"), bound=bound)
        since = call.fields.integer("since", 0, largest=SINCE_MAX)
        rows = call.replica.candles(pair.netuid).rows(interval, call.now_ms)
        running = rows[-1].start_ms if rows else call.now_ms // (interval * MINUTE_MS) * interval * MINUTE_MS
        told = [_candle_row(row) for row in rows if row.start_ms >= since * _S]
        return {result_key(pair, asked): told, "last": running // _S - interval * 60}

    async def spread(self, call: Call) -> dict[str, Any]:
        """Return the best bid and ask at each change, from ``since`` (inclusive, whole seconds) on."""
        asked = call.fields.required("pair")
        pair = call.pair(asked)
        since = call.fields.integer("since", 0, largest=SINCE_MAX)
        rows = self._spreads.rows(pair.netuid, call.now_ms)
        told = [[row.ts_ms // _S, price_text(row.bid), price_text(row.ask)] for row in rows if row.ts_ms // _S >= since]
        return {result_key(pair, asked): told, "last": rows[-1].ts_ms // _S if rows else 0}


def _candle_row(bucket: Bucket) -> list[Any]:
    prices = (bucket.open, bucket.high, bucket.low, bucket.close, bucket.vwap)
    return [bucket.start_ms // _S, *map(price_text, prices), alpha_text(bucket.volume), bucket.count]
