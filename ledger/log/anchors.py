"""Heads of the log that stand in the chain: their text, and the table of those that were seen in final blocks.

The chain is the witness; the table only tells where to look. A text is 58 bytes: a domain, the number of the batch
(u64, little-endian) and the hash of the log's chain after it.
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol

import asyncpg

from ledger.hashing import HASH_BYTES

DOMAIN: Final = b"taobourse/anchor/1"
NUMBER_BYTES: Final = 8
TEXT_BYTES: Final = len(DOMAIN) + NUMBER_BYTES + HASH_BYTES

INSERT = """
    INSERT INTO anchors (batch, hash, height, block_hash, extrinsic_hash) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
"""
ALL = "SELECT batch, hash, height, block_hash, extrinsic_hash FROM anchors ORDER BY height, batch"
LAST_HEIGHT = "SELECT max(height) FROM anchors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A batch's hash that a final block holds; ``extrinsic_hash`` names the extrinsic that brought it."""

    batch: int
    hash: bytes
    height: int
    block_hash: bytes
    extrinsic_hash: bytes


class AnchorTable(Protocol):
    """Where the link notes anchors that it has seen in final blocks."""

    async def record(self, anchor: Anchor) -> None:
        """Note one; noted before, nothing changes."""

    async def last_height(self) -> int | None:
        """Return the height of the newest, ``None`` before the first."""


class PostgresAnchors:
    """The table of one database, whose schema is the newest (``migrate``)."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def record(self, anchor: Anchor) -> None:
        """Note one; noted before, nothing changes."""
        row = (anchor.batch, anchor.hash, anchor.height, anchor.block_hash, anchor.extrinsic_hash)
        await self._ask("execute", INSERT, *row)

    async def last_height(self) -> int | None:
        """Return the height of the newest, ``None`` before the first."""
        height: int | None = await self._ask("fetchval", LAST_HEIGHT)
        return height

    async def read(self) -> list[Anchor]:
        """Return all of them, oldest first."""
        return [Anchor(**dict(row)) for row in await self._ask("fetch", ALL)]

    async def _ask(self, method: str, query: str, *arguments: Any) -> Any:
        # One anchor in many minutes: a connection that is kept would wait for nothing.
        connection = await asyncpg.connect(self._url)
        try:
            return await getattr(connection, method)(query, *arguments)
        finally:
            await connection.close()


def encode_text(batch: int, batch_hash: bytes) -> bytes:
    """Return what a remark says of a batch."""
    return DOMAIN + batch.to_bytes(NUMBER_BYTES, "little") + batch_hash


def decode_text(text: bytes) -> tuple[int, bytes] | None:
    """Return batch number and hash of a remark's text; ``None`` for a text that is no anchor."""
    if len(text) != TEXT_BYTES or not text.startswith(DOMAIN):
        return None
    number = text[len(DOMAIN) : len(DOMAIN) + NUMBER_BYTES]
    return int.from_bytes(number, "little"), text[-HASH_BYTES:]
