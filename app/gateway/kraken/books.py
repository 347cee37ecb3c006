"""Depth and ticker of one market from one snapshot of the mirror; what was built is kept until the mirror moves."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from app.gateway.folds.trades import Bucket
from app.gateway.kraken.depth import Capacity, Depth, Level, PoolCurve, build_depth, marginal_prices
from app.gateway.replica import Replica
from ledger.engine.views import MarketView

COUNT_MAX: Final = 500
CLOSED: Final = Capacity(tao=0, alpha=0)


@dataclass(frozen=True, slots=True)
class Ticker:
    """The figures of a ticker; prices rao per whole alpha, volumes alpha rao; an empty side has volume 0."""

    ask: Level
    bid: Level
    last: int
    last_volume: int
    mid: int
    today: Bucket
    day: Bucket

    @property
    def change(self) -> int:
        """Return last less the price of a day ago."""
        return self.last - self.day.open


class Books:
    """Depth of every market, one kept per market and count."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._kept: dict[int, tuple[Hashable, Depth]] = {}

    def depth(self, netuid: int, count: int, now_ms: int) -> Depth:
        """Return both sides of a listed market as it stands now."""
        market = self._replica.market(netuid, now_ms)
        if market is None:
            return Depth((), ())
        kept = self._build(market, COUNT_MAX if count > 10 else 10)
        return Depth(kept.asks[:count], kept.bids[:count])

    def _build(self, market: MarketView, count: int) -> Depth:
        curve = curve_of(market)
        key = (curve, market.cap, count)
        known = self._kept.get(market.netuid)
        if known is not None and known[0] == key:
            return known[1]
        depth = build_depth(curve, count, window_tao=market.cap)
        self._kept[market.netuid] = (key, depth)
        return depth

    def ticker(self, netuid: int, now_ms: int) -> Ticker | None:
        """Return the ticker of a listed market, None before its first pool."""
        market = self._replica.market(netuid, now_ms)
        if market is None or market.mirror_tao <= 0 or market.mirror_alpha <= 0:
            return None
        curve = curve_of(market)
        depth = self._build(market, 10)
        highest_ask, lowest_bid = marginal_prices(curve)
        history = self._replica.history(netuid)
        mid = (highest_ask + lowest_bid) // 2
        last = history.last
        price = last.price if last else mid
        quiet = Bucket(0, price, price, price, price)
        return Ticker(
            ask=depth.asks[0] if depth.asks else Level(highest_ask, 0),
            bid=depth.bids[0] if depth.bids else Level(lowest_bid, 0),
            last=price,
            last_volume=last.volume if last else 0,
            mid=mid,
            today=history.today(now_ms) or quiet,
            day=history.last_day(now_ms) or quiet,
        )


def curve_of(market: MarketView) -> PoolCurve:
    """Return the mirror as a curve, cut to what instant fills may still move; nothing while instant mode is closed."""
    capacity = CLOSED
    if market.instant_open:
        capacity = Capacity(max(market.cap - market.used, 0), max(market.position, 0))
    return PoolCurve(market.mirror_tao, market.mirror_alpha, market.weight, market.fee_rate, capacity)
