"""The resting orders of each market as levels: what stands at each price, kept up order by order."""

from bisect import bisect_left, insort
from itertools import islice
from typing import Final, NamedTuple

from amm.shares import cost_within
from app.gateway.folds.orders import Order
from ledger.engine.layout import Flag, OrderState

_RAO: Final = 10**9


class Resting(NamedTuple):
    """One level: its price in rao per whole alpha, and the alpha that its orders offer or want, rao."""

    price: int
    volume: int


class _Side:
    """The levels of one side, ascending by price."""

    def __init__(self) -> None:
        self._prices: list[int] = []
        self._volumes: dict[int, int] = {}

    def add(self, price: int, change: int) -> None:
        """Add to what stands at a price; a level with nothing goes."""
        volume = self._volumes.get(price, 0) + change
        if volume and price not in self._volumes:
            insort(self._prices, price)
        if volume:
            self._volumes[price] = volume
        elif price in self._volumes:
            del self._volumes[price]
            del self._prices[bisect_left(self._prices, price)]

    def best(self, count: int, *, highest: bool) -> list[Resting]:
        """Return the best levels, best first."""
        prices = reversed(self._prices) if highest else iter(self._prices)
        return [Resting(price, self._volumes[price]) for price in islice(prices, count)]


class RestingBooks:
    """The read model."""

    def __init__(self) -> None:
        self._sides: dict[tuple[int, bool], _Side] = {}
        self._shown: dict[int, tuple[int, bool, int, int]] = {}

    def update(self, order: Order | None) -> None:
        """Follow an order that changed; one that is forgotten was closed, and is in no book."""
        if order is None:
            return
        before = self._shown.pop(order.seq, None)
        if before is not None:
            netuid, is_sell, price, volume = before
            self._sides[netuid, is_sell].add(price, -volume)
        volume = offered(order)
        if volume > 0:
            self._sides.setdefault((order.netuid, order.is_sell), _Side()).add(order.limit, volume)
            self._shown[order.seq] = (order.netuid, order.is_sell, order.limit, volume)

    def asks(self, netuid: int, count: int) -> list[Resting]:
        """Return the best resting sales, lowest price first."""
        side = self._sides.get((netuid, True))
        return side.best(count, highest=False) if side is not None else []

    def bids(self, netuid: int, count: int) -> list[Resting]:
        """Return the best resting buys, highest price first."""
        side = self._sides.get((netuid, False))
        return side.best(count, highest=True) if side is not None else []


def offered(order: Order) -> int:
    """Return the alpha that an order offers or wants in the book, rao; 0 for one that does not rest."""
    if not order.is_open or order.state is not OrderState.RESTING or order.limit <= 0:
        return 0
    if Flag.IN_QUOTE in order.flags:
        return (int(cost_within(order.quote, order.taker_ppm)) - order.cost) * _RAO // order.limit
    return order.volume - order.executed
