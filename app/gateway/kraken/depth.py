"""The pool shown as an order book: levels on a grid of prices, each with what the curve really gives up to it.

A level at price P holds the alpha between the previous grid price and the point where the marginal price, pool fee
included, equals P, rounded down to the lot (``kraken_api`` section 15). So a limit order at a shown price for the sum
shown up to it fills completely.
"""

from collections.abc import Iterable, Iterator
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
PRICE_MAX_RAO: Final = 10**15
# An order is judged by whole rao: nearer than this to its limit price, roundings could make it miss.
SLACK_RAO: Final = 3
# Emission and chain buys move the price of a small pool by up to 13 ppm a block.
DRIFT_PPM: Final = 25
_PPM: Final = 1_000_000
_UNLIMITED: Final = 2**62


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
class Capacity:
    """What instant fills may still move on one side: TAO of window and house, alpha the house may trade; rao."""

    tao: int = _UNLIMITED
    alpha: int = _UNLIMITED


OPEN: Final = Capacity()
CLOSED: Final = Capacity(tao=0, alpha=0)


@dataclass(frozen=True, slots=True)
class PoolCurve:
    """The mirror pool by the engine's own kernels, within what each side may still fill."""

    tao: int
    alpha: int
    weight: int
    fee_rate: int
    asks: Capacity = OPEN
    bids: Capacity = OPEN
    grain: int = 1

    def ask_reach(self, price: int) -> int:
        """Return the alpha a buy with this limit surely gets, by the engine's own plan."""
        nearer = price - drift_margin(price)
        high, low = _limit_limbs(shares.bound_buy(nearer, self.fee_rate))
        net = min(int(steps.net_to_price_buy(self.tao, self.alpha, self.weight, high, low)), self.asks.tao)
        if net <= 0:
            return 0
        status, out = pool_kernels.curve_buy(self.tao, self.alpha, self.weight, net)
        cost = steps.gross_for_net(net, self.fee_rate)
        if status != OK or int(out) * price - cost * RAO_PER_WHOLE < SLACK_RAO * RAO_PER_WHOLE:
            return 0
        return min(int(out), self.asks.alpha)

    def bid_reach(self, price: int) -> int:
        """Return the alpha a sale with this limit surely takes, pool fee inside, by the engine's own plan."""
        nearer = price + drift_margin(price)
        high, low = _limit_limbs(shares.bound_sell(nearer, self.fee_rate))
        net = steps.net_to_price_sell(self.tao, self.alpha, self.weight, high, low)
        gross = min(int(steps.gross_for_net(net, self.fee_rate)), self.bids.alpha)
        if gross <= 0:
            return 0
        if self._sale(gross) > self.bids.tao:
            gross = self._largest_sale(gross)
        slack = self._sale(gross) * RAO_PER_WHOLE - gross * price
        return gross if slack >= SLACK_RAO * RAO_PER_WHOLE else 0

    def _largest_sale(self, too_much: int) -> int:
        """Return about the most alpha, never too much, whose sale stays within the side's TAO."""
        low, high = 0, too_much
        while high - low > LOT_RAO // 2:
            middle = (low + high) // 2
            if self._sale(middle) <= self.bids.tao:
                low = middle
            else:
                high = middle
        return low

    def _sale(self, gross: int) -> int:
        """Return the TAO a sale brings; more than any window where the pool refuses it."""
        if gross == 0:
            return 0
        status, out, *_ = steps.sell_in(self.tao, self.alpha, self.weight, self.fee_rate, gross)
        return int(out) if status == OK else _UNLIMITED

    def range_ppm(self, tao: int) -> int:
        """Return about how far a swap of that TAO moves the price, ppm."""
        return tao * _PPM * 10**18 // max(self.tao * (10**18 - self.weight), 1)


def drift_margin(price: int) -> int:
    """Return how much of a price is not used up by its level, rounded up.

    A head that lands between a client's look and its order moves the pool's price; without this the order would miss
    its limit. It makes the spread shown wider by a fortieth or so, while orders still pay what the pool asks.
    """
    return -(-price * DRIFT_PPM // _PPM)


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
            break  # the window or the house is used up: further prices add nothing
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
    # Prices within the drift margin have nothing, and the first bucket may be too small.
    # Rounded to ticks, a step may be a third of what it is called.
    skipped = 2 + 3 * DRIFT_PPM // step
    asks = build_side(curve, islice(prices_above(ask, step), count + skipped), is_bid=False, first_rao=first_rao)
    bids = build_side(curve, islice(prices_below(bid, step), count + skipped), is_bid=True, first_rao=first_rao)
    return Depth(tuple(asks[:count]), tuple(bids[:count]))
