"""Placing an order: what it must be to be accepted, and its acceptance. What then becomes of it ``take.py`` decides.

``execution`` section 4, and the table of verbs of ``listing.py``.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from amm.shares import cost_within
from ledger.engine.layout import MAX_AMOUNT, TAO_ASSET, EventKind, Flag, Trait
from ledger.engine.listing import PPM, Verb, market_slot, stage_allows
from ledger.engine.live import SECOND_MS
from ledger.engine.moves import append_arm, append_close
from ledger.engine.parameters import ORDERS_PER_ACCOUNT
from ledger.engine.rules import answer, append, reject, retract
from ledger.engine.setup import account_exists
from ledger.engine.state import Row, State, free_amount, int64
from ledger.engine.take import pays_from_free, take
from ledger.engine.terms import AT_ONCE, STOPS, armed_hold, hold_needed, market_limit, open_amount
from ledger.engine.tiers import fee_ppm
from ledger.errors import Refusal

_TRAITS = STOPS | Trait.ON_INDEX.value | Trait.STP_OLDEST.value | Trait.STP_BOTH.value
_STP = Trait.STP_OLDEST.value | Trait.STP_BOTH.value
_FLAGS = (
    Flag.SELL.value | Flag.LIMIT.value | AT_ONCE | Flag.POST_ONLY.value | Flag.IN_QUOTE.value | Flag.VALIDATE_ONLY.value
)


@kernel
def verbs_of(flags: int) -> int:
    """Return what a stage must allow for an order: post-only orders only rest, other limit orders may trade too."""
    if flags & Flag.POST_ONLY.value:
        verbs = Verb.POST.value
    elif flags & Flag.LIMIT.value:
        verbs = Verb.PLACE_LIMIT.value
        if flags & AT_ONCE == 0:
            verbs |= Verb.POST.value
    else:
        verbs = Verb.PLACE_MARKET.value
    return verbs | (Verb.SELL.value if flags & Flag.SELL.value else Verb.BUY.value)


@kernel
def is_offered(flags: int, traits: int) -> bool:
    """Tell whether this combination of flags and traits is an order."""
    limited = flags & Flag.LIMIT.value != 0
    if flags & ~_FLAGS or traits & ~_TRAITS:
        return False
    if flags & Flag.IN_QUOTE.value and flags & Flag.SELL.value:
        return False
    if flags & AT_ONCE == AT_ONCE or traits & STOPS == STOPS or traits & _STP == _STP:
        return False
    if flags & Flag.POST_ONLY.value and (not limited or flags & AT_ONCE or traits & STOPS):
        return False
    return traits & STOPS != 0 or traits & Trait.ON_INDEX.value == 0


@kernel
def malformed(state: State, command: Row) -> bool:
    """Refuse an order whose figures make no sense in themselves, and tell whether it was."""
    flags, traits = command["flags"], command["code"]
    quote = flags & Flag.IN_QUOTE.value
    if not is_offered(flags, traits):
        reject(state, command, Refusal.ORDER_TYPE_UNSUPPORTED.value, flags, traits)
        return True
    amount = command["tao"] if quote else command["amount"]
    if not 1 <= amount <= MAX_AMOUNT:
        reject(state, command, Refusal.AMOUNT_OUT_OF_RANGE.value, amount, MAX_AMOUNT)
        return True
    unused = command["amount"] if quote else command["tao"]
    if unused != 0:
        reject(state, command, Refusal.AMOUNT_OUT_OF_RANGE.value, unused, 0)
        return True
    if is_price_out(state, command, command["limit"], flags & Flag.LIMIT.value, Refusal.LIMIT_OUT_OF_RANGE.value):
        return True
    if is_price_out(state, command, command["order_id"], traits & STOPS, Refusal.TRIGGER_OUT_OF_RANGE.value):
        return True
    if not 0 <= command["aux"] <= PPM:
        reject(state, command, Refusal.SLIPPAGE_OUT_OF_RANGE.value, command["aux"], PPM)
        return True
    ts = state.run[0]["ts"]
    if command["key"] != 0 and command["key"] * SECOND_MS <= ts:
        reject(state, command, Refusal.EXPIRY_OUT_OF_RANGE.value, command["key"], ts // SECOND_MS)
        return True
    return is_late(state, command)


@kernel
def is_price_out(state: State, command: Row, price: int, present: int, code: int) -> bool:
    """Refuse a price that is out of range, or that stands where there must be none, and tell whether it was."""
    smallest, most = (1, MAX_AMOUNT) if present else (0, 0)
    if smallest <= price <= most:
        return False
    reject(state, command, code, price, most)
    return True


@kernel
def is_late(state: State, command: Row) -> bool:
    """Refuse a command whose deadline has passed, and tell whether it was."""
    ts = state.run[0]["ts"]
    if command["hold"] == 0 or command["hold"] >= ts:
        return False
    reject(state, command, Refusal.DEADLINE_PASSED.value, ts, command["hold"])
    return True


@kernel
def compose(state: State, command: Row, market: int, limit: int) -> None:
    """Write an order that is being placed into the working row, as its acceptance will write it into the slab."""
    order = state.work[0]
    flags = command["flags"]
    taker_ppm, maker_ppm = fee_ppm(state, state.markets[market], command["account"])
    order["order_id"] = state.scalars[0]["seq"] + 1
    order["account"] = command["account"]
    order["market"] = market
    order["flags"] = flags
    order["traits"] = command["code"]
    order["state"] = 0
    order["limit"] = limit
    order["trigger"] = command["order_id"]
    order["slippage_ppm"] = command["aux"]
    order["amount"] = command["amount"]
    order["total"] = 0
    if flags & Flag.IN_QUOTE.value:
        order["total"] = command["tao"]
        order["amount"] = cost_within(command["tao"], taker_ppm)
    order["alpha"] = 0
    order["tao"] = 0
    order["fee"] = 0
    order["held"] = 0
    order["taker_ppm"] = taker_ppm
    order["maker_ppm"] = maker_ppm


@kernel
def append_accepted(state: State, command: Row) -> None:
    """Accept the working order."""
    order = state.work[0]
    event = append(state, EventKind.ORDER_ACCEPTED.value)
    event["order_id"] = event["seq"]
    event["account"] = command["account"]
    event["netuid"] = command["netuid"]
    event["flags"] = order["flags"]
    event["code"] = order["traits"]
    event["amount"] = command["amount"]
    event["tao"] = command["tao"]
    event["limit"] = order["limit"]
    event["aux"] = command["aux"]
    event["key"] = command["key"]
    event["pool_tao"] = order["trigger"]
    event["pool_alpha"] = order["taker_ppm"]
    event["fee"] = order["maker_ppm"]
    event["other"] = command["other"]
    event["payload"] = command["payload"]
    answer(state, event, command)


@kernel
def funds_needed(order: Row) -> int:
    """Return what must be free to place an order, rao of what it gives away; 0 where only its plan tells."""
    if order["traits"] & STOPS:
        return armed_hold(order)
    if order["flags"] & Flag.IN_QUOTE.value:
        return order["total"]
    return 0 if pays_from_free(order) else hold_needed(order, open_amount(order))


@kernel
def decide_order(state: State, command: Row) -> None:
    """Accept an order, and decide what becomes of it.

    Refuses, in this order: UNKNOWN_ACCOUNT, UNKNOWN_MARKET, MARKET_STAGE, ORDER_TYPE_UNSUPPORTED, AMOUNT_OUT_OF_RANGE,
    LIMIT_OUT_OF_RANGE, TRIGGER_OUT_OF_RANGE, SLIPPAGE_OUT_OF_RANGE, EXPIRY_OUT_OF_RANGE, DEADLINE_PASSED, TOO_MANY,
    POOL_CLOSED (a market order where no pool tells a price), INSUFFICIENT_FUNDS. A post-only order that would trade is
    accepted and closed with POST_ONLY_WOULD_TRADE, so that its owner finds it; only where it was to be checked it is
    refused.
    """
    account = command["account"]
    flags = command["flags"]
    if not account_exists(state, account):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, account, state.scalars[0]["accounts"])
    slot = market_slot(state, command["netuid"])
    if slot < 0:
        return reject(state, command, Refusal.UNKNOWN_MARKET.value, command["netuid"], 0)
    market = state.markets[slot]
    if not stage_allows(market["stage"], verbs_of(flags)):
        return reject(state, command, Refusal.MARKET_STAGE.value, market["stage"], 0)
    if malformed(state, command):
        return None
    orders = int64(state.customers[account - 1]["orders"])
    if orders >= ORDERS_PER_ACCOUNT:
        return reject(state, command, Refusal.TOO_MANY.value, orders, ORDERS_PER_ACCOUNT)
    limit = command["limit"]
    armed = command["code"] & STOPS != 0
    sell = 1 if flags & Flag.SELL.value else 0
    if flags & Flag.LIMIT.value == 0 and not armed:
        if market["mirror_tao"] <= 0 or market["mirror_alpha"] <= 0:
            return reject(state, command, Refusal.POOL_CLOSED.value, command["netuid"], 0)
        limit = market_limit(market, sell, command["aux"])
    compose(state, command, slot, limit)
    order = state.work[0]
    needed = funds_needed(order)
    owned = free_amount(state, account, command["netuid"] + 1 if sell else TAO_ASSET)
    if needed > owned:
        return reject(state, command, Refusal.INSUFFICIENT_FUNDS.value, needed, owned)
    run = state.run[0]
    begin = run["count"]
    append_accepted(state, command)
    code = 0
    if armed:
        append_arm(state, order)
    else:
        code = take(state, flags & Flag.POST_ONLY.value)
    if code == Refusal.POST_ONLY_WOULD_TRADE.value and flags & Flag.VALIDATE_ONLY.value == 0:
        retract(state, begin + 1)
        append_close(state, state.work[1], code)
        code = 0
    if code != 0 or flags & Flag.VALIDATE_ONLY.value:
        retract(state, begin)
        run["reference"] = 0
    if code != 0:
        return reject(state, command, code, run["value"], run["bound"])
    return None
