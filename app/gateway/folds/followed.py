"""The accounts that somebody follows: each of their orders as an object, each step of it and each ledger entry told.

Nobody else's orders are looked at one by one. An account is taken up from the engine when the first follower comes,
and forgotten with the last.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from app.gateway.folds.applied import Applied
from app.gateway.folds.fills import Fill, fill_number
from app.gateway.folds.live import LiveOrders
from app.gateway.folds.orders import STATES, Order, step_of
from app.gateway.folds.rows import Row
from app.projections.entries import changes_of
from app.projections.orders import client_text
from app.projections.rows import EntryRow
from app.projections.tape import paid
from ledger.engine.layout import EventKind, Flag, Mode, OrderState, Records, Trait
from ledger.engine.views import Views

_SELL: Final = int(Flag.SELL)
_MAKER: Final = int(Flag.MAKER)
_INT32: Final = 2**31


class Followed:
    """The read model; ``fold`` is called for the events that ``rows_of_interest`` chose."""

    def __init__(self, reads: Views, live: LiveOrders) -> None:
        self._reads = reads
        self._live = live
        self._followers: Counter[int] = Counter()
        self._accounts: Any = np.zeros(0, np.uint32)
        self._orders: dict[int, Order] = {}
        self._balances: dict[tuple[int, int], int] = {}

    def __bool__(self) -> bool:
        return bool(self._followers)

    def follow(self, account: int) -> None:
        """Tell of an account from the next batch on; each call asks for an ``unfollow``."""
        self._followers[account] += 1
        if self._followers[account] > 1:
            return
        self._changed()
        self._orders.update((order.seq, order) for order in self._live.open_of(account))
        for row in self._reads.balance_rows(account):
            self._balances[account, row.asset] = row.free + row.held

    def unfollow(self, account: int) -> None:
        """Take back one ``follow``."""
        self._followers[account] -= 1
        if self._followers[account] > 0:
            return
        del self._followers[account]
        self._changed()
        self._orders = {seq: order for seq, order in self._orders.items() if order.account != account}
        self._balances = {key: amount for key, amount in self._balances.items() if key[0] != account}

    def of_interest(self, events: Records) -> Any:
        """Return which events concern an account that is followed."""
        crossed = events["kind"] == EventKind.CROSSED
        mine = np.isin(events["account"], self._accounts)
        return mine | (crossed & np.isin(events["other"], self._accounts))

    def fold(
        self, rows: Iterable[Row], payloads: Sequence[bytes], trade_ids: Mapping[int, int], applied: Applied
    ) -> None:
        """Fold events in order; ``trade_ids``: of the fills among them, by seq."""
        for row in rows:
            self._fold(row, payloads, trade_ids.get(row.seq, 0), applied)
            for change in changes_of(row):
                if change.account in self._followers:
                    owned = (change.account, change.asset)
                    balance = self._balances[owned] = self._balances.get(owned, 0) + change.amount - change.fee
                    applied.entries.append(EntryRow(*change, balance, applied.ts_ms))

    def _changed(self) -> None:
        self._accounts = np.array(sorted(self._followers), np.uint32)

    def _fold(self, row: Row, payloads: Sequence[bytes], trade_id: int, applied: Applied) -> None:
        kind = row.kind
        match kind:
            case EventKind.ORDER_ACCEPTED:
                self._accepted(row, payloads, applied)
            case EventKind.FILLED:
                is_maker = bool(row.flags & _MAKER)
                self._filled(_fill(row, row.code, paid(row), trade_id, applied.ts_ms, is_maker=is_maker), applied)
            case EventKind.CROSSED:
                self._filled(_fill(row, Mode.CROSS, row.tao, trade_id, applied.ts_ms), applied)
                second = row._replace(account=row.other, order_id=row.aux, fee=row.limit, flags=row.flags ^ _SELL)
                fill = _fill(second, Mode.CROSS, row.tao, trade_id, applied.ts_ms, is_maker=True)
                fill.number = fill_number(row.seq, is_second=True)
                self._filled(fill, applied)
            case EventKind.QUOTE_TAKEN:
                self._quote_taken(row, trade_id, applied)
            case EventKind.ORDER_CLOSED:
                self._close(row.order_id, row.code, applied)
            case _:
                self._moved(row, applied)

    def _accepted(self, row: Row, payloads: Sequence[bytes], applied: Applied) -> None:
        order = Order(
            seq=row.order_id,
            account=row.account,
            netuid=row.netuid,
            flags=Flag(row.flags),
            volume=row.amount,
            quote=row.tao,
            limit=row.limit,
            slippage_ppm=row.aux,
            userref=row.other - 2 * _INT32 if row.other >= _INT32 else row.other,
            cl_ord_id=client_text(payloads[row.payload - 1]) if row.payload else "",
            opened_ms=applied.ts_ms,
            traits=Trait(row.code),
            trigger=row.pool_tao,
            expires_s=row.key,
            taker_ppm=row.pool_alpha,
            maker_ppm=row.fee,
        )
        self._orders[order.seq] = order
        applied.steps.append(step_of(row.kind, order, applied.ts_ms))

    def _quote_taken(self, row: Row, trade_id: int, applied: Applied) -> None:
        """Tell of an order of the quote's id that is opened, filled and closed at once."""
        terms = row._replace(flags=row.flags & _SELL, tao=0, limit=0, code=0, aux=0, key=0, other=0, pool_tao=0)
        self._accepted(terms._replace(kind=int(EventKind.ORDER_ACCEPTED), pool_alpha=0, fee=0, payload=0), (), applied)
        self._filled(_fill(row, row.code, row.tao, trade_id, applied.ts_ms), applied)
        self._close(row.order_id, 0, applied)

    def _filled(self, fill: Fill, applied: Applied) -> None:
        order = self._orders.get(fill.order_id)
        if order is None:
            return
        fill.ordertype = order.ordertype
        order.executed += fill.volume
        order.cost += fill.cost
        order.fee += fill.fee
        applied.steps.append(step_of(int(EventKind.FILLED), order, applied.ts_ms, fill=fill))

    def _close(self, order_id: int, code: int, applied: Applied) -> None:
        order = self._orders.pop(order_id, None)
        if order is not None:
            order.reason, order.closed_ms = code, applied.ts_ms
            applied.steps.append(step_of(int(EventKind.ORDER_CLOSED), order, applied.ts_ms, code=code))

    def _moved(self, row: Row, applied: Applied) -> None:
        order = self._orders.get(row.order_id)
        if order is None:
            return
        kind = row.kind
        if kind in STATES:
            order.state = STATES[kind]
            order.waits = row.code if kind == EventKind.ORDER_QUEUED else 0
            if kind == EventKind.STOP_TRIGGERED:
                order.is_triggered, order.limit = True, row.limit
        elif kind == EventKind.ORDER_AMENDED:
            order.volume, order.limit, order.trigger = row.amount, row.limit, row.pool_tao
            if not row.code:
                order.state, order.waits = OrderState.WORKING, 0
        elif kind == EventKind.CANCEL_NOTED:
            order.is_cancelling = True
        else:
            return
        applied.steps.append(step_of(kind, order, applied.ts_ms, code=row.code))


def _fill(row: Row, mode: int, cost: int, trade_id: int, ts_ms: int, *, is_maker: bool = False) -> Fill:
    return Fill(
        number=fill_number(row.seq),
        seq=row.seq,
        order_id=row.order_id,
        account=row.account,
        netuid=row.netuid,
        is_sell=bool(row.flags & _SELL),
        is_maker=is_maker,
        mode=mode,
        volume=row.amount,
        cost=cost,
        fee=row.fee,
        ts_ms=ts_ms,
        trade_id=trade_id,
        ordertype="market",
    )
