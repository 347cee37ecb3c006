"""Snapshots in the database: written piece by piece, found again by what the log says of them, the newest few kept."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from ledger.engine.machine import Engine
from ledger.failpoints import fail_point
from ledger.log.base import Head
from ledger.log.postgres import MAY_SWITCH, WRITER_ROLE
from ledger.log.snapshots import Header, Loading, SnapshotBroken, Taking, decode_header, encode_header

THREADS: Final = 2
AHEAD: Final = 4
"""Parts that are packed, stored or fetched before they are needed; with 4 MB each this bounds the memory."""
PACE_BYTES: Final = 64 * 2**20
"""Most bytes per second that are written, so that the log's own commits do not wait behind a snapshot."""

NEWEST = "SELECT seq, state_hash, blob FROM snapshots WHERE seq <= $1 ORDER BY seq DESC"
BATCH = "SELECT last_seq, hash, ts_ms FROM batches WHERE number = $1"
PART_COUNT = "SELECT count(*) FROM snapshot_parts WHERE seq = $1"
PART = "SELECT body FROM snapshot_parts WHERE seq = $1 AND part = $2"
INSERT_PART = "INSERT INTO snapshot_parts (seq, part, body) VALUES ($1, $2, $3)"
INSERT_HEADER = "INSERT INTO snapshots (seq, batch, taken_ms, state_hash, blob) VALUES ($1, $2, $3, $4, $5)"
IS_THERE = "SELECT EXISTS (SELECT FROM snapshots WHERE seq = $1)"
FORGET = (
    "DELETE FROM snapshots WHERE seq < (SELECT min(seq) FROM (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT $1))"
)


@dataclass(frozen=True, slots=True)
class Written:
    """What one snapshot came to; ``stored_bytes`` is 0 where this state had been stored before."""

    seq: int
    parts: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A stored snapshot that was not used, and why."""

    seq: int
    detail: str


Report = Callable[[Refused], None]


class SnapshotStore:
    """The snapshots of one database, whose schema is the newest (``migrate``)."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def save(self, engine: Engine, head: Head, *, keep: int, taken_ms: int) -> Written:
        """Write the state of an engine that rests at ``head`` and forget all but the newest ``keep``; whole or not."""
        async with self._connection() as connection:
            if await connection.fetchval(MAY_SWITCH, WRITER_ROLE):
                await connection.execute(f"SET ROLE {WRITER_ROLE}")
            if await connection.fetchval(IS_THERE, head.seq):
                return Written(head.seq, 0, 0)
            taking = Taking(engine, head)
            async with connection.transaction():
                fail_point("snapshot.begun")
                stored = await self._save_parts(connection, taking, head.seq)
                fail_point("snapshot.parts")
                header = taking.header()
                await connection.execute(
                    INSERT_HEADER, head.seq, head.number, taken_ms, header.state_hash, encode_header(header)
                )
                await connection.execute(FORGET, keep)
            fail_point("snapshot.written")
            return Written(head.seq, len(header.parts), stored)

    async def newest(self, upto: Head, report: Report = lambda _: None) -> tuple[Engine, Head] | None:
        """Return the engine of the newest snapshot that holds, and where it stands; ``None`` where none does.

        A snapshot holds if its bytes are those that were written, its state has the hash stored beside it, and the log
        has the very batch it was taken at. Each that does not is reported, and the next older one tried.
        """
        async with self._connection() as connection:
            for row in await connection.fetch(NEWEST, upto.seq):
                try:
                    header = await self._check(connection, row)
                    return await self._load(connection, header), header.head
                except SnapshotBroken as error:
                    report(Refused(row["seq"], error.detail))
        return None

    async def _save_parts(self, connection: Any, taking: Taking, seq: int) -> int:
        loop, stored, part = asyncio.get_running_loop(), 0, 0
        packing: deque[asyncio.Future[bytes]] = deque()
        begun = loop.time()

        async def store_first() -> None:
            nonlocal stored, part
            body = await packing.popleft()
            await connection.execute(INSERT_PART, seq, part, body)
            part += 1
            stored += len(body)
            await asyncio.sleep(begun + stored / PACE_BYTES - loop.time())

        with ThreadPoolExecutor(THREADS) as threads:
            for piece in taking.pieces():
                packing.append(loop.run_in_executor(threads, piece.packed))
                if len(packing) >= AHEAD:
                    await store_first()
            while packing:
                await store_first()
        return stored

    async def _check(self, connection: Any, row: Any) -> Header:
        header = decode_header(row["blob"])
        if header.seq != row["seq"] or header.state_hash != row["state_hash"]:
            raise SnapshotBroken("the header names another state than its row")
        batch = await connection.fetchrow(BATCH, header.number)
        if batch is None or (batch["last_seq"], batch["hash"], batch["ts_ms"]) != (
            header.seq,
            header.batch_hash,
            header.ts_ms,
        ):
            raise SnapshotBroken(f"the log has another batch {header.number}")
        if await connection.fetchval(PART_COUNT, header.seq) != len(header.parts):
            raise SnapshotBroken("another number of parts is stored than the header names")
        return header

    async def _load(self, connection: Any, header: Header) -> Engine:
        loop, loading = asyncio.get_running_loop(), Loading(header)
        putting: deque[asyncio.Future[None]] = deque()
        get_part = await connection.prepare(PART)
        with ThreadPoolExecutor(THREADS) as threads:
            try:
                for position in range(len(header.parts)):
                    packed = await get_part.fetchval(header.seq, position)
                    if packed is None:
                        raise SnapshotBroken(f"part {position} is missing")
                    putting.append(loop.run_in_executor(threads, loading.put, position, packed))
                    if len(putting) >= AHEAD:
                        await putting.popleft()
                while putting:
                    await putting.popleft()
            finally:
                await asyncio.gather(*putting, return_exceptions=True)
        return loading.engine()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self._url)
        try:
            yield connection
        finally:
            await connection.close()
