"""Finding rows by their keys: linear hashing, two buckets for each row that a table has used.

With every new row the index grows by two buckets, which take over their part of two others; it is never rebuilt, so no
command waits for that however many rows there are. An index is one array of four words a row: two buckets (slot + 1 of
the first row in them, 0 for none), the row's chain (slot + 1 of the next one in its bucket), and its mark, from which
its bucket follows. ``rows`` is how many rows the table has used so far, ``mark`` what ``mark_of`` says of a key.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from typing import Any

import numpy as np

from amm.kernel_cache import kernel
from ledger.engine.layout import Records

WORDS = 4
"""Words of an index for each row."""
CHAIN, MARK = 2, 3

_MARKS = 2**31
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT = np.uint64(31)
_int64: Any = np.int64


@kernel
def spread(a: int, b: int, size: int) -> int:
    """Return a place from 0 to ``size - 1`` (a power of two) for two integers, well spread."""
    x = np.uint64(a) * _GOLDEN + np.uint64(b)
    x = (x ^ (x >> _SHIFT)) * _MIX
    x = (x ^ (x >> _SHIFT)) * _GOLDEN
    return _int64((x ^ (x >> _SHIFT)) & np.uint64(size - 1))


@kernel
def mark_of(a: int, b: int) -> int:
    """Return the mark of a key of two integers: 31 bits."""
    return spread(a, b, _MARKS)


@kernel
def all_below(number: int) -> int:
    """Return the number (up to 32 bits) with every bit set below its highest one."""
    number |= number >> 1
    number |= number >> 2
    number |= number >> 4
    number |= number >> 8
    return number | (number >> 16)


@kernel
def bucket_place(rows: int, mark: int) -> int:
    """Return where in the index the bucket of a mark stands."""
    buckets = 2 * max(rows, 1)
    mask = all_below(buckets - 1)
    bucket = mark & mask
    if bucket >= buckets:
        bucket &= mask >> 1
    return WORDS * (bucket >> 1) + (bucket & 1)


@kernel
def first_at(index: Records, rows: int, mark: int) -> int:
    """Return the slot of the first row in the bucket of a mark, or -1."""
    return _int64(index[bucket_place(rows, mark)]) - 1 if rows else -1


@kernel
def next_at(index: Records, slot: int) -> int:
    """Return the slot of the row behind another one in its bucket, or -1."""
    return _int64(index[WORDS * slot + CHAIN]) - 1


@kernel
def add_row(index: Records, rows: int) -> None:
    """Add the two buckets that come with one row more than ``rows``."""
    index[WORDS * rows] = 0
    index[WORDS * rows + 1] = 0
    if rows > 0:
        split(index, 2 * rows)
        split(index, 2 * rows + 1)


@kernel
def split(index: Records, bucket: int) -> None:
    """Let a new bucket, which is empty, take over what is its own from the one that held it."""
    mask = all_below(bucket)
    source = bucket - ((mask + 1) >> 1)
    old = WORDS * (source >> 1) + (source & 1)
    new = WORDS * (bucket >> 1) + (bucket & 1)
    at = _int64(index[old])
    index[old] = 0
    while at:
        row = WORDS * (at - 1)
        following = _int64(index[row + CHAIN])
        place = new if (_int64(index[row + MARK]) & mask) == bucket else old
        index[row + CHAIN] = index[place]
        index[place] = at
        at = following


@kernel
def enter_row(index: Records, rows: int, slot: int, mark: int) -> None:
    """Enter a row under its mark; ``rows`` counts it."""
    place = bucket_place(rows, mark)
    index[WORDS * slot + MARK] = mark
    index[WORDS * slot + CHAIN] = index[place]
    index[place] = slot + 1


@kernel
def leave_row(index: Records, rows: int, slot: int) -> None:
    """Take a row out that was entered."""
    place = bucket_place(rows, _int64(index[WORDS * slot + MARK]))
    while index[place] != slot + 1:
        place = WORDS * (_int64(index[place]) - 1) + CHAIN
    index[place] = index[WORDS * slot + CHAIN]
