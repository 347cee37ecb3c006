"""The one database file of a node: its tables, its lock, and how it is opened."""

import fcntl
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from chain.errors import ChainError

FILE_NAME: Final = "chain.db"
LOCK_NAME: Final = "lock"
SCHEMA_VERSION: Final = 1

# history.value is what key held until the block at height changed it, NULL for nothing; so a read at h takes the first
# row above h, or else the current state.
_SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
    height INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    body BLOB NOT NULL,
    own_commit BLOB,
    events BLOB NOT NULL
);
CREATE TABLE state (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE history (key BLOB NOT NULL, height INTEGER NOT NULL, value BLOB, PRIMARY KEY (key, height)) WITHOUT ROWID;
CREATE INDEX history_by_height ON history (height);
"""


@dataclass(eq=False)
class StorageRefused(ChainError):  # noqa: N818 - an answer, like every error here
    """The data folder cannot be used as it is; nothing in it was changed."""

    code: str
    detail: str = ""

    def __str__(self) -> str:
        """Return code and detail."""
        return f"{self.code}: {self.detail}"


def lock_folder(folder: Path) -> IO[bytes]:
    """Hold the data folder until the returned file is closed; raises ``StorageRefused`` when it is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / LOCK_NAME).open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise StorageRefused("data_dir_in_use", f"another node holds {folder}") from None
    return file


def open_writer(folder: Path) -> sqlite3.Connection:
    """Open the database for the one writer, creating its tables where there are none.

    ``synchronous=FULL`` with a write-ahead log: a committed transaction survives the process and the machine.
    """
    path = folder / FILE_NAME
    is_new = not path.exists()
    # The writer lives in a worker thread, while opening and closing happen in the main one, never at the same time.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-16384")
    if is_new:
        _sync_folder(folder)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
    elif version != SCHEMA_VERSION:
        connection.close()
        raise StorageRefused("schema_unknown", f"{path} has schema {version}, this program writes {SCHEMA_VERSION}")
    return connection


def open_reader(folder: Path) -> sqlite3.Connection:
    """Open a second, read-only connection, which sees every committed block and never waits for the writer."""
    connection = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA cache_size=-16384")
    return connection


def _sync_folder(folder: Path) -> None:
    """Make the new file's name durable too, or a power loss could leave a chain without its file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
