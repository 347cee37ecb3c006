"""What ends by itself: orders, firm quotes and cancel-afters whose time is over, before the first command of a batch.

Everything that waits for a time stands on one shelf, by due time and then by seq (``execution`` section 3).
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.book import TIMES, first_on, key_of
from ledger.engine.evolve import apply_out
from ledger.engine.guards import fire_guard
from ledger.engine.layout import OrderState
from ledger.engine.moves import end_order
from ledger.engine.parameters import TIMERS_PER_BATCH
from ledger.engine.quotes import append_quote_end
from ledger.engine.reach import reach_resting
from ledger.engine.state import State
from ledger.engine.stops import run_stops, stops_wait
from ledger.errors import Refusal


@kernel
def next_due(state: State) -> int:
    """Return when something ends by itself, ms; the time of the last batch while triggered stops wait; -1: never."""
    if stops_wait(state):
        return state.scalars[0]["ts"]
    slot = first_on(state, TIMES)
    return key_of(state, TIMES, slot) if slot >= 0 else -1


@kernel
def decide_timers(state: State) -> None:
    """End what is due at the time of the batch, in order of (due, seq), then trigger the stops that wait.

    At most ``TIMERS_PER_BATCH``; what is left stays due and ends before the next batch.
    """
    run = state.run[0]
    left = TIMERS_PER_BATCH
    slot = first_on(state, TIMES)
    while slot >= 0 and left > 0 and run["law"] == 0 and key_of(state, TIMES, slot) <= run["ts"]:
        kind = state.orders[slot]["state"]
        left -= 1
        if kind == OrderState.GUARD.value:
            fire_guard(state, slot)
        elif kind == OrderState.QUOTE.value:
            market = state.orders[slot]["market"]
            append_quote_end(state, slot, Refusal.EXPIRED.value)
            apply_out(state)
            reach_resting(state, market)
        else:
            end_order(state, slot, Refusal.EXPIRED.value)
        apply_out(state)
        slot = first_on(state, TIMES)
    run_stops(state)
