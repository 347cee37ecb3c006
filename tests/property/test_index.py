"""The index of rows: found by key whatever was entered and taken out before, in buckets that stay short."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.engine.index import WORDS, add_row, bucket_place, enter_row, first_at, leave_row, mark_of, next_at
from ledger.engine.layout import Records

KEYS = st.integers(0, 40)


def find(index: Records, keys: list[int], key: int) -> int:
    slot = first_at(index, len(keys), mark_of(key, 0))
    while slot >= 0 and keys[slot] != key:
        slot = next_at(index, slot)
    return slot


@settings(max_examples=200)
@given(st.lists(st.tuples(st.booleans(), KEYS), max_size=120))
def test_it_finds_what_was_entered_and_nothing_that_was_taken_out(steps: list[tuple[bool, int]]) -> None:
    index = np.full(WORDS * 128, 77, np.int32)  # rows that were never used may hold anything
    keys: list[int] = []  # by slot, -1: free
    free: list[int] = []
    held: dict[int, int] = {}
    for enters, key in steps:
        if enters and key not in held:
            if free:
                slot = free.pop()
                keys[slot] = key
            else:
                slot = len(keys)
                add_row(index, slot)
                keys.append(key)
            enter_row(index, len(keys), slot, mark_of(key, 0))
            held[key] = slot
        elif not enters and key in held:
            slot = held.pop(key)
            leave_row(index, len(keys), slot)
            keys[slot] = -1
            free.append(slot)
        assert [find(index, keys, known) for known in range(41)] == [held.get(known, -1) for known in range(41)]


def test_buckets_stay_short_however_many_rows_there_are() -> None:
    rows = 5_000
    index = np.zeros(WORDS * rows, np.int32)
    for slot in range(rows):
        add_row(index, slot)
        enter_row(index, slot + 1, slot, mark_of(slot << 17, 0))
    lengths = []
    for bucket in range(2 * rows):
        length, slot = 0, int(index[WORDS * (bucket >> 1) + (bucket & 1)]) - 1
        while slot >= 0:
            length, slot = length + 1, next_at(index, slot)
        lengths.append(length)
    assert sum(lengths) == rows
    assert max(lengths) < 12
    assert sum(length * length for length in lengths) < 3 * rows


def test_a_bucket_lies_within_the_rows_in_use() -> None:
    for rows in (1, 2, 3, 7, 64, 1_000):
        for key in range(500):
            assert bucket_place(rows, mark_of(key, 1)) < WORDS * rows
