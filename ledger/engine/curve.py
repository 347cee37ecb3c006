"""One step of an order on a pool's curve: as far as it is open, or as far as a limit price lets it go.

``execution`` section 4. A step that the limit leaves too small to bring anything lies beyond the curve.
"""

from amm.fixed_point import mul_div_ceil, mul_div_floor
from amm.kernel_cache import kernel
from amm.pool import NO_OUTPUT, OK, limit_bits, pool_fee
from amm.steps import buy_in, buy_out, gross_for_net, net_to_price_buy, net_to_price_sell, sell_in
from ledger.engine.pools import RAO
from ledger.engine.terms import is_above, is_below, price_of_buyer, price_of_seller

FULL = 0
PARTIAL = 1
BEYOND = 2
"""How far a plan gets: all of the order, up to the limit, or nowhere since the limit lies beyond the curve."""

Plan = tuple[int, int, int, int, int, int, int]
"""``(reach or -pool status, alpha, tao, pool_fee, tao_after, alpha_after, window)``; ``tao`` without trading fee."""


_DEEP = 2**40
"""TAO reserve, rao, from which a price a millionth short of a limit is many rao short of it."""

_NEARLY = 2**20
_PLAIN = 2**62


@kernel
def is_well_below(tao: int, alpha: int, w: int, bound: int) -> bool:
    """Tell whether a pool's price is below a bound by more than any rounding: no need to ask where the bound lies."""
    return tao >= _DEEP and is_above(bound - bound // _NEARLY - 1, tao, alpha, w)


@kernel
def is_well_above(tao: int, alpha: int, w: int, bound: int) -> bool:
    """Tell whether a pool's price is above a bound by more than any rounding."""
    return tao >= _DEEP and bound < _PLAIN and is_below(bound + bound // _NEARLY + 1, tao, alpha, w)


@kernel
def plan_buy(tao: int, alpha: int, w: int, rate: int, cost_max: int, wanted: int, limit: int) -> Plan:
    """Plan a buy of ``wanted`` alpha, or of what ``cost_max`` rao buy when ``wanted`` is 0, up to a limit price.

    The limit holds for the marginal price with pool fee, where the walk ends, and for the whole: the cost is never
    above ``alpha * limit``.
    """
    bound = price_of_buyer(limit, rate)
    if wanted > 0:
        status, cost, net, fee, tao_after, alpha_after = buy_out(tao, alpha, w, rate, wanted)
        got = wanted
    else:
        cost = cost_max
        status, net, fee, got, tao_after, alpha_after = buy_in(tao, alpha, w, rate, cost)
    reach = FULL
    if status == NO_OUTPUT:
        return -status, 0, 0, 0, tao, alpha, 0
    if status != OK or not is_well_below(tao_after, alpha_after, w, bound):
        high, low = limit_bits(bound)
        net_most = net_to_price_buy(tao, alpha, w, high, low)
        if status != OK or net > net_most:
            if net_most <= 0:
                return BEYOND, 0, 0, 0, tao, alpha, 0
            gross = gross_for_net(net_most, rate)
            if gross < 0 or (wanted == 0 and gross >= cost_max):
                return -status, 0, 0, 0, tao, alpha, 0
            reach = PARTIAL
            cost = gross
            status, net, fee, got, tao_after, alpha_after = buy_in(tao, alpha, w, rate, cost)
            if status == NO_OUTPUT:
                return BEYOND, 0, 0, 0, tao, alpha, 0
            if status == OK and wanted > 0 and got > wanted:
                got = wanted
                alpha_after = alpha - wanted
    if status != OK:
        return -status, 0, 0, 0, tao, alpha, 0
    most = mul_div_floor(got, limit, RAO)
    if 0 <= most < cost:
        return BEYOND, 0, 0, 0, tao, alpha, 0
    return reach, got, cost, fee, tao_after, alpha_after, tao_after - tao


@kernel
def plan_sell(tao: int, alpha: int, w: int, rate: int, offered: int, limit: int) -> Plan:
    """Plan a sale of ``offered`` alpha down to a limit price; the proceeds are never below ``alpha * limit``.

    A limit of 0 is none: all is sold, or the pool refuses it.
    """
    bound = price_of_seller(limit, rate)
    reach = FULL
    given = offered
    status, out, fee, _, tao_after, alpha_after = sell_in(tao, alpha, w, rate, given)
    if limit > 0 and (status != OK or not is_well_above(tao_after, alpha_after, w, bound)):
        high, low = limit_bits(bound)
        net_most = net_to_price_sell(tao, alpha, w, high, low)
        if offered - pool_fee(offered, rate) > net_most:
            if net_most <= 0:
                return BEYOND, 0, 0, 0, tao, alpha, 0
            reach = PARTIAL
            given = min(gross_for_net(net_most, rate), offered)
            if given <= 0:
                return BEYOND, 0, 0, 0, tao, alpha, 0
            status, out, fee, _, tao_after, alpha_after = sell_in(tao, alpha, w, rate, given)
    if status == NO_OUTPUT and reach == PARTIAL:
        return BEYOND, 0, 0, 0, tao, alpha, 0
    if status != OK:
        return -status, 0, 0, 0, tao, alpha, 0
    least = mul_div_ceil(given, limit, RAO)
    if least < 0 or out < least:
        return BEYOND, 0, 0, 0, tao, alpha, 0
    return reach, given, out, fee, tao_after, alpha_after, out
