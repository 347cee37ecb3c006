"""The ohlc channel: the candles so far, then the running one after each trade."""

from collections.abc import Iterable
from typing import Any, Final

from app.gateway.folds import candles
from app.gateway.folds.trades import MINUTE_MS, Bucket
from app.gateway.kraken.envelope import alpha_text, number, price_text, rfc3339
from app.gateway.kraken.names import Pair

INTERVALS: Final = candles.INTERVALS
INTERVAL_DEFAULT: Final = 1


def ohlc_data(pair: Pair, interval: int, rows: Iterable[Bucket]) -> list[dict[str, Any]]:
    """Return the data of a snapshot or update: ``rows`` as they come, prices rao per whole alpha.

    A snapshot is told newest first: clients read it from its end.
    """
    return [
        {
            "symbol": pair.wsname,
            "open": number(price_text(row.open)),
            "high": number(price_text(row.high)),
            "low": number(price_text(row.low)),
            "close": number(price_text(row.close)),
            "trades": row.count,
            "volume": number(alpha_text(row.volume)),
            "vwap": number(price_text(row.vwap)),
            "interval_begin": rfc3339(row.start_ms),
            "interval": interval,
            "timestamp": rfc3339(row.start_ms + interval * MINUTE_MS),
        }
        for row in rows
    ]
