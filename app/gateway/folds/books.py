"""The resting orders of a market as levels, read from the engine's own lists when somebody asks.

Slots are gathered along the links, and their figures are added up in one go: a level may hold thousands of orders.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ledger.engine.layout import SHELVES, Flag, Shelf
from ledger.engine.tables import BY_PRICE
from ledger.engine.views import Views

_RAO = 10**9
_IN_QUOTE = int(Flag.IN_QUOTE)


class Resting(NamedTuple):
    """One level: its price in rao per whole alpha, and the alpha that its orders offer or want, rao."""

    price: int
    volume: int


def best_asks(reads: Views, netuid: int, count: int) -> list[Resting]:
    """Return the best resting sales of a listed market, lowest price first."""
    return _levels(reads, netuid, Shelf.ASKS, count, step="after")


def best_bids(reads: Views, netuid: int, count: int) -> list[Resting]:
    """Return the best resting buys of a listed market, highest price first."""
    return _levels(reads, netuid, Shelf.BIDS, count, step="before")


def _levels(reads: Views, netuid: int, shelf: Shelf, count: int, *, step: str) -> list[Resting]:
    state = reads.engine.state
    market = state.market_slots.item(netuid) - 1
    place = 1 + SHELVES * market + shelf
    end = "lowest" if step == "after" else "highest"
    at: int = state.shelves[end].item(place)
    if not at:
        return []
    keys, firsts, steps = state.levels["key"], state.levels["first"], state.levels[step]
    following = state.links["next"]
    slots: list[int] = []
    starts: list[int] = []
    prices: list[int] = []
    while at and len(prices) < count:
        prices.append(keys.item(at - 1))
        starts.append(len(slots))
        link: int = firsts.item(at - 1)
        while link:
            slots.append(link - 1)
            link = following.item(3 * (link - 1) + BY_PRICE)
        at = steps.item(at - 1)
    volumes = _volumes(state.orders, np.array(slots), starts)
    return [level for level in map(Resting, prices, volumes) if level.volume > 0]


def _volumes(orders: Any, slots: Any, starts: list[int]) -> list[int]:
    """Return the alpha of each run of slots, rao; orders that spend TAO want what it buys at their limit."""
    amounts = orders["amount"][slots] - orders["alpha"][slots]
    for place in np.flatnonzero(orders["flags"][slots] & _IN_QUOTE).tolist():
        row = orders[slots[place]]
        # In plain integers: the product does not fit a machine word.
        amounts[place] = (int(row["amount"]) - int(row["tao"])) * _RAO // int(row["limit"])
    ends = [*starts, len(amounts)]
    return [int(amounts[first:last].sum()) for first, last in pairwise(ends)]
