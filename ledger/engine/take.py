"""What becomes of an order that takes: its mode, decided once, and where what is left of it goes.

``execution`` section 4, "Mode of a taker". The order is the row of ``State.work``; a second row keeps it as it was.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.balances import position
from ledger.engine.evolve import apply_out
from ledger.engine.gates import gate_reason, gates_at, is_tradable
from ledger.engine.layout import TAO_ASSET, Flag
from ledger.engine.moves import append_close, append_queue, append_rest, free_for
from ledger.engine.pools import is_beyond_position
from ledger.engine.rules import retract
from ledger.engine.state import Row, State
from ledger.engine.terms import crosses_head, in_quote, is_sale, lasts, limit_hold, open_amount
from ledger.engine.walk import BOOK, DUST, FILLED, LIMITED, PRESENT, SELF_TRADE, UNBOUNDED, WHOLE, walk
from ledger.errors import Refusal


@kernel
def work_on(state: State, slot: int) -> None:
    """Make a live order the working one."""
    state.work[0] = state.orders[slot]


@kernel
def instant_reason(state: State, market: Row, sell: int) -> int:
    """Return why the curve's part of a walk cannot be filled at once, or 0: the gates, window, position, backing."""
    walked = state.walk[0]
    reason = gate_reason(gates_at(state, market, state.run[0]["ts"]))
    if reason != 0:
        return reason
    if market["used"] + walked["window"] > market["cap"]:
        return Refusal.WINDOW_FULL.value
    alpha = walked["curve_alpha"]
    # What firm quotes promise is spent already, whether they are taken or not.
    held = position(state, market["netuid"])
    need = market["target"] - held + market["firm_pending"]
    after = need - alpha if sell else need + alpha
    if abs(after) >= abs(need) and is_beyond_position(market, need):
        return Refusal.POSITION_LIMIT.value
    if market["backed"]:
        if sell:
            paid = walked["curve_tao"] - walked["curve_fee"] + state.scalars[0]["firm_tao"]
            if state.totals[TAO_ASSET]["house"] < paid:
                return Refusal.NOT_BACKED.value
        elif min(held, state.totals[market["netuid"] + 1]["house"]) < alpha + market["firm_alpha"]:
            return Refusal.NOT_BACKED.value
    return 0


@kernel
def budget_of(order: Row, free: int) -> int:
    """Return what an order may pay in all, rao: what is held, asked or free. A fresh market buy is planned first."""
    if order["held"] > 0:
        return order["held"]
    if in_quote(order):
        return order["total"]
    return free if order["flags"] & Flag.LIMIT.value else UNBOUNDED


@kernel
def free_left(state: State, free: int) -> int:
    """Return what the walk has left of the free balance of the asset that the working order gives away, rao."""
    order = state.work[0]
    return free - (order["alpha"] if is_sale(order) else state.walk[0]["paid"])


@kernel
def out_of_reach(order: Row) -> int:
    """Return the reason that closes an order whose limit nothing reaches any more."""
    return Refusal.LIMIT_REACHED.value if order["flags"] & Flag.LIMIT.value else Refusal.SLIPPAGE_REACHED.value


@kernel
def append_ending(state: State, free: int) -> None:
    """Close or rest the working order after a walk that was executed."""
    order, walked = state.work[0], state.walk[0]
    ending = walked["ending"]
    if ending == FILLED:
        append_close(state, order, 0)
    elif ending == DUST:
        append_close(state, order, Refusal.DUST.value)
    elif ending == SELF_TRADE:
        append_close(state, order, Refusal.SELF_TRADE.value)
    elif lasts(order):
        append_rest(state, order, free_left(state, free), 0)
    else:
        append_close(state, order, Refusal.POOL_REFUSES.value if walked["refused"] else out_of_reach(order))


@kernel
def pays_from_free(order: Row) -> bool:
    """Tell whether an order is a fresh market buy in alpha, whose cost only its plan tells."""
    return order["held"] <= 0 and order["flags"] & (Flag.SELL.value | Flag.IN_QUOTE.value | Flag.LIMIT.value) == 0


@kernel
def is_filled(state: State) -> bool:
    """Tell whether a walk fills the working order: all of it, or of rao to spend all that buy anything."""
    walked = state.walk[0]
    if walked["ending"] == FILLED:
        return True
    return walked["ending"] == DUST and in_quote(state.work[0]) and walked["fills"] > 0


@kernel
def take(state: State, post_only: int) -> int:
    """Decide the working order as a taker: fill it at once, or queue it, rest it or close it with the reason.

    Appends and does not apply. Returns 0, or why a fresh or amended order is to be refused whole, which is left to the
    caller with all events: POST_ONLY_WOULD_TRADE, INSUFFICIENT_FUNDS (``run.value`` needed, ``run.bound`` free).
    """
    run = state.run[0]
    order, walked = state.work[0], state.walk[0]
    market = state.markets[order["market"]]
    sell = is_sale(order)
    free = free_for(state, order)
    if order["flags"] & Flag.LIMIT.value == 0 and (market["mirror_tao"] <= 0 or market["mirror_alpha"] <= 0):
        append_close(state, order, Refusal.POOL_CLOSED.value)
        return 0
    if open_amount(order) <= 0:
        append_close(state, order, Refusal.DUST.value)
        return 0
    begin = run["count"]
    state.work[1] = state.work[0]
    walk(state, WHOLE, budget_of(order, free))
    if post_only and walked["fills"] > 0:
        return Refusal.POST_ONLY_WOULD_TRADE.value
    reason = instant_reason(state, market, sell) if walked["window"] > 0 else 0
    limit, fresh = order["limit"], pays_from_free(state.work[1])
    if fresh:
        needed = walked["paid"]
        if reason != 0:
            needed = limit_hold(0, order["amount"], limit, order["taker_ppm"])
        if needed > free:
            run["value"] = needed
            run["bound"] = free
            return Refusal.INSUFFICIENT_FUNDS.value
    killed = order["flags"] & Flag.FOK.value != 0 and (reason != 0 or not is_filled(state))
    if reason == 0 and not killed:
        append_ending(state, free)
        return 0
    retract(state, begin)
    state.work[0] = state.work[1]
    if killed:
        append_close(state, order, Refusal.FOK_NOT_FILLABLE.value)
        return 0
    queues = crosses_head(market, sell, limit) and is_tradable(state, market)
    # What will stand in the book must not stand beyond the other side's best price.
    scope = BOOK if lasts(order) and not queues else PRESENT
    walk(state, scope, free if fresh else budget_of(order, free))
    if walked["ending"] != LIMITED:
        append_ending(state, free)
    elif queues:
        append_queue(state, order, free_left(state, free), reason)
    elif lasts(order):
        append_rest(state, order, free_left(state, free), 0)
    else:
        append_close(state, order, reason)
    return 0


@kernel
def take_order(state: State, slot: int) -> None:
    """Decide a live order that is in no list as a taker: a triggered stop."""
    work_on(state, slot)
    take(state, 0)
    apply_out(state)


@kernel
def rest_after_book(state: State, slot: int) -> None:
    """Let a live order that waits no longer for a cut cross the book up to its limit, and rest what is left of it."""
    work_on(state, slot)
    order = state.work[0]
    free = free_for(state, order)
    walk(state, BOOK, budget_of(order, free))
    append_ending(state, free)
    apply_out(state)
