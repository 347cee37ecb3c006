"""A log in memory, for tests and for engines that nobody needs to remember; same rules, no durability."""

from collections.abc import AsyncIterator

from ledger.codec import Batch, open_body
from ledger.log.base import EMPTY_HEAD, Head, check_follows
from ledger.log.errors import ChainBroken, LogFailed, WriterFenced


class MemoryLog:
    """Keeps canonical bytes alone, so that reading decodes them as every log does.

    Open it again for a second writer: the first one's epoch is then refused, as in the database.
    """

    def __init__(self) -> None:
        self._bodies: list[tuple[bytes, bytes]] = []  # (body, hash)
        self._head = EMPTY_HEAD
        self._epoch = 0
        self._is_open = False

    @property
    def writer_epoch(self) -> int:
        """Return the current epoch."""
        return self._epoch

    async def open(self) -> Head:
        """Begin a new epoch and return the head."""
        self._epoch += 1
        self._is_open = True
        return self._head

    async def append(self, batch: Batch) -> None:
        """Keep one batch; raises ``LogFailed`` where it does not follow or the log is closed."""
        if not self._is_open:
            raise LogFailed(detail="the log is not open")
        if batch.writer_epoch != self._epoch:
            raise WriterFenced(detail=f"epoch {batch.writer_epoch} is not the current {self._epoch}")
        try:
            check_follows(self._head, batch)
        except ChainBroken as error:
            raise LogFailed(detail=str(error)) from error
        self._bodies.append((batch.body, batch.hash))
        self._head = Head.of(batch)

    async def read(self, from_number: int = 0) -> AsyncIterator[Batch]:
        """Yield the batches kept now, from ``from_number``."""
        for number in range(max(from_number, 0), len(self._bodies)):
            previous = self._bodies[number - 1][1] if number else EMPTY_HEAD.hash
            yield open_body(number=number, previous=previous, body=self._bodies[number][0])

    async def close(self) -> None:
        """Close; the content stays."""
        self._is_open = False
