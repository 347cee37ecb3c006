"""Fills, both sides of a cross, and the public trades of each market with their ids."""

from typing import Any, Final

from sqlalchemy import Table

from app.projections.base import SIDES, Step, Store
from app.projections.tables import FILLS, TRADE_COUNTS, TRADES
from app.projections.tape import TAPE_KINDS, Trade, trades_of
from ledger.engine.layout import EventKind, Flag, Mode

COUNTS: Final = "SELECT netuid, last_id FROM {history_trade_counts}"
SET_COUNTS: Final = """
    INSERT INTO {history_trade_counts} (netuid, last_id) SELECT * FROM unnest($1::integer[], $2::bigint[])
    ON CONFLICT (netuid) DO UPDATE SET last_id = excluded.last_id
"""

_CUT_MATCHED: Final = int(EventKind.CUT_MATCHED)
_CROSSED: Final = int(EventKind.CROSSED)
_MAKER: Final = int(Flag.MAKER)
_CROSS: Final = int(Mode.CROSS)


class TradesFold:
    """The fold; holds the last trade id of each market."""

    name = "trades"
    version = 1
    tables: tuple[Table, ...] = (FILLS, TRADES, TRADE_COUNTS)
    kinds = TAPE_KINDS

    def __init__(self) -> None:
        self._last_ids: dict[int, int] = {}
        self._counted: set[int] = set()
        self._fills: list[tuple[Any, ...]] = []
        self._trades: list[tuple[Any, ...]] = []

    async def load(self, store: Store) -> None:
        """Read the last ids."""
        self._last_ids = {row["netuid"]: row["last_id"] for row in await store.fetch(COUNTS)}

    def fold(self, step: Step) -> None:
        """Gather what a batch changes."""
        matches: dict[int, int] = {}
        for trade in trades_of(step):
            row = trade.row
            if trade.is_part:
                trade_id = matches[row.netuid]
            else:
                trade_id = self._last_ids[row.netuid] = self._last_ids.get(row.netuid, 0) + 1
                self._counted.add(row.netuid)
                self._trades.append(
                    (
                        row.seq, row.netuid, trade_id, trade.order_id, trade.price, row.amount, trade.cost,
                        trade.is_sell, step.ts_ms,
                    )
                )  # fmt: skip
            if row.kind == _CUT_MATCHED:
                matches[row.netuid] = trade_id
            else:
                self._fill(trade, trade_id, step.ts_ms)

    async def write(self, store: Store) -> None:
        """Append fills and trades, and keep the ids."""
        await store.copy(FILLS, self._fills)
        await store.copy(TRADES, self._trades)
        if self._counted:
            netuids = sorted(self._counted)
            await store.execute(SET_COUNTS, netuids, [self._last_ids[netuid] for netuid in netuids])
        self._fills, self._trades, self._counted = [], [], set()

    def _fill(self, trade: Trade, trade_id: int, ts_ms: int) -> None:
        row = trade.row
        is_cross = row.kind == _CROSSED
        self._fills.append(
            (
                SIDES * row.seq, row.seq, row.order_id, row.account, row.netuid, trade.is_sell,
                not is_cross and bool(row.flags & _MAKER), _CROSS if is_cross else row.code, row.amount,
                trade.cost, row.fee, ts_ms, trade_id,
            )
        )  # fmt: skip
        if is_cross:
            self._fills.append(
                (
                    SIDES * row.seq + 1, row.seq, row.aux, row.other, row.netuid, not trade.is_sell, True,
                    _CROSS, row.amount, trade.cost, row.limit, ts_ms, trade_id,
                )
            )  # fmt: skip
