"""Reads what follows a head from the log in PostgreSQL: how a replica comes up, and how it gets what it missed."""

from contextlib import suppress
from typing import Any, Protocol

import asyncpg

from ledger.codec import Batch
from ledger.log.base import Head
from ledger.log.reading import BEFORE, read_group

CONNECT_TIMEOUT_S = 10.0


class LogTail(Protocol):
    """The durable log behind a head."""

    async def after(self, head: Head) -> list[Batch]:
        """Return the next batches behind ``head``, verified, a bounded group at once; none at the log's end."""

    async def close(self) -> None:
        """Let go of what was opened."""


class PostgresTail:
    """The log of one database over a connection that is made when it is needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    async def after(self, head: Head) -> list[Batch]:
        """Return the next group; raises ``ChainBroken``, and ``OSError`` where the database is lost."""
        try:
            return await read_group(await self._connected(), head)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            # Whatever a connection says that died in the middle of a question: the next question takes another one.
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.terminate()
            raise ConnectionAbortedError(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Close the connection; the next question opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                await connection.close(timeout=CONNECT_TIMEOUT_S)

    async def _connected(self) -> Any:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url, timeout=CONNECT_TIMEOUT_S)
        return self._connection


async def stored_hash(url: str, number: int) -> bytes | None:
    """Return the hash of a stored batch, ``None`` where there is none of this number."""
    connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S)
    try:
        row = await connection.fetchrow(BEFORE, number)
        return None if row is None else bytes(row["hash"])
    finally:
        await connection.close()
