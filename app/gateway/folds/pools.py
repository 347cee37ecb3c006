"""The pool of a market at a head, which execution reports compare with, and the events that move mirrors."""

from dataclasses import dataclass
from typing import Final

from ledger.engine.layout import EventKind

MIRRORED: Final = frozenset(
    {
        EventKind.MARKET_CONFIGURED,
        EventKind.SUSPENSE_RESOLVED,
        EventKind.FILLED,
        EventKind.MIRROR_MOVED,
        EventKind.QUOTE_ISSUED,
        EventKind.QUOTE_TAKEN,
        EventKind.QUOTE_ENDED,
        EventKind.WINDOW_OPENED,
        EventKind.SETTLEMENT_ITEM_REQUESTED,
    }
)
"""Kinds that tell the mirror after them in ``pool_tao`` and ``pool_alpha``."""


@dataclass(frozen=True, slots=True)
class PoolAt:
    """A pool at a finalised head: reserves in rao, TAO weight in parts of 10^18, fee of 65535."""

    height: int
    hash: bytes
    tao: int
    alpha: int
    weight: int
    fee_rate: int
