"""The sequencer of another process: requests go over a local socket, batches and answers come back in their order.

To gateway and link it is what ``ledger.sequencer.Sequencer`` is to the embedded shape. Subscribers hear every batch in
order and before the answers that came with it; whatever a connection did not bring is taken from the log. While there
is no engine, requests are refused at once with ``EngineAway``, and those in flight end as ``OutcomeUnknown``.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import structlog

from app.serve.bodies import (
    NUMBERS,
    REQUESTS_MAX,
    RUN_MAX,
    Row,
    Status,
    decode_batch,
    decode_decisions,
    decode_number,
    decode_rows,
    encode_block,
    encode_requests,
    encode_run,
    is_plain,
    next_number,
    request_size,
)
from app.serve.errors import EngineAway, FrameBroken, PeerRefused, RequestTooLarge
from app.serve.frames import (
    FRAME_BYTES_MAX,
    HELLO_TIMEOUT_S,
    READ_AHEAD_BYTES,
    Hello,
    Kind,
    frame,
    message,
    read_frame,
    read_reason,
    read_welcome,
)
from app.serve.tail import LogTail
from ledger.codec import Batch
from ledger.engine.api import Answer, Block, BlockAnswer, Request, empty_records
from ledger.engine.layout import EVENT, Records
from ledger.errors import InvariantBroken
from ledger.log.base import Head, check_follows
from ledger.log.errors import ChainBroken
from ledger.sequencer import OutcomeUnknown, Overloaded, SequencerStopped, Subscriber, Unavailable

log = structlog.get_logger(__name__)

IN_FLIGHT_MAX: Final = 20_000
REQUEST_BYTES_MAX: Final = FRAME_BYTES_MAX // 2
GATHER_BYTES_MAX: Final = FRAME_BYTES_MAX // 4
SILENCE_S: Final = 10.0
"""An engine that tells nothing for so long is taken for gone; it tells that it is alive every second."""
RETRY_MIN_S: Final = 0.05
RETRY_MAX_S: Final = 1.0
OVERLOADED_RETRY_MS: Final = 100
WORLD: Final = (OSError, EOFError, TimeoutError, FrameBroken)
"""What a lost engine or database looks like: tried again."""
_NO_EVENTS: Final = empty_records(EVENT)

Pending = tuple[Request | Block, "asyncio.Future[Any]", bool]
"""What is asked, where its ``Answer`` or ``BlockAnswer`` will appear, and whether it may travel in a run."""


class RemoteSequencer:
    """Speaks to the engine's process at ``path``.

    ``head``: what the subscribers stand at; ``tail``: the durable log; ``on_fatal``: ends the process when a subscriber
    raises, the log contradicts itself, or the engine is of another version or log. ``in_flight_max``: requests that may
    wait for their answers at one time.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        head: Head,
        tail: LogTail,
        on_fatal: Callable[[BaseException], None],
        in_flight_max: int = IN_FLIGHT_MAX,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._path = path
        self._name = name
        self._head = head
        self._tail = tail
        self._on_fatal = on_fatal
        self._in_flight_max = in_flight_max
        self._silence_s = silence_s
        self._subscribers: list[Subscriber] = []
        self._pending: deque[Pending] = deque()
        self._in_flight: dict[int, asyncio.Future[Any]] = {}
        self._in_flight_commands = 0
        self._blocks: dict[int, int] = {}
        """Of those in flight that are blocks: how many commands."""
        self._next = 0
        self._is_flushing = False
        self._writer: asyncio.StreamWriter | None = None
        self._last: Batch | None = None
        self._ready = asyncio.Event()
        self._caught_up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = False
        self.reconnects = 0
        self.last_error = ""

    @property
    def head(self) -> Head:
        """Return the last batch that the subscribers have seen."""
        return self._head

    @property
    def queued(self) -> int:
        """Return how many requests, and commands of blocks, wait for their answers."""
        return self._in_flight_commands

    @property
    def is_connected(self) -> bool:
        """Return whether requests are taken: the engine answers, and the subscribers have seen all it had published."""
        return self._ready.is_set()

    def start(self) -> None:
        """Begin to speak to the engine, on the running loop, and again whenever the connection is lost."""
        if self._task is not None:
            raise RuntimeError("a remote sequencer starts once")
        self._task = asyncio.create_task(self._run(), name="remote sequencer")

    async def ready(self) -> None:
        """Return once requests are taken."""
        await self._ready.wait()

    async def caught_up(self) -> None:
        """Return once the subscribers have seen what the log held when it was first read; no engine is needed."""
        await self._caught_up.wait()

    async def stop(self) -> None:
        """Take nothing more and end the connection; what is in flight ends as ``OutcomeUnknown``."""
        self._is_stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._tail.close()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have ``subscriber`` called with every batch from now on; return what ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    async def submit(self, request: Request) -> Answer:
        """Return the answer once its batch is durable and the subscribers have it; raises what is ``Unavailable``."""
        return await self.enqueue(request)

    def enqueue(self, request: Request) -> asyncio.Future[Answer]:
        """Queue a request, and return where its answer will appear; requests keep the order of these calls.

        Raises ``EngineAway``, ``Overloaded``, ``RequestTooLarge`` and ``SequencerStopped`` at once.
        """
        return self._put(request, 1, is_plain=is_plain(request))

    def enqueue_block(self, block: Block) -> asyncio.Future[BlockAnswer]:
        """Queue a block, taken whole or not at all, and return where its answer will appear; as ``enqueue``."""
        return self._put(block, len(block.commands), is_plain=False)

    def _put(self, asked: Request | Block, count: int, *, is_plain: bool) -> asyncio.Future[Any]:
        if not self._ready.is_set():
            raise SequencerStopped if self._is_stopped else EngineAway
        # One that is larger than all room is let in alone, or it never would be.
        if self._in_flight_commands and self._in_flight_commands + count > self._in_flight_max:
            raise Overloaded(queued=self.queued, retry_after_ms=OVERLOADED_RETRY_MS)
        if asked.payloads or len(asked.commands) > 1:
            size = request_size(asked)
            if size > REQUEST_BYTES_MAX:
                raise RequestTooLarge(size, REQUEST_BYTES_MAX)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._pending.append((asked, future, is_plain))
        self._in_flight_commands += count
        if not self._is_flushing:
            self._is_flushing = True
            loop.call_soon(self._flush)
        return future

    def _flush(self) -> None:
        """Send what was asked in this turn of the loop, as few frames as fit."""
        self._is_flushing = False
        frames: list[bytes] = []
        while self._pending:
            first, (asked, _, plain) = self._next, self._pending[0]
            if isinstance(asked, Block):
                self._blocks[first] = len(asked.commands)
                self._take_pending()
                frames.append(frame(Kind.BLOCK, *encode_block(first, asked)))
            elif plain:
                frames.append(frame(Kind.RUN, *encode_run(first, self._gather(RUN_MAX, plain=True))))
            else:
                frames.append(frame(Kind.REQUESTS, *encode_requests(first, self._gather(REQUESTS_MAX, plain=False))))
        if self._writer is not None:  # where it is lost by now, those in flight were told
            self._writer.writelines(frames)

    def _gather(self, most: int, *, plain: bool) -> list[Request]:
        """Take the requests of one frame from those that wait: alike, in order."""
        requests: list[Request] = []
        size = 0
        while self._pending and len(requests) < most and size < GATHER_BYTES_MAX:
            asked, _, is_plain = self._pending[0]
            if isinstance(asked, Block) or is_plain is not plain:
                break
            self._take_pending()
            size += request_size(asked) if asked.payloads or not plain else asked.commands.nbytes
            requests.append(asked)
        return requests

    def _take_pending(self) -> None:
        """Give the next that waits a number."""
        self._in_flight[self._next] = self._pending.popleft()[1]
        self._next = next_number(self._next)

    async def _run(self) -> None:
        pause_s = RETRY_MIN_S
        try:
            while True:
                begun = self._head.number
                try:
                    await self._follow()
                except WORLD as error:
                    self._lost(error)
                if self._head.number > begun:
                    pause_s = RETRY_MIN_S
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
                self.reconnects += 1
        except asyncio.CancelledError:
            self._fail_all()
            raise
        except Exception as error:  # noqa: BLE001 - told to whoever owns the process
            self._fail_all()
            self._on_fatal(error)

    def _lost(self, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        if text != self.last_error or self._ready.is_set():
            log.warning("engine_lost", error=text, in_flight=self.queued)
        self.last_error = text
        self._fail_all()

    def _fail_all(self) -> None:
        """Tell everybody who waits: what was sent may have happened, what was not did not."""
        self._ready.clear()
        self._writer = None
        futures, self._in_flight = self._in_flight, {}
        self._blocks.clear()
        pending, self._pending = self._pending, deque()
        self._in_flight_commands = 0
        for future in futures.values():
            _fail(future, OutcomeUnknown())
        for _, future, _ in pending:
            _fail(future, EngineAway())

    async def _follow(self) -> None:
        """Follow one connection until it is lost, which is raised."""
        await self._catch_up(None)
        self._caught_up.set()
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(self._path, limit=READ_AHEAD_BYTES)
        try:
            await self._greet(reader, writer)
            while True:
                async with asyncio.timeout(self._silence_s):
                    kind, body = await read_frame(reader)
                await self._take(kind, body)
        finally:
            self._ready.clear()  # nothing more is taken; those who wait are told once it is noted why
            self._writer = None
            writer.transport.abort()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Come to terms with the engine, and take from the log what lies between its head and ours."""
        writer.write(message(Kind.HELLO, Hello(self._name, self._head.number, self._head.hash)))
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            kind, body = await read_frame(reader)
        if kind is Kind.REFUSED:
            reason = read_reason(body)
            if reason.code == "too_many_peers":
                raise ConnectionRefusedError(reason.detail)
            raise PeerRefused(reason.code, reason.detail)
        if kind is not Kind.WELCOME:
            raise FrameBroken(f"{kind.name} in place of a welcome")
        welcome = read_welcome(body)
        await self._catch_up(welcome.number)
        # Past the engine's head by a batch is well: the log has it, and the engine was not told yet that it has.
        if self._head.number == welcome.number and self._head != welcome.head:
            raise ChainBroken(number=welcome.number, detail="the log has another batch than the engine says")
        self._writer = writer
        self.last_error = ""
        self._ready.set()
        log.info("engine_reached", batch=welcome.number, seq=welcome.seq, writer_epoch=welcome.writer_epoch)

    async def _take(self, kind: Kind, body: bytes) -> None:
        if kind is Kind.ANSWERS:
            self._answer(*decode_rows(body))
        elif kind is Kind.DECISIONS:
            self._answer_block(*decode_decisions(body))
        elif kind is Kind.BATCH:
            await self._pass_on(decode_batch(body))
        elif kind is Kind.LEFT_OUT:
            await self._catch_up(decode_number(body))
        elif kind is Kind.BYE:
            reason = read_reason(body)
            raise ConnectionResetError(f"the engine ended it: {reason.code} {reason.detail}")
        elif kind is not Kind.ALIVE:
            raise FrameBroken(f"{kind.name} of an engine")

    async def _pass_on(self, batch: Batch) -> None:
        """Give a batch to the subscribers unless they have it; those that are missing before it come from the log."""
        if batch.number > self._head.number + 1:
            await self._catch_up(batch.number - 1)
        if batch.number > self._head.number:
            self._publish(batch)

    async def _catch_up(self, upto: int | None) -> None:
        """Give the subscribers what the log has, up to a batch, or up to its present end."""
        while upto is None or self._head.number < upto:
            batches = await self._tail.after(self._head)
            for batch in batches:
                if upto is None or batch.number <= upto:
                    self._publish(batch)
            if not batches:
                if upto is not None:
                    raise ChainBroken(number=upto, detail=f"the log ends at batch {self._head.number}")
                return
            await asyncio.sleep(0)  # a long way must not keep the loop from those who read

    def _publish(self, batch: Batch) -> None:
        check_follows(self._head, batch)
        self._head = Head.of(batch)
        self._last = batch
        for subscriber in tuple(self._subscribers):
            subscriber(batch)

    def _answer(self, number: int, rows: list[Row]) -> None:
        events = self._events_of(number)
        for row in rows:
            future = self._answered(row.number)
            if future.done():  # the asker may have gone away
                continue
            if row.status == Status.ANSWERED:
                future.set_result(_answer_of(row, events))
            else:
                future.set_exception(_error_of(row))

    def _answer_block(self, number: int, batch: int, where: slice, decisions: Records) -> None:
        """Answer a block, or each request of a run."""
        events = self._events_of(batch)[where]
        if len(events) != where.stop - where.start:
            raise InvariantBroken(law="an answer's events are of its batch", seq=batch, detail=where.stop)
        answer = BlockAnswer(decisions, events)
        if number in self._blocks:
            future = self._answered(number)
            if not future.done():
                future.set_result(answer)
            return
        for place, (code, reference, value, bound, duplicate, first, count) in enumerate(decisions.tolist()):
            future = self._answered((number + place) % NUMBERS)
            if not future.done():
                own = events[first : first + count]
                future.set_result(Answer(own, code, reference, value, bound, bool(duplicate)))

    def _answered(self, number: int) -> "asyncio.Future[Any]":
        future = self._in_flight.pop(number, None)
        if future is None:
            raise FrameBroken(f"an answer to request {number}, which was not asked")
        self._in_flight_commands -= self._blocks.pop(number, 1)
        return future

    def _events_of(self, number: int) -> Records:
        return self._last.events if self._last is not None and self._last.number == number else _NO_EVENTS


def _answer_of(row: Row, events: Any) -> Answer:
    own = events[row.first : row.first + row.events] if row.events else _NO_EVENTS
    if len(own) != row.events:
        raise InvariantBroken(law="an answer's events are of its batch", seq=row.reference, detail=row.events)
    return Answer(own, row.code, row.reference, row.value, row.bound, bool(row.duplicate))


def _error_of(row: Row) -> Unavailable:
    if row.status == Status.OVERLOADED:
        return Overloaded(queued=row.value, retry_after_ms=row.bound)
    if row.status == Status.STOPPED:
        return EngineAway()
    return OutcomeUnknown()


def _fail(future: "asyncio.Future[Answer]", error: Unavailable) -> None:
    if not future.done():
        future.set_exception(error)
