"""How tables grow: in place once they stand on ground of their own, and without a trace in what is true."""

import numpy as np

from ledger.engine.growth import GROUND_BYTES, SMALL_BYTES, empty_state, new_table, reserve
from ledger.engine.tables import BALANCE


def test_a_large_table_grows_where_it_stands() -> None:
    state = reserve(empty_state(), records=SMALL_BYTES, events=0)
    state.balances["free"][-1] = 7
    last = len(state.balances) - 1
    wide = reserve(state, records=len(state.balances), events=0)
    assert len(wide.balances) > len(state.balances)
    assert wide.balances.ctypes.data == state.balances.ctypes.data
    assert wide.balances["free"][last] == 7
    assert not wide.balances["free"][last + 1 :].any()


def test_a_small_table_is_copied_until_it_is_large() -> None:
    state = empty_state()
    state.balances["free"][63] = 7
    wide = reserve(state, records=64, events=0)
    assert wide.balances["free"][63] == 7
    assert wide.balances.base is None


def test_a_table_beyond_its_ground_moves_to_one_that_holds_it() -> None:
    rows = GROUND_BYTES["balances"] // BALANCE.itemsize + 1
    table = new_table("balances", (rows,), BALANCE)
    assert len(table) == rows
    assert len(np.asarray(table.base)) >= rows


def test_indexes_and_lists_grow_with_their_rows() -> None:
    state = reserve(empty_state(), records=5_000, events=0)
    assert len(state.balance_index) == 4 * len(state.balances)
    assert len(state.order_index) == 4 * len(state.orders)
    assert len(state.links) == 3 * len(state.orders)
    assert len(state.levels) == 2 * len(state.orders)
    assert len(state.volumes) == len(state.customers)
    assert len(state.shelves) == 9 * len(state.markets) + 1
