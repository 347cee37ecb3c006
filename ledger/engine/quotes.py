"""Firm quotes: exact amounts that bind the house for a while, whatever the head becomes (``execution`` section 6).

A quote holds the customer's funds, counts into the window and moves the mirror from the moment it is issued; taking it
is the fill of those amounts to the rao. ``waiting.py`` tells what that does to the tables.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from amm.pool import NO_OUTPUT, OK
from amm.shares import cost_within, trading_fee
from amm.steps import buy_in, buy_out, sell_in
from ledger.engine.balances import position
from ledger.engine.book import TIMES, first_on, next_on
from ledger.engine.curve import FULL, Plan, plan_buy, plan_sell
from ledger.engine.evolve import apply_out
from ledger.engine.gates import gate_reason, gates_at
from ledger.engine.layout import MAX_AMOUNT, TAO_ASSET, EventKind, Flag, Mode, OrderState
from ledger.engine.listing import Verb, market_slot, stage_allows
from ledger.engine.parameters import DAY_MS, QUOTE_LIFE_MIN_MS, QUOTES_PER_ACCOUNT
from ledger.engine.pools import mirror_of, pending_of
from ledger.engine.reach import reach_resting
from ledger.engine.rules import answer, append, reject
from ledger.engine.setup import account_exists
from ledger.engine.slab import find_order
from ledger.engine.state import Row, State, free_amount, int64
from ledger.engine.take import instant_reason
from ledger.engine.tiers import fee_ppm
from ledger.errors import Refusal


@kernel
def life_ms(state: State, asked: int) -> int:
    """Return how long a firm quote lives, ms: as long as asked, but between a second and one block interval."""
    longest = max(min(state.scalars[0]["interval"], DAY_MS), QUOTE_LIFE_MIN_MS)  # what a chain tells may be absurd
    return min(max(asked, QUOTE_LIFE_MIN_MS), longest)


@kernel
def find_quote(state: State, account: int, quote_id: int) -> int:
    """Return the slot of an account's quote that lives at the time of the batch, or -1."""
    slot = find_order(state, quote_id)
    if slot < 0:
        return -1
    quote = state.orders[slot]
    alive = quote["state"] == OrderState.QUOTE.value and quote["expires"] > state.run[0]["ts"]
    return slot if alive and quote["account"] == account else -1


@kernel
def plan_quote(market: Row, command: Row, sell: int, cost: int) -> Plan:
    """Plan the whole amount on the mirror, at any price, or within the limit that the command names."""
    tao, alpha = market["mirror_tao"], market["mirror_alpha"]
    weight, rate, limit = market["weight"], market["rate"], command["limit"]
    if sell:
        if limit > 0:
            return plan_sell(tao, alpha, weight, rate, command["amount"], limit)
        status, out, fee, _, tao_after, alpha_after = sell_in(tao, alpha, weight, rate, command["amount"])
        return (FULL if status == OK else -status), command["amount"], out, fee, tao_after, alpha_after, out
    if limit > 0:
        return plan_buy(tao, alpha, weight, rate, cost, command["amount"], limit)
    got = command["amount"]
    if got > 0:
        status, spent, net, fee, tao_after, alpha_after = buy_out(tao, alpha, weight, rate, got)
    else:
        spent = cost
        status, net, fee, got, tao_after, alpha_after = buy_in(tao, alpha, weight, rate, cost)
    return (FULL if status == OK else -status), got, spent, fee, tao_after, alpha_after, net


@kernel
def malformed_quote(state: State, command: Row) -> bool:
    """Refuse a quote whose figures make no sense in themselves, and tell whether it was."""
    flags = command["flags"]
    quote = flags & Flag.IN_QUOTE.value
    if quote and flags & Flag.SELL.value:
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
    if not 0 <= command["limit"] <= MAX_AMOUNT:
        reject(state, command, Refusal.LIMIT_OUT_OF_RANGE.value, command["limit"], MAX_AMOUNT)
        return True
    return False


@kernel
def quote_reason(state: State, market: Row, plan: Plan, sell: int, fee: int) -> int:
    """Return why a planned quote cannot bind the house, or 0."""
    if plan[0] == -NO_OUTPUT or (plan[0] == FULL and (plan[1] <= 0 or plan[2] <= 0)):
        return Refusal.QUOTE_TOO_SMALL.value
    if plan[0] > FULL:
        return Refusal.LIMIT_REACHED.value
    if plan[0] < FULL:
        return Refusal.POOL_REFUSES.value
    walked = state.walk[0]
    walked["window"] = plan[6]
    walked["curve_alpha"] = plan[1]
    walked["curve_tao"] = plan[2]
    walked["curve_fee"] = fee
    return instant_reason(state, market, sell)


@kernel
def decide_issue_quote(state: State, command: Row) -> None:
    """Bind the house to exact amounts until a time, with the customer's funds held.

    Refuses, in this order: UNKNOWN_ACCOUNT, UNKNOWN_MARKET, MARKET_STAGE, ORDER_TYPE_UNSUPPORTED, AMOUNT_OUT_OF_RANGE,
    LIMIT_OUT_OF_RANGE, TOO_MANY, what closes instant mode, QUOTE_TOO_SMALL, LIMIT_REACHED, POOL_REFUSES, WINDOW_FULL,
    POSITION_LIMIT, NOT_BACKED, INSUFFICIENT_FUNDS.
    """
    account = command["account"]
    sell = 1 if command["flags"] & Flag.SELL.value else 0
    if not account_exists(state, account):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, account, state.scalars[0]["accounts"])
    slot = market_slot(state, command["netuid"])
    if slot < 0:
        return reject(state, command, Refusal.UNKNOWN_MARKET.value, command["netuid"], 0)
    market = state.markets[slot]
    if not stage_allows(market["stage"], Verb.PLACE_MARKET.value | (Verb.SELL.value if sell else Verb.BUY.value)):
        return reject(state, command, Refusal.MARKET_STAGE.value, market["stage"], 0)
    if malformed_quote(state, command):
        return None
    alive = int64(state.customers[account - 1]["quotes"])
    if alive >= QUOTES_PER_ACCOUNT:
        return reject(state, command, Refusal.TOO_MANY.value, alive, QUOTES_PER_ACCOUNT)
    reason = gate_reason(gates_at(state, market, state.run[0]["ts"]))
    if reason != 0:
        return reject(state, command, reason, 0, 0)
    ppm, _ = fee_ppm(state, market, account)
    cost = 0
    if command["flags"] & Flag.IN_QUOTE.value:
        cost = cost_within(command["tao"], ppm)
        if cost <= 0:
            return reject(state, command, Refusal.QUOTE_TOO_SMALL.value, 0, 0)
    plan = plan_quote(market, command, sell, cost)
    fee = trading_fee(plan[2], ppm)
    reason = quote_reason(state, market, plan, sell, fee)
    if reason != 0:
        return reject(state, command, reason, 0, 0)
    hold = plan[1] if sell else plan[2] + fee
    owned = free_amount(state, account, command["netuid"] + 1 if sell else TAO_ASSET)
    if hold > owned:
        return reject(state, command, Refusal.INSUFFICIENT_FUNDS.value, hold, owned)
    event = append(state, EventKind.QUOTE_ISSUED.value)
    event["order_id"] = event["seq"]
    event["account"] = account
    event["netuid"] = command["netuid"]
    event["flags"] = command["flags"] & Flag.SELL.value
    event["amount"] = plan[1]
    event["tao"] = plan[2]
    event["fee"] = fee
    event["hold"] = hold
    event["limit"] = plan[6]
    event["aux"] = state.run[0]["ts"] + life_ms(state, command["aux"])
    event["pool_tao"] = plan[4]
    event["pool_alpha"] = plan[5]
    return answer(state, event, command)


@kernel
def decide_take_quote(state: State, command: Row) -> None:
    """Fill a living quote at its amounts. Refuses: UNKNOWN_ACCOUNT, UNKNOWN_QUOTE."""
    if not account_exists(state, command["account"]):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, command["account"], state.scalars[0]["accounts"])
    slot = find_quote(state, command["account"], command["order_id"])
    if slot < 0:
        return reject(state, command, Refusal.UNKNOWN_QUOTE.value, command["order_id"], 0)
    quote = state.orders[slot]
    market = state.markets[quote["market"]]
    event = append(state, EventKind.QUOTE_TAKEN.value)
    event["account"] = quote["account"]
    event["netuid"] = market["netuid"]
    event["order_id"] = quote["order_id"]
    event["code"] = Mode.INSTANT.value
    event["flags"] = quote["flags"] & Flag.SELL.value
    event["amount"] = quote["amount"]
    event["tao"] = quote["tao"]
    event["fee"] = quote["fee"]
    event["hold"] = quote["held"]
    # What was pending for the quote is now in the house account: their sum, and with it the mirror, stays.
    event["pool_tao"] = market["mirror_tao"]
    event["pool_alpha"] = market["mirror_alpha"]
    return answer(state, event, command)


@kernel
def decide_release_quote(state: State, command: Row) -> None:
    """Give a living quote up. Refuses: UNKNOWN_ACCOUNT, UNKNOWN_QUOTE."""
    if not account_exists(state, command["account"]):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, command["account"], state.scalars[0]["accounts"])
    slot = find_quote(state, command["account"], command["order_id"])
    if slot < 0:
        return reject(state, command, Refusal.UNKNOWN_QUOTE.value, command["order_id"], 0)
    market = state.orders[slot]["market"]
    answer(state, append_quote_end(state, slot, Refusal.QUOTE_RELEASED.value), command)
    apply_out(state)
    return reach_resting(state, market)


@kernel
def append_quote_end(state: State, slot: int, reason: int) -> Row:
    """End a quote that was not taken: its hold goes back, the mirror is built anew from the head without it."""
    quote = state.orders[slot]
    market = state.markets[quote["market"]]
    sell = quote["flags"] & Flag.SELL.value
    event = append(state, EventKind.QUOTE_ENDED.value)
    event["account"] = quote["account"]
    event["netuid"] = market["netuid"]
    event["order_id"] = quote["order_id"]
    event["flags"] = sell
    event["code"] = reason
    event["hold"] = quote["held"]
    pending = pending_of(market, position(state, market["netuid"]))
    tao, alpha = mirror_of(market, pending + quote["amount"] if sell else pending - quote["amount"])
    event["pool_tao"] = tao
    event["pool_alpha"] = alpha
    return event


@kernel
def end_quotes(state: State, market: int, reason: int) -> None:
    """End all quotes of a market (its slot), in the order in which their time would have come."""
    slot = first_on(state, TIMES)
    while slot >= 0:
        ends = state.orders[slot]["state"] == OrderState.QUOTE.value and state.orders[slot]["market"] == market
        following = next_on(state, TIMES, slot)
        if ends:
            append_quote_end(state, slot, reason)
            apply_out(state)
        slot = following
