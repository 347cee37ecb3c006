"""Transfers booked without a chain: two balances and one row, in a durable SQLite transaction for each.

The signature is checked first, as a node does; there is no socket, no fee, no nonce, no state root and no history.
"""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chain.keys import Scheme, verify


@dataclass(frozen=True, slots=True)
class SignedTransfer:
    """Who pays whom how many rao, and the sender's sr25519 signature of ``message``."""

    sender: bytes
    receiver: bytes
    amount: int
    message: bytes
    signature: bytes


class InsertPerTransfer:
    """A ledger in one file with a write-ahead log that is synced at every commit."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE account (id BLOB PRIMARY KEY, free INTEGER NOT NULL CHECK (free >= 0))")
        self._db.execute("CREATE TABLE transfer (sender BLOB, receiver BLOB, amount INTEGER)")

    def open_account(self, account: bytes, free: int) -> None:
        """Add an account with so many rao."""
        self._db.execute("INSERT OR IGNORE INTO account VALUES (?, ?)", (account, free))

    def measure(self, transfers: Sequence[SignedTransfer]) -> float:
        """Book one transfer after the other, return how many a second; raises ``ValueError`` for a bad signature."""
        execute = self._db.execute
        begun = time.perf_counter()
        for one in transfers:
            if not verify(Scheme.SR25519, one.sender, one.message, one.signature):
                raise ValueError("the signature is not the sender's")
            execute("BEGIN IMMEDIATE")
            execute("UPDATE account SET free = free - ? WHERE id = ?", (one.amount, one.sender))
            execute("UPDATE account SET free = free + ? WHERE id = ?", (one.amount, one.receiver))
            execute("INSERT INTO transfer VALUES (?, ?, ?)", (one.sender, one.receiver, one.amount))
            execute("COMMIT")
        return len(transfers) / (time.perf_counter() - begun)

    def balance(self, account: bytes) -> int:
        """Return an account's rao."""
        return int(self._db.execute("SELECT free FROM account WHERE id = ?", (account,)).fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()
