import numpy as np
import pytest

from chain.runtime.yuma.arrays import pack_rows
from chain.runtime.yuma.interface import SparseRows

ROWS = [[(3, 1), (0, 0)], [], [(1, 65_535)]]


def test_packed_rows_come_out_as_they_went_in() -> None:
    packed = pack_rows(ROWS, 3)

    assert packed.lists() == ROWS
    assert list(packed.rows()) == ROWS
    assert packed.rows() == SparseRows.of(ROWS)


def test_missing_rows_are_packed_as_empty_ones_and_spare_ones_left_out() -> None:
    assert pack_rows(ROWS, 5).lists() == [*ROWS, [], []]
    assert pack_rows(ROWS, 1).lists() == ROWS[:1]
    assert pack_rows([], 2).lists() == [[], []]


def test_sparse_rows_are_a_sequence_of_plain_numbers() -> None:
    packed = SparseRows(np.array([0, 2, 2, 3]), np.array([3, 0, 1], np.uint16), np.array([1, 0, 65_535], np.uint64))

    assert len(packed) == 3
    assert packed[-1] == [(1, 65_535)]
    assert packed[1:] == ROWS[1:]
    assert all(type(number) is int for row in packed for entry in row for number in entry)
    with pytest.raises(IndexError):
        packed[3]


def test_sparse_rows_equal_any_rows_with_the_same_entries() -> None:
    packed = SparseRows.of(ROWS)

    assert packed == ROWS
    assert packed == [[[3, 1], [0, 0]], [], [[1, 65_535]]]
    assert packed != [[(0, 0), (3, 1)], [], [(1, 65_535)]]
    assert packed != ROWS[:2]
    assert packed != 7
    assert hash(packed) == hash(SparseRows.of(ROWS))
    assert repr(packed) == f"SparseRows({ROWS!r})"
