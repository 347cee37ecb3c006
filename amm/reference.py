"""One pool's price, swap, limit and injection in Python integers: what the chain does, and the oracle of the kernels.

Source: ``economics`` sections 1.1 to 1.11. Fixed-point values are raw integers with 64 fraction bits and are named
``*_bits``.
"""

from dataclasses import dataclass, replace
from enum import Enum

from amm.errors import (
    InsufficientLiquidity,
    PriceLimitExceeded,
    ReservesTooLow,
    SwapInputTooLarge,
    WeightOutOfRange,
)
from amm.reference_power import LIMIT_PRECISION, SWAP_PRECISION, pow_scaled

SCALE = 10**18
ONE = 1 << 64
U64_MAX = 2**64 - 1
Q64_MAX = 2**128 - 1
HALF_WEIGHT = SCALE // 2
MIN_WEIGHT = 10**16
FEE_BASE = 65_535
DEFAULT_FEE_RATE = 33
MAX_FEE_RATE = 10_000
MIN_RESERVE = 1_000_000
MAX_INPUT_MULTIPLE = 1_000
RAO_PER_WHOLE = 10**9
MIN_PRICE_RAO = 1_000
MAX_PRICE_RAO = 10**15


class Side(Enum):
    """A buy puts TAO in and takes alpha out, a sell the reverse."""

    BUY = "buy"
    SELL = "sell"


@dataclass(frozen=True, slots=True)
class Pool:
    """One subnet's pool: reserves in rao, the TAO weight in parts of 10**18, the fee rate in parts of 65 535."""

    tao: int
    alpha: int
    weight: int = HALF_WEIGHT
    fee_rate: int = DEFAULT_FEE_RATE


@dataclass(frozen=True, slots=True)
class Swapped:
    """What a swap moved: ``amount_in`` entered the reserves, ``fee`` (in the input token) is on top and never does."""

    amount_in: int
    amount_out: int
    fee: int
    full: bool
    pool: Pool


def price_bits(pool: Pool) -> int:
    """Return TAO per alpha as Q64, rounded down at each of the chain's three steps; 0 for an empty alpha reserve."""
    weights = _div(SCALE - pool.weight, pool.weight)
    reserves = _div(pool.tao, pool.alpha)
    return min(weights * reserves >> 64, Q64_MAX)


def _div(numerator: int, denominator: int) -> int:
    """Divide two integers into Q64, rounded down; 0 where the chain's division has no result."""
    if denominator == 0:
        return 0
    quotient = (numerator << 64) // denominator
    return quotient if quotient <= Q64_MAX else 0


def spot_rao(pool: Pool) -> int:
    """Return the price in rao of TAO per whole alpha, rounded down."""
    return price_bits(pool) * RAO_PER_WHOLE >> 64


def limit_bits_of(limit_rao: int) -> int:
    """Return a limit price in rao per whole alpha as Q64, rounded down."""
    return (limit_rao << 64) // RAO_PER_WHOLE


def _sides(pool: Pool, side: Side) -> tuple[int, int, int, int]:
    """Return ``(reserve_in, reserve_out, p, q)`` of a side: the curve's exponent is p / q."""
    if side is Side.BUY:
        return pool.tao, pool.alpha, pool.weight, SCALE - pool.weight
    return pool.alpha, pool.tao, SCALE - pool.weight, pool.weight


def curve_bits(pool: Pool, side: Side, net: int) -> int:
    """Return ``e``, the share of the output reserve that stays, as Q64 from 0 to 1 inclusive (section 1.3)."""
    reserve_in, _, p, q = _sides(pool, side)
    after = min(reserve_in + net, U64_MAX)
    if after == 0:
        return 0
    k = pow_scaled(reserve_in, after, p, q, precision=SWAP_PRECISION, scale=SCALE)
    if k is None or not 0 <= k <= U64_MAX:
        return 0
    return min((k << 64) // SCALE, ONE)


def curve_out(pool: Pool, side: Side, net: int) -> int:
    """Return the payout for a net input.

    The stay share is rounded down twice and the payout once: a trader may gain up to 1 rao against the ideal curve, or
    lose less than 1. The chain rounds so, and this must not be repaired.
    """
    reserve_out = _sides(pool, side)[1]
    return reserve_out * (ONE - curve_bits(pool, side, net)) >> 64


def fee_on_total(amount: int, fee_rate: int) -> int:
    """Return the fee contained in an amount, rounded down for the trader (section 1.5)."""
    return min(amount * ((fee_rate << 64) // FEE_BASE) >> 64, U64_MAX)


def fee_on_top(net: int, fee_rate: int) -> int:
    """Return the fee to be added to a net amount, rounded down for the trader (section 1.5)."""
    return min(net * _div(fee_rate, FEE_BASE - fee_rate) >> 64, U64_MAX)


def delta_to_price(
    side: Side, *, weight: int, price: int, target: int, reserve_in: int, precision: int = LIMIT_PRECISION
) -> int:
    """Return the net input that moves the price to the Q64 target, rounded down; 0 for a target on the wrong side."""
    numerator, denominator, exponent = (target, price, SCALE - weight) if side is Side.BUY else (price, target, weight)
    r = pow_scaled(numerator, denominator, exponent, SCALE, precision=precision, scale=SCALE)
    if r is None:
        return 0
    growth = max((min(r, U64_MAX) << 64) // SCALE - ONE, 0)
    return min(reserve_in * growth >> 64, U64_MAX)


def apply_swap(pool: Pool, side: Side, *, amount_in: int, amount_out: int) -> Pool:
    """Return the pool with reserves moved; saturating at the 64-bit range as the chain's are (section 1.11)."""
    if side is Side.BUY:
        return replace(pool, tao=min(pool.tao + amount_in, U64_MAX), alpha=max(pool.alpha - amount_out, 0))
    return replace(pool, tao=max(pool.tao - amount_out, 0), alpha=min(pool.alpha + amount_in, U64_MAX))


def swap(
    pool: Pool,
    side: Side,
    amount: int,
    *,
    limit_bits: int | None = None,
    drop_fees: bool = False,
    simulate: bool = False,
    min_reserve: int = MIN_RESERVE,
) -> Swapped:
    """Swap an amount that contains the fee, in full or up to the limit price (section 1.6).

    ``limit_bits`` is Q64; without one a buy runs to MAX_PRICE and a sell to MIN_PRICE. Raises ``SwapInputTooLarge``,
    ``ReservesTooLow``, ``PriceLimitExceeded`` and, unless simulated, ``InsufficientLiquidity``, checked in the chain's
    order.
    """
    if limit_bits is None:
        limit_bits = limit_bits_of(MAX_PRICE_RAO if side is Side.BUY else MIN_PRICE_RAO)
    reserve_in, reserve_out, _, _ = _sides(pool, side)
    fee_rate = 0 if drop_fees else pool.fee_rate
    fee = fee_on_total(amount, fee_rate)
    net = max(amount - fee, 0)
    largest = min(MAX_INPUT_MULTIPLE * reserve_in, U64_MAX)
    if net > largest:
        raise SwapInputTooLarge(net, largest)
    if reserve_out < min_reserve:
        raise ReservesTooLow(reserve_out)
    price = price_bits(pool)
    if not (price < limit_bits if side is Side.BUY else price > limit_bits):
        raise PriceLimitExceeded(price, limit_bits)
    out = curve_out(pool, side, net)
    after = price_bits(apply_swap(pool, side, amount_in=net, amount_out=out))
    full = after <= limit_bits if side is Side.BUY else after >= limit_bits
    if not full:
        net = delta_to_price(side, weight=pool.weight, price=price, target=limit_bits, reserve_in=reserve_in)
        fee = fee_on_top(net, fee_rate)
        out = curve_out(pool, side, net)
    if net > 0 and out == 0:
        raise ReservesTooLow(reserve_out)
    if not simulate and out > reserve_out:
        raise InsufficientLiquidity(out, reserve_out)
    return Swapped(net, out, fee, full, apply_swap(pool, side, amount_in=net, amount_out=out))


def quote_buy(pool: Pool, tao: int, *, limit_bits: int | None = None) -> Swapped:
    """Simulate a buy of alpha with TAO, fee included; raises as ``swap`` does."""
    return swap(pool, Side.BUY, tao, limit_bits=limit_bits, simulate=True)


def quote_sell(pool: Pool, alpha: int, *, limit_bits: int | None = None) -> Swapped:
    """Simulate a sale of alpha for TAO, fee included; raises as ``swap`` does."""
    return swap(pool, Side.SELL, alpha, limit_bits=limit_bits, simulate=True)


def mul_weight_round(parts: int, value: int) -> int:
    """Return ``parts * value / 10**18``, nearest, halves up."""
    return (2 * parts * value + SCALE) // (2 * SCALE)


def is_weight_valid(weight: int) -> bool:
    """Tell whether both weights are at least one percent."""
    return MIN_WEIGHT <= weight <= SCALE - MIN_WEIGHT


def inject(pool: Pool, *, tao: int, alpha: int) -> Pool:
    """Return the pool after the protocol adds reserves at an unchanged price, by moving the weight (section 1.8).

    Raises ``WeightOutOfRange`` where a weight would leave one percent: the chain then adds nothing and keeps the
    weight.
    """
    base = mul_weight_round(SCALE - pool.weight, min(pool.tao * (pool.alpha + alpha), Q64_MAX))
    quote = mul_weight_round(pool.weight, min(pool.alpha * (pool.tao + tao), Q64_MAX))
    weight = SCALE * quote // (base + quote) if base + quote else HALF_WEIGHT
    if not is_weight_valid(weight):
        raise WeightOutOfRange(weight)
    return replace(pool, tao=min(pool.tao + tao, U64_MAX), alpha=min(pool.alpha + alpha, U64_MAX), weight=weight)


def initial_weight(*, tao: int, alpha: int, price: int) -> int:
    """Return the TAO weight at which the reserves have a given Q64 price (section 1.9); raises ``WeightOutOfRange``."""
    total = (price >> 64) * alpha + ((price & U64_MAX) * alpha >> 64) + tao
    weight = SCALE * tao // total if total else 0
    if not is_weight_valid(weight):
        raise WeightOutOfRange(weight)
    return weight


def alpha_equivalent(pool: Pool, tao: int) -> int:
    """Return the alpha worth a small TAO amount at the present price, without slippage and fee, rounded down."""
    price = price_bits(pool)
    return min((tao << 64) // price, U64_MAX) if price and (tao << 128) // price <= Q64_MAX else 0


def alpha_needed_for_tao(pool: Pool, tao_out: int) -> int:
    """Return the net alpha input that brings about ``tao_out`` from the curve, rounded down; 0 where there is none."""
    if tao_out >= pool.tao:
        return 0
    r = pow_scaled(
        pool.tao, pool.tao - tao_out, pool.weight, SCALE - pool.weight, precision=SWAP_PRECISION, scale=SCALE
    )
    if r is None:
        return 0
    growth = max((min(r, U64_MAX) << 64) // SCALE - ONE, 0)
    return min(pool.alpha * growth >> 64, U64_MAX)


def max_input_for_limit(pool: Pool, side: Side, *, limit_rao: int, min_reserve: int = MIN_RESERVE) -> int:
    """Return the largest input, with its fee, that stays within a limit (section 1.10); raises as ``swap`` does."""
    reserve_in = _sides(pool, side)[0]
    swapped = swap(
        pool,
        side,
        min(MAX_INPUT_MULTIPLE * reserve_in, U64_MAX),
        limit_bits=limit_bits_of(limit_rao),
        simulate=True,
        min_reserve=min_reserve,
    )
    return min(swapped.amount_in + swapped.fee, U64_MAX)


def max_input_one_to_one(side: Side, *, limit_rao: int) -> int:
    """Return the largest input within a limit on a network that trades 1:1 with TAO: everything or nothing."""
    allowed = limit_rao >= RAO_PER_WHOLE if side is Side.BUY else limit_rao <= RAO_PER_WHOLE
    return U64_MAX if allowed else 0


def max_amount_move(origin: Pool, destination: Pool, *, limit_rao: int) -> int:
    """Return the alpha that may move between two subnets before origin price / destination price falls to the limit.

    The chain's closed form (``economics`` section 4.5), which takes both weights as one half and ignores fees; floored
    at 0.
    """
    limit = limit_bits_of(limit_rao)
    if 0 in {origin.tao, origin.alpha, destination.tao, destination.alpha}:
        return 0
    destination_price = _div(destination.tao, destination.alpha)
    ratio = _div(_div(origin.tao, origin.alpha), destination_price)
    if limit > ratio:
        return 0
    if limit == 0:
        return U64_MAX
    total = origin.tao + destination.tao
    grown = _div(destination.alpha * _div(origin.tao, total), limit)
    kept = origin.alpha * _div(destination.tao, total)
    return min(max(grown - kept, 0) >> 64, U64_MAX)
