"""The ticker channel: best prices and the figures of the last 24 hours."""

from typing import Any

from amm.units import format_decimal
from app.gateway.kraken.books import Ticker
from app.gateway.kraken.envelope import alpha_text, lot_text, number, price_text
from app.gateway.kraken.names import Pair

_PERCENT_DECIMALS = 2


def ticker_data(pair: Pair, ticker: Ticker) -> list[dict[str, Any]]:
    """Return the data of a snapshot or update."""
    day = ticker.day
    change_pct = ticker.change * 10 ** (_PERCENT_DECIMALS + 2) // day.open if day.open else 0
    return [
        {
            "symbol": pair.wsname,
            "bid": number(price_text(ticker.bid.price)),
            "bid_qty": number(lot_text(ticker.bid.volume)),
            "ask": number(price_text(ticker.ask.price)),
            "ask_qty": number(lot_text(ticker.ask.volume)),
            "last": number(price_text(ticker.last)),
            "volume": number(alpha_text(day.volume)),
            "vwap": number(price_text(day.vwap)),
            "low": number(price_text(day.low)),
            "high": number(price_text(day.high)),
            "change": number(price_text(ticker.change)),
            "change_pct": number(format_decimal(change_pct, decimals=_PERCENT_DECIMALS)),
        }
    ]
