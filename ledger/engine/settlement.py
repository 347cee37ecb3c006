"""The cut of all markets, and the one settlement that follows from it: at most one swap per market.

Source: ``execution`` section 7, steps 5, 6 and 7; what comes before them, market by market, is in ``cut.py``.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

import numpy as np

from amm.kernel_cache import allocating_kernel, kernel
from amm.shares import largest_remainder
from ledger.engine.allocation import Scratch, scratch_for
from ledger.engine.balances import custody_free, custody_stake, position
from ledger.engine.cut import chosen_parts, cut_market, queue_count
from ledger.engine.cut_arithmetic import Item, bound_of, buy_item, sell_item
from ledger.engine.evolve import apply_out
from ledger.engine.gates import is_tradable
from ledger.engine.jobs import append_mirror
from ledger.engine.layout import EventKind, Flag, Records
from ledger.engine.moves import append_of, close_order
from ledger.engine.parameters import NEED_HEADS, SETTLE_FLOOR
from ledger.engine.pools import mirror_of, spec_is_known, value_at_head
from ledger.engine.rules import append
from ledger.engine.state import Row, State
from ledger.engine.take import out_of_reach
from ledger.engine.terms import lasts

PLAN = np.dtype(
    [
        (name, "<i8")
        for name in (
            "sell",  # side of the swap, and of the orders below
            "tight",  # tightest limit of the chosen orders, price
            "chosen",  # 1 when customers take part
            "moved",  # 1 when the match changed what the house holds
            "amount",  # of the swap, rao of TAO (buy) or alpha (sell); 0: none
            "house",  # house part of it
            "limit",  # price
            "expected",  # alpha that it is expected to bring customers; negative: take
        )
    ]
)
"""What the cut of one market leaves for its settlement."""


@kernel
def may_cut(state: State) -> bool:
    """Tell whether a cut may be made at this head: nothing in flight, both keys known, nothing halted."""
    scalars = state.scalars[0]
    return (
        scalars["settlement"] == 0
        and scalars["hot_key"] != 0
        and scalars["trading_key"] != 0
        and scalars["money_halted"] == 0
        and scalars["signer_halted"] == 0
        and spec_is_known(scalars["spec"])
    )


@kernel
def least_value(market: Row) -> int:
    """Return the value at p0 below which no swap is sent, rao."""
    return max(market["min_settle"], SETTLE_FLOOR)


@kernel
def is_due(state: State, market: Row, value: int) -> bool:
    """Tell whether a need of this value is worth a call: large enough, and a quarter of the cap or old."""
    if value < least_value(market):
        return False
    if value >= (market["cap"] + 3) // 4:
        return True
    return state.scalars[0]["head"] - market["need_since"] > NEED_HEADS


@kernel
def item_of(state: State, market: Row, sell: int, customers: int, tight: int, most: int) -> Item:
    """Return the swap that a market sends, zeros for none: the chosen customers' part first, then the house's.

    ``most``: what the hot key holds of what the swap gives away; ``tight``: the tightest limit of the chosen. The limit
    price is told from the head, and from the pool before the jump while the jump gate is closed.
    """
    need = market["target"] - position(state, market["netuid"])
    if customers == 0 and not is_due(state, market, value_at_head(market, abs(need))):
        return 0, 0, 0, 0
    head = (market["head_tao"], market["head_alpha"], market["weight"], market["rate"])
    base = (market["head_tao"], market["head_alpha"], market["weight"])
    if market["calm"] > 0:
        base = (market["base_tao"], market["base_alpha"], market["base_weight"])
    customers = min(customers, most)
    bound = bound_of(sell, tight, market["rate"])
    if sell:
        item = sell_item(head, base, customers, need, most, market["tolerance_ppm"], bound)
        value = value_at_head(market, item[0])
    else:
        item = buy_item(head, base, customers, need, most, market["tolerance_ppm"], bound)
        value = item[0]
    least = least_value(market) if customers > 0 else SETTLE_FLOOR
    return item if value >= least else (0, 0, 0, 0)


@kernel
def append_item(state: State, market: Row, job_id: int, item: int, plan: Row) -> None:
    """Request one swap of a settlement; the market's mirror takes what its customers wait for."""
    event = append(state, EventKind.SETTLEMENT_ITEM_REQUESTED.value)
    event["order_id"] = job_id
    event["netuid"] = market["netuid"]
    event["flags"] = (Flag.SELL.value if plan["sell"] else 0) | (Flag.FIRST.value if item == 0 else 0)
    event["aux"] = item
    event["amount"] = plan["amount"]
    event["limit"] = plan["limit"]
    event["hold"] = plan["house"]
    event["other"] = market["hotkey"]
    event["tao"] = market["open_cut"]
    event["fee"] = plan["expected"]
    pending = market["target"] - position(state, market["netuid"]) + plan["expected"] + market["firm_pending"]
    tao, alpha = mirror_of(market, pending)
    event["pool_tao"] = tao
    event["pool_alpha"] = alpha


@kernel
def send_orders(state: State, job_id: int, customers: int, total: int, count: int, scratch: Scratch) -> None:
    """Send the chosen orders with their parts; where the hot key cannot give all, each a share of what it can."""
    if customers < total:
        largest_remainder(customers, scratch.brings[:count], scratch.gives[:count])
    for i in range(count):
        part = scratch.gives[i] if customers < total else scratch.brings[i]
        order = state.orders[scratch.slots[i]]
        if part <= 0:
            continue
        event = append_of(state, EventKind.ORDER_SENT.value, order)
        event["amount"] = part
        event["aux"] = job_id


@kernel
def keep_back(state: State, slot: int, plan: Row, scratch: Scratch) -> None:
    """Where a market sends nothing: close chosen orders that had their one cut, and build a match's mirror anew."""
    count, _ = chosen_parts(state, slot, (plan["sell"], plan["tight"], plan["chosen"]), scratch)
    for i in range(count):
        order = state.orders[scratch.slots[i]]
        if not lasts(order):
            close_order(state, scratch.slots[i], out_of_reach(order))
    if plan["moved"]:
        append_mirror(state, state.markets[slot], 0)


@allocating_kernel
def decide_cut(state: State) -> None:
    """Cut all markets, ascending, and request one settlement with an item for each that has something to send."""
    scalars = state.scalars[0]
    run = state.run[0]
    run["cut"] = 0
    if not may_cut(state):
        return
    run["cut"] = 1
    most = 0
    for slot in range(scalars["markets"]):
        most = max(most, queue_count(state, slot))
    scratch = scratch_for(most)
    plans = np.zeros(scalars["markets"], PLAN)
    tao_left = custody_free(state, scalars["hot_key"])
    items = 0
    slot = scalars["first_market"] - 1
    while slot >= 0:
        market = state.markets[slot]
        plan = plans[slot]
        if is_tradable(state, market):
            held = position(state, market["netuid"])
            if queue_count(state, slot) > 0:
                sell, tight, chosen = cut_market(state, slot, scratch)
                plan["sell"] = sell
                plan["tight"] = tight
                plan["chosen"] = chosen
            plan["moved"] = 1 if position(state, market["netuid"]) != held else 0
            plan_item(state, slot, plan, tao_left, scratch)
            if plan["amount"] == 0:
                keep_back(state, slot, plan, scratch)
                apply_out(state)
            else:
                items += 1
                tao_left -= 0 if plan["sell"] else plan["amount"]
        slot = market["next"] - 1
    if items > 0:
        request_settlement(state, plans, items, scratch)


@kernel
def plan_item(state: State, slot: int, plan: Row, tao_left: int, scratch: Scratch) -> None:
    """Plan the swap of one market; its side is that of the chosen orders, else that of the house's need."""
    market = state.markets[slot]
    need = market["target"] - position(state, market["netuid"])
    count, total = chosen_parts(state, slot, (plan["sell"], plan["tight"], plan["chosen"]), scratch)
    if count == 0:
        plan["sell"] = 1 if need < 0 else 0
        plan["chosen"] = 0
        if need == 0:
            return
    most = tao_left
    if plan["sell"]:
        most = custody_stake(state, state.scalars[0]["hot_key"], market["hotkey"], market["netuid"])
    amount, house, limit, expected = item_of(state, market, plan["sell"], total, plan["tight"], most)
    plan["amount"] = amount
    plan["house"] = house
    plan["limit"] = limit
    plan["expected"] = expected


@kernel
def request_settlement(state: State, plans: Records, items: int, scratch: Scratch) -> None:
    """Request the settlement: its head, then each market's swap with the orders that it is made for."""
    scalars = state.scalars[0]
    event = append(state, EventKind.SETTLEMENT_REQUESTED.value)
    job_id = event["seq"]
    event["order_id"] = job_id
    event["amount"] = items
    event["other"] = scalars["head"]
    item = 0
    slot = scalars["first_market"] - 1
    while slot >= 0:
        market = state.markets[slot]
        plan = plans[slot]
        if plan["amount"] > 0:
            append_item(state, market, job_id, item, plan)
            count, total = chosen_parts(state, slot, (plan["sell"], plan["tight"], plan["chosen"]), scratch)
            send_orders(state, job_id, plan["amount"] - plan["house"], total, count, scratch)
            item += 1
        slot = market["next"] - 1


@kernel
def decide_cover(state: State) -> None:
    """Advance the cut of markets that sent nothing and have something to cover, whose house holds what it owes.

    This covers what a settlement that died or failed left uncovered, too.
    """
    if state.run[0]["cut"] == 0:
        return
    slot = state.scalars[0]["first_market"] - 1
    while slot >= 0:
        market = state.markets[slot]
        slot = market["next"] - 1
        if (
            market["bought"] > market["final_cut"]
            and market["item_job"] == 0
            and position(state, market["netuid"]) >= 0
        ):
            event = append(state, EventKind.CUT_ADVANCED.value)
            event["netuid"] = market["netuid"]
            event["amount"] = market["open_cut"]
            event["tao"] = market["open_cut"] + 1
