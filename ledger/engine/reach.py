"""Resting orders that the mirror has come to: they execute on the curve, not at their own price.

``execution`` section 4, "Who meets whom". Such an order pays the maker fee, and counts as instant, window and all.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from amm.pool import NO_OUTPUT
from ledger.engine.book import first_on, next_on, shelf_place
from ledger.engine.curve import BEYOND
from ledger.engine.evolve import apply_out
from ledger.engine.gates import is_tradable
from ledger.engine.layout import Shelf
from ledger.engine.listing import Verb, stage_allows
from ledger.engine.moves import append_close, append_queue, free_for
from ledger.engine.rules import retract
from ledger.engine.state import Row, State
from ledger.engine.take import budget_of, instant_reason, work_on
from ledger.engine.terms import MAKER, crosses_head, crosses_pool, is_sale, open_alpha
from ledger.engine.walk import CUT, begin_walk, step_on_curve
from ledger.errors import Refusal


@kernel
def reaches(market: Row, order: Row) -> bool:
    """Tell whether the mirror has come to a resting order: it would trade on the curve."""
    tao, alpha = market["mirror_tao"], market["mirror_alpha"]
    return crosses_pool(is_sale(order), order["limit"], tao, alpha, market["weight"], market["rate"])


@kernel
def reach_one(state: State, slot: int) -> None:
    """Fill a resting order on the curve up to its limit where that fits at once, else let it wait for a cut.

    Where no cut would take it, it stays in the book.
    """
    work_on(state, slot)
    order = state.work[0]
    market = state.markets[order["market"]]
    begin = state.run[0]["count"]
    begin_walk(state, budget_of(order, 0))
    step = step_on_curve(state, order["limit"], MAKER)
    if step == -NO_OUTPUT:
        append_close(state, order, Refusal.DUST.value)
    elif step >= 0 and step != BEYOND:
        reason = instant_reason(state, market, is_sale(order))
        if reason != 0:
            retract(state, begin)
            work_on(state, slot)
            if crosses_head(market, is_sale(order), order["limit"]) and is_tradable(state, market):
                append_queue(state, order, free_for(state, order), reason)
        elif step == CUT:
            append_close(state, order, Refusal.DUST.value)
        elif open_alpha(order, order["limit"]) <= 0:
            append_close(state, order, 0)
    apply_out(state)


@kernel
def reach_resting(state: State, market_slot: int) -> None:
    """Let the resting orders of a market that the mirror has come to trade on it: buys, then sales, by price and time.

    A stage in which such orders may not trade leaves them where they are.
    """
    market = state.markets[market_slot]
    if market["mirror_tao"] <= 0 or market["mirror_alpha"] <= 0:
        return
    for shelf in (Shelf.BIDS.value, Shelf.ASKS.value):
        verbs = Verb.PLACE_LIMIT.value | (Verb.BUY.value if shelf == Shelf.BIDS.value else Verb.SELL.value)
        if not stage_allows(market["stage"], verbs):
            continue
        place = shelf_place(market_slot, shelf)
        slot = first_on(state, place)
        while slot >= 0 and state.run[0]["law"] == 0 and reaches(market, state.orders[slot]):
            following = next_on(state, place, slot)
            reach_one(state, slot)
            slot = following
