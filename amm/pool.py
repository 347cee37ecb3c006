"""One pool, compiled: price, fee, curve, swap with a limit.

The same rules as ``amm.reference``, to the last rao; sources are named there. Amounts and reserves are int64 rao
(supplies are far below 2**63), the TAO weight ``w`` int64 parts of 10**18, the fee ``rate`` int64 parts of 65 535,
prices Q64 in two limbs. Nothing is raised: the first item of an answer is a status, 0 for a step that is made.
"""

import numpy as np

from amm import reference
from amm.fixed_point import (
    AMOUNT_LIMIT,
    LIMB_MAX,
    ONE,
    U64,
    ZERO,
    Wide,
    add_saturating,
    div_fraction,
    less_wide,
    mul_fraction,
    mul_high,
    mul_three,
    signed,
    unsigned,
)
from amm.kernel_cache import kernel
from amm.power import SCALE, scaled_power
from amm.reference_power import LIMIT_PRECISION, SWAP_PRECISION

OK = 0
INPUT_TOO_LARGE = 1
RESERVES_TOO_LOW = 2
PRICE_LIMIT_EXCEEDED = 3
INSUFFICIENT_LIQUIDITY = 4
NO_OUTPUT = 5  # the chain calls this ReservesTooLow too; here it is told apart, since the engine does
OUT_OF_RANGE = 6  # an argument or a result is outside its type or meaning

BUY = 0
SELL = 1

AMOUNT_MAX = 2**63 - 1
WEIGHT_SCALE = 10**18
FEE_BASE = reference.FEE_BASE
MIN_RESERVE = reference.MIN_RESERVE
_FEE_BASE = np.uint64(reference.FEE_BASE)
# 2**64 = 65 535 * this + 1, so for every rate below 65 535 floor(rate * 2**64 / 65 535) is rate times this.
_FEE_UNIT = np.uint64(2**64 // reference.FEE_BASE)
_SHARE = 2 ** (102 + 46) // 5**18 + 1
_SHARE_HIGH, _SHARE_LOW = np.uint64(_SHARE >> 64), np.uint64(_SHARE % 2**64)
_SHARE_DOWN, _SHARE_UP = np.uint64(102 - 64), np.uint64(128 - 102)
_MIN_RESERVE = np.uint64(reference.MIN_RESERVE)
_INPUT_MULTIPLE = np.uint64(reference.MAX_INPUT_MULTIPLE)
_INPUT_SAFE = LIMB_MAX // _INPUT_MULTIPLE
_RAO_PER_WHOLE = np.uint64(reference.RAO_PER_WHOLE)
_HALF_WEIGHT = np.uint64(reference.HALF_WEIGHT)


@kernel
def pool_is_sound(tao: int, alpha: int, w: int, rate: int) -> bool:
    """Tell whether reserves, weight and fee rate are within what the kernels take."""
    return tao >= 0 and alpha >= 0 and 0 < w < WEIGHT_SCALE and 0 <= rate < FEE_BASE


@kernel
def fee_limb(amount: U64, rate: U64) -> U64:
    """Return the fee contained in an amount, rounded down for the trader."""
    return mul_high(amount, rate * _FEE_UNIT)


@kernel
def fee_on_top_limb(net: U64, rate: U64) -> U64:
    """Return the fee to be added to a net amount, rounded down for the trader; saturating."""
    whole, fraction = div_fraction(rate, _FEE_BASE - rate)
    if whole != ZERO and net > LIMB_MAX // whole:
        return LIMB_MAX
    return add_saturating(net * whole, mul_high(net, fraction))


@kernel
def pool_fee(amount: int, rate: int) -> int:
    """Return the pool fee contained in an amount (0 or more), rounded down for the trader."""
    return signed(fee_limb(unsigned(amount), unsigned(rate)))


@kernel
def price_limbs(tao: U64, alpha: U64, w: U64) -> Wide:
    """Return TAO per alpha as Q64 limbs, rounded down at each of the chain's steps; 0 for an empty alpha reserve."""
    if alpha == ZERO:
        return ZERO, ZERO
    high, low = div_fraction(tao, alpha)
    if w == _HALF_WEIGHT:
        return high, low
    weight_high, weight_low = div_fraction(SCALE - w, w)
    return mul_fraction(weight_high, weight_low, high, low)


@kernel
def spot_bits(tao: int, alpha: int, w: int) -> Wide:
    """Return the price of a sound pool as Q64 limbs ``(high, low)``."""
    return price_limbs(unsigned(tao), unsigned(alpha), unsigned(w))


@kernel
def bits_to_rao(high: U64, low: U64) -> int:
    """Return a Q64 price in rao of TAO per whole alpha, rounded down, at most 2**63 - 1."""
    if high >= AMOUNT_LIMIT // _RAO_PER_WHOLE:
        return AMOUNT_MAX
    return signed(high * _RAO_PER_WHOLE + mul_high(low, _RAO_PER_WHOLE))


@kernel
def spot_rao(tao: int, alpha: int, w: int) -> int:
    """Return the price of a sound pool in rao of TAO per whole alpha, rounded down, at most 2**63 - 1."""
    high, low = spot_bits(tao, alpha, w)
    return bits_to_rao(high, low)


@kernel
def limit_bits(limit_rao: int) -> Wide:
    """Return a price in rao per whole alpha as Q64 limbs, rounded down."""
    return div_fraction(unsigned(limit_rao), _RAO_PER_WHOLE)


@kernel
def share_bits(k: U64) -> U64:
    """Return ``k * 2**64 // 10**18`` for k below 10**18, by a multiplication.

    2**64 / 10**18 is 2**46 / 5**18. With its reciprocal rounded up at 102 bits the product is too large by less than
    2**60 / 2**102, which is below 1 / 5**18, the least distance of a quotient from the next whole number.
    """
    top, middle, _ = mul_three(_SHARE_HIGH, _SHARE_LOW, k)
    return (top << _SHARE_UP) | (middle >> _SHARE_DOWN)


@kernel
def stay_share(reserve_in: U64, net: U64, p: U64, q: U64) -> Wide:
    """Return the share of the output reserve that stays, Q64 from 0 to 1, as ``(is_one, fraction)`` limbs."""
    after = add_saturating(reserve_in, net)
    if after == ZERO:
        return ZERO, ZERO
    defined, high, k = scaled_power(ZERO, reserve_in, ZERO, after, p, q, SWAP_PRECISION)
    if not defined or high != ZERO:
        return ZERO, ZERO
    if k >= SCALE:
        return ONE, ZERO
    return ZERO, share_bits(k)


@kernel
def curve_out(reserve_in: U64, reserve_out: U64, net: U64, p: U64, q: U64) -> U64:
    """Return the payout for a net input, unchecked; by rounding up to 1 rao above the ideal curve, as on the chain."""
    is_one, fraction = stay_share(reserve_in, net, p, q)
    if is_one != ZERO:
        return ZERO
    if fraction == ZERO:
        return reserve_out
    return mul_high(reserve_out, ZERO - fraction)


@kernel
def input_max(reserve_in: U64) -> U64:
    """Return the largest net input the chain takes: 1 000 times the reserve, saturating."""
    return reserve_in * _INPUT_MULTIPLE if reserve_in <= _INPUT_SAFE else LIMB_MAX


@kernel
def step_out(reserve_in: U64, reserve_out: U64, net: U64, p: U64, q: U64) -> tuple[int, U64]:
    """Return ``(status, payout)`` of a net input with the chain's checks: large input, low reserve, no output."""
    if net > input_max(reserve_in):
        return INPUT_TOO_LARGE, ZERO
    if reserve_out < _MIN_RESERVE:
        return RESERVES_TOO_LOW, ZERO
    if net == ZERO:
        return OK, ZERO
    out = curve_out(reserve_in, reserve_out, net, p, q)
    if out == ZERO:
        return NO_OUTPUT, ZERO
    return OK, out


@kernel
def curve_buy(tao: int, alpha: int, w: int, net: int) -> tuple[int, int]:
    """Return ``(status, alpha_out)`` of a net TAO input, without fee."""
    if net < 0 or not pool_is_sound(tao, alpha, w, 0):
        return OUT_OF_RANGE, 0
    weight = unsigned(w)
    status, out = step_out(unsigned(tao), unsigned(alpha), unsigned(net), weight, SCALE - weight)
    return status, signed(out)


@kernel
def curve_sell(tao: int, alpha: int, w: int, net: int) -> tuple[int, int]:
    """Return ``(status, tao_out)`` of a net alpha input, without fee."""
    if net < 0 or not pool_is_sound(tao, alpha, w, 0):
        return OUT_OF_RANGE, 0
    weight = unsigned(w)
    status, out = step_out(unsigned(alpha), unsigned(tao), unsigned(net), SCALE - weight, weight)
    return status, signed(out)


@kernel
def delta_to_price(
    num_high: U64, num_low: U64, den_high: U64, den_low: U64, exponent: U64, reserve_in: U64, precision: int
) -> U64:
    """Return ``reserve_in * ((num / den) ** exponent - 1)``, rounded down; 0 where the ratio is not above 1."""
    if not less_wide(den_high, den_low, num_high, num_low):
        return ZERO
    defined, high, r = scaled_power(num_high, num_low, den_high, den_low, exponent, SCALE, precision)
    if high != ZERO:
        r = LIMB_MAX
    if not defined or r < SCALE:
        return ZERO
    whole, fraction = div_fraction(r, SCALE)
    whole = whole - ONE
    if whole != ZERO and reserve_in > LIMB_MAX // whole:
        return LIMB_MAX
    return add_saturating(reserve_in * whole, mul_high(reserve_in, fraction))


@kernel
def swap_limbs(
    side: int, tao: U64, alpha: U64, w: U64, rate: U64, amount: U64, limit_high: U64, limit_low: U64
) -> tuple[int, U64, U64, U64, bool]:
    """Return ``(status, amount_in, amount_out, fee, full)`` of a swap that stops at a Q64 limit price (section 1.6)."""
    if side == BUY:
        reserve_in, reserve_out, p, q = tao, alpha, w, SCALE - w
    else:
        reserve_in, reserve_out, p, q = alpha, tao, SCALE - w, w
    fee = fee_limb(amount, rate)
    net = amount - fee
    if net > input_max(reserve_in):
        return INPUT_TOO_LARGE, ZERO, ZERO, ZERO, False
    if reserve_out < _MIN_RESERVE:
        return RESERVES_TOO_LOW, ZERO, ZERO, ZERO, False
    high, low = price_limbs(tao, alpha, w)
    open_to_buy = less_wide(high, low, limit_high, limit_low)
    open_to_sell = less_wide(limit_high, limit_low, high, low)
    if (side == BUY and not open_to_buy) or (side != BUY and not open_to_sell):
        return PRICE_LIMIT_EXCEEDED, ZERO, ZERO, ZERO, False
    out = curve_out(reserve_in, reserve_out, net, p, q)
    after_in, after_out = add_saturating(reserve_in, net), reserve_out - out
    if side == BUY:
        after_high, after_low = price_limbs(after_in, after_out, w)
        full = not less_wide(limit_high, limit_low, after_high, after_low)
    else:
        after_high, after_low = price_limbs(after_out, after_in, w)
        full = not less_wide(after_high, after_low, limit_high, limit_low)
    if not full:
        if side == BUY:
            net = delta_to_price(limit_high, limit_low, high, low, SCALE - w, reserve_in, LIMIT_PRECISION)
        else:
            net = delta_to_price(high, low, limit_high, limit_low, w, reserve_in, LIMIT_PRECISION)
        fee = fee_on_top_limb(net, rate)
        out = curve_out(reserve_in, reserve_out, net, p, q)
    if net != ZERO and out == ZERO:
        return NO_OUTPUT, ZERO, ZERO, ZERO, False
    return OK, net, out, fee, full


@kernel
def swap(
    side: int, tao: int, alpha: int, w: int, rate: int, amount: int, limit_rao: int
) -> tuple[int, int, int, int, bool]:
    """Return ``(status, amount_in, amount_out, fee, full)`` of a swap with a limit in rao per whole alpha.

    ``amount_in`` is what enters the reserves; the fee is on top of it. A payout never exceeds its reserve here, so
    the chain's last check has nothing to refuse.
    """
    if amount < 0 or limit_rao < 0 or not pool_is_sound(tao, alpha, w, rate):
        return OUT_OF_RANGE, 0, 0, 0, False
    limit_high, limit_low = limit_bits(limit_rao)
    status, net, out, fee, full = swap_limbs(
        side, unsigned(tao), unsigned(alpha), unsigned(w), unsigned(rate), unsigned(amount), limit_high, limit_low
    )
    if net >= AMOUNT_LIMIT or fee >= AMOUNT_LIMIT:
        return OUT_OF_RANGE, 0, 0, 0, False
    return status, signed(net), signed(out), signed(fee), full


@kernel
def max_input_for_limit(side: int, tao: int, alpha: int, w: int, rate: int, limit_rao: int) -> tuple[int, int]:
    """Return ``(status, amount)``: the largest input, fee included, within a limit in rao; at most 2**63 - 1."""
    if limit_rao < 0 or not pool_is_sound(tao, alpha, w, rate):
        return OUT_OF_RANGE, 0
    limit_high, limit_low = limit_bits(limit_rao)
    amount = input_max(unsigned(tao) if side == BUY else unsigned(alpha))
    status, net, _, fee, _ = swap_limbs(
        side, unsigned(tao), unsigned(alpha), unsigned(w), unsigned(rate), amount, limit_high, limit_low
    )
    total = add_saturating(net, fee)
    return status, signed(total) if total < AMOUNT_LIMIT else AMOUNT_MAX
