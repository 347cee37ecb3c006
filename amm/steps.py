"""The exchange's own steps over one pool, compiled: fills on the mirror, the mirror itself, and where a walk must end.

The same rules as ``amm.exchange_reference``, to the last rao (``execution`` sections 4, 5 and 7). Conventions and
status codes are those of ``amm.pool``; a step without output is ``NO_OUTPUT``, every other status but ``OK`` is the
pool's refusal.
"""

import numpy as np

from amm.exchange_reference import STEPS_MAX
from amm.fixed_point import (
    AMOUNT_LIMIT,
    ONE,
    U64,
    ZERO,
    div_wide,
    mul_three,
    mul_wide,
    signed,
    unsigned,
)
from amm.kernel_cache import kernel
from amm.pool import (
    FEE_BASE,
    INPUT_TOO_LARGE,
    INSUFFICIENT_LIQUIDITY,
    MIN_RESERVE,
    NO_OUTPUT,
    OK,
    OUT_OF_RANGE,
    RESERVES_TOO_LOW,
    curve_out,
    delta_to_price,
    fee_limb,
    input_max,
    pool_is_sound,
    price_limbs,
    step_out,
)
from amm.power import SCALE, scaled_power
from amm.reference_power import SWAP_PRECISION

_FEE_BASE = np.uint64(FEE_BASE)
# An estimate beyond this many times the reserve is refused before it is refined: the chain takes 1 000 times.
_ESTIMATE_HIGH_MAX = np.uint64(256)


@kernel
def net_limb(tao: U64, alpha: U64, w: U64, wanted: U64) -> tuple[int, U64]:
    """Return ``(status, net)``: the net TAO for an exact alpha output, by an estimate and up to 8 steps up and down."""
    if wanted >= alpha:
        return INSUFFICIENT_LIQUIDITY, ZERO
    quote = SCALE - w
    defined, high, low = scaled_power(ZERO, alpha, ZERO, alpha - wanted, quote, w, SWAP_PRECISION)
    if not defined:
        return INSUFFICIENT_LIQUIDITY, ZERO
    if high >= _ESTIMATE_HIGH_MAX:
        return INPUT_TOO_LARGE, ZERO
    top, middle, bottom = mul_three(high, low, tao)
    quotient_high, rest = div_wide(top, middle, SCALE)
    quotient, rest = div_wide(rest, bottom, SCALE)
    if quotient_high != ZERO or quotient >= AMOUNT_LIMIT:
        return INPUT_TOO_LARGE, ZERO
    if rest != ZERO:
        quotient = quotient + ONE
    net = ONE if quotient <= tao else quotient - tao
    for _ in range(STEPS_MAX):
        if curve_out(tao, alpha, net, w, quote) >= wanted:
            break
        net = net + ONE
    for _ in range(STEPS_MAX):
        if net == ONE or curve_out(tao, alpha, net - ONE, w, quote) < wanted:
            break
        net = net - ONE
    if net > input_max(tao):
        return INPUT_TOO_LARGE, ZERO
    return OK, net


@kernel
def gross_limb(net: U64, rate: U64) -> U64:
    """Return the smallest amount that leaves at least ``net`` after the pool fee; saturating."""
    kept = _FEE_BASE - rate
    high, low = mul_wide(net, _FEE_BASE)
    if high >= kept:
        return AMOUNT_LIMIT
    gross, rest = div_wide(high, low, kept)
    if gross >= AMOUNT_LIMIT:
        return AMOUNT_LIMIT
    if rest != ZERO:
        gross = gross + ONE
    while gross - fee_limb(gross, rate) < net:
        gross = gross + ONE
    while gross > ZERO and gross - ONE - fee_limb(gross - ONE, rate) >= net:
        gross = gross - ONE
    return gross


@kernel
def net_for_out(tao: int, alpha: int, w: int, alpha_wanted: int) -> tuple[int, int]:
    """Return ``(status, net)``: the net TAO that buys an exact amount of alpha, rounded up for the pool."""
    if alpha_wanted < 0 or not pool_is_sound(tao, alpha, w, 0):
        return OUT_OF_RANGE, 0
    status, net = net_limb(unsigned(tao), unsigned(alpha), unsigned(w), unsigned(alpha_wanted))
    return status, signed(net)


@kernel
def gross_for_net(net: int, rate: int) -> int:
    """Return the smallest amount that leaves at least ``net`` after the pool fee, or -1 beyond 2**63 - 1."""
    if net < 0 or rate < 0 or rate >= FEE_BASE:
        return -1
    gross = gross_limb(unsigned(net), unsigned(rate))
    return signed(gross) if gross < AMOUNT_LIMIT else -1


@kernel
def buy_in(tao: int, alpha: int, w: int, rate: int, cost: int) -> tuple[int, int, int, int, int, int]:
    """Return ``(status, net, pool_fee, alpha_out, tao_after, alpha_after)`` of a buy with an exact TAO cost."""
    if cost <= 0 or not pool_is_sound(tao, alpha, w, rate):
        return OUT_OF_RANGE, 0, 0, 0, tao, alpha
    weight, whole = unsigned(w), unsigned(cost)
    fee = fee_limb(whole, unsigned(rate))
    net = whole - fee
    status, out = step_out(unsigned(tao), unsigned(alpha), net, weight, SCALE - weight)
    if status == OK and out == ZERO:
        status = NO_OUTPUT
    after = unsigned(tao) + net
    if status == OK and after >= AMOUNT_LIMIT:
        status = OUT_OF_RANGE
    if status != OK:
        return status, 0, 0, 0, tao, alpha
    return OK, signed(net), signed(fee), signed(out), signed(after), alpha - signed(out)


@kernel
def buy_out(tao: int, alpha: int, w: int, rate: int, alpha_wanted: int) -> tuple[int, int, int, int, int, int]:
    """Return ``(status, cost, net, pool_fee, tao_after, alpha_after)`` of a buy of an exact amount of alpha.

    The buyer bears at most 1 rao of rounding; the mirror takes the cost less its fee.
    """
    if alpha_wanted <= 0 or not pool_is_sound(tao, alpha, w, rate):
        return OUT_OF_RANGE, 0, 0, 0, tao, alpha
    if alpha < MIN_RESERVE:
        return RESERVES_TOO_LOW, 0, 0, 0, tao, alpha
    status, net = net_limb(unsigned(tao), unsigned(alpha), unsigned(w), unsigned(alpha_wanted))
    if status != OK:
        return status, 0, 0, 0, tao, alpha
    cost = gross_limb(net, unsigned(rate))
    fee = fee_limb(cost, unsigned(rate))
    after = unsigned(tao) + (cost - fee)
    if cost >= AMOUNT_LIMIT or after >= AMOUNT_LIMIT:
        return OUT_OF_RANGE, 0, 0, 0, tao, alpha
    return OK, signed(cost), signed(net), signed(fee), signed(after), alpha - alpha_wanted


@kernel
def sell_in(tao: int, alpha: int, w: int, rate: int, alpha_in: int) -> tuple[int, int, int, int, int, int]:
    """Return ``(status, tao_out, fee_alpha, author_tao, tao_after, alpha_after)`` of an exact sale.

    The fee in alpha is sold for the author right after, and that sale is checked like any other, even for a fee of
    zero.
    """
    if alpha_in <= 0 or alpha_in > 2**63 - 1 - alpha or not pool_is_sound(tao, alpha, w, rate):
        return OUT_OF_RANGE, 0, 0, 0, tao, alpha
    weight, whole = unsigned(w), unsigned(alpha_in)
    base = SCALE - weight
    fee = fee_limb(whole, unsigned(rate))
    net = whole - fee
    status, out = step_out(unsigned(alpha), unsigned(tao), net, base, weight)
    if status == OK and out == ZERO:
        status = NO_OUTPUT
    if status != OK:
        return status, 0, 0, 0, tao, alpha
    rest = unsigned(tao) - out
    status, author = step_out(unsigned(alpha) + net, rest, fee, base, weight)
    if status != OK:
        return status, 0, 0, 0, tao, alpha
    return OK, signed(out), signed(fee), signed(author), signed(rest - author), alpha + alpha_in


@kernel
def mirror(tao: int, alpha: int, w: int, pending: int) -> tuple[int, int, int]:
    """Return ``(status, tao, alpha)`` of the head pool once ``pending`` alpha is bought (sold if negative), no fee."""
    if not pool_is_sound(tao, alpha, w, 0) or pending <= -(2**63 - 1 - alpha):
        return OUT_OF_RANGE, tao, alpha
    if pending == 0:
        return OK, tao, alpha
    weight = unsigned(w)
    if pending > 0:
        status, net = net_limb(unsigned(tao), unsigned(alpha), weight, unsigned(pending))
        if status != OK:
            return status, tao, alpha
        if net >= AMOUNT_LIMIT - unsigned(tao):
            return OUT_OF_RANGE, tao, alpha
        return OK, tao + signed(net), alpha - pending
    sold = unsigned(-pending)
    if sold > input_max(unsigned(alpha)):
        return INPUT_TOO_LARGE, tao, alpha
    out = curve_out(unsigned(alpha), unsigned(tao), sold, SCALE - weight, weight)
    return OK, tao - signed(out), alpha - pending


@kernel
def net_to_price_buy(tao: int, alpha: int, w: int, target_hi: U64, target_lo: U64) -> int:
    """Return the net TAO that lifts the price to a Q64 target, rounded down; 0 where it is there; saturating."""
    high, low = price_limbs(unsigned(tao), unsigned(alpha), unsigned(w))
    net = delta_to_price(
        np.uint64(target_hi), np.uint64(target_lo), high, low, SCALE - unsigned(w), unsigned(tao), SWAP_PRECISION
    )
    return signed(net) if net < AMOUNT_LIMIT else 2**63 - 1


@kernel
def net_to_price_sell(tao: int, alpha: int, w: int, target_hi: U64, target_lo: U64) -> int:
    """Return the net alpha that lowers the price to a Q64 target, rounded down; 0 where it is there; saturating."""
    high, low = price_limbs(unsigned(tao), unsigned(alpha), unsigned(w))
    net = delta_to_price(
        high, low, np.uint64(target_hi), np.uint64(target_lo), unsigned(w), unsigned(alpha), SWAP_PRECISION
    )
    return signed(net) if net < AMOUNT_LIMIT else 2**63 - 1
