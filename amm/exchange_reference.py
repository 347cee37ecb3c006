"""The exchange's own steps over one pool in Python integers: the oracle of the kernels the engine runs.

Source: ``execution`` sections 4, 5 and 7. A step raises ``SwapRefused`` where the chain would refuse the same swap.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from amm.errors import InsufficientLiquidity, ReservesTooLow, SwapInputTooLarge
from amm.reference import (
    FEE_BASE,
    MAX_INPUT_MULTIPLE,
    MIN_RESERVE,
    SCALE,
    Pool,
    Side,
    apply_swap,
    curve_out,
    delta_to_price,
    fee_on_total,
    price_bits,
)
from amm.reference_power import SWAP_PRECISION, pow_scaled

PPM = 1_000_000
STEPS_MAX = 8


@dataclass(frozen=True, slots=True)
class Bought:
    """A buy on the mirror: ``cost`` is ``net + pool_fee``, the pool takes only the net."""

    cost: int
    net: int
    pool_fee: int
    alpha_out: int
    pool: Pool


@dataclass(frozen=True, slots=True)
class Sold:
    """A sale on the mirror: the pool takes the whole alpha, for ``tao_out`` and ``author_tao``."""

    tao_out: int
    pool_fee_alpha: int
    author_tao: int
    pool: Pool


def trading_fee(cost: int, ppm: int) -> int:
    """Return our fee on a cost in rao, nearest, halves up (for the house)."""
    return (cost * ppm + PPM // 2) // PPM


def cost_within(total: int, ppm: int) -> int:
    """Return the largest cost that fits into a total together with its trading fee."""
    cost = total * PPM // (PPM + ppm)
    while cost + trading_fee(cost, ppm) > total:
        cost -= 1
    while cost + 1 + trading_fee(cost + 1, ppm) <= total:
        cost += 1
    return cost


def step_out(pool: Pool, side: Side, net: int) -> int:
    """Return the payout of a fee-free step, or raise where the chain would: large input, low reserve, no output."""
    reserve_in, reserve_out = (pool.tao, pool.alpha) if side is Side.BUY else (pool.alpha, pool.tao)
    if net > MAX_INPUT_MULTIPLE * reserve_in:
        raise SwapInputTooLarge(net, MAX_INPUT_MULTIPLE * reserve_in)
    if reserve_out < MIN_RESERVE:
        raise ReservesTooLow(reserve_out)
    out = curve_out(pool, side, net)
    if net > 0 and out == 0:
        raise ReservesTooLow(reserve_out)
    return out


def buy_in(pool: Pool, cost: int) -> Bought:
    """Buy with an exact TAO cost that contains the pool fee; every rounding is the chain's."""
    fee = fee_on_total(cost, pool.fee_rate)
    net = cost - fee
    out = step_out(pool, Side.BUY, net)
    return Bought(cost, net, fee, out, apply_swap(pool, Side.BUY, amount_in=net, amount_out=out))


def buy_out(pool: Pool, alpha: int) -> Bought:
    """Buy an exact amount of alpha; the buyer bears at most 1 rao of rounding."""
    if pool.alpha < MIN_RESERVE:
        raise ReservesTooLow(pool.alpha)
    net = net_for_out(pool, alpha)
    cost = gross_for_net(net, pool.fee_rate)
    fee = fee_on_total(cost, pool.fee_rate)
    after = replace(pool, tao=pool.tao + cost - fee, alpha=pool.alpha - alpha)
    return Bought(cost, net, fee, alpha, after)


def sell_in(pool: Pool, alpha: int) -> Sold:
    """Sell an exact amount of alpha; the fee in alpha is then sold for the author, as the chain does.

    The author's sale is checked like any other even where the fee is zero, and fails the whole step.
    """
    fee = fee_on_total(alpha, pool.fee_rate)
    out = step_out(pool, Side.SELL, alpha - fee)
    sold = apply_swap(pool, Side.SELL, amount_in=alpha - fee, amount_out=out)
    author = step_out(sold, Side.SELL, fee)
    return Sold(out, fee, author, apply_swap(sold, Side.SELL, amount_in=fee, amount_out=author))


def net_for_out(pool: Pool, alpha: int) -> int:
    """Return the net TAO for an exact alpha output: an estimate, then at most 8 steps up and 8 down, which define it.

    Rounded up, for the pool. Raises ``InsufficientLiquidity`` where the reserve has not more than that alpha, and
    ``SwapInputTooLarge`` where the chain would not take that input.
    """
    if alpha >= pool.alpha:
        raise InsufficientLiquidity(alpha, pool.alpha)
    r = pow_scaled(
        pool.alpha, pool.alpha - alpha, SCALE - pool.weight, pool.weight, precision=SWAP_PRECISION, scale=SCALE
    )
    if r is None:
        raise InsufficientLiquidity(alpha, pool.alpha)
    net = max(-(-pool.tao * r // SCALE) - pool.tao, 1)
    for _ in range(STEPS_MAX):
        if curve_out(pool, Side.BUY, net) >= alpha:
            break
        net += 1
    for _ in range(STEPS_MAX):
        if net == 1 or curve_out(pool, Side.BUY, net - 1) < alpha:
            break
        net -= 1
    if net > MAX_INPUT_MULTIPLE * pool.tao:
        raise SwapInputTooLarge(net, MAX_INPUT_MULTIPLE * pool.tao)
    return net


def gross_for_net(net: int, fee_rate: int) -> int:
    """Return the smallest amount that leaves at least ``net`` after the pool fee."""
    gross = -(-net * FEE_BASE // (FEE_BASE - fee_rate))
    while gross - fee_on_total(gross, fee_rate) < net:
        gross += 1
    while gross > 0 and gross - 1 - fee_on_total(gross - 1, fee_rate) >= net:
        gross -= 1
    return gross


def mirror(head: Pool, pending: int) -> Pool:
    """Return the head pool once ``pending`` alpha is bought (positive) or sold (negative), without fee."""
    if pending == 0:
        return head
    if pending > 0:
        return replace(head, tao=head.tao + net_for_out(head, pending), alpha=head.alpha - pending)
    if -pending > MAX_INPUT_MULTIPLE * head.alpha:
        raise SwapInputTooLarge(-pending, MAX_INPUT_MULTIPLE * head.alpha)
    return apply_swap(head, Side.SELL, amount_in=-pending, amount_out=curve_out(head, Side.SELL, -pending))


def net_to_price(pool: Pool, side: Side, target: int) -> int:
    """Return the net input that moves the pool's price to a Q64 target, rounded down, with the swap's precision."""
    return delta_to_price(
        side,
        weight=pool.weight,
        price=price_bits(pool),
        target=target,
        reserve_in=pool.tao if side is Side.BUY else pool.alpha,
        precision=SWAP_PRECISION,
    )


def cap(*, tao_reserve: int, fee_rate: int, k_ppm: int) -> int:
    """Return the TAO that instant fills of one window may move, rounded down."""
    return k_ppm * fee_rate * tao_reserve // (FEE_BASE * PPM)


def jumped(*, old: int, new: int, k_ppm: int) -> bool:
    """Tell whether the price of two consecutive heads (Q64) moved beyond what the cap protects."""
    return max(old, new) * k_ppm * k_ppm > min(old, new) * PPM * PPM


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """Split a total in proportion to the weights, exactly: floors, then largest remainders, ties to the first."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


def running_floor(total: int, weights: Sequence[int]) -> list[int]:
    """Split a total in proportion to the weights by differences of cumulative floors: exact, and resumable anywhere."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts, seen, paid = [], 0, 0
    for weight in weights:
        seen += weight
        due = total * seen // whole
        parts.append(due - paid)
        paid = due
    return parts
