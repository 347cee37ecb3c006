"""Orders and their fills by account: open ones all, closed ones up to a bound, the oldest forgotten first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from app.gateway.folds.fills import Fill
from app.gateway.folds.recent import Recent
from app.gateway.folds.rows import Row
from ledger.engine.layout import EventKind, Flag, OrderState, Trait

CLOSED_MAX: Final = 200_000
FILLS_MAX: Final = 500_000
PER_ACCOUNT_MAX: Final = 50_000
FILLS_PER_ORDER_MAX: Final = 2_000
AMENDS_PER_ORDER_MAX: Final = 100

_PLAIN: Final = Trait(0)
_STATES: Final = {
    EventKind.ORDER_RESTED: OrderState.RESTING,
    EventKind.ORDER_QUEUED: OrderState.QUEUED,
    EventKind.ORDER_SENT: OrderState.IN_FLIGHT,
    EventKind.STOP_ARMED: OrderState.ARMED,
    EventKind.STOP_TRIGGERED: OrderState.WORKING,
}


class Amend(NamedTuple):
    """One change of an order by its owner: what it was told to be; ``is_kept``: it kept its place in time."""

    seq: int
    ts_ms: int
    volume: int
    limit: int
    trigger: int
    is_kept: bool


def order_type(flags: Flag, traits: Trait) -> str:
    """Return the order type as clients name it."""
    limit = Flag.LIMIT in flags
    if Trait.STOP_LOSS in traits:
        return "stop-loss-limit" if limit else "stop-loss"
    if Trait.TAKE_PROFIT in traits:
        return "take-profit-limit" if limit else "take-profit"
    return "limit" if limit else "market"


@dataclass(slots=True)
class Order:
    """One order as it stands; amounts in rao, ``limit`` and ``trigger`` prices, times in ms and ``expires_s`` in s.

    ``reason`` is None while open and 0 when filled; ``waits`` is the refusal code that keeps it from being filled at
    once, 0 for none; ``is_cancelling``: closed once its settlement is over.
    """

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
    traits: Trait = _PLAIN
    trigger: int = 0
    expires_s: int = 0
    taker_ppm: int = 0
    maker_ppm: int = 0
    state: OrderState = OrderState.WORKING
    waits: int = 0
    is_triggered: bool = False
    is_cancelling: bool = False
    closed_ms: int = 0
    reason: int | None = None
    executed: int = 0
    cost: int = 0
    fee: int = 0
    fills: list[Fill] = field(default_factory=list)
    amends: list[Amend] = field(default_factory=list)

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

    @property
    def is_stop(self) -> bool:
        """Tell whether the order waits, or waited, for a trigger price."""
        return bool(self.traits & (Trait.STOP_LOSS | Trait.TAKE_PROFIT))

    @property
    def ordertype(self) -> str:
        """Return the order type as clients name it."""
        return order_type(self.flags, self.traits)


class Step(NamedTuple):
    """One step in the life of an order, with its figures after it: ``order`` itself may have gone on since.

    ``kind`` is an event kind of orders; ``code`` its reason; ``executed`` alpha rao, ``cost`` TAO rao.
    """

    kind: int
    order: Order
    executed: int
    cost: int
    volume: int
    limit: int
    trigger: int
    ts_ms: int
    code: int = 0
    fill: Fill | None = None


def step_of(kind: int, order: Order, ts_ms: int, *, code: int = 0, fill: Fill | None = None) -> Step:
    """Return a step with the figures of an order as it stands."""
    return Step(
        kind, order, order.executed, order.cost, order.volume, order.limit, order.trigger, ts_ms, code=code, fill=fill
    )


class Orders:
    """The read model; ``orders`` in it are live objects and must not be changed outside."""

    def __init__(self, *, closed_max: int = CLOSED_MAX, per_account_max: int = PER_ACCOUNT_MAX) -> None:
        self._orders: dict[int, Order] = {}
        self._open_of: dict[int, dict[int, Order]] = {}
        self._closed: Recent[Order] = Recent(per_owner_max=per_account_max, total_max=closed_max)
        self._fills: Recent[Fill] = Recent(per_owner_max=per_account_max, total_max=FILLS_MAX)
        self._fill_by_number: dict[int, Fill] = {}
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
            traits=Trait(row.code),
            trigger=row.pool_tao,
            expires_s=row.key,
            taker_ppm=row.pool_alpha,
            maker_ppm=row.fee,
        )
        self._put(order)
        return order

    def quote_taken(self, row: Row, ts_ms: int) -> Order:
        """Fold ``QUOTE_TAKEN``: its fill needs an order, a market order of the quoted amount under the quote's id."""
        order = Order(
            seq=row.order_id,
            account=row.account,
            netuid=row.netuid,
            flags=Flag(row.flags) & Flag.SELL,
            volume=row.amount,
            quote=0,
            limit=0,
            slippage_ppm=0,
            userref=0,
            cl_ord_id="",
            opened_ms=ts_ms,
        )
        self._put(order)
        return order

    def _put(self, order: Order) -> None:
        self._orders[order.seq] = order
        self._open_of.setdefault(order.account, {})[order.seq] = order
        if order.cl_ord_id:
            self._by_client_id[order.account, order.cl_ord_id] = order.seq

    def filled(self, fill: Fill) -> Order | None:
        """Add a fill to its order; return the order, or None where it is forgotten."""
        order = self._orders.get(fill.order_id)
        if order is None:
            return None
        order.executed += fill.volume
        order.cost += fill.cost
        order.fee += fill.fee
        if len(order.fills) < FILLS_PER_ORDER_MAX:
            order.fills.append(fill)
        self._fill_by_number[fill.number] = fill
        for forgotten in self._fills.add(fill.account, fill):
            del self._fill_by_number[forgotten.number]
        return order

    def moved(self, row: Row) -> Order | None:
        """Fold ``ORDER_RESTED``, ``ORDER_QUEUED``, ``ORDER_SENT``, ``STOP_ARMED`` and ``STOP_TRIGGERED``."""
        order = self._orders.get(row.order_id)
        if order is None:
            return None
        order.state = _STATES[EventKind(row.kind)]
        order.waits = row.code if row.kind == EventKind.ORDER_QUEUED else 0
        if row.kind == EventKind.STOP_TRIGGERED:
            order.is_triggered, order.limit = True, row.limit
        return order

    def amended(self, row: Row, ts_ms: int) -> Order | None:
        """Fold ``ORDER_AMENDED``; return the order, None where it is forgotten."""
        order = self._orders.get(row.order_id)
        if order is None:
            return None
        order.volume, order.limit, order.trigger = row.amount, row.limit, row.pool_tao
        if not row.code:
            order.state, order.waits = OrderState.WORKING, 0
        order.amends.append(Amend(row.seq, ts_ms, row.amount, row.limit, row.pool_tao, bool(row.code)))
        del order.amends[:-AMENDS_PER_ORDER_MAX]
        return order

    def cancel_noted(self, row: Row) -> Order | None:
        """Fold ``CANCEL_NOTED``; return the order, None where it is forgotten."""
        order = self._orders.get(row.order_id)
        if order is not None:
            order.is_cancelling = True
        return order

    def closed(self, row: Row, ts_ms: int) -> Order | None:
        """Fold ``ORDER_CLOSED``; return the order, None where it is forgotten."""
        return self.close(row.order_id, row.code, ts_ms)

    def close(self, order_id: int, code: int, ts_ms: int) -> Order | None:
        """Close an order with a reason, 0 for filled; return it, None where it is forgotten."""
        order = self._orders.get(order_id)
        if order is None:
            return None
        order.reason, order.closed_ms = code, ts_ms
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

    def of_id(self, seq: int) -> Order | None:
        """Return an order of any account."""
        return self._orders.get(seq)

    def find(self, account: int, seq: int) -> Order | None:
        """Return an order of this account."""
        order = self._orders.get(seq)
        return order if order is not None and order.account == account else None

    def find_client_id(self, account: int, cl_ord_id: str) -> Order | None:
        """Return the newest order of this account with a client id."""
        return self._orders.get(self._by_client_id.get((account, cl_ord_id), 0))

    def find_fill(self, account: int, number: int) -> Fill | None:
        """Return a fill of this account that is remembered."""
        fill = self._fill_by_number.get(number)
        return fill if fill is not None and fill.account == account else None

    def open_of(self, account: int) -> list[Order]:
        """Return the open orders of an account, newest first."""
        return sorted(self._open_of.get(account, {}).values(), key=lambda order: -order.seq)

    def count_open(self, account: int, netuid: int) -> int:
        """Return how many open orders an account has on a pair."""
        return sum(order.netuid == netuid for order in self._open_of.get(account, {}).values())

    def closed_of(self, account: int) -> Iterator[Order]:
        """Yield the closed orders of an account that are remembered, last closed first."""
        return self._closed.of(account)

    def fills_of(self, account: int) -> Iterator[Fill]:
        """Yield the fills of an account that are remembered, newest first."""
        return self._fills.of(account)
