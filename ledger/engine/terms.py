"""The arithmetic of one order: what is open, what a part pays in fees, what is held, which prices it meets.

``execution`` sections 4 and 7. A row of ``ORDER`` tells everything; nothing here changes it.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

import numpy as np

from amm.exchange_reference import PPM
from amm.fixed_point import ZERO, less_wide, mul_div_ceil, mul_div_floor, mul_three, unsigned
from amm.kernel_cache import kernel
from amm.pool import FEE_BASE, WEIGHT_SCALE, limit_bits, spot_bits, spot_rao
from amm.shares import bound_buy, bound_sell, trading_fee
from ledger.engine.layout import Flag, Trait
from ledger.engine.pools import RAO, SATURATED
from ledger.engine.state import Row

TAKER, MAKER = 0, 1
"""Roles of an order in a part: which of its two fees it pays."""

STOPS = Trait.STOP_LOSS.value | Trait.TAKE_PROFIT.value
AT_ONCE = Flag.IOC.value | Flag.FOK.value

_PLAIN_PRICE = 2**46
"""Prices below this, times 65 535, stay within the type."""

_PLAIN_COST = 2**42
"""Costs below this, times a fee in ppm, stay within the type."""

_RAO = np.uint64(RAO)
_HALF_WEIGHT = WEIGHT_SCALE // 2
_ODD_RAO = 5**9
"""A price in rao per whole is a whole number of Q64 units where this divides it: the rest of 10^9 is 2^9."""


@kernel
def is_sale(order: Row) -> int:
    """Return 1 for a sale, 0 for a buy."""
    return 1 if order["flags"] & Flag.SELL.value else 0


@kernel
def in_quote(order: Row) -> bool:
    """Tell whether an order's amount is rao of TAO to spend."""
    return order["flags"] & Flag.IN_QUOTE.value != 0


@kernel
def lasts(order: Row) -> bool:
    """Tell whether what is left of an order may rest: a limit order that is not immediate (GTC, GTD)."""
    return order["flags"] & Flag.LIMIT.value != 0 and order["flags"] & AT_ONCE == 0


@kernel
def open_amount(order: Row) -> int:
    """Return what an order has still to trade: alpha rao, or with IN_QUOTE rao of TAO to spend before fees."""
    if order["flags"] & Flag.IN_QUOTE.value:
        return order["amount"] - order["tao"]
    return order["amount"] - order["alpha"]


@kernel
def alpha_at(tao: int, price: int) -> int:
    """Return the alpha that some rao of TAO buy at a price, rounded down and saturating."""
    alpha = mul_div_floor(tao, RAO, price)
    return alpha if alpha >= 0 else SATURATED


@kernel
def open_alpha(order: Row, price: int) -> int:
    """Return the alpha that an order has still to trade at a price, rounded down: nobody pays more than is open.

    Of a buy with IN_QUOTE that is held, at most what its hold pays.
    """
    if order["flags"] & Flag.IN_QUOTE.value == 0:
        return order["amount"] - order["alpha"]
    left = order["amount"] - order["tao"]
    if order["held"] > 0:
        left = min(left, order["held"])
    return alpha_at(left, price)


@kernel
def fee_up_to(cost: int, ppm: int) -> int:
    """Return the trading fee on a cost (``trading_fee``)."""
    if cost < _PLAIN_COST:
        return (cost * ppm + PPM // 2) // PPM
    return trading_fee(cost, ppm)


@kernel
def fee_part(order: Row, cost: int, role: int) -> int:
    """Return the trading fee of a part of this cost: the whole order's fee after it less the fee before it, rao.

    A buy that pays from its hold pays at most what the hold has left (for the customer, a rao of rounding).
    """
    ppm = order["maker_ppm"] if role == MAKER else order["taker_ppm"]
    before = order["tao"]
    fee = fee_up_to(before + cost, ppm) - fee_up_to(before, ppm)
    if order["held"] > 0 and order["flags"] & Flag.SELL.value == 0:
        return max(min(fee, order["held"] - cost), 0)
    return fee


@kernel
def limit_hold(before: int, alpha: int, limit: int, taker_ppm: int) -> int:
    """Return what a buy of ``alpha`` up to a limit needs with its taker fee, rao; saturating.

    ``before`` is what the order has cost so far, before fees. Rounded up, for the order to be paid in any case.
    """
    cost = mul_div_ceil(alpha, limit, RAO)
    if cost < 0 or cost > SATURATED // 4:
        return SATURATED // 2
    return cost + fee_up_to(before + cost, taker_ppm) - fee_up_to(before, taker_ppm)


@kernel
def hold_needed(order: Row, left: int) -> int:
    """Return what must be held for an order of which ``left`` is open (``open_amount``), rao of what it gives away.

    A buy in alpha holds its limit and its fee as taker; with IN_QUOTE all that it may still pay; a sale its alpha.
    """
    if order["flags"] & Flag.SELL.value:
        return left
    if order["flags"] & Flag.IN_QUOTE.value:
        return order["total"] - order["tao"] - order["fee"]
    return limit_hold(order["tao"], left, order["limit"], order["taker_ppm"])


@kernel
def hold_after(order: Row, alpha: int, cost: int, fee: int) -> int:
    """Return what stays held for an order that is held once it has traded a part; never more than is left of it."""
    if order["flags"] & Flag.SELL.value:
        return order["held"] - alpha
    left = order["held"] - cost - fee
    if order["flags"] & Flag.IN_QUOTE.value:
        return left
    rest = order["amount"] - order["alpha"] - alpha
    if rest <= 0:
        return 0
    return min(limit_hold(order["tao"] + cost, rest, order["limit"], order["taker_ppm"]), left)


@kernel
def released_by(order: Row, alpha: int, cost: int, fee: int) -> int:
    """Return what a part takes out of an order's hold, rao; 0 for an order that is not held and pays from free."""
    if order["held"] <= 0:
        return 0
    return order["held"] - hold_after(order, alpha, cost, fee)


@kernel
def hold_change(order: Row, free: int) -> int:
    """Return by how much an order's hold must change for what is open; an order that is held never holds more.

    ``free`` bounds what an order that is not held yet takes: rounding of its parts may have cost a rao each.
    """
    needed = hold_needed(order, open_amount(order))
    if order["held"] > 0:
        return min(needed, order["held"]) - order["held"]
    return min(needed, free)


@kernel
def slipped(price: int, sell: int, slippage_ppm: int) -> int:
    """Return a price moved by a slippage against the trader: down for sales, up for buys; saturating.

    Rounded so that the order never bears more than it accepted.
    """
    if sell:
        return mul_div_ceil(price, PPM - slippage_ppm, PPM)
    most = mul_div_floor(price, PPM + slippage_ppm, PPM)
    return most if most >= 0 else SATURATED


@kernel
def market_limit(market: Row, sell: int, slippage_ppm: int) -> int:
    """Return the limit price of a market order: the mirror's price, moved by the slippage; 0 without a mirror."""
    if market["mirror_alpha"] <= 0:
        return 0
    return slipped(spot_rao(market["mirror_tao"], market["mirror_alpha"], market["weight"]), sell, slippage_ppm)


@kernel
def armed_limit(order: Row) -> int:
    """Return the price up to which an armed order is held: its limit, or its trigger price with the slippage."""
    if order["flags"] & Flag.LIMIT.value:
        return order["limit"]
    return slipped(order["trigger"], is_sale(order), order["slippage_ppm"])


@kernel
def armed_hold(order: Row) -> int:
    """Return what is held for an order that waits for its trigger, rao of what it gives away."""
    if order["flags"] & (Flag.SELL.value | Flag.IN_QUOTE.value):
        return hold_needed(order, open_amount(order))
    return limit_hold(order["tao"], open_amount(order), armed_limit(order), order["taker_ppm"])


@kernel
def price_of_buyer(limit: int, rate: int) -> int:
    """Return the pool price at which a buy's limit with pool fee is reached (``bound_buy``)."""
    if limit < _PLAIN_PRICE:
        return limit * (FEE_BASE - rate) // FEE_BASE
    return bound_buy(limit, rate)


@kernel
def price_of_seller(limit: int, rate: int) -> int:
    """Return the pool price at which a sale's limit net of pool fee is reached (``bound_sell``)."""
    if limit < _PLAIN_PRICE:
        return -(-limit * FEE_BASE // (FEE_BASE - rate))
    return bound_sell(limit, rate)


@kernel
def is_above(price: int, tao: int, alpha: int, weight: int) -> bool:
    """Tell whether a price, rao per whole alpha, is above a pool's: a buy up to it finds something to buy.

    With equal weights held exactly, else as Q64 numbers: the two differ by less than a unit, where no step exists.
    """
    if weight == _HALF_WEIGHT:
        _, pool_high, pool_low = mul_three(ZERO, unsigned(tao), _RAO)
        _, high, low = mul_three(ZERO, unsigned(price), unsigned(alpha))
        return less_wide(pool_high, pool_low, high, low)
    pool_high, pool_low = spot_bits(tao, alpha, weight)
    high, low = limit_bits(price)
    return less_wide(pool_high, pool_low, high, low)


@kernel
def is_below(price: int, tao: int, alpha: int, weight: int) -> bool:
    """Tell whether a price, rao per whole alpha, is below a pool's: a sale down to it finds something to sell."""
    if weight == _HALF_WEIGHT:
        _, pool_high, pool_low = mul_three(ZERO, unsigned(tao), _RAO)
        _, high, low = mul_three(ZERO, unsigned(price), unsigned(alpha))
        return less_wide(high, low, pool_high, pool_low)
    pool_high, pool_low = spot_bits(tao, alpha, weight)
    high, low = limit_bits(price)
    return less_wide(high, low, pool_high, pool_low)


@kernel
def crosses_pool(sell: int, limit: int, tao: int, alpha: int, weight: int, rate: int) -> bool:
    """Tell whether an order reaches a pool's price with pool fee: it would trade on the curve."""
    if sell:
        return is_below(price_of_seller(limit, rate), tao, alpha, weight)
    return is_above(price_of_buyer(limit, rate), tao, alpha, weight)


@kernel
def crosses_head(market: Row, sell: int, limit: int) -> bool:
    """Tell whether a limit takes part in a cut: buys at or above the head pool's Q64 price, sales at or below it."""
    if market["pool_height"] == 0 or market["head_alpha"] <= 0:
        return False
    pool_high, pool_low = spot_bits(market["head_tao"], market["head_alpha"], market["weight"])
    high, low = limit_bits(limit)
    if sell:
        if less_wide(high, low, pool_high, pool_low):
            return True
        return high == pool_high and low == pool_low and limit % _ODD_RAO == 0
    return not less_wide(high, low, pool_high, pool_low)
