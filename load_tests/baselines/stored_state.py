"""The chain's state as a plain node keeps it: encoded entries in one indexed SQLite table, decoded at every read.

In memory, so no disk slows it down. The runtime on top is the same, and so must the blocks be.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from chain.runtime import items
from chain.runtime.state import DELETED, RAW, State, encode_changes, join_key, split_key

Entry = tuple[str, tuple[Any, ...]]


class StoredState(State):
    """A state of which only the newest version is kept; ``commit`` changes it and returns it."""

    __slots__ = ("_db",)

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        super().__init__()
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.execute("CREATE TABLE state (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
        self._db.executemany("INSERT INTO state VALUES (?, ?)", pairs)

    def lookup(self, item: str, keys: tuple[Any, ...]) -> Any:
        """Return the stored value, decoded, or ``DELETED``."""
        row = self._db.execute("SELECT value FROM state WHERE key = ?", (join_key(item, keys),)).fetchone()
        if row is None:
            return DELETED
        return row[0] if item == RAW else items.item(item).decode(row[0])

    def entries(self, item: str, prefix: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
        """Return the entries of an item whose keys begin so, decoded."""
        first = items.item(item).prefix
        last = (int.from_bytes(first) + 1).to_bytes(len(first))
        rows = self._db.execute("SELECT key, value FROM state WHERE key >= ? AND key < ?", (first, last)).fetchall()
        found = {split_key(key)[1]: items.item(item).decode(value) for key, value in rows}
        return {keys: value for keys, value in found.items() if keys[: len(prefix)] == prefix}

    def commit(
        self, changes: Mapping[Entry, Any], encoded: Mapping[bytes, bytes | None] | None = None
    ) -> "StoredState":
        """Write changes in one transaction."""
        self._db.execute("BEGIN")
        for key, value in (encoded or encode_changes(changes)).items():
            if value is None:
                self._db.execute("DELETE FROM state WHERE key = ?", (key,))
            else:
                self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, value))
        self._db.execute("COMMIT")
        return self
