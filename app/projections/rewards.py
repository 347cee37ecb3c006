"""Rewards: the growth of each staked position with who got which part of it, and what customers were paid."""

from typing import Final

from sqlalchemy import Table

from app.projections.base import Step, Store
from app.projections.tables import REWARDS
from ledger.engine.layout import EventKind

_GROWN: Final = int(EventKind.GROWTH_SHARED)
_POSTED: Final = int(EventKind.REWARD_POSTED)


class RewardsFold:
    """The fold."""

    name = "rewards"
    version = 1
    tables: tuple[Table, ...] = (REWARDS,)
    kinds = frozenset({_GROWN, _POSTED})

    def __init__(self) -> None:
        self._rows: list[tuple[int, ...]] = []

    async def load(self, store: Store) -> None:
        """Need nothing."""

    def fold(self, step: Step) -> None:
        """Gather the rewards of a batch."""
        for row in step.rows:
            if row.kind == _GROWN:
                parts = (row.amount, row.fee, row.tao)
                self._rows.append((row.seq, 0, row.netuid, row.key, row.other, *parts, step.ts_ms))
            elif row.kind == _POSTED:
                self._rows.append((row.seq, row.account, row.netuid, 0, 0, row.amount, 0, 0, step.ts_ms))

    async def write(self, store: Store) -> None:
        """Append them."""
        rows, self._rows = self._rows, []
        await store.copy(REWARDS, rows)
