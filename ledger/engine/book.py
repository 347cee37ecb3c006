"""Price-time lists: shelves of levels in key order, each level with its orders in time order.

A shelf is a treap of levels whose shape depends on its keys alone, threaded in key order: entering and leaving cost
O(log levels), the best order and the next one are one step away. Level slots and order slots are given as slot + 1
where they link, so that 0 means none. ``place`` is a row of ``state.shelves``.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.index import spread
from ledger.engine.layout import SHELVES, Shelf
from ledger.engine.state import State, break_law, int64
from ledger.engine.tables import BY_ACCOUNT, BY_PRICE, BY_TIME, CAPACITY

TIMES = 0
"""Place of the shelf of everything that waits for a time."""

_RANKS = 2**62


@kernel
def shelf_place(market: int, shelf: int) -> int:
    """Return the place of a market's shelf; ``market`` is its slot."""
    return 1 + SHELVES * market + shelf


@kernel
def falls(place: int) -> bool:
    """Tell whether a shelf is walked from its highest key downwards."""
    if place == TIMES:
        return False
    shelf = (place - 1) % SHELVES
    return shelf in (
        Shelf.BIDS.value,
        Shelf.QUEUED_BUYS.value,
        Shelf.LAST_FALLING.value,
        Shelf.INDEX_FALLING.value,
    )


@kernel
def first_on(state: State, place: int) -> int:
    """Return the slot of the first order of a shelf, or -1: the best key, and there the oldest."""
    shelf = state.shelves[place]
    level = int64(shelf["highest"] if falls(place) else shelf["lowest"])
    return int64(state.levels[level - 1]["first"]) - 1 if level else -1


@kernel
def next_on(state: State, place: int, slot: int) -> int:
    """Return the slot of the order that follows one on its shelf, or -1."""
    which = BY_TIME if place == TIMES else BY_PRICE
    link = state.links[3 * slot + which]
    if link["next"] != 0:
        return int64(link["next"]) - 1
    level = state.levels[int64(link["level"]) - 1]
    following = int64(level["before"] if falls(place) else level["after"])
    return int64(state.levels[following - 1]["first"]) - 1 if following else -1


@kernel
def key_of(state: State, place: int, slot: int) -> int:
    """Return the key under which an order stands on a shelf."""
    which = BY_TIME if place == TIMES else BY_PRICE
    return state.levels[int64(state.links[3 * slot + which]["level"]) - 1]["key"]


@kernel
def enter(state: State, place: int, key: int, slot: int) -> None:
    """Put an order on a shelf: under its key, behind the orders with an older or equal ``priority``."""
    which = BY_TIME if place == TIMES else BY_PRICE
    shelf = state.shelves[place]
    level = level_at(state, place, key)
    row = state.levels[level - 1]
    link = state.links[3 * slot + which]
    ahead = int64(row["last"])
    priority = state.orders[slot]["priority"]
    while ahead and state.orders[ahead - 1]["priority"] > priority:
        ahead = int64(state.links[3 * (ahead - 1) + which]["prev"])
    behind = int64(state.links[3 * (ahead - 1) + which]["next"]) if ahead else int64(row["first"])
    link["prev"] = ahead
    link["next"] = behind
    link["level"] = level
    if ahead:
        state.links[3 * (ahead - 1) + which]["next"] = slot + 1
    else:
        row["first"] = slot + 1
    if behind:
        state.links[3 * (behind - 1) + which]["prev"] = slot + 1
    else:
        row["last"] = slot + 1
    shelf["orders"] += 1
    if place != TIMES:
        state.orders[slot]["shelf"] = place + 1


@kernel
def leave(state: State, place: int, slot: int) -> None:
    """Take an order off a shelf; a level that is empty then goes with it."""
    which = BY_TIME if place == TIMES else BY_PRICE
    link = state.links[3 * slot + which]
    level = int64(link["level"])
    row = state.levels[level - 1]
    ahead, behind = int64(link["prev"]), int64(link["next"])
    if ahead:
        state.links[3 * (ahead - 1) + which]["next"] = behind
    else:
        row["first"] = behind
    if behind:
        state.links[3 * (behind - 1) + which]["prev"] = ahead
    else:
        row["last"] = ahead
    link["prev"] = 0
    link["next"] = 0
    link["level"] = 0
    state.shelves[place]["orders"] -= 1
    if place != TIMES:
        state.orders[slot]["shelf"] = 0
    if row["first"] == 0:
        drop_level(state, place, level)


@kernel
def leave_shelf(state: State, slot: int) -> None:
    """Take an order off the price shelf on which it stands, if any."""
    place = state.orders[slot]["shelf"] - 1
    if place >= 0:
        leave(state, place, slot)


@kernel
def join_account(state: State, slot: int) -> None:
    """Put an order at the end of its account's list."""
    customer = state.customers[state.orders[slot]["account"] - 1]
    last = int64(customer["last"])
    link = state.links[3 * slot + BY_ACCOUNT]
    link["prev"] = last
    link["next"] = 0
    if last:
        state.links[3 * (last - 1) + BY_ACCOUNT]["next"] = slot + 1
    else:
        customer["first"] = slot + 1
    customer["last"] = slot + 1
    customer["orders"] += 1


@kernel
def part_account(state: State, slot: int) -> None:
    """Take an order out of its account's list."""
    customer = state.customers[state.orders[slot]["account"] - 1]
    link = state.links[3 * slot + BY_ACCOUNT]
    ahead, behind = int64(link["prev"]), int64(link["next"])
    if ahead:
        state.links[3 * (ahead - 1) + BY_ACCOUNT]["next"] = behind
    else:
        customer["first"] = behind
    if behind:
        state.links[3 * (behind - 1) + BY_ACCOUNT]["prev"] = ahead
    else:
        customer["last"] = ahead
    link["prev"] = 0
    link["next"] = 0
    customer["orders"] -= 1


@kernel
def outranks(a: int, b: int) -> bool:
    """Tell whether a level of key ``a`` stands above one of key ``b`` in the treap."""
    rank_a, rank_b = spread(a, 0, _RANKS), spread(b, 0, _RANKS)
    return rank_a > rank_b or (rank_a == rank_b and a < b)


@kernel
def level_at(state: State, place: int, key: int) -> int:
    """Return the level of a key (slot + 1), made if there is none."""
    levels = state.levels
    shelf = state.shelves[place]
    before, after, at = int64(0), int64(0), int64(shelf["root"])
    while at:
        row = levels[at - 1]
        if row["key"] == key:
            return at
        if row["key"] < key:
            before = at
            at = int64(row["right"])
        else:
            after = at
            at = int64(row["left"])
    new = free_level(state)
    row = levels[new - 1]
    row["key"] = key
    row["before"] = before
    row["after"] = after
    if before:
        levels[before - 1]["after"] = new
    else:
        shelf["lowest"] = new
    if after:
        levels[after - 1]["before"] = new
    else:
        shelf["highest"] = new
    plant(state, place, new)
    return new


@kernel
def free_level(state: State) -> int:
    """Return an unused level, blank."""
    scalars = state.scalars[0]
    new = scalars["free_level"]
    if new:
        scalars["free_level"] = int64(state.levels[new - 1]["left"])
        state.levels[new - 1]["left"] = 0
        return new
    if scalars["levels"] >= len(state.levels):
        break_law(state, CAPACITY, scalars["levels"])
        return 1
    scalars["levels"] += 1
    return scalars["levels"]


@kernel
def plant(state: State, place: int, new: int) -> None:
    """Put a new level into the treap: above the first node that it outranks, whose subtree it splits."""
    levels = state.levels
    key = levels[new - 1]["key"]
    parent, at = int64(0), int64(state.shelves[place]["root"])
    while at and outranks(levels[at - 1]["key"], key):
        parent = at
        at = int64(levels[at - 1]["right"] if levels[at - 1]["key"] < key else levels[at - 1]["left"])
    hang(state, place, parent, key, new)
    low, high = int64(0), int64(0)
    while at:
        if levels[at - 1]["key"] < key:
            if low:
                levels[low - 1]["right"] = at
            else:
                levels[new - 1]["left"] = at
            low = at
            at = int64(levels[at - 1]["right"])
        else:
            if high:
                levels[high - 1]["left"] = at
            else:
                levels[new - 1]["right"] = at
            high = at
            at = int64(levels[at - 1]["left"])
    if low:
        levels[low - 1]["right"] = 0
    if high:
        levels[high - 1]["left"] = 0


@kernel
def hang(state: State, place: int, parent: int, key: int, child: int) -> None:
    """Make ``child`` the subtree of ``parent`` (0: the root) on the side of a key."""
    if parent == 0:
        state.shelves[place]["root"] = child
    elif state.levels[parent - 1]["key"] < key:
        state.levels[parent - 1]["right"] = child
    else:
        state.levels[parent - 1]["left"] = child


@kernel
def drop_level(state: State, place: int, level: int) -> None:
    """Take a level out of the treap and the thread, and free it."""
    levels = state.levels
    shelf = state.shelves[place]
    row = levels[level - 1]
    key = row["key"]
    before, after = int64(row["before"]), int64(row["after"])
    if before:
        levels[before - 1]["after"] = after
    else:
        shelf["lowest"] = after
    if after:
        levels[after - 1]["before"] = before
    else:
        shelf["highest"] = before
    parent, at = int64(0), int64(shelf["root"])
    while at != level:
        parent = at
        at = int64(levels[at - 1]["right"] if levels[at - 1]["key"] < key else levels[at - 1]["left"])
    low, high = int64(row["left"]), int64(row["right"])
    side_key = key
    while low and high:
        if outranks(levels[low - 1]["key"], levels[high - 1]["key"]):
            hang(state, place, parent, side_key, low)
            parent = low
            side_key = levels[low - 1]["key"] + 1
            low = int64(levels[low - 1]["right"])
        else:
            hang(state, place, parent, side_key, high)
            parent = high
            side_key = levels[high - 1]["key"] - 1
            high = int64(levels[high - 1]["left"])
    hang(state, place, parent, side_key, low or high)
    row["key"] = 0
    row["right"] = 0
    row["before"] = 0
    row["after"] = 0
    row["left"] = state.scalars[0]["free_level"]
    state.scalars[0]["free_level"] = level
