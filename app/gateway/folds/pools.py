"""The pool of each market at the last head that showed it, and its mirror as the last event left it.

Fills keep both: they are what an execution report compares with.
"""

from dataclasses import dataclass
from typing import Final

from app.gateway.folds.heads import Head
from app.gateway.folds.rows import Row
from ledger.engine.layout import EventKind

MIRRORED: Final = frozenset(
    {
        EventKind.MARKET_CONFIGURED,
        EventKind.SUSPENSE_RESOLVED,
        EventKind.FILLED,
        EventKind.MIRROR_MOVED,
        EventKind.QUOTE_ISSUED,
        EventKind.QUOTE_TAKEN,
        EventKind.QUOTE_ENDED,
        EventKind.WINDOW_OPENED,
        EventKind.SETTLEMENT_ITEM_REQUESTED,
    }
)
"""Kinds that tell the mirror after them in ``pool_tao`` and ``pool_alpha``."""


@dataclass(frozen=True, slots=True)
class PoolAt:
    """A pool at a finalised head: reserves in rao, TAO weight in parts of 10^18, fee of 65535."""

    height: int
    hash: bytes
    tao: int
    alpha: int
    weight: int
    fee_rate: int


class Pools:
    """The read model."""

    def __init__(self) -> None:
        self._heads: dict[int, PoolAt] = {}
        self._mirrors: dict[int, tuple[int, int]] = {}

    def updated(self, row: Row, head: Head) -> None:
        """Fold ``POOL_UPDATED``."""
        self._heads[row.netuid] = PoolAt(head.number, head.hash, row.pool_tao, row.pool_alpha, row.limit, row.aux)

    def mirror_moved(self, row: Row) -> None:
        """Fold an event that tells the mirror after it; must come after what else the event means is folded."""
        if row.kind == EventKind.WINDOW_OPENED or row.pool_tao:
            self._mirrors[row.netuid] = (row.pool_tao, row.pool_alpha)

    def at_head(self, netuid: int) -> PoolAt | None:
        """Return the pool at the last head that showed it."""
        return self._heads.get(netuid)

    def mirror(self, netuid: int) -> tuple[int, int]:
        """Return the mirror's reserves, rao; zeros without one."""
        return self._mirrors.get(netuid, (0, 0))
