"""Orders that are decided at once: market orders, and limit orders that are immediate or cancelled.

An accepted order is filled on the mirror's curve up to its limit, as one step, or closed with the reason why not; what
the limit leaves is cancelled. It is never split between the window and anything else (``execution`` sections 4 and 5).
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.fixed_point import mul_div_ceil, mul_div_floor
from amm.kernel_cache import kernel
from amm.pool import NO_OUTPUT, OK, limit_bits, pool_fee, spot_rao
from amm.shares import bound_buy, bound_sell, cost_within, trading_fee
from amm.steps import buy_in, buy_out, gross_for_net, net_to_price_buy, net_to_price_sell, sell_in
from ledger.engine.balances import position
from ledger.engine.gates import gate_reason, gates_at
from ledger.engine.layout import MAX_AMOUNT, TAO_ASSET, EventKind, Flag, Mode
from ledger.engine.listing import Verb, market_slot, stage_allows
from ledger.engine.pools import RAO, SATURATED, is_beyond_position
from ledger.engine.rules import answer, append, reject
from ledger.engine.setup import account_exists
from ledger.engine.state import Row, State, free_amount
from ledger.errors import Refusal

PPM = 1_000_000

FULL = 0
PARTIAL = 1
BEYOND = 2
"""How far a plan gets: all of the order, up to the limit, or nowhere since the limit lies beyond the curve."""

Plan = tuple[int, int, int, int, int, int, int]
"""``(reach or -pool status, alpha, tao, pool_fee, tao_after, alpha_after, window)``; ``tao`` without trading fee."""


@kernel
def plan_buy(tao: int, alpha: int, w: int, rate: int, cost_max: int, wanted: int, limit: int) -> Plan:
    """Plan a buy of ``wanted`` alpha, or of what ``cost_max`` rao buy when ``wanted`` is 0, up to a limit price.

    The limit holds for the marginal price with pool fee, where the walk ends, and for the whole: the cost is never
    above ``alpha * limit``.
    """
    high, low = limit_bits(bound_buy(limit, rate))
    net_most = net_to_price_buy(tao, alpha, w, high, low)
    reach = FULL
    if wanted > 0:
        status, cost, net, fee, tao_after, alpha_after = buy_out(tao, alpha, w, rate, wanted)
        got = wanted
    else:
        cost = cost_max
        status, net, fee, got, tao_after, alpha_after = buy_in(tao, alpha, w, rate, cost)
    if status != OK or net > net_most:
        if status == NO_OUTPUT:
            return -status, 0, 0, 0, tao, alpha, 0
        if net_most <= 0:
            return BEYOND, 0, 0, 0, tao, alpha, 0
        gross = gross_for_net(net_most, rate)
        if gross < 0 or (wanted == 0 and gross >= cost_max):
            return -status, 0, 0, 0, tao, alpha, 0
        reach = PARTIAL
        cost = gross
        status, net, fee, got, tao_after, alpha_after = buy_in(tao, alpha, w, rate, cost)
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
    """Plan a sale of ``offered`` alpha down to a limit price; the proceeds are never below ``alpha * limit``."""
    high, low = limit_bits(bound_sell(limit, rate))
    net_most = net_to_price_sell(tao, alpha, w, high, low)
    reach = FULL
    given = offered
    if offered - pool_fee(offered, rate) > net_most:
        if net_most <= 0:
            return BEYOND, 0, 0, 0, tao, alpha, 0
        reach = PARTIAL
        given = min(gross_for_net(net_most, rate), offered)
        if given <= 0:
            return BEYOND, 0, 0, 0, tao, alpha, 0
    status, out, fee, _, tao_after, alpha_after = sell_in(tao, alpha, w, rate, given)
    if status != OK:
        return -status, 0, 0, 0, tao, alpha, 0
    least = mul_div_ceil(given, limit, RAO)
    if least < 0 or out < least:
        return BEYOND, 0, 0, 0, tao, alpha, 0
    return reach, given, out, fee, tao_after, alpha_after, out


@kernel
def market_limit(market: Row, sell: int, slippage_ppm: int) -> int:
    """Return the limit price of a market order: the mirror's price, moved by the slippage in the trader's favour.

    Rounded down for buys and up for sales, so that the order never bears more than it accepted.
    """
    if market["mirror_alpha"] <= 0:
        return 0
    price = spot_rao(market["mirror_tao"], market["mirror_alpha"], market["weight"])
    if sell:
        return mul_div_ceil(price, PPM - slippage_ppm, PPM)
    most = mul_div_floor(price, PPM + slippage_ppm, PPM)
    return most if most >= 0 else SATURATED


@kernel
def malformed(state: State, command: Row) -> bool:
    """Refuse an order whose figures make no sense in themselves, and tell whether it was."""
    flags = command["flags"]
    quote = flags & Flag.IN_QUOTE.value
    limited = flags & Flag.LIMIT.value
    resting = limited and not flags & Flag.IOC.value
    if resting or flags & (Flag.FOK.value | Flag.POST_ONLY.value) or (quote and flags & Flag.SELL.value):
        reject(state, command, Refusal.ORDER_TYPE_UNSUPPORTED.value, flags, 0)
        return True
    amount = command["tao"] if quote else command["amount"]
    if not 1 <= amount <= MAX_AMOUNT:
        reject(state, command, Refusal.AMOUNT_OUT_OF_RANGE.value, amount, MAX_AMOUNT)
        return True
    unused = command["amount"] if quote else command["tao"]
    if unused != 0:
        reject(state, command, Refusal.AMOUNT_OUT_OF_RANGE.value, unused, 0)
        return True
    smallest = 1 if limited else 0
    if not smallest <= command["limit"] <= (MAX_AMOUNT if limited else 0):
        reject(state, command, Refusal.LIMIT_OUT_OF_RANGE.value, command["limit"], MAX_AMOUNT if limited else 0)
        return True
    if not 0 <= command["aux"] <= PPM:
        reject(state, command, Refusal.SLIPPAGE_OUT_OF_RANGE.value, command["aux"], PPM)
        return True
    if command["hold"] != 0 and command["hold"] < state.run[0]["ts"]:
        reject(state, command, Refusal.DEADLINE_PASSED.value, state.run[0]["ts"], command["hold"])
        return True
    return False


@kernel
def instant_reason(state: State, market: Row, plan: Plan, sell: int, fee: int) -> int:
    """Return why a plan cannot be filled at once, or 0: the pool, the window, the backing, the position."""
    reach, alpha, tao, window = plan[0], plan[1], plan[2], plan[6]
    if reach == -NO_OUTPUT:
        return Refusal.DUST.value
    if reach < 0:
        return Refusal.POOL_REFUSES.value
    if market["used"] + window > market["cap"]:
        return Refusal.WINDOW_FULL.value
    held = position(state, market["netuid"])
    need = market["target"] - held
    after = need - alpha if sell else need + alpha
    if abs(after) >= abs(need) and is_beyond_position(market, need):
        return Refusal.POSITION_LIMIT.value
    if market["backed"]:
        if sell:
            if state.totals[TAO_ASSET]["house"] < tao - fee:
                return Refusal.NOT_BACKED.value
        elif held < alpha or state.totals[market["netuid"] + 1]["house"] < alpha:
            return Refusal.NOT_BACKED.value
    return 0


@kernel
def decide_order(state: State, command: Row) -> None:
    """Accept an order, and fill it or close it with the reason.

    Refuses, in this order: UNKNOWN_ACCOUNT, UNKNOWN_MARKET, MARKET_STAGE, ORDER_TYPE_UNSUPPORTED, AMOUNT_OUT_OF_RANGE,
    LIMIT_OUT_OF_RANGE, SLIPPAGE_OUT_OF_RANGE, DEADLINE_PASSED, INSUFFICIENT_FUNDS.
    """
    account = command["account"]
    flags = command["flags"]
    sell = 1 if flags & Flag.SELL.value else 0
    if not account_exists(state, account):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, account, state.scalars[0]["accounts"])
    slot = market_slot(state, command["netuid"])
    if slot < 0:
        return reject(state, command, Refusal.UNKNOWN_MARKET.value, command["netuid"], 0)
    market = state.markets[slot]
    verbs = Verb.PLACE_LIMIT.value if flags & Flag.LIMIT.value else Verb.PLACE_MARKET.value
    verbs |= Verb.SELL.value if sell else Verb.BUY.value
    if not stage_allows(market["stage"], verbs):
        return reject(state, command, Refusal.MARKET_STAGE.value, market["stage"], 0)
    if malformed(state, command):
        return None
    ppm = market["taker_ppm"]
    limit = command["limit"] if flags & Flag.LIMIT.value else market_limit(market, sell, command["aux"])
    reason = gate_reason(gates_at(state, market, state.run[0]["ts"]))
    plan = (BEYOND, 0, 0, 0, 0, 0, 0)
    if reason == 0:
        plan = make_plan(market, command, sell, limit, ppm)
    fee = trading_fee(plan[2], ppm)
    if sell:
        needed, owned = command["amount"], free_amount(state, account, command["netuid"] + 1)
    else:
        needed = command["tao"] if flags & Flag.IN_QUOTE.value else plan[2] + fee
        owned = free_amount(state, account, TAO_ASSET)
    if needed > owned:
        return reject(state, command, Refusal.INSUFFICIENT_FUNDS.value, needed, owned)
    if flags & Flag.VALIDATE_ONLY.value:
        return None
    beyond = Refusal.LIMIT_REACHED.value if flags & Flag.LIMIT.value else Refusal.SLIPPAGE_REACHED.value
    if reason == 0:
        reason = beyond if plan[0] == BEYOND else instant_reason(state, market, plan, sell, fee)
    event = append(state, EventKind.ORDER_ACCEPTED.value)
    order_id = event["seq"]
    event["order_id"] = order_id
    event["account"] = account
    event["netuid"] = command["netuid"]
    event["flags"] = flags
    event["amount"] = command["amount"]
    event["tao"] = command["tao"]
    event["limit"] = limit
    event["aux"] = command["aux"]
    event["other"] = command["other"]
    event["payload"] = command["payload"]
    event["pool_alpha"] = market["taker_ppm"]
    event["fee"] = market["maker_ppm"]
    answer(state, event, command)
    if reason == 0:
        append_fill(state, command, plan, order_id, fee)
        reason = beyond if plan[0] == PARTIAL else 0
    event = append(state, EventKind.ORDER_CLOSED.value)
    event["account"] = account
    event["netuid"] = command["netuid"]
    event["flags"] = flags & Flag.SELL.value
    event["order_id"] = order_id
    event["code"] = reason
    return None


@kernel
def make_plan(market: Row, command: Row, sell: int, limit: int, ppm: int) -> Plan:
    """Plan an order on the market's mirror; a total that leaves nothing to spend has no output."""
    tao, alpha = market["mirror_tao"], market["mirror_alpha"]
    if sell:
        return plan_sell(tao, alpha, market["weight"], market["rate"], command["amount"], limit)
    cost = 0
    if command["flags"] & Flag.IN_QUOTE.value:
        cost = cost_within(command["tao"], ppm)
        if cost <= 0:
            return -NO_OUTPUT, 0, 0, 0, tao, alpha, 0
    return plan_buy(tao, alpha, market["weight"], market["rate"], cost, command["amount"], limit)


@kernel
def append_fill(state: State, command: Row, plan: Plan, order_id: int, fee: int) -> None:
    """Fill an order as planned."""
    event = append(state, EventKind.FILLED.value)
    event["account"] = command["account"]
    event["netuid"] = command["netuid"]
    event["flags"] = command["flags"] & Flag.SELL.value
    event["code"] = Mode.INSTANT.value
    event["order_id"] = order_id
    event["amount"] = plan[1]
    event["tao"] = plan[2]
    event["fee"] = fee
    event["limit"] = plan[6]
    event["pool_tao"] = plan[4]
    event["pool_alpha"] = plan[5]
    event["aux"] = plan[3]


@kernel
def decide_cancel(state: State, command: Row) -> None:
    """Cancel a live order. Orders are decided at once, so none is alive between commands: UNKNOWN_ORDER."""
    if not account_exists(state, command["account"]):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, command["account"], state.scalars[0]["accounts"])
    return reject(state, command, Refusal.UNKNOWN_ORDER.value, command["order_id"], 0)
