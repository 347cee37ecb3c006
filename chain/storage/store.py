"""Blocks and state on disk: one transaction for each block, and reads of any recent state by key."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chain.block import Block, Header
from chain.consensus.encoding import Reader
from chain.consensus.messages import Commit
from chain.errors import InvariantBroken
from chain.hashing import ZERO_HASH
from chain.storage.database import lock_folder, open_reader, open_writer

STATE_HISTORY_DEFAULT: Final = 7_200
"""How many blocks back the state stays readable: a day of 12 s blocks, four hours of 2 s blocks."""

PRUNE_EVERY: Final = 64
"""Old history is dropped once in so many blocks, so up to this much more than asked for is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBlock:
    """A final block as it lies on disk; ``commit`` are its own precommits, absent for genesis."""

    block: Block
    commit: Commit | None


class ChainStore:
    """The durable chain of one data folder.

    ``append`` may run in a worker thread, everything else belongs to the thread that opened the store. A reader never
    sees half a block. Integrity errors of SQLite and I/O errors pass through: they end the process.
    """

    def __init__(self, folder: Path, *, state_history: int = STATE_HISTORY_DEFAULT) -> None:
        """Open or create the chain in ``folder``; ``state_history`` is in blocks, 0 keeps all of it."""
        self._lock = lock_folder(folder)
        try:
            self._writer = open_writer(folder)
            self._reader = open_reader(folder)
        except BaseException:
            self._lock.close()
            raise
        self._state_history = state_history

    def close(self) -> None:
        """Close both connections and let another process have the folder."""
        self._reader.close()
        self._writer.close()
        self._lock.close()

    # Writing.

    def initialize(
        self, *, genesis: Block, pairs: Iterable[tuple[bytes, bytes]], events: bytes, meta: Mapping[str, bytes]
    ) -> None:
        """Write block 0, its state and what is remembered of the node, all or nothing."""
        with self._transaction() as writer:
            writer.executemany("INSERT INTO meta (name, value) VALUES (?, ?)", meta.items())
            writer.executemany("INSERT INTO state (key, value) VALUES (?, ?)", pairs)
            self._insert_block(genesis, None, events)

    def append(self, *, block: Block, commit: Commit, events: bytes, delta: Mapping[bytes, bytes | None]) -> None:
        """Make a decided block, its commit, its events and its changes of the state durable, all or nothing.

        ``delta`` maps storage keys to values, ``None`` deletes. Raises ``InvariantBroken`` for a block that does not
        follow the head.
        """
        height = block.number
        last = self._writer.execute("SELECT height, hash FROM blocks ORDER BY height DESC LIMIT 1").fetchone()
        if last != (height - 1, block.header.parent):
            raise InvariantBroken(f"block {height} does not follow the stored head")
        with self._transaction() as writer:
            writer.executemany(
                "INSERT INTO history (key, height, value) SELECT ?1, ?2, (SELECT value FROM state WHERE key = ?1)",
                ((key, height) for key in delta),
            )
            writer.executemany("DELETE FROM state WHERE key = ?", ((key,) for key, value in delta.items() if not value))
            writer.executemany(
                "INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                ((key, value) for key, value in delta.items() if value),
            )
            self._insert_block(block, commit, events)
            if self._state_history and height % PRUNE_EVERY == 0:
                writer.execute("DELETE FROM history WHERE height <= ?", (height - self._state_history,))

    # Blocks.

    def head_height(self) -> int | None:
        """Return the height of the last durable block, ``None`` in a new folder."""
        row = self._reader.execute("SELECT max(height) FROM blocks").fetchone()
        return None if row is None else row[0]

    def block_at(self, height: int) -> StoredBlock | None:
        """Return the block of a height."""
        row = self._reader.execute("SELECT body, own_commit FROM blocks WHERE height = ?", (height,)).fetchone()
        if row is None:
            return None
        return StoredBlock(block=Block.decode(row[0]), commit=Commit.decode(row[1]) if row[1] else None)

    def header_at(self, height: int) -> Header | None:
        """Return the header of a height."""
        row = self._reader.execute("SELECT body FROM blocks WHERE height = ?", (height,)).fetchone()
        return None if row is None else Header.read(Reader(row[0]))

    def hash_at(self, height: int) -> bytes | None:
        """Return the block hash of a height."""
        row = self._reader.execute("SELECT hash FROM blocks WHERE height = ?", (height,)).fetchone()
        return None if row is None else row[0]

    def height_of(self, block_hash: bytes) -> int | None:
        """Return the height of a block hash, ``None`` for one that is not on this chain."""
        row = self._reader.execute("SELECT height FROM blocks WHERE hash = ?", (block_hash,)).fetchone()
        return None if row is None else row[0]

    def events_at(self, height: int) -> bytes | None:
        """Return the encoded ``Vec<EventRecord>`` of a height."""
        row = self._reader.execute("SELECT events FROM blocks WHERE height = ?", (height,)).fetchone()
        return None if row is None else row[0]

    def check_links(self, count: int) -> None:
        """Check hash and parent of each of the last ``count`` blocks; raises ``InvariantBroken``."""
        query = "SELECT height, hash, body FROM blocks ORDER BY height DESC LIMIT ?"
        expected: bytes | None = None
        for height, block_hash, body in self._reader.execute(query, (count,)):
            header = Header.read(Reader(body))
            if header.hash != block_hash or header.number != height or expected not in {None, block_hash}:
                raise InvariantBroken(f"stored block {height} does not fit its neighbours")
            expected = header.parent
            if height == 0 and expected != ZERO_HASH:
                raise InvariantBroken("stored genesis has a parent")

    # State.

    def meta(self, name: str) -> bytes | None:
        """Return what ``initialize`` was told to remember under ``name``."""
        row = self._reader.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield all entries of the newest state, ascending by key."""
        yield from self._reader.execute("SELECT key, value FROM state ORDER BY key")

    def oldest_state(self, head: int) -> int:
        """Return the lowest height whose state can be read while ``head`` is the newest; it only grows with it."""
        # One more than what is pruned: the next block may be writing, and pruning, at this very moment.
        return max(0, head - self._state_history + 1) if self._state_history else 0

    def read(self, key: bytes, height: int) -> bytes | None:
        """Return the value of ``key`` after the block at ``height``; a block being written changes no answer."""
        # One statement is one snapshot: between two of them the next block could land.
        row = self._reader.execute(
            "SELECT 1, value FROM (SELECT value FROM history WHERE key = ?1 AND height > ?2 ORDER BY height LIMIT 1)"
            " UNION ALL SELECT 2, value FROM state WHERE key = ?1 ORDER BY 1 LIMIT 1",
            (key, height),
        ).fetchone()
        return None if row is None else row[1]

    def keys(self, prefix: bytes, *, height: int, after: bytes = b"", limit: int) -> list[bytes]:
        """Return up to ``limit`` keys that begin with ``prefix``, above ``after``, as of ``height``, ascending."""
        low, high = max(after, prefix), _end_of(prefix)
        lower = ">=" if not after or after < prefix else ">"
        upper = "" if high is None else "AND key < ?3"
        bounds = (low, height) if high is None else (low, height, high)
        try:
            self._reader.execute("BEGIN")
            changed: dict[bytes, bool] = {}
            rows = self._reader.execute(
                f"SELECT key, value IS NOT NULL, min(height) FROM history"  # noqa: S608 - operators only, values are bound
                f" WHERE key {lower} ?1 {upper} AND height > ?2 GROUP BY key",
                bounds,
            )
            for key, was_there, _ in rows:
                changed[key] = bool(was_there)
            bound = limit + len(changed)
            current = self._reader.execute(
                f"SELECT key FROM state WHERE key {lower} ?1 {upper} AND ?2 >= 0 ORDER BY key LIMIT {bound:d}",  # noqa: S608
                bounds,
            ).fetchall()
        finally:
            self._reader.execute("COMMIT")
        found = [key for (key,) in current if key not in changed]
        found += [key for key, was_there in changed.items() if was_there]
        return sorted(found)[:limit]

    def _insert_block(self, block: Block, commit: Commit | None, events: bytes) -> None:
        self._writer.execute(
            "INSERT INTO blocks (height, hash, body, own_commit, events) VALUES (?, ?, ?, ?, ?)",
            (block.number, block.hash, block.encode(), commit.encode() if commit else None, events),
        )

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._writer)


class _Transaction:
    """One write transaction, rolled back when its block raises."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sqlite3.Connection:
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._connection.execute("COMMIT" if kind is None else "ROLLBACK")


def _end_of(prefix: bytes) -> bytes | None:
    """Return the first key above all keys with this prefix, ``None`` when there is none."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else None
