"""Every order with its final state and its amendments; quotes that were taken are orders of their own, closed at once.

What changes an order that is stored already is written as a difference, so the fold holds nothing between writes and
its memory follows the size of one write, not the number of open orders.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table

from app.gateway.folds.rows import Row
from app.projections.base import Step, Store
from app.projections.tables import AMENDS, ORDERS
from app.projections.tape import paid
from ledger.engine.layout import EventKind, Flag, OrderState

OPEN: Final = -1
"""``reason`` of an order that lives."""

_STATES: Final = {
    int(EventKind.ORDER_RESTED): int(OrderState.RESTING),
    int(EventKind.ORDER_QUEUED): int(OrderState.QUEUED),
    int(EventKind.ORDER_SENT): int(OrderState.IN_FLIGHT),
    int(EventKind.STOP_ARMED): int(OrderState.ARMED),
    int(EventKind.STOP_TRIGGERED): int(OrderState.WORKING),
}

_ORDER_ACCEPTED: Final = int(EventKind.ORDER_ACCEPTED)
_FILLED: Final = int(EventKind.FILLED)
_CROSSED: Final = int(EventKind.CROSSED)
_ORDER_CLOSED: Final = int(EventKind.ORDER_CLOSED)
_ORDER_QUEUED: Final = int(EventKind.ORDER_QUEUED)
_STOP_TRIGGERED: Final = int(EventKind.STOP_TRIGGERED)
_ORDER_AMENDED: Final = int(EventKind.ORDER_AMENDED)
_CANCEL_NOTED: Final = int(EventKind.CANCEL_NOTED)
_QUOTE_TAKEN: Final = int(EventKind.QUOTE_TAKEN)
_WORKING: Final = int(OrderState.WORKING)

UPDATE: Final = """
    UPDATE {history_orders} AS o SET
        volume = coalesce(d.volume, o.volume), limit_price = coalesce(d.limit_price, o.limit_price),
        trigger_price = coalesce(d.trigger_price, o.trigger_price), state = coalesce(d.state, o.state),
        waits = coalesce(d.waits, o.waits), is_triggered = o.is_triggered OR d.is_triggered,
        is_cancelling = o.is_cancelling OR d.is_cancelling, executed = o.executed + d.executed, cost = o.cost + d.cost,
        fee = o.fee + d.fee, amends = o.amends + d.amends, last_seq = d.last_seq,
        closed_seq = o.closed_seq + d.closed_seq, closed_ms = o.closed_ms + d.closed_ms,
        reason = coalesce(d.reason, o.reason)
    FROM unnest(
        $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::integer[], $7::boolean[],
        $8::boolean[], $9::bigint[], $10::bigint[], $11::bigint[], $12::integer[], $13::bigint[], $14::bigint[],
        $15::bigint[], $16::integer[]
    ) AS d (
        order_id, volume, limit_price, trigger_price, state, waits, is_triggered, is_cancelling, executed, cost, fee,
        amends, last_seq, closed_seq, closed_ms, reason
    )
    WHERE o.order_id = d.order_id
"""


@dataclass(slots=True)
class Change:
    """What events do to one order: sums are added, ``None`` leaves a figure as it is; ``base``: it is new."""

    order_id: int
    base: tuple[Any, ...] | None = None
    volume: int | None = None
    limit: int | None = None
    trigger: int | None = None
    state: int | None = None
    waits: int | None = None
    is_triggered: bool = False
    is_cancelling: bool = False
    executed: int = 0
    cost: int = 0
    fee: int = 0
    amends: int = 0
    last_seq: int = 0
    closed_seq: int = 0
    closed_ms: int = 0
    reason: int | None = None

    def difference(self) -> tuple[Any, ...]:
        """Return the values of ``UPDATE``, in its order."""
        return (
            self.order_id, self.volume, self.limit, self.trigger, self.state, self.waits, self.is_triggered,
            self.is_cancelling, self.executed, self.cost, self.fee, self.amends, self.last_seq, self.closed_seq,
            self.closed_ms, self.reason,
        )  # fmt: skip

    def whole(self, base: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the whole row of a new order, in the order of the table's columns."""
        account, netuid, flags, traits, volume, quote, limit, trigger, *terms = base
        return (
            self.order_id, account, netuid, flags, traits,
            volume if self.volume is None else self.volume,
            quote,
            limit if self.limit is None else self.limit,
            trigger if self.trigger is None else self.trigger,
            *terms,
            _WORKING if self.state is None else self.state,
            self.waits or 0, self.is_triggered, self.is_cancelling, self.executed, self.cost, self.fee, self.amends,
            self.last_seq, self.closed_seq, self.closed_ms, OPEN if self.reason is None else self.reason,
        )  # fmt: skip


class OrdersFold:
    """The fold."""

    name = "orders"
    version = 2
    tables: tuple[Table, ...] = (ORDERS, AMENDS)
    kinds = frozenset(
        {
            _ORDER_ACCEPTED,
            _FILLED,
            _CROSSED,
            _ORDER_CLOSED,
            _ORDER_AMENDED,
            _CANCEL_NOTED,
            _QUOTE_TAKEN,
            *_STATES,
        }
    )

    def __init__(self) -> None:
        self._changes: dict[int, Change] = {}
        self._amends: list[tuple[Any, ...]] = []

    async def load(self, store: Store) -> None:
        """Need nothing."""

    def fold(self, step: Step) -> None:
        """Gather what a batch changes."""
        for row in step.rows:
            kind = row.kind
            if kind == _ORDER_ACCEPTED:
                self._accepted(row, step)
            elif kind == _FILLED:
                self._traded(row.order_id, row, cost=paid(row), fee=row.fee)
            elif kind == _CROSSED:
                self._traded(row.order_id, row, cost=row.tao, fee=row.fee)
                self._traded(row.aux, row, cost=row.tao, fee=row.limit)
            elif kind == _ORDER_CLOSED:
                self._closed(row, step.ts_ms, reason=row.code)
            elif kind in _STATES:
                change = self._touch(row.order_id, row)
                change.state = _STATES[kind]
                change.waits = row.code if kind == _ORDER_QUEUED else 0
                if kind == _STOP_TRIGGERED:
                    change.is_triggered, change.limit = True, row.limit
            elif kind == _ORDER_AMENDED:
                change = self._touch(row.order_id, row)
                change.volume, change.limit, change.trigger = row.amount, row.limit, row.pool_tao
                change.amends += 1
                figures = (row.order_id, row.account, row.amount, row.limit, row.pool_tao, bool(row.code))
                self._amends.append((row.seq, *figures, step.ts_ms))
                if not row.code:
                    change.state, change.waits = _WORKING, 0
            elif kind == _CANCEL_NOTED:
                self._touch(row.order_id, row).is_cancelling = True
            elif kind == _QUOTE_TAKEN:
                self._quote_taken(row, step.ts_ms)

    async def write(self, store: Store) -> None:
        """Append new orders, and change those that are stored."""
        changes, self._changes = self._changes, {}
        await store.copy(ORDERS, [change.whole(change.base) for change in changes.values() if change.base is not None])
        differences = [change.difference() for change in changes.values() if change.base is None]
        if differences:
            await store.execute(UPDATE, *zip(*differences, strict=True))
        amends, self._amends = self._amends, []
        await store.copy(AMENDS, amends)

    def _touch(self, order_id: int, row: Row) -> Change:
        change = self._changes.get(order_id)
        if change is None:
            change = self._changes[order_id] = Change(order_id)
        change.last_seq = row.seq
        return change

    def _accepted(self, row: Row, step: Step) -> None:
        self._touch(row.order_id, row).base = (
            row.account,
            row.netuid,
            row.flags,
            row.code,
            row.amount,
            row.tao,
            row.limit,
            row.pool_tao,
            row.aux,
            row.key,
            row.pool_alpha,
            row.fee,
            row.other - 2**32 if row.other >= 2**31 else row.other,  # the client's int32
            client_text(step.payloads[row.payload - 1]) if row.payload else "",
            step.ts_ms,
        )

    def _quote_taken(self, row: Row, ts_ms: int) -> None:
        sell = row.flags & Flag.SELL
        terms = (row.account, row.netuid, int(sell), 0, row.amount, 0, 0, 0, 0, 0, 0, 0, 0, "", ts_ms)
        self._touch(row.order_id, row).base = terms
        self._traded(row.order_id, row, cost=row.tao, fee=row.fee)
        self._closed(row, ts_ms, reason=0)

    def _traded(self, order_id: int, row: Row, *, cost: int, fee: int) -> None:
        change = self._touch(order_id, row)
        change.executed += row.amount
        change.cost += cost
        change.fee += fee

    def _closed(self, row: Row, ts_ms: int, *, reason: int) -> None:
        change = self._touch(row.order_id, row)
        change.closed_seq, change.closed_ms, change.reason = row.seq, ts_ms, reason


def client_text(payload: bytes) -> str:
    """Return a client's own id as text; what no text column can hold is replaced."""
    return payload.decode(errors="replace").replace("\x00", "\ufffd")
