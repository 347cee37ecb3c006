"""What trades and firm quotes were priced by: the pool at the last head that showed it, and the mirror before them."""

from typing import Any, Final, NamedTuple

from app.gateway.folds.pools import MIRRORED
from app.gateway.folds.rows import Row
from app.projections.base import Store
from app.projections.tables import POOLS
from ledger.engine.layout import NO_NETUID, EventKind
from ledger.engine.records import from_words

PRICING_KINDS: Final = frozenset(map(int, {*MIRRORED, EventKind.POOL_UPDATED, EventKind.HEAD_BEGAN}))

_HEAD_BEGAN: Final = int(EventKind.HEAD_BEGAN)
_POOL_UPDATED: Final = int(EventKind.POOL_UPDATED)
_WINDOW_OPENED: Final = int(EventKind.WINDOW_OPENED)
_MIRRORED: Final = frozenset(map(int, MIRRORED))

READ: Final = "SELECT * FROM {history_pools}"
FORGET: Final = "DELETE FROM {history_pools} WHERE netuid = ANY($1::integer[])"


class Priced(NamedTuple):
    """The pool at a head, ``head`` 0 without one, and the mirror: the columns of ``tables._priced``."""

    head: int = 0
    head_hash: bytes = b""
    head_tao: int = 0
    head_alpha: int = 0
    weight: int = 0
    fee_rate: int = 0
    mirror_tao: int = 0
    mirror_alpha: int = 0


NOTHING: Final = Priced()


class Pricing:
    """What the next trade of each market is compared with; ``NO_NETUID`` stands for the head alone."""

    def __init__(self) -> None:
        self._markets: dict[int, Priced] = {}
        self._changed: set[int] = set()

    async def load(self, store: Store) -> None:
        """Read what was written last."""
        self._markets = {row[0]: Priced._make(row[1:]) for row in map(tuple, await store.fetch(READ))}

    def fold(self, row: Row) -> None:
        """Fold one event, after what else it means was folded."""
        kind, netuid = row.kind, row.netuid
        if kind == _HEAD_BEGAN:
            netuid = NO_NETUID
            self._markets[netuid] = Priced(row.other, from_words([row.id_hi, row.id_lo, row.digest, row.hold]))
        elif kind == _POOL_UPDATED:
            head, before = self._markets.get(NO_NETUID, NOTHING), self._markets.get(netuid, NOTHING)
            pool = (row.pool_tao, row.pool_alpha, row.limit, row.aux)
            self._markets[netuid] = Priced(head.head, head.head_hash, *pool, before.mirror_tao, before.mirror_alpha)
        elif kind in _MIRRORED and (kind == _WINDOW_OPENED or row.pool_tao):
            before = self._markets.get(netuid, NOTHING)
            self._markets[netuid] = before._replace(mirror_tao=row.pool_tao, mirror_alpha=row.pool_alpha)
        else:
            return
        self._changed.add(netuid)

    def of(self, netuid: int) -> Priced:
        """Return what an event of this market is priced by, before it is folded."""
        return self._markets.get(netuid, NOTHING)

    @property
    def height(self) -> int:
        """Return the head that the ledger stands at, 0 before the first."""
        return self.of(NO_NETUID).head

    async def write(self, store: Store) -> None:
        """Keep what changed."""
        if self._changed:
            changed: list[int] = sorted(self._changed)
            await store.execute(FORGET, changed)
            rows: list[tuple[Any, ...]] = [(netuid, *self._markets[netuid]) for netuid in changed]
            await store.copy(POOLS, rows)
            self._changed = set()
