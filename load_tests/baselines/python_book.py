"""What one would write first: books as heaps, balances in dicts, a constant product in Python integers.

Few rules: no windows, gates, backing, tiers, timers or stops, no log, no client ids, one fee. It places, cancels and
takes as the engine's load does, so that both spend their time on the same kind of work.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

RAO = 10**9
PPM = 10**6
FEE_BASE = 65_535


@dataclass(slots=True)
class Order:
    """A resting order: side, price (rao per alpha) and what is left of it, alpha rao."""

    account: int
    market: int
    is_sell: bool
    price: int
    left: int
    is_live: bool = True


@dataclass(slots=True)
class Market:
    """Reserves in rao, and both sides of the book as heaps of ``(key, order id)``."""

    tao: int
    alpha: int
    bids: list[tuple[int, int]] = field(default_factory=list)
    asks: list[tuple[int, int]] = field(default_factory=list)


class PythonBook:
    """An exchange in memory; ``rate`` is the pool fee of 65 535, ``ppm`` the trading fee."""

    def __init__(self, *, markets: int, reserves: tuple[int, int], rate: int, ppm: int, funds: Sequence[int]) -> None:
        self.markets = [Market(*reserves) for _ in range(markets + 1)]
        self.orders: dict[int, Order] = {}
        self.tao = dict(enumerate(funds, 1))
        self.held = dict.fromkeys(self.tao, 0)
        self.alpha: dict[tuple[int, int], int] = {}
        self.rate = rate
        self.ppm = ppm
        self.next_id = 0

    def place(self, account: int, market: int, amount: int, price: int) -> int:
        """Rest a buy of ``amount`` alpha; return its id, or 0 where the money is missing."""
        cost = -(-amount * price // RAO)
        hold = cost + (cost * self.ppm + PPM // 2) // PPM
        if self.tao[account] < hold:
            return 0
        self.tao[account] -= hold
        self.held[account] += hold
        self.next_id += 1
        self.orders[self.next_id] = Order(account, market, False, price, amount)
        heapq.heappush(self.markets[market].bids, (-price, self.next_id))
        return self.next_id

    def cancel(self, account: int, order_id: int) -> bool:
        """Cancel a resting order of an account; the heap forgets it when it comes up."""
        order = self.orders.pop(order_id, None)
        if order is None or order.account != account:
            return False
        order.is_live = False
        cost = -(-order.left * order.price // RAO)
        hold = cost + (cost * self.ppm + PPM // 2) // PPM
        self.held[account] -= hold
        self.tao[account] += hold
        return True

    def take(self, account: int, market: int, tao: int) -> int:
        """Buy on the pool for ``tao`` rao, fee included; return the alpha."""
        pool = self.markets[market]
        cost = tao * PPM // (PPM + self.ppm)
        if self.tao[account] < tao:
            return 0
        net = cost - cost * self.rate // FEE_BASE
        out = pool.alpha - -(-pool.tao * pool.alpha // (pool.tao + net))
        pool.tao += net
        pool.alpha -= out
        self.tao[account] -= tao
        self.alpha[account, market] = self.alpha.get((account, market), 0) + out
        return out
