"""The best bid and ask of each market over time, as REST's Spread tells them: a ring per market."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from app.gateway.folds.applied import Applied
from app.gateway.kraken.books import Books
from app.gateway.replica import Replica

ROWS_MAX: Final = 200
PAUSE_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Spread:
    """The best prices from a time on, rao per whole alpha."""

    ts_ms: int
    bid: int
    ask: int


class Spreads:
    """Records the best when a batch changed it, at most once in ``PAUSE_MS``, and when it is read.

    Rows tell whole seconds. The pause bounds what this costs while orders come by the thousand: a look builds the depth
    of a pool that moved, half a millisecond. The newest row is always what Depth shows. A head moves every market: they
    are looked at one by one, and other work goes on in between.
    """

    def __init__(self, replica: Replica, books: Books) -> None:
        self._replica = replica
        self._books = books
        self._waiting: set[int] = set()
        self._handle: asyncio.Handle | None = None
        self._rings: dict[int, deque[Spread]] = {}
        self._looked_ms: dict[int, int] = {}
        replica.listen(self._on_applied)

    def rows(self, netuid: int, now_ms: int) -> list[Spread]:
        """Return what is known of a listed market, oldest first."""
        self._record(netuid, now_ms)
        return list(self._rings.get(netuid, ()))

    def _on_applied(self, applied: Applied) -> None:
        for netuid in applied.moved:
            if applied.ts_ms >= self._looked_ms.get(netuid, 0) + PAUSE_MS:
                self._waiting.add(netuid)
        if self._waiting and self._handle is None:
            self._handle = asyncio.get_running_loop().call_soon(self._look_at_next)

    def _look_at_next(self) -> None:
        self._handle = None
        self._record(self._waiting.pop(), self._replica.ts_ms)
        if self._waiting:
            self._handle = asyncio.get_running_loop().call_soon(self._look_at_next)

    def _record(self, netuid: int, now_ms: int) -> None:
        self._looked_ms[netuid] = now_ms
        ticker = self._books.ticker(netuid, now_ms)
        if ticker is None:
            return
        ring = self._rings.setdefault(netuid, deque(maxlen=ROWS_MAX))
        if ring:
            now_ms = max(now_ms, ring[-1].ts_ms)
        if not ring or (ring[-1].bid, ring[-1].ask) != (ticker.bid.price, ticker.ask.price):
            ring.append(Spread(now_ms, ticker.bid.price, ticker.ask.price))
