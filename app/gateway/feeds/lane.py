"""The way of trading requests of all sockets into the log: what came in one turn of the loop goes as one block.

Nothing waits for anything but the end of the turn; a request keeps its place, and is told once its block is durable and
this gateway's reads reflect it. Where the inbox is full, new orders are refused at once and cancels are tried alone.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np

from app.gateway.kraken import errors
from app.gateway.kraken.errors import Refused
from app.gateway.parts import Parts
from app.gateway.replica import Behind
from app.observability import get_logger
from ledger.engine.api import Block, BlockAnswer
from ledger.engine.layout import COMMAND
from ledger.sequencer import Overloaded, Unavailable

BLOCK_COMMANDS: Final = 1_000
"""So many commands leave before the turn ends."""


class Entry(Protocol):
    """One request on its way: ``count`` commands; ``is_relief``: it only cancels."""

    count: int
    is_relief: bool

    def tell(self, answer: BlockAnswer, rows: Sequence[Sequence[int]], position: int) -> None:
        """Answer the request: its decisions are ``rows[position : position + count]``."""

    def refuse(self, refused: Refused) -> None:
        """Answer that nothing of it was done, or that nobody knows."""


class Lane:
    """Gathers and sends the blocks of one gateway."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._log = get_logger("gateway")
        self._records: list[bytes] = []
        self._payloads: list[bytes] = []
        self._entries: list[Entry] = []
        self._due: asyncio.Handle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def payload(self, text: str) -> int:
        """Return the place of a client's own text in the next block, 0 for none."""
        if not text:
            return 0
        self._payloads.append(text.encode())
        return len(self._payloads)

    def put(self, entry: Entry, records: Sequence[bytes]) -> None:
        """Send a request with the next block: the bytes of one ``COMMAND`` each."""
        self._records.extend(records)
        self._entries.append(entry)
        if len(self._records) >= BLOCK_COMMANDS:
            self.cut()
        elif self._due is None:
            self._due = asyncio.get_running_loop().call_soon(self._send_gathered)

    def cut(self) -> None:
        """Close the block: what is put next, and every task that is begun from here on, comes behind it."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._entries:
            gathered = self._gathered()
            asyncio.get_running_loop().call_soon(lambda: self._send_or_relieve(*gathered))

    def _send_gathered(self) -> None:
        self._due = None
        self._send_or_relieve(*self._gathered())

    def _gathered(self) -> tuple[list[Entry], list[bytes], tuple[bytes, ...]]:
        gathered = self._entries, self._records, tuple(self._payloads)
        self._entries, self._records, self._payloads = [], [], []
        return gathered

    def _send_or_relieve(self, entries: list[Entry], records: list[bytes], payloads: tuple[bytes, ...]) -> None:
        try:
            self._send(entries, records, payloads)
        except Overloaded:
            self._send_relief(entries, records)

    def _send_relief(self, entries: Sequence[Entry], records: Sequence[bytes]) -> None:
        """Refuse new orders, and try the cancels among them alone, in their order."""
        kept: list[Entry] = []
        kept_records: list[bytes] = []
        position = 0
        for entry in entries:
            if entry.is_relief:
                kept.append(entry)
                kept_records += records[position : position + entry.count]
            else:
                entry.refuse(Refused(errors.BUSY, "overloaded"))
            position += entry.count
        if not kept:
            return
        try:
            self._send(kept, kept_records, ())
        except Overloaded:
            for entry in kept:
                entry.refuse(Refused(errors.BUSY, "overloaded"))

    def _send(self, entries: Sequence[Entry], records: Sequence[bytes], payloads: tuple[bytes, ...]) -> None:
        block = Block(np.frombuffer(b"".join(records), COMMAND), payloads)
        try:
            future = self._parts.sequencer.enqueue_block(block)
        except Overloaded:
            raise
        except Unavailable as error:
            _refuse_all(entries, error)
            return
        future.add_done_callback(lambda answered: self._answered(entries, answered))

    def _answered(self, entries: Sequence[Entry], future: "asyncio.Future[BlockAnswer]") -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            _refuse_all(entries, error)
            return
        answer = future.result()
        seq = _reflected_at(answer)
        if seq <= self._parts.replica.seq:
            self._tell(entries, answer)
            return
        task = asyncio.create_task(self._tell_later(entries, answer, seq))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell_later(self, entries: Sequence[Entry], answer: BlockAnswer, seq: int) -> None:
        try:
            await self._parts.replica.caught_up(seq)
        except Behind:
            for entry in entries:
                entry.refuse(Refused(errors.UNAVAILABLE, "replica_behind"))
            return
        self._tell(entries, answer)

    def _tell(self, entries: Sequence[Entry], answer: BlockAnswer) -> None:
        rows = answer.decisions.tolist()
        position = 0
        for entry in entries:
            try:
                entry.tell(answer, rows, position)
            except Exception:  # noqa: BLE001 - a bug of ours must not leave the others without their answers
                self._log.exception("an answer could not be told")
                entry.refuse(Refused(errors.INTERNAL_ERROR, "internal_error"))
            position += entry.count


def _reflected_at(answer: BlockAnswer) -> int:
    """Return the seq from which on reads reflect a block: its last event, or what its repetitions name."""
    seq = int(answer.events["seq"][-1]) if len(answer.events) else 0
    repeated: Any = answer.decisions["reference"][answer.decisions["duplicate"] != 0]
    return max(seq, int(repeated.max())) if len(repeated) else seq


def _refuse_all(entries: Sequence[Entry], error: BaseException) -> None:
    """Tell all of them why nothing is known to be done."""
    code, text = "internal_error", errors.INTERNAL_ERROR
    if isinstance(error, Unavailable):
        code, text = error.code, errors.BUSY if isinstance(error, Overloaded) else errors.UNAVAILABLE
    for entry in entries:
        entry.refuse(Refused(text, code))
