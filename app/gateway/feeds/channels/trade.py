"""The trade channel: every trade once, the last fifty as a snapshot."""

from collections.abc import Iterable
from typing import Any, Final

from app.gateway.folds.trades import Trade
from app.gateway.kraken.envelope import alpha_text, number, price_text, rfc3339
from app.gateway.kraken.names import Pair

SNAPSHOT_TRADES: Final = 50


def trade_data(pair: Pair, trades: Iterable[Trade]) -> list[dict[str, Any]]:
    """Return the data of a snapshot or update, oldest first."""
    return [
        {
            "symbol": pair.wsname,
            "side": "sell" if trade.is_sell else "buy",
            "price": number(price_text(trade.price)),
            "qty": number(alpha_text(trade.volume)),
            "ord_type": "limit" if trade.is_limit else "market",
            "trade_id": trade.trade_id,
            "timestamp": rfc3339(trade.ts_ms),
        }
        for trade in trades
    ]
