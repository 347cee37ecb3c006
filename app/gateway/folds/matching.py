"""Orders, fills, quotes and public trades, folded from the events of matching.

A trade is told once on the tape: a cross from its taker's side, a block's internal match as one trade of the whole
matched amount, every other fill by itself. Fills of one trade share its id.
"""

from collections.abc import Sequence
from typing import Final

from app.gateway.folds.applied import Applied
from app.gateway.folds.books import RestingBooks
from app.gateway.folds.candles import Candles
from app.gateway.folds.fills import Fill, cost_of, fill_number
from app.gateway.folds.heads import Heads
from app.gateway.folds.orders import Order, Orders
from app.gateway.folds.pools import Pools
from app.gateway.folds.quotes import Quotes
from app.gateway.folds.rows import Row, payload_of
from app.gateway.folds.trades import Market, Trade, trade_price
from ledger.engine.layout import EventKind, Flag, Mode

_STEPS: Final = frozenset(
    {
        EventKind.ORDER_RESTED,
        EventKind.ORDER_QUEUED,
        EventKind.ORDER_SENT,
        EventKind.STOP_ARMED,
        EventKind.STOP_TRIGGERED,
    }
)


class Matching:
    """The read models of what customers trade."""

    def __init__(self, heads: Heads) -> None:
        self.orders = Orders()
        self.quotes = Quotes()
        self.pools = Pools()
        self.books = RestingBooks()
        self.markets: dict[int, Market] = {}
        self.candles: dict[int, Candles] = {}
        self._heads = heads
        self._matches: dict[int, Trade] = {}

    def listed(self, netuid: int) -> None:
        """Begin the trades of a market."""
        self.markets[netuid] = Market()
        self.candles[netuid] = Candles()

    def head_ended(self) -> None:
        """Forget the matches of the cut: fills after them belong to other trades."""
        self._matches.clear()

    def fold(self, row: Row, payloads: Sequence[bytes], applied: Applied) -> None:
        """Fold one event; those that are none of matching change nothing."""
        kind = EventKind(row.kind)
        match kind:
            case EventKind.FILLED:
                self._filled(row, applied)
            case EventKind.CROSSED:
                self._crossed(row, applied)
            case EventKind.CUT_MATCHED:
                self._matched(row, applied)
            case EventKind.ORDER_ACCEPTED:
                order = self.orders.accepted(row, payload_of(row, payloads).decode(), applied.ts_ms)
                applied.tell(kind, order)
            case EventKind.ORDER_CLOSED:
                self._changed(row, self.orders.closed(row, applied.ts_ms), applied)
            case EventKind.ORDER_AMENDED:
                self._changed(row, self.orders.amended(row, applied.ts_ms), applied)
            case EventKind.CANCEL_NOTED:
                applied.tell(kind, self.orders.cancel_noted(row), code=row.code)
            case EventKind.QUOTE_ISSUED:
                before = self.pools.mirror(row.netuid)
                self.quotes.issued(row, applied.ts_ms, self.pools.at_head(row.netuid), before)
                applied.moved.add(row.netuid)
            case EventKind.QUOTE_TAKEN:
                self._quote_taken(row, applied)
            case EventKind.QUOTE_ENDED:
                self.quotes.ended(row)
                applied.moved.add(row.netuid)
            case EventKind.WINDOW_OPENED | EventKind.MIRROR_MOVED | EventKind.MARKET_CONFIGURED:
                applied.moved.add(row.netuid)
            case _ if kind in _STEPS:
                self._changed(row, self.orders.moved(row), applied)

    def _changed(self, row: Row, order: Order | None, applied: Applied) -> None:
        applied.tell(EventKind(row.kind), order, code=row.code)
        self.books.update(order)
        applied.moved.add(row.netuid)

    def _filled(self, row: Row, applied: Applied) -> None:
        order = self.orders.of_id(row.order_id)
        match = self._matches.get(row.netuid) if row.code == Mode.BLOCK else None
        trade_id = match.trade_id if match is not None else self.markets[row.netuid].take_id()
        is_maker = bool(row.flags & Flag.MAKER)
        fill = self._fill(row, order, trade_id, applied, is_maker=is_maker)
        self._tell(fill, applied)
        if match is None:
            self._publish(fill, trade_price(fill.cost, fill.volume), applied)

    def _crossed(self, row: Row, applied: Applied) -> None:
        """Fold both sides of a cross; the tape tells the taker's."""
        trade_id = self.markets[row.netuid].take_id()
        taker = self._fill(row, self.orders.of_id(row.order_id), trade_id, applied, is_maker=False, cost=row.tao)
        second = row._replace(
            account=row.other, order_id=row.aux, fee=row.limit, flags=row.flags ^ int(Flag.SELL), hold=row.pool_tao
        )
        maker = self._fill(second, self.orders.of_id(row.aux), trade_id, applied, is_maker=True, cost=row.tao)
        maker.number = fill_number(row.seq, is_second=True)
        self._tell(taker, applied)
        self._tell(maker, applied)
        self._publish(taker, row.pool_alpha, applied)

    def _quote_taken(self, row: Row, applied: Applied) -> None:
        order = self.orders.quote_taken(row, applied.ts_ms)
        applied.tell(EventKind.ORDER_ACCEPTED, order)
        trade_id = self.markets[row.netuid].take_id()
        fill = self._fill(row, order, trade_id, applied, is_maker=False, cost=row.tao)
        quote = self.quotes.find(row.account, row.order_id)
        if quote is not None:
            fill.pool, fill.mirror = quote.pool, quote.mirror
        self.quotes.ended(row, fill.number)
        self._tell(fill, applied)
        self._publish(fill, trade_price(fill.cost, fill.volume), applied)
        applied.tell(EventKind.ORDER_CLOSED, self.orders.close(row.order_id, 0, applied.ts_ms))

    def _matched(self, row: Row, applied: Applied) -> None:
        """Publish the internal match of a cut as one trade, at the head's price."""
        trade_id = self.markets[row.netuid].take_id()
        self._matches[row.netuid] = self._add_trade(
            Trade(
                trade_id=trade_id,
                seq=row.seq,
                netuid=row.netuid,
                price=trade_price(row.tao, row.amount),
                volume=row.amount,
                cost=row.tao,
                is_sell=False,
                is_limit=True,
                ts_ms=applied.ts_ms,
            ),
            applied,
        )

    def _fill(
        self, row: Row, order: Order | None, trade_id: int, applied: Applied, *, is_maker: bool, cost: int | None = None
    ) -> Fill:
        return Fill(
            number=fill_number(row.seq),
            seq=row.seq,
            order_id=row.order_id,
            account=row.account,
            netuid=row.netuid,
            is_sell=bool(row.flags & Flag.SELL),
            is_maker=is_maker,
            mode=Mode.CROSS if row.kind == EventKind.CROSSED else row.code,
            volume=row.amount,
            cost=cost_of(row) if cost is None else cost,
            fee=row.fee,
            ts_ms=applied.ts_ms,
            trade_id=trade_id,
            ordertype=order.ordertype if order is not None else "market",
            pool=self.pools.at_head(row.netuid),
            mirror=self.pools.mirror(row.netuid),
            booked_at=self._heads.current.number,
        )

    def _tell(self, fill: Fill, applied: Applied) -> None:
        order = self.orders.filled(fill)
        applied.moved.add(fill.netuid)
        if order is not None:
            applied.fills.append(fill)
            self.books.update(order)
            applied.tell(EventKind.FILLED, order, fill=fill)

    def _publish(self, fill: Fill, price: int, applied: Applied) -> None:
        self._add_trade(
            Trade(
                trade_id=fill.trade_id,
                seq=fill.seq,
                netuid=fill.netuid,
                price=price,
                volume=fill.volume,
                cost=fill.cost,
                is_sell=fill.is_sell,
                is_limit=fill.ordertype.endswith("limit"),
                ts_ms=fill.ts_ms,
            ),
            applied,
        )

    def _add_trade(self, trade: Trade, applied: Applied) -> Trade:
        self.markets[trade.netuid].add(trade)
        self.candles[trade.netuid].traded(trade.price, volume=trade.volume, cost=trade.cost, ts_ms=trade.ts_ms)
        applied.trades.append(trade)
        applied.moved.add(trade.netuid)
        return trade
