"""One execution of one order, with what an execution report is made from."""

from dataclasses import dataclass
from typing import Final

from app.gateway.folds.pools import PoolAt
from app.gateway.folds.rows import Row
from ledger.engine.layout import Flag

SIDES: Final = 2
"""Numbers per event: both sides of one cross are fills."""


def fill_number(seq: int, *, is_second: bool = False) -> int:
    """Return the number that identifies a fill: two per event, the second for the resting side of a cross."""
    return SIDES * seq + is_second


@dataclass(slots=True)
class Fill:
    """One execution; ``cost`` is TAO before the trading ``fee``, as the customer paid or got it.

    ``trade_id`` counts per market and is shared by both sides. ``pool``: the pool at the head before it, ``mirror``:
    the mirror's reserves before it, rao; ``booked_at``: height of the head that the ledger stood at.
    """

    number: int
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
    ordertype: str
    pool: PoolAt | None = None
    mirror: tuple[int, int] = (0, 0)
    booked_at: int = 0


def cost_of(row: Row) -> int:
    """Return the TAO of a ``FILLED`` as the customer paid or got it: what house/rounding gave is to its favour."""
    return row.tao + row.id_hi if row.flags & Flag.SELL else row.tao - row.id_hi
