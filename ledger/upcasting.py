"""Events of older layouts, brought to the present one where a log is read.

What is stored is never rewritten, and hashes are those of the stored bytes. An upcaster takes the events of one whole
batch, since what an older layout does not say may stand in a neighbouring event, and leads to the next layout.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from ledger.engine.layout import LAYOUT_VERSION, EventKind, Records

MIRROR_KINDS: Final = (
    EventKind.MARKET_CONFIGURED,
    EventKind.SUSPENSE_RESOLVED,
    EventKind.FILLED,
    EventKind.WINDOW_OPENED,
)
"""Events that say a market's mirror after them, in layout 1."""


def upcast_1(events: Records) -> Records:
    """Return events of layout 1 as layout 2 has them.

    Layout 1 knows orders that end in their own batch, and settlements of the house alone. A settlement's item says the
    mirror after it from layout 2 on: here it is the one that the batch's neighbours leave in place. The fee rates of an
    accepted order stay zero: its fills say each fee, and the order has ended with its batch.
    """
    items = np.flatnonzero(events["kind"] == EventKind.SETTLEMENT_ITEM_REQUESTED)
    told = np.flatnonzero(np.isin(events["kind"], MIRROR_KINDS) & (events["pool_tao"] != 0))
    for item in items:
        if events["pool_tao"][item]:
            continue
        same = told[events["netuid"][told] == events["netuid"][item]]
        if len(same):
            before = same[same < item]
            source = before[-1] if len(before) else same[0]
            events["pool_tao"][item] = events["pool_tao"][source]
            events["pool_alpha"][item] = events["pool_alpha"][source]
    return events


UPCASTERS: Final[Mapping[int, Callable[[Records], Records]]] = {1: upcast_1}
"""Layout -> what brings its events to the next one; they may change the array they are given."""


def is_readable(layout: int) -> bool:
    """Return whether events of a layout can be read: the present one, or one with a way to it."""
    return layout == LAYOUT_VERSION or layout in UPCASTERS


def upcast(layout: int, events: Records) -> Records:
    """Return events of a readable layout as the present one has them."""
    while layout != LAYOUT_VERSION:
        events = UPCASTERS[layout](events)
        layout += 1
    return events
