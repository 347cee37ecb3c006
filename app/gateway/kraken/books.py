"""Depth and ticker of one market from one snapshot of the mirror; what was built is kept until the mirror moves."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from app.gateway.folds.trades import Bucket
from app.gateway.kraken.depth import CLOSED, Capacity, Depth, Level, PoolCurve, build_depth, marginal_prices
from app.gateway.replica import Replica
from ledger.engine.layout import TAO_ASSET
from ledger.engine.parameters import POSITION_CAPS
from ledger.engine.views import MarketView

SIZES: Final = (10, 100, 500, 1_000)
_RAO: Final = 10**9
_UNLIMITED: Final = 2**62


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
    """Depth of every market, one kept per market and size."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._kept: dict[tuple[int, int], tuple[Hashable, Depth]] = {}

    def depth(self, netuid: int, count: int, now_ms: int) -> Depth:
        """Return both sides of a listed market as it stands now."""
        market = self._replica.market(netuid, now_ms)
        if market is None:
            return Depth((), ())
        kept = self._build(market, next(size for size in SIZES if size >= count))
        return Depth(kept.asks[:count], kept.bids[:count])

    def _build(self, market: MarketView, count: int) -> Depth:
        curve = self._curve(market)
        key = (curve, market.cap)
        known = self._kept.get((market.netuid, count))
        if known is not None and known[0] == key:
            return known[1]
        first_rao = self._replica.names.pair_of(market.netuid).order_min_rao
        depth = build_depth(curve, count, window_tao=market.cap, first_rao=first_rao)
        self._kept[market.netuid, count] = (key, depth)
        return depth

    def _curve(self, market: MarketView) -> PoolCurve:
        return curve_of(market, self._replica.reads.accounts_total(TAO_ASSET).house)

    def ticker(self, netuid: int, now_ms: int) -> Ticker | None:
        """Return the ticker of a listed market, None before its first pool."""
        market = self._replica.market(netuid, now_ms)
        if market is None or market.mirror_tao <= 0 or market.mirror_alpha <= 0:
            return None
        curve = self._curve(market)
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


def curve_of(market: MarketView, house_tao: int) -> PoolCurve:
    """Return the mirror as a curve, each side cut to what instant fills may still move (``execution`` section 5).

    ``house_tao`` is what the house owns: sales are paid out of it while the market is backed. Nothing is shown while
    instant mode is closed, since nothing would fill.
    """
    asks = bids = CLOSED
    if market.instant_open:
        window = max(market.cap - market.used, 0)
        backing = max(market.position, 0) if market.backed else _UNLIMITED
        asks = Capacity(window, backing)
        bids = Capacity(min(window, max(house_tao, 0)) if market.backed else window)
    if abs(market.need) * market.spot_rao // _RAO > POSITION_CAPS * market.cap:
        # Beyond the position limit only what brings the house back is filled.
        back = max(2 * abs(market.need) - 1, 0)
        if market.need > 0:
            asks, bids = CLOSED, Capacity(bids.tao, min(bids.alpha, back))
        else:
            asks, bids = Capacity(asks.tao, min(asks.alpha, back)), CLOSED
    return PoolCurve(market.mirror_tao, market.mirror_alpha, market.weight, market.fee_rate, asks, bids)
