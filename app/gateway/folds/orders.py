"""Orders as the gateway shows them: made from what the engine keeps of live ones, or from a row of history."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from app.gateway.folds.fills import Fill, order_type
from app.projections.orders import OPEN
from app.projections.rows import OrderRow
from ledger.engine.layout import EventKind, Flag, OrderState, Trait

STATES: Final = {
    int(EventKind.ORDER_RESTED): OrderState.RESTING,
    int(EventKind.ORDER_QUEUED): OrderState.QUEUED,
    int(EventKind.ORDER_SENT): OrderState.IN_FLIGHT,
    int(EventKind.STOP_ARMED): OrderState.ARMED,
    int(EventKind.STOP_TRIGGERED): OrderState.WORKING,
}
"""Where the events that move an order put it."""

STOPS: Final = Trait.STOP_LOSS | Trait.TAKE_PROFIT
_PLAIN: Final = Trait(0)


@dataclass(slots=True)
class Order:
    """One order as it stands; amounts in rao, ``limit`` and ``trigger`` prices, times in ms and ``expires_s`` in s.

    ``reason`` is None while open and 0 when filled; ``waits`` is the refusal code that keeps it from being filled at
    once, 0 for none (history alone knows it); ``is_cancelling``: closed once its settlement is over; ``fills`` only
    where they were asked for.
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
        return bool(self.traits & STOPS)

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


def order_of_row(row: OrderRow, fills: list[Fill] | None = None) -> Order:
    """Return an order as history keeps it."""
    return Order(
        seq=row.order_id,
        account=row.account,
        netuid=row.netuid,
        flags=Flag(row.flags),
        volume=row.volume,
        quote=row.quote,
        limit=row.limit_price,
        slippage_ppm=row.slippage_ppm,
        userref=row.userref,
        cl_ord_id=row.cl_ord_id,
        opened_ms=row.opened_ms,
        traits=Trait(row.traits),
        trigger=row.trigger_price,
        expires_s=row.expires_s,
        taker_ppm=row.taker_ppm,
        maker_ppm=row.maker_ppm,
        state=OrderState(row.state),
        waits=row.waits,
        is_triggered=row.is_triggered,
        is_cancelling=row.is_cancelling,
        closed_ms=row.closed_ms,
        reason=None if row.reason == OPEN else row.reason,
        executed=row.executed,
        cost=row.cost,
        fee=row.fee,
        fills=fills or [],
    )
