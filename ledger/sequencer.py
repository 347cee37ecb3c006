"""The single writer: takes what arrived, has it decided, makes it durable, and only then lets anybody know.

While one batch is being written the next one gathers, so the size of a batch follows the load by itself. A failure
anywhere on this path ends the process through ``on_fatal``: the state in memory may be ahead of the log, and only a
start, which reads the log, can tell what is true.

What takes load away (cancels) and what the exchange itself needs (heads, jobs) has room in the inbox that new orders
cannot fill.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ledger.codec import Batch, seal
from ledger.engine.api import Answer, Block, BlockAnswer, Request, StateMachine
from ledger.engine.layout import CommandKind
from ledger.errors import InvariantBroken, LedgerError
from ledger.failpoints import fail_point
from ledger.log.base import EventLog, Head

BATCH_COMMANDS = 1_000
INBOX_REQUESTS = 20_000
RESERVE_SHARE = 4
"""One part in so many of the inbox, on top of it and whatever fills it, for what is not a new order."""
TIMER_INTERVAL_MS = 100
RETRY_MIN_MS = 10
RETRY_MAX_MS = 5_000

Clock = Callable[[], int]
"""Milliseconds since 1970."""

Subscriber = Callable[[Batch], None]
"""Called with each durable batch, in order, before its answers leave; must not block. What it raises is fatal."""

Waiting = list[tuple[Request | Block, asyncio.Future[Any]]]
"""Requests and blocks, each with where its ``Answer`` or ``BlockAnswer`` is awaited."""

NEW_ORDERS = (CommandKind.PLACE_ORDER, CommandKind.AMEND_ORDER)
"""Kinds that have no place in the reserve of the inbox."""


class _Step(NamedTuple):
    """A batch that was decided: who asked, what they will be told, what must be durable first, and since when, s."""

    taken: Waiting
    answers: list[Any]
    batch: Batch | None
    begun_s: float


class Unavailable(LedgerError):  # noqa: N818 - a family of errors
    """The world failed, not the request: asking again is safe, since commands have ids."""

    code: str = "unavailable"


@dataclass(eq=False)
class Overloaded(Unavailable):
    """The inbox is full; nothing was taken. Ask again after ``retry_after_ms``."""

    queued: int
    retry_after_ms: int
    code: str = "overloaded"

    def __str__(self) -> str:
        """Return the code and when to ask again."""
        return f"{self.code}: {self.queued} requests wait, retry after {self.retry_after_ms} ms"


@dataclass(eq=False)
class SequencerStopped(Unavailable):
    """The sequencer takes nothing: not started, stopping, or ended; the request was not decided."""

    code: str = "sequencer_stopped"

    def __str__(self) -> str:
        """Return the code."""
        return self.code


@dataclass(eq=False)
class OutcomeUnknown(Unavailable):
    """The request was decided but its batch failed: it may or may not have happened; the same id tells later."""

    code: str = "outcome_unknown"

    def __str__(self) -> str:
        """Return the code."""
        return self.code


class Sequencer:
    """Runs one engine on one open log.

    ``head``: what ``log.open()`` returned and the engine was recovered to; ``clock``: ms since 1970; ``on_fatal``: ends
    the process. ``batch_commands``: a batch closes before it exceeds this, though one group or block may be larger;
    ``inbox_requests``: how many requests, and commands of blocks, may wait before new orders are refused.
    """

    def __init__(
        self,
        *,
        engine: StateMachine,
        log: EventLog,
        head: Head,
        clock: Clock,
        on_fatal: Callable[[BaseException], None],
        batch_commands: int = BATCH_COMMANDS,
        inbox_requests: int = INBOX_REQUESTS,
        timer_interval_ms: int = TIMER_INTERVAL_MS,
    ) -> None:
        self._engine = engine
        self._log = log
        self._head = head
        self._clock = clock
        self._on_fatal = on_fatal
        self._batch_commands = batch_commands
        self._inbox_requests = inbox_requests
        self._timer_interval_s = timer_interval_ms / 1_000
        self._writer_epoch = 0
        self._ts_ms = head.ts_ms
        self._inbox: deque[tuple[Request | Block, asyncio.Future[Any], int, int]] = deque()
        self._queued = 0
        self._queued_others = 0
        self._arrived = asyncio.Event()
        self._subscribers: list[Subscriber] = []
        self._task: asyncio.Task[None] | None = None
        self._accepts = False
        self._next_tick_s = 0.0
        self._batch_s = 0.001
        self._sealed = head
        self._unanswered: deque[Waiting] = deque()
        self._last: _Step | None = None
        self._full: asyncio.Future[None] | None = None

    @property
    def head(self) -> Head:
        """Return the last durable batch."""
        return self._head

    @property
    def queued(self) -> int:
        """Return how many requests, and commands of blocks, wait."""
        return self._queued

    def start(self) -> None:
        """Begin taking requests, on the running loop."""
        if self._task is not None:
            raise RuntimeError("a sequencer starts once")
        if self._engine.seq != self._head.seq:
            raise InvariantBroken(law="the engine stands at the head", seq=self._head.seq, detail=self._engine.seq)
        self._writer_epoch = self._log.writer_epoch
        self._accepts = True
        self._task = asyncio.create_task(self._run(), name="sequencer")

    async def stop(self) -> None:
        """Take nothing more, finish what waits, and return; after a failure return at once."""
        self._accepts = False
        self._arrived.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have ``subscriber`` called with every batch from now on; return what ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    async def submit(self, request: Request) -> Answer:
        """Return the answer once its batch is durable; raises what is ``Unavailable``."""
        return await self.enqueue(request)

    def enqueue(self, request: Request) -> asyncio.Future[Answer]:
        """Queue a request, and return where its answer will appear; requests keep the order of these calls.

        Raises ``Overloaded`` and ``SequencerStopped`` at once.
        """
        kind = int(request.commands["kind"][0])
        return self._put(request, 1, is_new=kind in NEW_ORDERS)

    def enqueue_block(self, block: Block) -> asyncio.Future[BlockAnswer]:
        """Queue a block, taken whole or not at all, and return where its answer will appear; order as ``enqueue``.

        Raises ``Overloaded`` and ``SequencerStopped`` at once. A block that holds a new order has no part in the
        reserve: who is refused may ask again for its cancels alone.
        """
        kinds = block.commands["kind"]
        return self._put(block, len(kinds), is_new=bool(np.isin(kinds, NEW_ORDERS).any()))

    def _put(self, asked: Request | Block, count: int, *, is_new: bool) -> asyncio.Future[Any]:
        if not self._accepts:
            raise SequencerStopped
        reserve = 0 if is_new else self._inbox_requests // RESERVE_SHARE
        is_full = self._queued + count > self._inbox_requests + reserve and self._queued_others + count > reserve
        # One that is larger than all room is let in alone, or it never would be.
        if is_full and self._queued:
            raise Overloaded(queued=self._queued, retry_after_ms=self._retry_after_ms())
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        others = 0 if is_new else count
        self._inbox.append((asked, future, count, others))
        self._queued += count
        self._queued_others += others
        self._arrived.set()
        if self._queued >= self._batch_commands:
            self._wake()
        return future

    def _wake(self, _: object = None) -> None:
        """End the wait beside a write: it ended, or the next batch is full."""
        if self._full is not None and not self._full.done():
            self._full.set_result(None)

    async def _run(self) -> None:
        try:
            step: _Step | None = None
            while step is not None or await self._wait_for_work():
                step = await self._make_durable(step or self._decide())
        except BaseException as error:
            self._accepts = False
            _fail((future for taken in self._unanswered for _, future in taken), OutcomeUnknown)
            _fail((queued[1] for queued in self._inbox), SequencerStopped)
            self._unanswered.clear()
            self._inbox.clear()
            self._queued = self._queued_others = 0
            if isinstance(error, asyncio.CancelledError):
                raise
            self._on_fatal(error)

    def _decide(self) -> "_Step":
        """Take a batch from the inbox, have it decided, and seal what it appends behind the last sealed one."""
        begun_s = asyncio.get_running_loop().time()
        taken = self._take_batch()
        self._unanswered.append(taken)
        self._ts_ms = max(self._ts_ms, self._clock())
        decided = self._engine.decide(self._ts_ms, [request for request, _ in taken])
        if len(decided.answers) != len(taken):
            raise InvariantBroken(law="one answer per request", seq=self._sealed.seq, detail=len(decided.answers))
        batch = None
        if len(decided.events):
            batch = seal(
                number=self._sealed.number + 1,
                ts_ms=self._ts_ms,
                writer_epoch=self._writer_epoch,
                events=decided.events,
                payloads=decided.payloads,
                previous=self._sealed.hash,
            )
            if batch.first_seq != self._sealed.seq + 1:
                raise InvariantBroken(law="seqs are contiguous", seq=self._sealed.seq, detail=batch.first_seq)
            self._sealed = Head.of(batch)
            fail_point("sequencer.decided")
        return _Step(taken, decided.answers, batch, begun_s)

    async def _make_durable(self, step: "_Step") -> "_Step | None":
        """Write a step, and tell it once it is durable; return the next one where that was decided meanwhile.

        The step before is told only now that this one is on its way: the database works while we do.
        """
        if step.batch is None:
            self._tell_last()
            self._last = step
            self._tell_last()
            return None
        append = asyncio.create_task(self._log.append(step.batch), name="append")
        try:
            following, failure = await self._decide_beside(append)
            await append
        finally:
            append.cancel()
        fail_point("sequencer.committed")
        self._head = Head.of(step.batch)
        self._last = step
        if following is None:
            self._tell_last()
        if failure is not None:
            raise failure
        return following

    async def _decide_beside(self, append: asyncio.Task[None]) -> "tuple[_Step | None, Exception | None]":
        """Wait for a write, and decide the next batch beside it once that is full; what deciding raises comes later."""
        await asyncio.sleep(0)  # the write begins first
        self._tell_last()
        if self._queued < self._batch_commands:
            self._full = asyncio.get_running_loop().create_future()
            append.add_done_callback(self._wake)
            await self._full
            self._full = None
        if append.done():
            return None, None
        try:
            return self._decide(), None
        except Exception as error:  # noqa: BLE001 - raised again once what is being written is told
            return None, error

    def _tell_last(self) -> None:
        """Publish and answer the step that is durable and was not told yet: in this order."""
        step, self._last = self._last, None
        if step is None:
            return
        if step.batch is not None:
            for subscriber in tuple(self._subscribers):
                subscriber(step.batch)
        for (_, future), answer in zip(step.taken, step.answers, strict=True):
            if not future.done():  # the asker may have gone away
                future.set_result(answer)
        fail_point("sequencer.answered")
        self._unanswered.popleft()
        self._batch_s = asyncio.get_running_loop().time() - step.begun_s

    async def _wait_for_work(self) -> bool:
        """Return when requests wait or a timer is due; False once stopped and empty."""
        loop = asyncio.get_running_loop()
        while not self._inbox:
            if not self._accepts:
                return False
            self._arrived.clear()
            due_ms = self._engine.next_timer_ms
            if due_ms is None:
                await self._arrived.wait()
                continue
            now_s = loop.time()
            now_ms = max(self._ts_ms, self._clock())  # the time of the next batch, though the clock was set back
            if now_s >= self._next_tick_s and due_ms <= now_ms:
                self._next_tick_s = now_s + self._timer_interval_s
                return True
            # Looked at again after an interval at most, since the clock may be set.
            until_due_s = max((due_ms - now_ms) / 1_000, self._next_tick_s - now_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(max(until_due_s, 0.001), self._timer_interval_s)):
                    await self._arrived.wait()
        return True

    def _take_batch(self) -> Waiting:
        """Take requests and blocks in order up to the batch's size; each is taken whole, alone if it is larger."""
        taken: Waiting = []
        count = 0
        while self._inbox:
            asked, future, queued, others = self._inbox[0]
            count += len(asked.commands)
            if taken and count > self._batch_commands:
                break
            self._inbox.popleft()
            taken.append((asked, future))
            self._queued -= queued
            self._queued_others -= others
        return taken

    def _retry_after_ms(self) -> int:
        """Return about how long the present queue takes, ms."""
        estimate = self._queued / self._batch_commands * self._batch_s * 1_000
        return int(min(max(estimate, RETRY_MIN_MS), RETRY_MAX_MS))


def _fail(futures: Iterable[asyncio.Future[Any]], error: type[Unavailable]) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error())
