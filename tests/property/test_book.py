"""The price-time lists of the engine against sorted lists."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.engine.book import TIMES, enter, first_on, leave, level_at, next_on, shelf_place
from ledger.engine.growth import empty_state, reserve
from ledger.engine.layout import SHELVES, Shelf
from ledger.engine.slab import find_order, give_back, take_row
from ledger.engine.state import State

ORDERS = 60
ACTS = st.lists(
    st.tuples(st.integers(1, ORDERS), st.integers(1, 9), st.sampled_from([TIMES, *(1 + s for s in range(SHELVES))])),
    max_size=150,
)


def walk(state: State, place: int) -> list[int]:
    found: list[int] = []
    slot = first_on(state, place)
    while slot >= 0 and len(found) <= ORDERS:
        found.append(int(state.orders[slot]["order_id"]))
        slot = next_on(state, place, slot)
    return found


@given(ACTS)
def test_shelves_give_orders_by_key_and_then_by_time_through_any_comings_and_goings(
    acts: list[tuple[int, int, int]],
) -> None:
    state = reserve(empty_state(), records=ORDERS, events=0)
    where: dict[int, tuple[int, int]] = {}
    for order_id, key, place in acts:
        if order_id in where:
            slot = find_order(state, order_id)
            leave(state, where.pop(order_id)[0], slot)
            give_back(state, slot)
        else:
            slot = take_row(state, order_id)
            state.orders[slot]["priority"] = order_id
            enter(state, place, key, slot)
            where[order_id] = (place, key)
    falling = {shelf_place(0, s) for s in (Shelf.BIDS, Shelf.QUEUED_BUYS, Shelf.LAST_FALLING, Shelf.INDEX_FALLING)}
    for place in range(1 + SHELVES):
        there = [(key, order_id) for order_id, (at, key) in where.items() if at == place]
        sign = -1 if place in falling else 1
        assert walk(state, place) == [order_id for _, order_id in sorted((sign * key, o) for key, o in there)]
        assert state.shelves[place]["orders"] == len(there)
    assert all(find_order(state, order_id) >= 0 for order_id in where)
    assert all(find_order(state, order_id) < 0 for order_id in range(1, ORDERS + 1) if order_id not in where)
    assert state.scalars[0]["live_orders"] == len(where)


@given(st.permutations(range(40)), st.permutations(range(40)))
def test_the_shape_of_a_shelf_does_not_depend_on_the_order_of_its_keys(first: list[int], second: list[int]) -> None:
    def shape(keys: list[int]) -> list[tuple[int, int, int]]:
        state = reserve(empty_state(), records=64, events=0)
        for key in keys:
            level_at(state, 1, key)
        by_slot = {0: -1} | {slot + 1: int(state.levels[slot]["key"]) for slot in range(len(keys))}
        rows = state.levels[: len(keys)]
        return sorted((int(row["key"]), by_slot[int(row["left"])], by_slot[int(row["right"])]) for row in rows)

    assert shape(first) == shape(second)
