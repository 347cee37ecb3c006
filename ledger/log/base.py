"""What a log is: one writer appends sealed batches, anybody reads them again and verifies the chain while reading."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from ledger.codec import Batch
from ledger.hashing import GENESIS_HASH
from ledger.log.errors import ChainBroken


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log: the last batch's number, last seq, hash and time; ``EMPTY_HEAD`` before the first."""

    number: int
    seq: int
    hash: bytes
    ts_ms: int

    @classmethod
    def of(cls, batch: Batch) -> "Head":
        """Return the head that a batch leaves."""
        return cls(number=batch.number, seq=batch.last_seq, hash=batch.hash, ts_ms=batch.ts_ms)


EMPTY_HEAD = Head(number=-1, seq=0, hash=GENESIS_HASH, ts_ms=0)


class EventLog(Protocol):
    """The system of record."""

    @property
    def writer_epoch(self) -> int:
        """Return the epoch that ``open`` began; every batch appended must carry it."""

    async def open(self) -> Head:
        """Become the only writer, and return the head; an older writer can never append again.

        Raises ``LogHeld`` while another writer lives, ``SettingsRefused`` for a database that may forget.
        """

    async def append(self, batch: Batch) -> None:
        """Make one batch durable, whole or not at all.

        Raises ``LogFailed`` for a refused write and for an unknown outcome alike; after that the log takes nothing.
        """

    def read(self, from_number: int = 0) -> AsyncIterator[Batch]:
        """Yield the batches that are durable now, in order, each verified against the one before; needs no ``open``.

        Raises ``ChainBroken``.
        """

    async def close(self) -> None:
        """Let go of the log."""


def check_follows(head: Head, batch: Batch) -> None:
    """Raise ``ChainBroken`` unless the batch continues the log at this head."""
    if batch.number != head.number + 1:
        raise ChainBroken(number=batch.number, detail=f"follows batch {head.number}")
    if batch.first_seq != head.seq + 1:
        raise ChainBroken(number=batch.number, detail=f"begins at seq {batch.first_seq} after seq {head.seq}")
    if batch.previous != head.hash:
        raise ChainBroken(number=batch.number, detail="names another previous hash")
    if batch.ts_ms < head.ts_ms:
        raise ChainBroken(number=batch.number, detail=f"ts {batch.ts_ms} lies before {head.ts_ms}")
