"""The slab of live orders, firm quotes and guards: how rows are taken, found by id, and given back."""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.index import add_row, enter_row, first_at, leave_row, mark_of, next_at
from ledger.engine.state import State, break_law
from ledger.engine.tables import CAPACITY, REFERENCE


@kernel
def find_order(state: State, order_id: int) -> int:
    """Return the slot of a live row, or -1."""
    index = state.order_index
    slot = first_at(index, state.scalars[0]["orders"], mark_of(order_id, 0))
    while slot >= 0 and state.orders[slot]["order_id"] != order_id:
        slot = next_at(index, slot)
    return slot


@kernel
def take_row(state: State, order_id: int) -> int:
    """Return the slot of a blank row under a new id."""
    scalars = state.scalars[0]
    slot = scalars["free_order"] - 1
    if slot >= 0:
        scalars["free_order"] = state.orders[slot]["account"]
        state.orders[slot]["account"] = 0
    else:
        slot = scalars["orders"]
        if slot >= len(state.orders):
            break_law(state, CAPACITY, slot)
            return 0
        scalars["orders"] = slot + 1
        add_row(state.order_index, slot)
    scalars["live_orders"] += 1
    state.orders[slot]["order_id"] = order_id
    enter_row(state.order_index, scalars["orders"], slot, mark_of(order_id, 0))
    return slot


@kernel
def give_back(state: State, slot: int) -> None:
    """Blank a row that stands in no list, and chain it to the free ones."""
    scalars = state.scalars[0]
    row = state.orders[slot]
    if row["order_id"] == 0:
        break_law(state, REFERENCE, slot)
        return
    leave_row(state.order_index, scalars["orders"], slot)
    row["order_id"] = 0
    row["market"] = 0
    row["flags"] = 0
    row["traits"] = 0
    row["state"] = 0
    row["limit"] = 0
    row["trigger"] = 0
    row["slippage_ppm"] = 0
    row["amount"] = 0
    row["total"] = 0
    row["alpha"] = 0
    row["tao"] = 0
    row["fee"] = 0
    row["held"] = 0
    row["taker_ppm"] = 0
    row["maker_ppm"] = 0
    row["expires"] = 0
    row["flight"] = 0
    row["cancel"] = 0
    row["priority"] = 0
    row["shelf"] = 0
    row["userref"] = 0
    row["account"] = scalars["free_order"]
    scalars["free_order"] = slot + 1
    scalars["live_orders"] -= 1
