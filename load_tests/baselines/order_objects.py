"""Read models as one would write them first: each event becomes a row, and every order of every account an object."""

import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.gateway.folds.rows import Row
from ledger.codec import Batch
from ledger.engine.layout import EventKind

CLOSED_MAX = 200_000


@dataclass(slots=True)
class Kept:
    """One order as it stands."""

    order_id: int
    account: int
    netuid: int
    volume: int
    limit: int
    opened_ms: int
    state: int = 0
    executed: int = 0
    cost: int = 0
    reason: int | None = None


class OrderObjects:
    """Orders open and closed, levels of books, fills; bounded, without anything that nobody asks for."""

    def __init__(self) -> None:
        self.orders: dict[int, Kept] = {}
        self.open_of: dict[int, dict[int, Kept]] = defaultdict(dict)
        self.closed: deque[Kept] = deque(maxlen=CLOSED_MAX)
        self.levels: dict[tuple[int, int, int], int] = defaultdict(int)
        self.fills: deque[tuple[int, int, int]] = deque(maxlen=CLOSED_MAX)

    def measure(self, batches: Iterable[Batch]) -> float:
        """Fold the batches; return the microseconds that one event takes."""
        count = 0
        begun = time.perf_counter()
        for batch in batches:
            for row in map(Row._make, batch.events.tolist()):
                self._fold(row, batch.ts_ms)
            count += len(batch.events)
        return (time.perf_counter() - begun) / count * 1e6

    def _fold(self, row: Row, ts_ms: int) -> None:
        match row.kind:
            case EventKind.ORDER_ACCEPTED:
                order = Kept(row.order_id, row.account, row.netuid, row.amount, row.limit, ts_ms)
                self.orders[row.order_id] = self.open_of[row.account][row.order_id] = order
            case EventKind.ORDER_RESTED:
                self._move(row, +1)
            case EventKind.FILLED | EventKind.CROSSED:
                for order_id in (row.order_id, row.aux) if row.kind == EventKind.CROSSED else (row.order_id,):
                    known: Any = self.orders.get(order_id)
                    if known is not None:
                        known.executed += row.amount
                        known.cost += row.tao
                        self.fills.append((row.seq, order_id, row.amount))
            case EventKind.ORDER_CLOSED:
                self._move(row, -1)
                order = self.orders.pop(row.order_id)
                del self.open_of[row.account][row.order_id]
                order.reason = row.code
                self.closed.append(order)

    def _move(self, row: Row, sign: int) -> None:
        order = self.orders[row.order_id]
        if sign > 0 or order.state:
            self.levels[order.netuid, row.flags & 1, order.limit] += sign * (order.volume - order.executed)
        order.state = int(sign > 0)
