"""The public tape: which events are trades, and at which price.

A trade is told once: a cross from its taker's side, the internal match of a cut as one trade of the whole matched
amount, every other fill by itself. The fills of a cut follow its match within one batch.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from app.gateway.folds.rows import Row
from app.projections.base import Step
from ledger.engine.layout import EventKind, Flag, Mode

RAO_PER_WHOLE: Final = 10**9
TAPE_KINDS: Final = frozenset(
    int(kind)
    for kind in (
        EventKind.FILLED,
        EventKind.CROSSED,
        EventKind.QUOTE_TAKEN,
        EventKind.CUT_MATCHED,
        EventKind.HEAD_ENDED,
    )
)

_SELL: Final = int(Flag.SELL)
_BLOCK: Final = int(Mode.BLOCK)
_CROSSED: Final = int(EventKind.CROSSED)
_FILLED: Final = int(EventKind.FILLED)
_QUOTE_TAKEN: Final = int(EventKind.QUOTE_TAKEN)
_CUT_MATCHED: Final = int(EventKind.CUT_MATCHED)
_HEAD_ENDED: Final = int(EventKind.HEAD_ENDED)


class Trade(NamedTuple):
    """One event of trading as the tape tells it: ``is_part`` for a fill of the match told before; amounts in rao."""

    row: Row
    price: int
    cost: int
    is_sell: bool
    order_id: int
    is_part: bool


def trades_of(step: Step) -> Iterator[Trade]:
    """Yield the trades of a batch, and the fills that are part of one told before."""
    matched: set[int] = set()
    for row in step.rows:
        kind = row.kind
        if kind not in TAPE_KINDS:
            continue
        if kind == _CROSSED:
            yield Trade(row, row.pool_alpha, row.tao, bool(row.flags & _SELL), row.order_id, is_part=False)
        elif kind == _FILLED:
            cost = paid(row)
            is_part = row.code == _BLOCK and row.netuid in matched
            price = trade_price(cost, row.amount)
            yield Trade(row, price, cost, bool(row.flags & _SELL), row.order_id, is_part)
        elif kind == _QUOTE_TAKEN:
            price = trade_price(row.tao, row.amount)
            yield Trade(row, price, row.tao, bool(row.flags & _SELL), row.order_id, is_part=False)
        elif kind == _CUT_MATCHED:
            matched.add(row.netuid)
            yield Trade(row, trade_price(row.tao, row.amount), row.tao, is_sell=False, order_id=0, is_part=False)
        elif kind == _HEAD_ENDED:
            matched.clear()


def paid(row: Row) -> int:
    """Return the TAO of a ``FILLED`` as the customer paid or got it: what house/rounding gave is to its favour."""
    return row.tao + row.id_hi if row.flags & _SELL else row.tao - row.id_hi


def trade_price(cost: int, volume: int) -> int:
    """Return the price of a trade to the nearest rao per whole alpha, halves up; display only, nobody gains."""
    return (2 * cost * RAO_PER_WHOLE + volume) // (2 * volume) if volume else 0
