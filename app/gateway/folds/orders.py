"""Orders and their fills by account: open ones all, closed ones up to a bound, the oldest forgotten first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from app.gateway.folds.recent import Recent
from app.gateway.folds.rows import Row
from ledger.engine.layout import Flag

CLOSED_MAX: Final = 200_000
FILLS_MAX: Final = 500_000
PER_ACCOUNT_MAX: Final = 50_000
FILLS_PER_ORDER_MAX: Final = 2_000


@dataclass(slots=True)
class Fill:
    """One execution of one order; ``cost`` is TAO before the trading ``fee``; ``trade_id`` counts per market."""

    seq: int
    order_id: int
    account: int
    netuid: int
    is_sell: bool
    is_maker: bool
    mode: int
    volume: int
    cost: int
    fee: int
    ts_ms: int
    trade_id: int
    is_limit: bool


@dataclass(slots=True)
class Order:
    """One order as it stands; amounts in rao, ``limit`` a price, ``reason`` None while open and 0 when filled."""

    seq: int
    account: int
    netuid: int
    flags: Flag
    volume: int
    quote: int
    limit: int
    slippage_ppm: int
    userref: int
    cl_ord_id: str
    opened_ms: int
    closed_ms: int = 0
    reason: int | None = None
    executed: int = 0
    cost: int = 0
    fee: int = 0
    fills: list[Fill] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Tell whether the order still lives."""
        return self.reason is None

    @property
    def is_sell(self) -> bool:
        """Tell the side."""
        return Flag.SELL in self.flags

    @property
    def is_limit(self) -> bool:
        """Tell whether the order has a limit price of its client's."""
        return Flag.LIMIT in self.flags


class Step(NamedTuple):
    """One step in the life of an order, with what it had executed (alpha rao) and cost (TAO rao) after it.

    ``kind`` is ``ORDER_ACCEPTED``, ``FILLED`` (with its fill) or ``ORDER_CLOSED``; ``order`` may have gone on since.
    """

    kind: int
    order: Order
    executed: int
    cost: int
    fill: Fill | None = None


class Orders:
    """The read model; ``orders`` in it are live objects and must not be changed outside."""

    def __init__(self, *, closed_max: int = CLOSED_MAX, per_account_max: int = PER_ACCOUNT_MAX) -> None:
        self._orders: dict[int, Order] = {}
        self._open_of: dict[int, dict[int, Order]] = {}
        self._closed: Recent[Order] = Recent(per_owner_max=per_account_max, total_max=closed_max)
        self._fills: Recent[Fill] = Recent(per_owner_max=per_account_max, total_max=FILLS_MAX)
        self._fill_by_seq: dict[int, Fill] = {}
        self._by_client_id: dict[tuple[int, str], int] = {}

    def accepted(self, row: Row, cl_ord_id: str, ts_ms: int) -> Order:
        """Fold ``ORDER_ACCEPTED``; return the new order."""
        userref = row.other - 2**32 if row.other >= 2**31 else row.other
        order = Order(
            seq=row.order_id,
            account=row.account,
            netuid=row.netuid,
            flags=Flag(row.flags),
            volume=row.amount,
            quote=row.tao,
            limit=row.limit,
            slippage_ppm=row.aux,
            userref=userref,
            cl_ord_id=cl_ord_id,
            opened_ms=ts_ms,
        )
        self._orders[order.seq] = order
        self._open_of.setdefault(order.account, {})[order.seq] = order
        if cl_ord_id:
            self._by_client_id[order.account, cl_ord_id] = order.seq
        return order

    def filled(self, row: Row, trade_id: int, ts_ms: int) -> Fill | None:
        """Fold ``FILLED``; return the fill, or None where its order is forgotten."""
        order = self._orders.get(row.order_id)
        if order is None:
            return None
        flags = Flag(row.flags)
        fill = Fill(
            seq=row.seq,
            order_id=row.order_id,
            account=row.account,
            netuid=row.netuid,
            is_sell=Flag.SELL in flags,
            is_maker=Flag.MAKER in flags,
            mode=row.code,
            volume=row.amount,
            cost=row.tao,
            fee=row.fee,
            ts_ms=ts_ms,
            trade_id=trade_id,
            is_limit=order.is_limit,
        )
        order.executed += row.amount
        order.cost += row.tao
        order.fee += row.fee
        if len(order.fills) < FILLS_PER_ORDER_MAX:
            order.fills.append(fill)
        self._fill_by_seq[fill.seq] = fill
        for forgotten in self._fills.add(row.account, fill):
            del self._fill_by_seq[forgotten.seq]
        return fill

    def closed(self, row: Row, ts_ms: int) -> Order | None:
        """Fold ``ORDER_CLOSED``; return the order, None where it is forgotten."""
        order = self._orders.get(row.order_id)
        if order is None:
            return None
        order.reason, order.closed_ms = row.code, ts_ms
        mine = self._open_of.get(order.account, {})
        mine.pop(order.seq, None)
        if not mine:
            self._open_of.pop(order.account, None)
        for forgotten in self._closed.add(order.account, order):
            del self._orders[forgotten.seq]
            named = (forgotten.account, forgotten.cl_ord_id)
            if self._by_client_id.get(named) == forgotten.seq:
                del self._by_client_id[named]
        return order

    def find(self, account: int, seq: int) -> Order | None:
        """Return an order of this account."""
        order = self._orders.get(seq)
        return order if order is not None and order.account == account else None

    def find_client_id(self, account: int, cl_ord_id: str) -> Order | None:
        """Return the newest order of this account with a client id."""
        return self._orders.get(self._by_client_id.get((account, cl_ord_id), 0))

    def find_fill(self, account: int, seq: int) -> Fill | None:
        """Return a fill of this account that is remembered."""
        fill = self._fill_by_seq.get(seq)
        return fill if fill is not None and fill.account == account else None

    def open_of(self, account: int) -> list[Order]:
        """Return the open orders of an account, newest first."""
        return sorted(self._open_of.get(account, {}).values(), key=lambda order: -order.seq)

    def closed_of(self, account: int) -> Iterator[Order]:
        """Yield the closed orders of an account that are remembered, last closed first."""
        return self._closed.of(account)

    def fills_of(self, account: int) -> Iterator[Fill]:
        """Yield the fills of an account that are remembered, newest first."""
        return self._fills.of(account)
