"""The book as takers meet it: resting orders at their prices, and the pool as levels on a grid of prices.

A level of the pool at price P holds the alpha between the previous grid price and the point where the marginal price,
pool fee included, equals P, rounded down to the lot (``kraken_api`` section 15). So a limit order at a shown price for
the sum shown up to it is filled completely: at once where it fits the window, else in the next block at its price.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import isqrt
from typing import Final, Protocol

import numpy as np

from amm import pool as pool_kernels
from amm import shares, steps
from amm.pool import OK
from amm.reference import FEE_BASE, RAO_PER_WHOLE
from app.gateway.kraken.names import LOT_RAO, PRICE_TICK_RAO

STEP_PPM: Final = 500
# So many grid prices shall lie within what one window can fill, where the tick allows it.
LEVELS_IN_WINDOW: Final = 64
LEVELS_PER_STEP: Final = 16
PRICE_MAX_RAO: Final = 10**15
# An order is judged by whole rao: nearer than this to its limit price, roundings could make it miss.
SLACK_RAO: Final = 3
_PPM: Final = 1_000_000
_SKIPPED: Final = 3


@dataclass(frozen=True, slots=True)
class Level:
    """One row of a book: price in rao per whole alpha, volume in alpha rao (whole lots)."""

    price: int
    volume: int


@dataclass(frozen=True, slots=True)
class Depth:
    """Both sides, best first."""

    asks: tuple[Level, ...]
    bids: tuple[Level, ...]


class Curve(Protocol):
    """What a side can take up to a price, counted in grains; ``grain`` of them make one rao of alpha."""

    @property
    def grain(self) -> int:
        """Return how many grains make one rao of alpha."""

    def ask_reach(self, price: int) -> int:
        """Return the alpha one can buy until the next would cost more than this price, rounded down."""

    def bid_reach(self, price: int) -> int:
        """Return the alpha one can sell until the next would bring less than this price, rounded down."""


@dataclass(frozen=True, slots=True)
class PoolCurve:
    """The mirror pool by the engine's own kernels."""

    tao: int
    alpha: int
    weight: int
    fee_rate: int
    grain: int = 1

    def ask_reach(self, price: int) -> int:
        """Return the alpha a buy with this limit surely gets, by the engine's own plan."""
        high, low = _limit_limbs(shares.bound_buy(price, self.fee_rate))
        net = int(steps.net_to_price_buy(self.tao, self.alpha, self.weight, high, low))
        if net <= 0:
            return 0
        status, out = pool_kernels.curve_buy(self.tao, self.alpha, self.weight, net)
        cost = steps.gross_for_net(net, self.fee_rate)
        if status != OK or int(out) * price - cost * RAO_PER_WHOLE < SLACK_RAO * RAO_PER_WHOLE:
            return 0
        return int(out)

    def bid_reach(self, price: int) -> int:
        """Return the alpha a sale with this limit surely takes, pool fee inside, by the engine's own plan."""
        high, low = _limit_limbs(shares.bound_sell(price, self.fee_rate))
        net = steps.net_to_price_sell(self.tao, self.alpha, self.weight, high, low)
        gross = int(steps.gross_for_net(net, self.fee_rate))
        if gross <= 0:
            return 0
        status, out, *_ = steps.sell_in(self.tao, self.alpha, self.weight, self.fee_rate, gross)
        if status != OK or int(out) * RAO_PER_WHOLE - gross * price < SLACK_RAO * RAO_PER_WHOLE:
            return 0
        return gross

    def range_ppm(self, tao: int) -> int:
        """Return about how far a swap of that TAO moves the price, ppm."""
        return tao * _PPM * 10**18 // max(self.tao * (10**18 - self.weight), 1)


def _limit_limbs(bound: int) -> tuple[np.uint64, np.uint64]:
    """Return a price as the two limbs that kernels take; through Python they come back as signed integers."""
    high, low = pool_kernels.limit_bits(bound)
    return np.uint64(high), np.uint64(low)


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """A pool of equal weights by the textbook's square roots, any fee: the known answers are made with it."""

    tao: int
    alpha: int
    fee: Fraction
    grain: int = 10**12

    def _alpha_at(self, spot: Fraction) -> int:
        """Return the alpha reserve in grains at a spot price in rao per whole alpha, rounded down."""
        square = self.tao * self.alpha * RAO_PER_WHOLE * self.grain**2 / spot
        return isqrt(int(square))

    def ask_reach(self, price: int) -> int:
        """Return ``alpha - sqrt(k / s)`` with s = P (1 - f), in grains."""
        return self.alpha * self.grain - self._alpha_at(price * (1 - self.fee))

    def bid_reach(self, price: int) -> int:
        """Return ``(sqrt(k / s) - alpha) / (1 - f)`` with s = P / (1 - f), in grains."""
        return int((self._alpha_at(price / (1 - self.fee)) - self.alpha * self.grain) / (1 - self.fee))

    def cost_of(self, alpha: int) -> int:
        """Return the TAO that buys an exact amount of alpha, fee inside, to the nearest rao."""
        return round(Fraction(self.tao * alpha, self.alpha - alpha) / (1 - self.fee))


def build_side(
    curve: Curve, prices: Iterable[int], *, is_bid: bool, lot_rao: int = LOT_RAO, first_rao: int = 0
) -> list[Level]:
    """Return the levels at these prices (from the best outwards), each rounded down to the lot; empty ones left out.

    A first level below ``first_rao`` is told as part of the next: nobody could order it alone.
    """
    lot = lot_rao * curve.grain
    levels: list[Level] = []
    before = 0
    for price in prices:
        reach = curve.bid_reach(price) if is_bid else curve.ask_reach(price)
        if 0 < reach <= before:
            break  # the pool gives no more: further prices add nothing
        lots = (reach - before) // lot
        if not levels and lots * lot_rao < first_rao:
            continue
        if lots > 0:
            levels.append(Level(price, lots * lot_rao))
        before = max(before, reach)
    return levels


def _grid_step(ticks: int, step_ppm: int) -> tuple[int, int]:
    """Return the power of two at or below a price, and the grid's step from there to the next one, in ticks."""
    base = 1 << (ticks.bit_length() - 1)
    return base, max(base * step_ppm // _PPM, 1)


def prices_above(price: int, step_ppm: int = STEP_PPM) -> Iterator[int]:
    """Yield the grid prices strictly above a price, ascending, to the largest price there is.

    Between two powers of two the grid is even, so every price of it depends on nothing but the step.
    """
    ticks = max(price // PRICE_TICK_RAO, 1)
    while True:
        base, step = _grid_step(ticks, step_ppm)
        ticks = min(base + ((ticks - base) // step + 1) * step, 2 * base)
        if ticks * PRICE_TICK_RAO > PRICE_MAX_RAO:
            return
        yield ticks * PRICE_TICK_RAO


def prices_below(price: int, step_ppm: int = STEP_PPM) -> Iterator[int]:
    """Yield the grid prices strictly below a price, descending, down to one tick."""
    ticks = -(-price // PRICE_TICK_RAO)
    while ticks > 1:
        ticks -= 1
        base, step = _grid_step(ticks, step_ppm)
        ticks = base + (ticks - base) // step * step
        yield ticks * PRICE_TICK_RAO


def widening(price: int, step_ppm: int, *, is_bid: bool) -> Iterator[int]:
    """Yield grid prices from a price outwards, the step doubled after every ``LEVELS_PER_STEP`` up to the usual one.

    Fine where most orders trade, and still far enough to show what rests far off.
    """
    prices = prices_below if is_bid else prices_above
    while step_ppm < STEP_PPM:
        part = list(islice(prices(price, step_ppm), LEVELS_PER_STEP))
        if not part:
            return
        yield from part
        price, step_ppm = part[-1], min(2 * step_ppm, STEP_PPM)
    yield from prices(price, step_ppm)


def marginal_prices(curve: PoolCurve) -> tuple[int, int]:
    """Return the marginal buy price rounded down and sell price rounded up, pool fee inside, rao per whole alpha."""
    spot = int(pool_kernels.spot_rao(curve.tao, curve.alpha, curve.weight))
    ask = spot * FEE_BASE // (FEE_BASE - curve.fee_rate)
    bid = -(-(spot + 1) * (FEE_BASE - curve.fee_rate) // FEE_BASE)
    return ask, bid


def step_for(curve: PoolCurve, window_tao: int, first_rao: int = 0) -> int:
    """Return the grid's step, ppm: the usual one halved until a window's worth of prices spans enough levels.

    It stays so wide that a level holds ``first_rao`` of alpha: a price that moves by s moves alpha by weight x s.
    """
    narrowest = first_rao * _PPM * 10**18 // max(curve.alpha * curve.weight, 1) + 1
    wanted = max(curve.range_ppm(window_tao) // LEVELS_IN_WINDOW, narrowest)
    step = STEP_PPM
    while step > wanted and step // 2 >= narrowest:
        step //= 2
    return step


def build_depth(curve: PoolCurve, count: int, *, window_tao: int, first_rao: int = 0) -> Depth:
    """Return the book of a pool, at most ``count`` levels a side; ``window_tao`` chooses the grid's step.

    The best bid lies below spot x (1 - f) and the best ask above spot / (1 - f), so bids stay below asks.
    """
    if curve.tao <= 0 or curve.alpha <= 0:
        return Depth((), ())
    ask, bid = marginal_prices(curve)
    step = step_for(curve, window_tao, first_rao)
    # The first prices may hold too little to be told alone.
    above, below = (widening(price, step, is_bid=is_bid) for price, is_bid in ((ask, False), (bid, True)))
    asks = build_side(curve, islice(above, count + _SKIPPED), is_bid=False, first_rao=first_rao)
    bids = build_side(curve, islice(below, count + _SKIPPED), is_bid=True, first_rao=first_rao)
    return Depth(tuple(asks[:count]), tuple(bids[:count]))


def merge(curve: Sequence[Level], resting: Iterable[tuple[int, int]], count: int, *, is_bid: bool) -> tuple[Level, ...]:
    """Return one side of both sources, best first, at most ``count`` levels; equal prices become one level.

    ``resting``: price and alpha of what rests, rounded here: the price to the tick on the side of the maker, so that
    an order at the shown price meets it, and the volume down to the lot.
    """
    volumes: dict[int, int] = {level.price: level.volume for level in curve}
    for price, volume in resting:
        ticks = price // PRICE_TICK_RAO if is_bid else -(-price // PRICE_TICK_RAO)
        shown = max(ticks, 1) * PRICE_TICK_RAO
        lots = volume // LOT_RAO * LOT_RAO
        if lots:
            volumes[shown] = volumes.get(shown, 0) + lots
    return tuple(Level(price, volumes[price]) for price in sorted(volumes, reverse=is_bid)[:count])
