"""One execution of one order."""

from dataclasses import dataclass
from typing import Final

from app.projections.rows import FillRow
from ledger.engine.layout import Flag, Trait

SIDES: Final = 2
"""Numbers per event: both sides of one cross are fills."""


def fill_number(seq: int, *, is_second: bool = False) -> int:
    """Return the number that identifies a fill: two per event, the second for the resting side of a cross."""
    return SIDES * seq + is_second


def entry_numbers(fill: int) -> tuple[int, int]:
    """Return the numbers of a fill's two ledger entries, base and quote; ``fill`` is the fill's own number."""
    return 2 * fill, 2 * fill + 1


def order_type(flags: Flag, traits: Trait) -> str:
    """Return the order type as clients name it."""
    limit = Flag.LIMIT in flags
    if Trait.STOP_LOSS in traits:
        return "stop-loss-limit" if limit else "stop-loss"
    if Trait.TAKE_PROFIT in traits:
        return "take-profit-limit" if limit else "take-profit"
    return "limit" if limit else "market"


@dataclass(slots=True)
class Fill:
    """One execution; ``cost`` is TAO before the trading ``fee``, as the customer paid or got it.

    ``trade_id`` counts per market and is shared by both sides.
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


def fill_of_row(row: FillRow) -> Fill:
    """Return a fill as history keeps it."""
    return Fill(*row[:13], ordertype=order_type(Flag(row.order_flags), Trait(row.order_traits)))
