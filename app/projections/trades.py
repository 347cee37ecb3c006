"""Fills, both sides of a cross, with what each is compared with; the public trades of each market with their ids.

Firm quotes are here too: the fill of one is compared with what the quote was priced by.
"""

from typing import Any, Final

from sqlalchemy import Table

from app.gateway.folds.rows import Row
from app.projections.base import SIDES, Step, Store
from app.projections.pricing import PRICING_KINDS, Priced, Pricing
from app.projections.tables import FILLS, POOLS, QUOTES, TRADE_COUNTS, TRADES
from app.projections.tape import TAPE_KINDS, Trade, trades_of
from ledger.engine.layout import EventKind, Flag, Mode

COUNTS: Final = "SELECT netuid, last_id FROM {history_trade_counts}"
SET_COUNTS: Final = """
    INSERT INTO {history_trade_counts} (netuid, last_id) SELECT * FROM unnest($1::integer[], $2::bigint[])
    ON CONFLICT (netuid) DO UPDATE SET last_id = excluded.last_id
"""
LIVE_QUOTES: Final = """
    SELECT quote_id, head, head_hash, head_tao, head_alpha, weight, fee_rate, mirror_tao, mirror_alpha
    FROM {history_quotes} WHERE state = 'live'
"""
END_QUOTES: Final = """
    UPDATE {history_quotes} AS q SET state = d.state, reason = d.reason, fill = d.fill
    FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::bigint[]) AS d (quote_id, state, reason, fill)
    WHERE q.quote_id = d.quote_id
"""
LIVE: Final = ("live", 0, 0)

_CUT_MATCHED: Final = int(EventKind.CUT_MATCHED)
_CROSSED: Final = int(EventKind.CROSSED)
_QUOTE_ISSUED: Final = int(EventKind.QUOTE_ISSUED)
_QUOTE_TAKEN: Final = int(EventKind.QUOTE_TAKEN)
_QUOTE_ENDED: Final = int(EventKind.QUOTE_ENDED)
_SELL: Final = int(Flag.SELL)
_MAKER: Final = int(Flag.MAKER)
_CROSS: Final = int(Mode.CROSS)


class TradesFold:
    """The fold; holds the last trade id of each market, what its next trade is compared with, and live quotes."""

    name = "trades"
    version = 2
    tables: tuple[Table, ...] = (FILLS, TRADES, TRADE_COUNTS, POOLS, QUOTES)
    kinds = TAPE_KINDS | PRICING_KINDS | {_QUOTE_ISSUED, _QUOTE_ENDED}

    def __init__(self) -> None:
        self._last_ids: dict[int, int] = {}
        self._counted: set[int] = set()
        self._fills: list[tuple[Any, ...]] = []
        self._trades: list[tuple[Any, ...]] = []
        self._pricing = Pricing()
        self._live_quotes: dict[int, Priced] = {}
        self._issued: dict[int, tuple[Any, ...]] = {}
        self._ended: dict[int, tuple[str, int, int]] = {}

    async def load(self, store: Store) -> None:
        """Read the last ids, the last pools, and the quotes that live."""
        self._last_ids = {row["netuid"]: row["last_id"] for row in await store.fetch(COUNTS)}
        await self._pricing.load(store)
        self._live_quotes = {row[0]: Priced._make(row[1:]) for row in map(tuple, await store.fetch(LIVE_QUOTES))}

    def fold(self, step: Step) -> None:
        """Gather what a batch changes."""
        matches: dict[int, int] = {}
        trades = {trade.row.seq: trade for trade in trades_of(step)}
        for row in step.rows:
            kind = row.kind
            trade = trades.get(row.seq)
            if trade is not None:
                self._traded(trade, matches, step.ts_ms)
            elif kind == _QUOTE_ISSUED:
                self._quoted(row, step.ts_ms)
            elif kind == _QUOTE_ENDED:
                self._end_quote(row.order_id, "ended", row.code, 0)
            self._pricing.fold(row)

    async def write(self, store: Store) -> None:
        """Append fills, trades and quotes, and keep what comes next."""
        await store.copy(FILLS, self._fills)
        await store.copy(TRADES, self._trades)
        if self._counted:
            netuids = sorted(self._counted)
            await store.execute(SET_COUNTS, netuids, [self._last_ids[netuid] for netuid in netuids])
        await self._pricing.write(store)
        ended, issued = self._ended, self._issued
        await store.copy(QUOTES, [(*quote, *ended.pop(number, LIVE)) for number, quote in issued.items()])
        if ended:
            await store.execute(END_QUOTES, list(ended), *zip(*ended.values(), strict=True))
        self._fills, self._trades, self._counted, self._issued, self._ended = [], [], set(), {}, {}

    def _traded(self, trade: Trade, matches: dict[int, int], ts_ms: int) -> None:
        row = trade.row
        if trade.is_part:
            trade_id = matches[row.netuid]
        else:
            trade_id = self._last_ids[row.netuid] = self._last_ids.get(row.netuid, 0) + 1
            self._counted.add(row.netuid)
            self._trades.append(
                (
                    row.seq, row.netuid, trade_id, trade.order_id, trade.price, row.amount, trade.cost,
                    trade.is_sell, ts_ms,
                )
            )  # fmt: skip
        if row.kind == _CUT_MATCHED:
            matches[row.netuid] = trade_id
        else:
            self._fill(trade, trade_id, ts_ms)

    def _fill(self, trade: Trade, trade_id: int, ts_ms: int) -> None:
        row = trade.row
        is_cross = row.kind == _CROSSED
        priced = self._pricing.of(row.netuid)
        if row.kind == _QUOTE_TAKEN:
            priced = self._live_quotes.get(row.order_id, priced)
            self._end_quote(row.order_id, "taken", 0, SIDES * row.seq)
        compared = (*priced, self._pricing.height)
        self._fills.append(
            (
                SIDES * row.seq, row.seq, row.order_id, row.account, row.netuid, trade.is_sell,
                not is_cross and bool(row.flags & _MAKER), _CROSS if is_cross else row.code, row.amount,
                trade.cost, row.fee, ts_ms, trade_id, *compared,
            )
        )  # fmt: skip
        if is_cross:
            self._fills.append(
                (
                    SIDES * row.seq + 1, row.seq, row.aux, row.other, row.netuid, not trade.is_sell, True,
                    _CROSS, row.amount, trade.cost, row.limit, ts_ms, trade_id, *compared,
                )
            )  # fmt: skip

    def _quoted(self, row: Row, ts_ms: int) -> None:
        priced = self._live_quotes[row.order_id] = self._pricing.of(row.netuid)
        self._issued[row.order_id] = (
            row.order_id, row.account, row.netuid, bool(row.flags & _SELL), row.amount, row.tao, row.fee, ts_ms,
            row.aux, *priced,
        )  # fmt: skip

    def _end_quote(self, quote_id: int, state: str, reason: int, fill: int) -> None:
        self._live_quotes.pop(quote_id, None)
        self._ended[quote_id] = (state, reason, fill)
