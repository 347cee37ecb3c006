"""The walk of a taker over the other side of the book and the mirror's curve, the better marginal price first.

``execution`` section 4. The order is the row of ``State.work``, which follows its parts; the parts are appended and
not applied, so that a walk that is not executed is taken back (``rules.retract``). Each resting order is met once.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.fixed_point import mul_div_ceil, mul_div_floor
from amm.kernel_cache import kernel
from amm.pool import NO_OUTPUT
from ledger.engine.book import first_on, next_on, shelf_place
from ledger.engine.curve import BEYOND, FULL, PARTIAL, plan_buy, plan_sell
from ledger.engine.layout import EventKind, Flag, Mode, Shelf, Trait
from ledger.engine.moves import append_close, append_of
from ledger.engine.pools import RAO, SATURATED
from ledger.engine.state import State
from ledger.engine.terms import (
    MAKER,
    TAKER,
    alpha_at,
    crosses_pool,
    fee_part,
    in_quote,
    is_sale,
    open_alpha,
    open_amount,
    released_by,
)
from ledger.errors import Refusal

WHOLE, PRESENT, BOOK = 0, 1, 2
"""What a walk takes: book and curve; resting orders better than the mirror's present price; the book to the limit."""

FILLED, LIMITED, DUST, SELF_TRADE = 0, 1, 2, 3
"""How a walk ends: nothing is open, nothing more within the limit, too little is open, its own order stands there."""

CUT = 3
"""Beside what ``curve`` tells of a step: the budget ends it, a few rao before the limit does."""

UNBOUNDED = 2**62
"""A budget beyond all money."""


@kernel
def begin_walk(state: State, budget: int) -> None:
    """Begin a walk of the working order on the mirror as it is; a buy pays at most ``budget``, rao of TAO."""
    walk = state.walk[0]
    market = state.markets[state.work[0]["market"]]
    walk["ending"] = LIMITED
    walk["arrived"] = 0
    walk["refused"] = 0
    walk["fills"] = 0
    walk["paid"] = 0
    walk["budget"] = budget
    walk["window"] = 0
    walk["curve_alpha"] = 0
    walk["curve_tao"] = 0
    walk["curve_fee"] = 0
    walk["pool_tao"] = market["mirror_tao"]
    walk["pool_alpha"] = market["mirror_alpha"]


@kernel
def note_taken(state: State, alpha: int, cost: int, fee: int, released: int) -> None:
    """Let the working order follow a part of it."""
    order, walk = state.work[0], state.walk[0]
    order["alpha"] += alpha
    order["tao"] += cost
    order["fee"] += fee
    order["held"] -= released
    walk["fills"] += 1
    walk["paid"] += cost + fee
    walk["budget"] -= cost + fee


@kernel
def fee_of_taker(state: State, cost: int, role: int) -> int:
    """Return the fee of the working order's next part; a buy pays no fee for which nothing is left."""
    order = state.work[0]
    fee = fee_part(order, cost, role)
    if order["flags"] & Flag.SELL.value:
        return fee
    return max(min(fee, state.walk[0]["budget"] - cost), 0)


@kernel
def step_on_curve(state: State, target: int, role: int) -> int:
    """Take one step of the working order on the curve up to a price; what ``curve`` tells of it, or CUT."""
    order, walk = state.work[0], state.walk[0]
    market = state.markets[order["market"]]
    tao, alpha, left = walk["pool_tao"], walk["pool_alpha"], open_amount(order)
    sell = is_sale(order)
    cut = False
    if sell:
        plan = plan_sell(tao, alpha, market["weight"], market["rate"], left, target)
    else:
        quote = in_quote(order)
        plan = plan_buy(
            tao, alpha, market["weight"], market["rate"], left if quote else 0, 0 if quote else left, target
        )
        if plan[0] in (FULL, PARTIAL) and plan[2] > walk["budget"]:
            if walk["budget"] <= 0:
                return -NO_OUTPUT
            cut = True
            plan = plan_buy(tao, alpha, market["weight"], market["rate"], walk["budget"], 0, target)
    if plan[0] < 0 or plan[0] == BEYOND:
        return plan[0]
    fee = fee_of_taker(state, plan[2], role)
    released = released_by(order, plan[1], plan[2], fee)
    event = append_of(state, EventKind.FILLED.value, order)
    if role == MAKER:
        event["flags"] |= Flag.MAKER.value
    event["code"] = Mode.INSTANT.value
    event["amount"] = plan[1]
    event["tao"] = plan[2]
    event["fee"] = fee
    event["limit"] = plan[6]
    event["hold"] = released
    event["pool_tao"] = plan[4]
    event["pool_alpha"] = plan[5]
    event["aux"] = plan[3]
    note_taken(state, plan[1], plan[2], fee, released)
    walk["pool_tao"] = plan[4]
    walk["pool_alpha"] = plan[5]
    walk["window"] += plan[6]
    walk["curve_alpha"] += plan[1]
    walk["curve_tao"] += plan[2]
    walk["curve_fee"] += fee
    return CUT if cut else plan[0]


@kernel
def cost_of(alpha: int, price: int, maker_sells: int) -> int:
    """Return the cost of a cross, rao: rounded for the maker, who never gets less than its limit; saturating."""
    cost = mul_div_ceil(alpha, price, RAO) if maker_sells else mul_div_floor(alpha, price, RAO)
    return cost if cost >= 0 else SATURATED


@kernel
def affordable(alpha: int, price: int, maker_sells: int, money: int) -> int:
    """Return as much of ``alpha`` as ``money`` pays at a price."""
    if cost_of(alpha, price, maker_sells) <= money:
        return alpha
    most = mul_div_floor(max(money, 0), RAO, price)
    return min(alpha, most) if most >= 0 else alpha


@kernel
def cross(state: State, slot: int) -> int:
    """Cross the working order with a resting one at its limit price.

    Returns 1 where the resting order is done: all that it offers is taken, or its hold is spent; 0 where the taker is;
    -1 where the taker's rest is dust. A resting order too small to cost anything is closed as dust itself.
    """
    order, maker = state.work[0], state.orders[slot]
    price = maker["limit"]
    maker_sells = is_sale(maker)
    offered, wanted = open_alpha(maker, price), open_alpha(order, price)
    alpha = min(offered, wanted)
    if alpha <= 0 or cost_of(alpha, price, maker_sells) <= 0:
        if offered < wanted:
            append_close(state, maker, Refusal.DUST.value)
            return 1
        return -1
    alpha = affordable(alpha, price, maker_sells, state.walk[0]["budget"] if maker_sells else maker["held"])
    cost = cost_of(alpha, price, maker_sells)
    if alpha <= 0 or cost <= 0:
        if not maker_sells:
            append_close(state, maker, Refusal.DUST.value)
            return 1
        return -1
    taker_fee, maker_fee = fee_of_taker(state, cost, TAKER), fee_part(maker, cost, MAKER)
    released, maker_released = released_by(order, alpha, cost, taker_fee), released_by(maker, alpha, cost, maker_fee)
    event = append_of(state, EventKind.CROSSED.value, order)
    event["other"] = maker["account"]
    event["aux"] = maker["order_id"]
    event["amount"] = alpha
    event["tao"] = cost
    event["fee"] = taker_fee
    event["limit"] = maker_fee
    event["hold"] = released
    event["pool_tao"] = maker_released
    event["pool_alpha"] = price
    note_taken(state, alpha, cost, taker_fee, released)
    left = maker["held"] - maker_released
    short = alpha < offered and alpha < wanted and not maker_sells
    done = alpha == offered
    if in_quote(maker):
        done = done or alpha_at(min(maker["amount"] - maker["tao"] - cost, left), price) <= 0
    if done or short:
        event = append_close(state, maker, 0 if done else Refusal.DUST.value)
        event["hold"] = left
        return 1
    return 0


@kernel
def meet_own(state: State, slot: int) -> bool:
    """Meet a resting order of the same account: cancel it, or end the walk, or both; True where the walk goes on."""
    traits = state.work[0]["traits"]
    if traits & (Trait.STP_OLDEST.value | Trait.STP_BOTH.value):
        append_close(state, state.orders[slot], Refusal.SELF_TRADE.value)
    return traits & Trait.STP_OLDEST.value != 0


@kernel
def reaches_curve(state: State, price: int, sell: int) -> bool:
    """Tell whether a taker up to a price finds anything on the curve where the walk stands."""
    walk = state.walk[0]
    market = state.markets[state.work[0]["market"]]
    return crosses_pool(sell, price, walk["pool_tao"], walk["pool_alpha"], market["weight"], market["rate"])


@kernel
def is_better(state: State, price: int, sell: int, curve: int) -> bool:
    """Tell whether a resting order at a price is at least as good for the taker as the curve with pool fee."""
    if not curve:
        return True
    arrived = state.walk[0]["arrived"]
    # Where a step ended the pool's price is a rounding away from the resting order's, and no further step exists.
    if arrived != 0 and ((sell and price >= arrived) or (not sell and price <= arrived)):
        return True
    return not reaches_curve(state, price, sell)


@kernel
def walk_on(state: State, scope: int) -> int:
    """Walk the working order as far as it goes, and return how that ends."""
    order, walk = state.work[0], state.walk[0]
    sell = is_sale(order)
    limit = order["limit"]
    place = shelf_place(order["market"], Shelf.BIDS.value if sell else Shelf.ASKS.value)
    curve = 1 if scope != BOOK and walk["pool_tao"] > 0 and walk["pool_alpha"] > 0 else 0
    slot = first_on(state, place)
    while open_amount(order) > 0:
        price = 0
        if slot >= 0:
            price = state.orders[slot]["limit"]
            if (sell and price < limit) or (not sell and price > limit):
                slot = -1
        if slot >= 0 and is_better(state, price, sell, curve):
            following = next_on(state, place, slot)
            if state.orders[slot]["account"] == order["account"]:
                if not meet_own(state, slot):
                    return SELF_TRADE
                slot = following
                continue
            crossed = cross(state, slot)
            if crossed < 0:
                return DUST
            if crossed > 0:
                slot = following
            continue
        if not curve or scope == PRESENT:
            return LIMITED
        if slot < 0 and not reaches_curve(state, limit, sell):
            return LIMITED
        target = price if slot >= 0 else limit
        reach = step_on_curve(state, target, TAKER)
        if reach in (-NO_OUTPUT, CUT):
            return DUST
        if reach < 0:
            curve = 0
            walk["refused"] = 1
        elif reach != FULL:
            if slot < 0 and open_amount(order) > 0:
                return LIMITED
            walk["arrived"] = target
    return FILLED


@kernel
def walk(state: State, scope: int, budget: int) -> None:
    """Walk the working order over what ``scope`` tells; ``State.walk`` tells how it went.

    What is left within the limit and buys nothing at it (of rao to spend) is dust, not an order the limit holds back.
    """
    begin_walk(state, budget)
    order, ending = state.work[0], walk_on(state, scope)
    if ending == LIMITED and open_alpha(order, order["limit"]) <= 0:
        ending = DUST
    state.walk[0]["ending"] = ending
