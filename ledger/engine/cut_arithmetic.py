"""The integer rules of the cut: what meets at the head's price, which orders go to the chain, and at which limit.

Source: ``execution`` section 7, steps 1 to 7. Nothing here reads or changes the state. Amounts are non-negative int64
rao; a pool is its reserves, TAO weight and fee rate, as in ``amm.pool``; ``high`` and ``low`` are the limbs of p0, the
Q64 spot price of the head pool.
"""

import numpy as np

from amm.fixed_point import (
    AMOUNT_LIMIT,
    ONE,
    U64,
    ZERO,
    add_saturating,
    mul_div_ceil,
    mul_div_floor,
    mul_three,
    signed,
    unsigned,
)
from amm.kernel_cache import kernel
from amm.pool import BUY, OK, SELL, max_input_for_limit, spot_rao
from amm.shares import bound_buy, bound_sell, settlement_limit_buy, settlement_limit_sell, trading_fee
from amm.steps import buy_in, buy_out, sell_in

RAO = 10**9
PPM = 1_000_000
SATURATED = 2**63 - 1
_TOP_BIT = 62

Item = tuple[int, int, int, int]
"""``(amount, house part of it, limit price, alpha that the customers' part is expected to bring; negative: take)``."""


@kernel
def worth(alpha: int, high: U64, low: U64) -> int:
    """Return alpha in TAO at p0, rounded down, saturating; rounding is for whoever pays the TAO."""
    top, value, _ = mul_three(high, low, unsigned(alpha))
    return signed(value) if top == ZERO and value < AMOUNT_LIMIT else SATURATED


@kernel
def worth_up(alpha: int, high: U64, low: U64) -> int:
    """Return alpha in TAO at p0, rounded up, saturating: what a buyer of that much must bring."""
    top, value, rest = mul_three(high, low, unsigned(alpha))
    if rest != ZERO:
        value = add_saturating(value, ONE)
    return signed(value) if top == ZERO and value < AMOUNT_LIMIT else SATURATED


@kernel
def alpha_for(tao: int, high: U64, low: U64) -> int:
    """Return ``tao * 2**64 // p0``: the most alpha that is worth no more than some TAO, saturating."""
    wanted = unsigned(tao)
    found = ZERO
    for bit in range(_TOP_BIT + 1):
        candidate = found | (ONE << np.uint64(_TOP_BIT - bit))
        top, middle, bottom = mul_three(high, low, candidate)
        if top == ZERO and (middle < wanted or (middle == wanted and bottom == ZERO)):
            found = candidate
    return signed(found)


@kernel
def house_buys(need: int, room: int, high: U64, low: U64) -> int:
    """Return the TAO with which the house takes part as buyer: its need at p0, at most the window's room."""
    return max(min(worth(need, high, low), room), 0) if need > 0 else 0


@kernel
def house_sells(need: int, room: int, high: U64, low: U64) -> int:
    """Return the alpha with which the house takes part as seller: what it has too much, worth at most the room."""
    return min(-need, alpha_for(max(room, 0), high, low)) if need < 0 else 0


@kernel
def match(tao: int, alpha: int, high: U64, low: U64) -> tuple[int, int]:
    """Return ``(matched TAO, matched alpha)`` of buyers' TAO and sellers' alpha at p0; ``(0, 0)`` for no match.

    The smaller side is matched whole; roundings are below one rao of TAO (for the buyers) or of alpha (the sellers).
    """
    value = worth(alpha, high, low)
    matched_tao, matched_alpha = value, alpha
    if tao < value:
        matched_tao, matched_alpha = tao, min(alpha, alpha_for(tao, high, low))
    if matched_tao == 0 or matched_alpha == 0:
        return 0, 0
    return matched_tao, matched_alpha


@kernel
def missing_to_limit(sell: int, alpha: int, tao: int, limit: int) -> int:
    """Return the rao by which a part's price is beyond the order's limit: what house/rounding adds for it."""
    if sell:
        least = mul_div_ceil(alpha, limit, RAO)
        return max(least - tao, 0)
    most = mul_div_floor(alpha, limit, RAO)
    return max(tao - most, 0) if most >= 0 else 0


@kernel
def wanted_part(alpha: int, tao: int, wanted: int) -> tuple[int, int]:
    """Return ``(alpha, TAO)`` of a buyer's part that is no more than it wants; the cost is rounded up for the house."""
    if alpha <= wanted:
        return alpha, tao
    return wanted, mul_div_ceil(tao, wanted, alpha)


@kernel
def spendable(held: int, cost_so_far: int, ppm: int) -> int:
    """Return the largest cost that fits into what is held together with its part of the trading fee."""
    if held <= 0:
        return 0
    paid = trading_fee(cost_so_far, ppm)
    cost = min(mul_div_floor(held, PPM, PPM + ppm) + 1, held)
    while cost > 0 and trading_fee(cost_so_far + cost, ppm) - paid > held - cost:
        cost -= 1
    return cost


@kernel
def bound_of(sell: int, limit: int, rate: int) -> int:
    """Return the pool price at which an order's limit, which contains the pool fee, is reached."""
    return bound_sell(limit, rate) if sell else bound_buy(limit, rate)


@kernel
def prefix_fill(sell: int, tao: int, alpha: int, w: int, rate: int, limit: int, total: int) -> int:
    """Return how much of a prefix of orders the head takes up to its tightest limit; -1 where the prefix is out."""
    side = SELL if sell else BUY
    status, most = max_input_for_limit(side, tao, alpha, w, rate, bound_of(sell, limit, rate))
    return min(total, most) if status == OK else -1


@kernel
def buy_item(
    head: tuple[int, int, int, int],
    base: tuple[int, int, int],
    customers: int,
    need: int,
    tao_most: int,
    tolerance_ppm: int,
    bound: int,
) -> Item:
    """Return the swap that spends the customers' TAO and then buys what the house needs; zeros where none can be sent.

    ``head``: tao, alpha, weight, rate; ``base``: the pool that the limit price is told from; ``bound``: of the chosen
    prefix, of no meaning without customers. The house's part is left out where the pool or the hot key cannot give it.
    """
    tao, alpha, weight, rate = head
    after_tao, after_alpha, expected = tao, alpha, 0
    if customers > 0:
        status, _, _, expected, after_tao, after_alpha = buy_in(tao, alpha, weight, rate, customers)
        if status != OK:
            return 0, 0, 0, 0
    house = 0
    if need > 0:
        status, cost, _, _, _, _ = buy_out(after_tao, after_alpha, weight, rate, need)
        if status == OK and cost <= tao_most - customers:
            house = cost
    amount = customers + house
    if amount <= 0:
        return 0, 0, 0, 0
    status, _, _, _, after_tao, after_alpha = buy_in(base[0], base[1], base[2], rate, amount)
    if status != OK:
        return 0, 0, 0, 0
    limit = settlement_limit_buy(spot_rao(after_tao, after_alpha, base[2]), tolerance_ppm)
    if customers > 0:
        limit = min(limit, bound)
    return (amount, house, limit, expected) if limit > 0 else (0, 0, 0, 0)


@kernel
def sell_item(
    head: tuple[int, int, int, int],
    base: tuple[int, int, int],
    customers: int,
    need: int,
    alpha_most: int,
    tolerance_ppm: int,
    bound: int,
) -> Item:
    """Return the swap that sells the customers' alpha and what the house has too much; zeros where none can be sent."""
    rate = head[3]
    house = min(-need, alpha_most - customers) if need < 0 else 0
    amount = customers + house
    if amount <= 0:
        return 0, 0, 0, 0
    status, _, _, _, after_tao, after_alpha = sell_in(base[0], base[1], base[2], rate, amount)
    if status != OK:
        return 0, 0, 0, 0
    limit = settlement_limit_sell(spot_rao(after_tao, after_alpha, base[2]), tolerance_ppm)
    if customers > 0:
        limit = max(limit, bound)
    return (amount, house, limit, -customers) if limit > 0 else (0, 0, 0, 0)
