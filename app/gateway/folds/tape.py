"""Public trades, candles and firm quotes, folded from the few events that make them.

A trade is told once on the tape: a cross from its taker's side, a block's internal match as one trade of the whole
matched amount, every other fill by itself. Fills of one trade share its id.
"""

from collections.abc import Sequence

from app.gateway.folds.applied import Applied
from app.gateway.folds.candles import Candles
from app.gateway.folds.fills import fill_number
from app.gateway.folds.live import LiveOrders
from app.gateway.folds.quotes import Quotes
from app.gateway.folds.rows import Row
from app.gateway.folds.trades import Market, Trade
from app.projections.base import Step
from app.projections.tape import Trade as Told
from app.projections.tape import trades_of
from ledger.engine.layout import EventKind


class Tape:
    """The read models of what is traded in public."""

    def __init__(self, live: LiveOrders) -> None:
        self.quotes = Quotes()
        self.markets: dict[int, Market] = {}
        self.candles: dict[int, Candles] = {}
        self._live = live

    def listed(self, netuid: int) -> None:
        """Begin the trades of a market that is listed, unless they have begun."""
        self.markets.setdefault(netuid, Market())
        self.candles.setdefault(netuid, Candles())

    def fold(self, rows: Sequence[Row], applied: Applied, *, with_candles: bool = True) -> dict[int, int]:
        """Fold the events of a batch that are of the tape or of pools; return the trade id of each fill, by seq."""
        ids: dict[int, int] = {}
        matched: dict[int, int] = {}
        trades = {trade.row.seq: trade for trade in trades_of(Step(applied.ts_ms, rows))}
        for row in rows:
            trade = trades.get(row.seq)
            if trade is not None:
                ids[row.seq] = matched[row.netuid] if trade.is_part else self._traded(trade, applied, with_candles)
                if row.kind == EventKind.CUT_MATCHED:
                    matched[row.netuid] = ids[row.seq]
                elif row.kind == EventKind.QUOTE_TAKEN:
                    self.quotes.ended(row, fill_number(row.seq))
            elif row.kind == EventKind.POOL_UPDATED:
                if row.amount and with_candles:
                    self.candles[row.netuid].pool_moved(row.amount, applied.ts_ms)
            elif row.kind == EventKind.QUOTE_ISSUED:
                self.quotes.issued(row, applied.ts_ms)
            elif row.kind == EventKind.QUOTE_ENDED:
                self.quotes.ended(row)
        return ids

    def _traded(self, told: Told, applied: Applied, with_candles: bool) -> int:  # noqa: FBT001 - passed on
        row = told.row
        market = self.markets[row.netuid]
        trade = Trade(
            trade_id=market.take_id(),
            seq=row.seq,
            netuid=row.netuid,
            price=told.price,
            volume=row.amount,
            cost=told.cost,
            is_sell=told.is_sell,
            is_limit=row.kind == EventKind.CUT_MATCHED or self._live.is_limit(told.order_id),
            ts_ms=applied.ts_ms,
        )
        if with_candles:
            candles = self.candles[row.netuid]
            candles.traded(trade.price, volume=trade.volume, cost=trade.cost, ts_ms=applied.ts_ms)
            market.add(trade, before=candles.running)
        else:
            market.add(trade, with_minutes=False)
        if told.order_id:
            self._live.traded(told.order_id, told.cost)
        if row.kind == EventKind.CROSSED:
            self._live.traded(row.aux, told.cost)
        applied.trades.append(trade)
        return trade.trade_id
