"""One connection of the engine: frames wait in a bounded buffer, and who reads too slowly is dropped with a reason."""

import asyncio
from collections import deque
from typing import Any, Final

import structlog

from app.serve.bodies import NUMBER, Row, Status, encode_decisions, encode_row
from app.serve.frames import Kind, Reason, frame, message
from ledger.codec import Batch
from ledger.engine.api import Answer, BlockAnswer
from ledger.engine.layout import Records
from ledger.errors import InvariantBroken
from ledger.sequencer import Overloaded, SequencerStopped, Unavailable

log = structlog.get_logger(__name__)

BUFFER_BYTES_MAX: Final = 32 * 2**20
CLOSE_TIMEOUT_S: Final = 2.0

Waiting = tuple[int, "asyncio.Future[Any]"]
"""Number, and where the ``Answer`` or ``BlockAnswer`` will appear."""


class Peer:
    """Frames on their way to one client, and its requests that have no answer yet."""

    def __init__(self, name: str, writer: asyncio.StreamWriter, *, buffer_max: int = BUFFER_BYTES_MAX) -> None:
        self.name = name
        self.waiting: deque[Waiting] = deque()
        self._writer = writer
        self._buffer_max = buffer_max
        self._frames: list[bytes] = []
        self._size = 0
        self._filled = asyncio.Event()
        self._is_ending = False

    def put(self, data: bytes) -> None:
        """Queue a frame, or drop the client when it has not read what waits."""
        if self._is_ending:
            return
        if self._size + len(data) > self._buffer_max:
            waits = self._size
            self.end("slow_reader", f"{waits} bytes wait, at most {self._buffer_max}", drop=True)
            return
        self._frames.append(data)
        self._size += len(data)
        self._filled.set()

    def end(self, code: str, detail: str = "", *, drop: bool = False) -> None:
        """Say why and end the connection; ``drop`` forgets what was not sent yet."""
        if self._is_ending:
            return
        tell = log.warning if drop else log.info
        tell("peer_ended", peer=self.name, code=code, detail=detail)
        if drop:
            self._frames.clear()
        self._frames.append(message(Kind.BYE, Reason(code, detail)))
        self._is_ending = True
        self._filled.set()
        # Whoever does not even read why is cut off.
        asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._writer.transport.abort)

    async def write(self) -> None:
        """Send what is queued until the connection ends; runs as a task."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            frames, self._frames = self._frames, []
            self._writer.writelines(frames)
            if self._is_ending:
                break
            await self._writer.drain()
            self._size = sum(map(len, self._frames))
        self._writer.close()
        await self._writer.wait_closed()

    def answer(self, batch: Batch | None) -> None:
        """Send the answers that have come, in the order of the requests; ``batch`` is the last one published."""
        rows: list[bytes] = []
        waiting = self.waiting
        while waiting and waiting[0][1].done():
            number, future = waiting.popleft()
            error = future.exception()
            if error is not None:
                rows.append(failed(number, error))
                continue
            result = future.result()
            if isinstance(result, BlockAnswer):
                self.send_rows(rows, batch)
                rows = []
                number_of_batch = -1 if batch is None else batch.number
                first = first_event(result.events, batch)
                self.put(frame(Kind.DECISIONS, *encode_decisions(number, result, batch=number_of_batch, first=first)))
            else:
                rows.append(answered(number, result, batch))
        self.send_rows(rows, batch)

    def send_rows(self, rows: list[bytes], batch: Batch | None = None) -> None:
        """Send answers; their events are those of ``batch``."""
        if rows:
            number = -1 if batch is None else batch.number
            self.put(frame(Kind.ANSWERS, NUMBER.pack(number), *rows))


def answered(number: int, answer: Answer, batch: Batch | None) -> bytes:
    """Return the row of an answer; raises ``InvariantBroken`` where its events are not of the batch."""
    first, events = first_event(answer.events, batch), len(answer.events)
    return encode_row(
        Row(
            number,
            Status.ANSWERED,
            int(answer.duplicate),
            answer.code,
            first,
            events,
            answer.reference,
            answer.value,
            answer.bound,
        )
    )


def first_event(events: Records, batch: Batch | None) -> int:
    """Return where in a batch these events begin, 0 for none; raises ``InvariantBroken`` where they are not of it."""
    if not len(events):
        return 0
    seq = int(events["seq"][0])
    first = seq - batch.first_seq if batch is not None else -1
    if batch is None or first < 0 or first + len(events) > len(batch.events):
        raise InvariantBroken(law="an answer's events are of its batch", seq=seq, detail=first)
    return first


def failed(number: int, error: BaseException) -> bytes:
    """Return the row of a request that the engine did not answer; anything but ``Unavailable`` is raised again."""
    if isinstance(error, Overloaded):
        return encode_row(Row(number, Status.OVERLOADED, 0, 0, 0, 0, 0, error.queued, error.retry_after_ms))
    if isinstance(error, SequencerStopped):
        return encode_row(Row(number, Status.STOPPED, 0, 0, 0, 0, 0, 0, 0))
    if isinstance(error, Unavailable):
        return encode_row(Row(number, Status.UNKNOWN, 0, 0, 0, 0, 0, 0, 0))
    raise error
