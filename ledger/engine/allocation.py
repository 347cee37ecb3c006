"""Parts of block mode: what each order gets of a match or of a swap, and what becomes of what a settlement leaves.

Source: ``execution`` section 7. Orders are served in ascending (account, order id), so that no split depends on who
came first.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from typing import NamedTuple

import numpy as np

from amm.fixed_point import mul_div_floor
from amm.kernel_cache import allocating_kernel, kernel
from amm.shares import largest_remainder, trading_fee
from ledger.engine.book import first_on, next_on, shelf_place
from ledger.engine.cut_arithmetic import missing_to_limit, wanted_part
from ledger.engine.evolve import apply_out
from ledger.engine.jobs import append_close, append_outcome, append_release, decide_transfer
from ledger.engine.layout import EventKind, Flag, Job, JobState, Mode, Outcome, Records, Shelf
from ledger.engine.listing import market_slot
from ledger.engine.moves import append_of, close_order, queue_order
from ledger.engine.parameters import UNSIGNED_HEADS, UNSIGNED_WITHDRAWAL_HEADS
from ledger.engine.state import Row, State, find_job
from ledger.engine.take import out_of_reach
from ledger.engine.terms import TAKER, fee_part, lasts, open_amount, released_by


class Scratch(NamedTuple):
    """Room for the orders of one split: slots of the slab, what each brings, and its part of two totals.

    One place more than there are orders, for the house.
    """

    slots: Records
    brings: Records
    gives: Records
    gets: Records


@allocating_kernel
def scratch_for(count: int) -> Scratch:
    """Return room for so many orders and the house."""
    return Scratch(
        np.zeros(count + 1, np.int64),
        np.zeros(count + 1, np.int64),
        np.zeros(count + 1, np.int64),
        np.zeros(count + 1, np.int64),
    )


@kernel
def comes_before(state: State, slot: int, other: int) -> bool:
    """Tell whether an order is served before another: smaller account, then smaller order id."""
    a, b = state.orders[slot], state.orders[other]
    return a["account"] < b["account"] or (a["account"] == b["account"] and a["order_id"] < b["order_id"])


@kernel
def sink(state: State, slots: Records, at: int, count: int) -> None:
    """Let the entry of a heap sink until the entries below it come before it."""
    slot = slots[at]
    while 2 * at + 1 < count:
        child = 2 * at + 1
        if child + 1 < count and comes_before(state, slots[child], slots[child + 1]):
            child += 1
        if not comes_before(state, slot, slots[child]):
            break
        slots[at] = slots[child]
        at = child
    slots[at] = slot


@kernel
def sort_by_owner(state: State, slots: Records, count: int) -> None:
    """Put the first ``count`` order slots into ascending (account, order id): a heap sort, in place."""
    for at in range(count // 2 - 1, -1, -1):
        sink(state, slots, at, count)
    for last in range(count - 1, 0, -1):
        slots[0], slots[last] = slots[last], slots[0]
        sink(state, slots, 0, last)


@kernel
def block_fee(order: Row, tao: int) -> int:
    """Return the trading fee of a part in block mode, nearest, halves up.

    A buy's parts add up to the fee of the whole, which is what its hold was made for; each part of a sale pays the fee
    of its own proceeds, as the known answers of block mode have it.
    """
    if order["flags"] & Flag.SELL.value:
        return trading_fee(tao, order["taker_ppm"])
    return fee_part(order, tao, TAKER)


@kernel
def append_part(state: State, slot: int, alpha: int, tao: int) -> None:
    """Fill an order's part of a match or a swap, and close it when that was all.

    A buyer of a volume gets no more than it wants. A part whose price passed the limit by rounding gets the missing rao
    from house/rounding; a part of nothing, or for nothing, stays with the house.
    """
    order = state.orders[slot]
    market = state.markets[order["market"]]
    sell = order["flags"] & Flag.SELL.value
    if not sell and not order["flags"] & Flag.IN_QUOTE.value:
        alpha, tao = wanted_part(alpha, tao, open_amount(order))
    if alpha <= 0 or tao <= 0:
        return
    rounding = missing_to_limit(sell, alpha, tao, order["limit"])
    fee = block_fee(order, tao)
    event = append_of(state, EventKind.FILLED.value, order)
    event["code"] = Mode.BLOCK.value
    event["id_hi"] = rounding
    event["amount"] = alpha
    event["tao"] = tao
    event["fee"] = fee
    event["hold"] = released_by(order, alpha, tao, fee)
    event["pool_tao"] = market["mirror_tao"]
    event["pool_alpha"] = market["mirror_alpha"]
    apply_out(state)
    if open_amount(order) == 0:
        close_order(state, slot, 0)


@kernel
def gather_flight(state: State, market: int, scratch: Scratch, count: int) -> int:
    """Add the orders of a market that are in flight behind the first ``count``, and return how many there are then."""
    place = shelf_place(market, Shelf.FLIGHT.value)
    slot = first_on(state, place)
    while slot >= 0:
        scratch.slots[count] = slot
        count += 1
        slot = next_on(state, place, slot)
    return count


@kernel
def flight_count(state: State, market: int) -> int:
    """Return how many orders of a market are in flight."""
    return int(state.shelves[shelf_place(market, Shelf.FLIGHT.value)]["orders"])


@allocating_kernel
def allot(state: State, slot: int, alpha: int, tao: int) -> None:
    """Share a booked swap out: the customers' part of both sides, by largest remainder of what each order sent.

    Both totals are rounded down, for the house. Orders without another chance are closed at once.
    """
    market = state.markets[slot]
    amount = market["item_amount"]
    customers = amount - market["item_house"]
    if customers <= 0:
        return
    alpha = mul_div_floor(alpha, customers, amount)
    tao = mul_div_floor(tao, customers, amount)
    if market["item_sell"]:
        alpha = min(alpha, customers)
    else:
        tao = min(tao, customers)
    scratch = scratch_for(flight_count(state, slot))
    count = gather_flight(state, slot, scratch, 0)
    sort_by_owner(state, scratch.slots, count)
    for i in range(count):
        scratch.brings[i] = state.orders[scratch.slots[i]]["flight"]
    largest_remainder(alpha, scratch.brings[:count], scratch.gives[:count])
    largest_remainder(tao, scratch.brings[:count], scratch.gets[:count])
    for i in range(count):
        place = scratch.slots[i]
        order_id = state.orders[place]["order_id"]
        append_part(state, place, scratch.gives[i], scratch.gets[i])
        if state.orders[place]["order_id"] == order_id:
            close_last_chance(state, place)


@kernel
def close_last_chance(state: State, slot: int) -> bool:
    """Close an order back from the chain whose cancel was noted or which had its one cut, and tell whether it was."""
    order = state.orders[slot]
    if order["cancel"] != 0:
        close_order(state, slot, order["cancel"])
        return True
    if not lasts(order):
        close_order(state, slot, out_of_reach(order))
        return True
    return False


@allocating_kernel
def return_flight(state: State) -> None:
    """Once no settlement is open: put what it left of the orders back into the queue, or close them."""
    if state.scalars[0]["settlement"] != 0:
        return
    total = 0
    for slot in range(state.scalars[0]["markets"]):
        total += flight_count(state, slot)
    if total == 0:
        return
    scratch = scratch_for(total)
    count = 0
    for slot in range(state.scalars[0]["markets"]):
        count = gather_flight(state, slot, scratch, count)
    sort_by_owner(state, scratch.slots, count)
    for i in range(count):
        if not close_last_chance(state, scratch.slots[i]):
            queue_order(state, scratch.slots[i], 0)


@kernel
def decide_outcome(state: State, command: Row) -> None:
    """Book what a finalised block made of one item of ours; the shell has held it against the job before."""
    job = state.jobs[find_job(state, command["order_id"])]
    if job["job"] != Job.SETTLEMENT.value:
        decide_transfer(state, command, job)
        return
    append_outcome(state, command, job)
    apply_out(state)
    if command["flags"] & Flag.FAILED.value == 0:
        allot(state, market_slot(state, command["netuid"]), command["amount"], command["tao"])
    if state.scalars[0]["items_done"] >= state.scalars[0]["items"]:
        append_close(state, job, Outcome.BOOKED.value)
        apply_out(state)
        return_flight(state)


@kernel
def decide_overdue(state: State) -> None:
    """Release the jobs that waited too long for a signature, then return the orders of the settlement among them."""
    scalars = state.scalars[0]
    for slot in range(scalars["jobs"]):
        job = state.jobs[slot]
        waits = UNSIGNED_WITHDRAWAL_HEADS if job["job"] == Job.WITHDRAWAL.value else UNSIGNED_HEADS
        if job["state"] == JobState.REQUESTED.value and scalars["head"] - job["height"] >= waits:
            append_release(state, job)
    apply_out(state)
    return_flight(state)
