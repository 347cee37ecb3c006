"""The one pointer by which kernels reach the state."""

import numpy as np
import pytest
from numba import njit, typeof

from ledger.engine.growth import empty_state, reserve
from ledger.engine.handle import WORDS, TablesType, block_of
from ledger.engine.state import TABLES
from ledger.engine.tables import BALANCE, KEY


def test_the_block_tells_where_each_table_stands_and_how_long_it_is() -> None:
    flat, square = np.zeros(5, BALANCE), np.zeros((3, 7), np.int32)
    words = block_of([flat, square]).reshape(2, WORDS)
    assert words.tolist() == [[flat.ctypes.data, 5, 1], [square.ctypes.data, 3, 7]]


def test_a_table_in_pieces_is_refused() -> None:
    with pytest.raises(ValueError, match="one piece"):
        block_of([np.zeros((4, 4), np.int32)[:, :2]])


def test_a_kernel_reads_and_writes_the_tables_of_the_state_it_is_given() -> None:
    @njit
    def touch(state, row):  # type: ignore[no-untyped-def]
        state.balances[row]["free"] += 7
        return len(state.balances), state.volumes.shape[1], state.scalars[0]["seq"]

    small = empty_state()
    small.scalars["seq"] = 11
    assert touch(small, 3) == (len(small.balances), small.volumes.shape[1], 11)
    assert small.balances["free"].tolist()[2:5] == [0, 7, 0]
    large = reserve(small, records=10_000, events=0)
    last = len(large.balances) - 1
    assert touch(large, last)[0] == len(large.balances)
    assert (large.balances["free"][3], large.balances["free"][last]) == (7, 7)


def test_other_tables_are_another_type() -> None:
    assert [name for name in TABLES if not hasattr(empty_state(), name)] == []
    kinds = [{"rows": typeof(np.zeros(1, dtype))} for dtype in (BALANCE, KEY, BALANCE)]
    first, other, same = (TablesType("T", kind) for kind in kinds)
    assert first == same
    assert first != other
