"""Depth and ticker of one market from one snapshot of book and mirror; what was built is kept until either moves."""

from dataclasses import dataclass
from typing import Final

from app.gateway.folds.books import best_asks, best_bids
from app.gateway.folds.trades import Bucket
from app.gateway.kraken.depth import Depth, Level, PoolCurve, build_depth, marginal_prices, merge
from app.gateway.replica import Replica
from ledger.engine.layout import Gate
from ledger.engine.views import MarketView

SIZES: Final = (10, 100, 500, 1_000)
UNTRADABLE: Final = Gate.MIRROR | Gate.CLOSED | Gate.RESERVE | Gate.SPEC | Gate.STALE | Gate.STAGE
"""Gates behind which the pool fills nothing, neither at once nor in the next block: it is not shown then."""


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


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was built of a market: from which version of its book, and whether the pool was shown."""

    version: int
    is_pool_shown: bool
    depth: Depth


class Books:
    """Depth of every market, one kept per market and size."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._kept: dict[tuple[int, int], _Kept] = {}
        self._curves: dict[tuple[int, int], tuple[PoolCurve, int, Depth]] = {}

    def depth(self, netuid: int, count: int, now_ms: int) -> Depth:
        """Return both sides of a listed market as it stands now."""
        market = self._replica.market(netuid, now_ms)
        if market is None:
            return Depth((), ())
        kept = self._build(market, next(size for size in SIZES if size >= count))
        return Depth(kept.asks[:count], kept.bids[:count])

    def _build(self, market: MarketView, count: int) -> Depth:
        netuid = market.netuid
        version, is_shown = self._replica.version(netuid), self.is_pool_shown(market)
        known = self._kept.get((netuid, count))
        if known is not None and (known.version, known.is_pool_shown) == (version, is_shown):
            return known.depth
        pool = self._pool_depth(market, count) if is_shown else Depth((), ())
        reads = self._replica.reads
        depth = Depth(
            merge(pool.asks, best_asks(reads, netuid, count), count, is_bid=False),
            merge(pool.bids, best_bids(reads, netuid, count), count, is_bid=True),
        )
        self._kept[netuid, count] = _Kept(version, is_shown, depth)
        return depth

    def _pool_depth(self, market: MarketView, count: int) -> Depth:
        """Return the levels of the pool alone, kept while orders come and go and the mirror stands."""
        curve = curve_of(market)
        known = self._curves.get((market.netuid, count))
        if known is not None and known[:2] == (curve, market.cap):
            return known[2]
        first_rao = self._replica.names.pair_of(market.netuid).order_min_rao
        depth = build_depth(curve, count, window_tao=market.cap, first_rao=first_rao)
        self._curves[market.netuid, count] = (curve, market.cap, depth)
        return depth

    def is_pool_shown(self, market: MarketView) -> bool:
        """Tell whether the pool fills anything: at once, or in the next block."""
        return not market.gates & UNTRADABLE and not self._replica.reads.halts().money

    def ticker(self, netuid: int, now_ms: int) -> Ticker | None:
        """Return the ticker of a listed market, None before its first pool."""
        market = self._replica.market(netuid, now_ms)
        if market is None or market.mirror_tao <= 0 or market.mirror_alpha <= 0:
            return None
        curve = curve_of(market)
        depth = self._build(market, SIZES[0])
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
    """Return the mirror as a curve."""
    return PoolCurve(market.mirror_tao, market.mirror_alpha, market.weight, market.fee_rate)
