"""Reads batches from the database in bulk, and verifies every byte of them against the chain."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from ledger.codec import Batch, join_pages, open_body
from ledger.log.base import EMPTY_HEAD, Head, check_follows
from ledger.log.errors import BatchMalformed, ChainBroken

GROUP_BATCHES = 1_024
GROUP_PAGES = 2_048
"""At most 16 MB of pages are fetched at once; the next group comes while the present one is verified."""

BEFORE = "SELECT number, last_seq, hash, ts_ms FROM batches WHERE number = $1"
ROWS = """
    SELECT number, first_seq, last_seq, ts_ms, writer_epoch, page_count, previous, hash
    FROM batches WHERE number >= $1 ORDER BY number LIMIT $2
"""
PAGES = "SELECT seq, page, body FROM event_pages WHERE seq BETWEEN $1 AND $2 ORDER BY seq, page"


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of consecutive batches, and the pages between their first and last seq, by first seq."""

    rows: list[Any]
    pages: dict[int, list[Any]]


async def read_batches(url: str, from_number: int = 0) -> AsyncIterator[Batch]:
    """Yield the batches from ``from_number`` until the log's present end. Raises ``ChainBroken``."""
    connection = await asyncpg.connect(url)
    coming: asyncio.Task[Group] | None = None
    try:
        head = await _head_before(connection, from_number)
        coming = asyncio.create_task(_fetch(connection, head.number + 1))
        while (group := await coming).rows:
            coming = asyncio.create_task(_fetch(connection, group.rows[-1]["number"] + 1))
            for row in group.rows:
                batch = verify_row(head, row, group.pages.get(row["first_seq"], []))
                head = Head.of(batch)
                yield batch
    finally:
        if coming is not None:
            coming.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await coming
        await connection.close()


async def read_group(connection: Any, head: Head, *, pages_max: int = GROUP_PAGES) -> list[Batch]:
    """Return the batches that follow ``head``, verified, as many as make a group of pages; none at the log's end.

    For readers that follow a growing log over one connection. Raises ``ChainBroken``.
    """
    group = await _fetch(connection, head.number + 1, pages_max)
    batches = []
    for row in group.rows:
        batch = verify_row(head, row, group.pages.get(row["first_seq"], []))
        head = Head.of(batch)
        batches.append(batch)
    return batches


def verify_row(head: Head, row: Any, pages: list[Any]) -> Batch:
    """Return the batch of a row and its pages; raises ``ChainBroken`` where anything stored contradicts the rest."""
    number: int = row["number"]
    if number != head.number + 1:
        raise ChainBroken(number=head.number + 1, detail=f"missing, the next one stored is {number}")
    if [page["page"] for page in pages] != list(range(row["page_count"])):
        raise ChainBroken(number=number, detail=f"{len(pages)} pages stored of {row['page_count']}, or misnumbered")
    try:
        batch = open_body(number=number, previous=row["previous"], body=join_pages(page["body"] for page in pages))
    except BatchMalformed as error:
        raise ChainBroken(number=number, detail=str(error)) from error
    if batch.hash != row["hash"]:
        raise ChainBroken(number=number, detail="the hash of the stored bytes differs from the stored hash")
    for name in ("first_seq", "last_seq", "ts_ms", "writer_epoch", "page_count"):
        if getattr(batch, name) != row[name]:
            raise ChainBroken(
                number=number, detail=f"{name} is {row[name]}, the hashed bytes say {getattr(batch, name)}"
            )
    check_follows(head, batch)
    return batch


async def _head_before(connection: Any, from_number: int) -> Head:
    if from_number <= 0:
        return EMPTY_HEAD
    row = await connection.fetchrow(BEFORE, from_number - 1)
    if row is None:
        raise ChainBroken(number=from_number - 1, detail="missing, the log ends before it")
    return Head(number=row["number"], seq=row["last_seq"], hash=row["hash"], ts_ms=row["ts_ms"])


async def _fetch(connection: Any, from_number: int, pages_max: int = GROUP_PAGES) -> Group:
    """Return the next batches, as many as make a group of pages; none at the end of the log."""
    rows: list[Any] = []
    page_count = 0
    for row in await connection.fetch(ROWS, from_number, GROUP_BATCHES):
        page_count += row["page_count"]
        if rows and page_count > pages_max:
            break
        rows.append(row)
    if not rows:
        return Group(rows=[], pages={})
    pages: dict[int, list[Any]] = {}
    for page in await connection.fetch(PAGES, rows[0]["first_seq"], rows[-1]["last_seq"]):
        pages.setdefault(page["seq"], []).append(page)
    return Group(rows=rows, pages=pages)
