"""What a new head does to orders that wait: those that its price has left leave the queue, those in the book trade.

``execution`` sections 3, 4 and 7.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import allocating_kernel, kernel
from ledger.engine.allocation import return_flight, scratch_for
from ledger.engine.book import first_on, next_on
from ledger.engine.cut import may_trade, queue_place
from ledger.engine.evolve import apply_out
from ledger.engine.gates import is_tradable
from ledger.engine.jobs import decide_release
from ledger.engine.moves import close_order
from ledger.engine.reach import reach_resting
from ledger.engine.state import Row, State, int64
from ledger.engine.take import out_of_reach, rest_after_book
from ledger.engine.terms import crosses_head, lasts


@kernel
def decide_uncrossed(state: State) -> None:
    """Take the orders that the head's price no longer meets out of the queues, markets by ascending netuid, buys first.

    What may rest crosses the book up to its limit and rests; the others are closed. A market whose pool cannot be
    traded keeps its queue, since nothing is known about the price at which it would be cut, and so does a side that its
    stage does not let trade.
    """
    slot = state.scalars[0]["first_market"] - 1
    while slot >= 0:
        if is_tradable(state, state.markets[slot]):
            for sell in range(2):
                if may_trade(state.markets[slot], sell):
                    leave_queue(state, slot, sell)
        slot = state.markets[slot]["next"] - 1


@kernel
def reach_all(state: State) -> None:
    """Let the resting orders that the mirror has come to trade on it, markets by ascending netuid."""
    slot = state.scalars[0]["first_market"] - 1
    while slot >= 0:
        reach_resting(state, slot)
        slot = state.markets[slot]["next"] - 1


@allocating_kernel
def leave_queue(state: State, slot: int, sell: int) -> None:
    """Take the orders of one side that are not met at p0 out of the queue, in their order."""
    place = queue_place(slot, sell)
    scratch = scratch_for(int64(state.shelves[place]["orders"]))
    count = 0
    at = first_on(state, place)
    while at >= 0:
        if not crosses_head(state.markets[slot], sell, state.orders[at]["limit"]):
            scratch.slots[count] = at
            count += 1
        at = next_on(state, place, at)
    for i in range(count):
        order = state.orders[scratch.slots[i]]
        if lasts(order):
            rest_after_book(state, scratch.slots[i])
        else:
            close_order(state, scratch.slots[i], out_of_reach(order))


@kernel
def decide_given_up(state: State, command: Row) -> None:
    """Give up a job that was not signed; a settlement's orders return, and the mirror may reach others where it was."""
    settlement = state.scalars[0]["settlement"]
    decide_release(state, command)
    apply_out(state)
    if settlement != 0 and state.scalars[0]["settlement"] == 0:
        return_flight(state)
        reach_all(state)
