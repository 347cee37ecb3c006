"""The log in PostgreSQL: one connection that holds the writer's lock and appends, others that read.

The lock and the appends share a connection on purpose: whoever lost the lock has lost the way to append as well. The
epoch in each batch, checked by a trigger, keeps out a writer that does not know yet that it was replaced.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg

from ledger.codec import Batch, split_pages
from ledger.failpoints import fail_point
from ledger.log.base import EMPTY_HEAD, Head
from ledger.log.copying import COLUMNS, encode_copy
from ledger.log.errors import LogFailed, LogHeld, WriterFenced
from ledger.log.reading import read_batches
from ledger.log.settings import REQUIRED, check_settings

WRITER_ROLE = "taobourse_writer"
WRITER_LOCK = 7_262_690_004
FENCED = "TB002"
SMALL_PAGES = 6
"""Up to here one statement with an array is faster (one round trip); beyond, COPY is (bulk extension of the table)."""
MARGIN_EVENTS = 10_000_000
"""New partitions are made while at least this many events still fit into the present ones."""
LOCK_POLL_S = 0.05

SETTINGS = "SELECT name, setting FROM pg_settings WHERE name = ANY($1)"
MAY_SWITCH = """
    SELECT pg_has_role(current_user, oid, 'MEMBER') AND has_table_privilege(oid, 'batches', 'INSERT')
    FROM pg_roles WHERE rolname = $1
"""
HOLDERS = """
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = $1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
HEAD = "SELECT number, last_seq, hash, ts_ms FROM batches ORDER BY number DESC LIMIT 1"
BATCH_ROW = """
    INSERT INTO batches (number, first_seq, last_seq, ts_ms, writer_epoch, page_count, previous, hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
SMALL_BATCH = f"""
    WITH batch AS ({BATCH_ROW})
    INSERT INTO event_pages (seq, page, body)
    SELECT $2, position - 1, body FROM unnest($9::bytea[]) WITH ORDINALITY AS pages (body, position)
"""  # noqa: S608 - only constants of this file

LARGE_BATCH = f"""
    COPY event_pages ({", ".join(COLUMNS)}) FROM STDIN (FORMAT binary);
    INSERT INTO batches (number, first_seq, last_seq, ts_ms, writer_epoch, page_count, previous, hash)
    VALUES ({{}}, {{}}, {{}}, {{}}, {{}}, {{}}, '\\x{{}}', '\\x{{}}')
"""  # noqa: S608 - only constants of this file, and later integers and hex digits


class PostgresLog:
    """The log of one database, whose schema is the newest (``migrate``).

    ``lock_wait_s``: how long ``open`` waits for an earlier writer to go, s; ``take_over``: end that writer instead, as
    a standby does. ``append_timeout_s``: a write without an answer for so long counts as failed.
    """

    def __init__(
        self, url: str, *, lock_wait_s: float = 5.0, take_over: bool = False, append_timeout_s: float = 60.0
    ) -> None:
        self._url = url
        self._lock_wait_s = lock_wait_s
        self._take_over = take_over
        self._append_timeout_s = append_timeout_s
        self._connection: Any = None
        self._insert_small: Any = None
        self._epoch = 0
        self._room_upto = 0
        self._making_room: asyncio.Task[int] | None = None

    @property
    def writer_epoch(self) -> int:
        """Return the epoch that ``open`` began."""
        return self._epoch

    async def open(self) -> Head:
        """Become the only writer and return the head. Raises ``LogHeld``, ``SettingsRefused``."""
        connection = await asyncpg.connect(self._url)
        try:
            found = await connection.fetch(SETTINGS, list(REQUIRED))
            check_settings({row["name"]: row["setting"] for row in found})
            await self._take_lock(connection)
            if await connection.fetchval(MAY_SWITCH, WRITER_ROLE):
                await connection.execute(f"SET ROLE {WRITER_ROLE}")
            # In one transaction: the lock inside begin_writer_epoch() keeps any append between the two away.
            async with connection.transaction():
                self._epoch = await connection.fetchval("SELECT begin_writer_epoch()")
                head = _head(await connection.fetchrow(HEAD))
            self._room_upto = await _make_room(connection, head.seq)
            self._insert_small = await connection.prepare(SMALL_BATCH)
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection
        return head

    async def append(self, batch: Batch) -> None:
        """Write one batch in one transaction, and return when it is durable.

        Raises ``WriterFenced`` or ``LogFailed``; from then on, and after a cancellation, the log takes nothing more.
        """
        if self._connection is None:
            raise LogFailed(detail="the log is not open")
        try:
            async with asyncio.timeout(self._append_timeout_s):
                await self._keep_room(batch.last_seq)
                await self._write(batch)
                fail_point("log.append.committed")
        except Exception as error:
            # Whatever it was, the batch may or may not be there: only a new start can tell.
            self._abandon()
            detail = f"batch {batch.number}: {type(error).__name__}: {error}"
            if getattr(error, "sqlstate", None) == FENCED:
                raise WriterFenced(detail=detail) from error
            raise LogFailed(detail=detail) from error
        except BaseException:
            self._abandon()
            raise

    def read(self, from_number: int = 0) -> AsyncIterator[Batch]:
        """Yield the durable batches from ``from_number``, verified, over a connection of their own."""
        return read_batches(self._url, from_number)

    async def close(self) -> None:
        """Let go of the lock and the connection."""
        if self._making_room is not None:
            self._making_room.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._making_room
            self._making_room = None
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _write(self, batch: Batch) -> None:
        row = (
            batch.number,
            batch.first_seq,
            batch.last_seq,
            batch.ts_ms,
            batch.writer_epoch,
            batch.page_count,
            batch.previous,
            batch.hash,
        )
        if batch.page_count <= SMALL_PAGES:
            await self._insert_small.fetch(*row, split_pages(batch.body))
            return
        # Two statements in one message are one transaction, and the data leaves behind them without waiting for an
        # answer: one round trip instead of four, which the public copy_to_table() cannot do.
        statement = LARGE_BATCH.format(*row[:-2], batch.previous.hex(), batch.hash.hex())
        await self._connection._copy_in(statement, _sending(encode_copy(batch)), None)  # noqa: SLF001

    async def _keep_room(self, last_seq: int) -> None:
        """Have the next partition made beside the appends, and wait for it only where a batch needs it."""
        if self._making_room is not None and (self._making_room.done() or last_seq > self._room_upto):
            self._room_upto = await self._making_room
            self._making_room = None
        if last_seq > self._room_upto:
            self._room_upto = await _make_room(self._connection, last_seq)
        if self._making_room is None and last_seq + MARGIN_EVENTS > self._room_upto:
            self._making_room = asyncio.create_task(_make_room_apart(self._url, last_seq))

    def _abandon(self) -> None:
        """Give up the connection, and with it the lock."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _take_lock(self, connection: Any) -> None:
        """Take the writer's lock; an earlier writer's session may need a moment to end, or is ended."""
        deadline = time.monotonic() + self._lock_wait_s
        if self._take_over:
            # Fenced first: from here on the earlier writer appends nothing, whether or not it can be reached.
            await connection.fetchval("SELECT begin_writer_epoch()")
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", WRITER_LOCK):
            if self._take_over:
                for holder in await connection.fetch(HOLDERS, WRITER_LOCK):
                    await connection.fetchval("SELECT pg_terminate_backend($1)", holder["pid"])
            if time.monotonic() > deadline:
                raise LogHeld(waited_s=self._lock_wait_s)
            await asyncio.sleep(LOCK_POLL_S)


async def read_head(url: str) -> Head:
    """Return the end of a database's log at this moment, for whoever does not write it."""
    connection = await asyncpg.connect(url)
    try:
        return _head(await connection.fetchrow(HEAD))
    finally:
        await connection.close()


def _head(row: Any) -> Head:
    if row is None:
        return EMPTY_HEAD
    return Head(number=row["number"], seq=row["last_seq"], hash=row["hash"], ts_ms=row["ts_ms"])


async def _make_room(connection: Any, seq: int) -> int:
    """Make the partitions for two margins behind ``seq``; return the last seq that fits."""
    upto: int = await connection.fetchval("SELECT make_event_partitions($1)", seq + 2 * MARGIN_EVENTS)
    return upto


async def _make_room_apart(url: str, seq: int) -> int:
    connection = await asyncpg.connect(url)
    try:
        return await _make_room(connection, seq)
    finally:
        await connection.close()


async def _sending(data: bytes) -> AsyncIterator[bytes]:
    fail_point("log.append.row")
    yield data
    fail_point("log.append.pages")
