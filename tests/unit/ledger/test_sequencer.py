"""The single writer: durable before visible, in order, bounded, and never past a failure."""

import asyncio
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest

from ledger.codec import Batch
from ledger.engine.api import Block, BlockAnswer, Request
from ledger.engine.layout import CommandKind
from ledger.errors import InvariantBroken
from ledger.log.base import EMPTY_HEAD, Head
from ledger.log.errors import LogFailed
from ledger.log.memory import MemoryLog
from ledger.log.recovery import recover
from ledger.sequencer import OutcomeUnknown, Overloaded, Sequencer, SequencerStopped
from tests.support.tally import ARM, BREAK, RANG, Tally, TallyBroken, ask, ask_block


class GatedLog(MemoryLog):
    """Holds every append until the gate is open, and may be told to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails = False

    async def append(self, batch: Batch) -> None:
        await self.gate.wait()
        if self.fails:
            raise LogFailed(detail="told to")
        await super().append(batch)


class Bench:
    """A sequencer on a tally and a log in memory, with a clock set by hand and a record of what was published."""

    def __init__(self, **limits: int) -> None:
        self.now_ms = 1_000
        self.engine = Tally()
        self.log = GatedLog()
        self.fatal: list[BaseException] = []
        self.published: list[Batch] = []
        self.sequencer = Sequencer(
            engine=self.engine,
            log=self.log,
            head=EMPTY_HEAD,
            clock=lambda: self.now_ms,
            on_fatal=self.fatal.append,
            **limits,
        )
        self.sequencer.subscribe(self.published.append)

    async def start(self) -> "Bench":
        await self.log.open()
        self.sequencer.start()
        return self

    async def queue_behind_a_held_batch(self, requests: Iterable[Request | Block]) -> "list[asyncio.Future[Any]]":
        """Queue requests while a first batch of one event waits at the gate."""
        self.log.gate.clear()
        futures: list[asyncio.Future[Any]] = [self.sequencer.enqueue(ask(1))]
        await settle()
        for asked in requests:
            if isinstance(asked, Block):
                futures.append(self.sequencer.enqueue_block(asked))
            else:
                futures.append(self.sequencer.enqueue(asked))
        return futures


async def settle() -> None:
    """Let everything run that can run now."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_an_answer_leaves_only_after_its_batch_is_durable_and_published() -> None:
    bench = await Bench().start()
    bench.log.gate.clear()
    seen_first: list[bool] = []
    answer = bench.sequencer.enqueue(ask(2))
    bench.sequencer.subscribe(lambda _: seen_first.append(not answer.done()))

    await settle()
    assert not answer.done()
    assert bench.published == []
    bench.log.gate.set()

    assert (await answer).events["seq"].tolist() == [1, 2]
    assert [batch.last_seq for batch in bench.published] == [2]
    assert seen_first == [True]
    assert bench.sequencer.head == Head.of(bench.published[0])
    await bench.sequencer.stop()


async def test_what_arrives_during_a_write_makes_the_next_batch_together() -> None:
    bench = await Bench().start()
    futures = await bench.queue_behind_a_held_batch(ask(1, account=number) for number in range(2, 7))

    bench.log.gate.set()
    await asyncio.gather(*futures)

    assert [len(batch.events) for batch in bench.published] == [1, 5]
    assert bench.published[1].events["account"].tolist() == [2, 3, 4, 5, 6]
    await bench.sequencer.stop()


async def test_a_group_is_never_split_and_a_large_one_is_a_batch_alone() -> None:
    bench = await Bench(batch_commands=10).start()
    sizes = [4, 4, 7, 25, 1, 9, 1]
    futures = await bench.queue_behind_a_held_batch(ask(*(1,) * size) for size in sizes)

    bench.log.gate.set()
    await asyncio.gather(*futures)

    assert [len(batch.events) for batch in bench.published] == [1, 8, 7, 25, 10, 1]
    await bench.sequencer.stop()


async def test_time_never_goes_back_though_the_clock_does() -> None:
    bench = await Bench().start()

    for now_ms in (5_000, 3_000, 4_999, 6_000):
        bench.now_ms = now_ms
        await bench.sequencer.submit(ask(1))

    assert [batch.ts_ms for batch in bench.published] == [5_000, 5_000, 5_000, 6_000]
    await bench.sequencer.stop()


async def test_time_goes_on_from_the_head_after_a_restart() -> None:
    bench = await Bench().start()
    bench.now_ms = 9_000
    await bench.sequencer.submit(ask(3))
    await bench.sequencer.stop()
    engine = Tally()
    head = await bench.log.open()
    assert await recover(bench.log, engine, head) == head
    again = Sequencer(engine=engine, log=bench.log, head=head, clock=lambda: 10, on_fatal=bench.fatal.append)
    again.subscribe(bench.published.append)

    again.start()
    await again.submit(ask(1))
    await again.stop()

    assert (bench.published[-1].ts_ms, bench.published[-1].first_seq, bench.published[-1].number) == (9_000, 4, 1)
    assert bench.published[-1].previous == head.hash
    assert engine.counts == {1: 4}


async def test_a_batch_without_events_writes_nothing_and_still_answers() -> None:
    bench = await Bench().start()

    answer = await bench.sequencer.submit(ask(0))

    assert answer.duplicate
    assert bench.published == []
    assert bench.sequencer.head == EMPTY_HEAD
    await bench.sequencer.stop()


async def test_payloads_reach_the_log_with_their_events() -> None:
    bench = await Bench().start()

    futures = await bench.queue_behind_a_held_batch([ask(1), ask(2, payload=b"one"), ask(1, payload=b"two")])
    bench.log.gate.set()
    await asyncio.gather(*futures)
    read = [batch async for batch in bench.log.read()]

    assert read[1].payloads == (b"one", b"two")
    assert read[1].events["payload"].tolist() == [0, 1, 0, 2]
    await bench.sequencer.stop()


async def test_a_full_inbox_refuses_with_a_hint_and_takes_nothing() -> None:
    bench = await Bench(inbox_requests=3).start()
    futures = await bench.queue_behind_a_held_batch(ask(1) for _ in range(3))

    with pytest.raises(Overloaded) as refused:
        await bench.sequencer.submit(ask(1))
    bench.log.gate.set()
    await asyncio.gather(*futures)

    assert refused.value.queued == 3
    assert refused.value.retry_after_ms >= 1
    assert refused.value.code == "overloaded"
    assert bench.engine.seq == 4
    await bench.sequencer.submit(ask(1))
    await bench.sequencer.stop()


async def test_blocks_and_requests_keep_the_order_they_came_in() -> None:
    bench = await Bench(batch_commands=10).start()
    futures = await bench.queue_behind_a_held_batch([ask(1), ask_block(2, 1), ask(3), ask_block(1, 1, 1)])

    bench.log.gate.set()
    answers = await asyncio.gather(*futures)

    assert [len(batch.events) for batch in bench.published] == [1, 10]
    assert [answer.events["seq"].tolist() for answer in answers] == [[1], [2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert isinstance(answers[2], BlockAnswer)
    assert answers[2].one(1).events["seq"].tolist() == [5]
    assert answers[4].decisions["reference"].tolist() == [9, 10, 11]
    await bench.sequencer.stop()


async def test_a_block_is_never_split_and_a_large_one_is_a_batch_alone() -> None:
    bench = await Bench(batch_commands=4).start()
    futures = await bench.queue_behind_a_held_batch(ask_block(*(1,) * size) for size in (2, 2, 3, 7, 1))

    bench.log.gate.set()
    await asyncio.gather(*futures)

    assert [len(batch.events) for batch in bench.published] == [1, 4, 3, 7, 1]
    await bench.sequencer.stop()


async def test_a_full_inbox_has_room_for_cancels_and_none_for_orders() -> None:
    bench = await Bench(inbox_requests=8).start()
    futures = await bench.queue_behind_a_held_batch([ask_block(*(1,) * 8)])

    with pytest.raises(Overloaded):
        bench.sequencer.enqueue_block(ask_block(1))
    with pytest.raises(Overloaded):
        bench.sequencer.enqueue(ask(1, kind=CommandKind.PLACE_ORDER))
    futures.append(bench.sequencer.enqueue_block(ask_block(1, kind=CommandKind.CANCEL_ORDER)))
    futures.append(bench.sequencer.enqueue(ask(1, kind=CommandKind.CANCEL_ORDER)))
    with pytest.raises(Overloaded):
        bench.sequencer.enqueue(ask(1, kind=CommandKind.CANCEL_ORDER))
    assert bench.sequencer.queued == 10
    bench.log.gate.set()
    await asyncio.gather(*futures)

    assert bench.engine.seq == 11
    assert bench.sequencer.queued == 0
    await bench.sequencer.submit(ask(1, kind=CommandKind.PLACE_ORDER))
    await bench.sequencer.stop()


async def test_a_block_larger_than_all_room_leaves_the_room_for_cancels() -> None:
    bench = await Bench(inbox_requests=4).start()
    futures = await bench.queue_behind_a_held_batch([ask_block(*(1,) * 20)])

    futures.append(bench.sequencer.enqueue_block(ask_block(1, kind=CommandKind.CANCEL_ORDER)))
    for refused in (CommandKind.CANCEL_ORDER, CommandKind.PLACE_ORDER):
        with pytest.raises(Overloaded):
            bench.sequencer.enqueue(ask(1, kind=refused))
    bench.log.gate.set()
    await asyncio.gather(*futures)

    assert bench.engine.seq == 22
    await bench.sequencer.stop()


async def test_a_failed_write_ends_everything_and_answers_nobody() -> None:
    bench = await Bench().start()
    bench.log.fails = True
    futures = await bench.queue_behind_a_held_batch([ask(1), ask(1)])

    bench.log.gate.set()
    await settle()

    outcomes = [type(future.exception()) for future in futures]
    assert outcomes == [OutcomeUnknown, SequencerStopped, SequencerStopped]
    assert [type(error) for error in bench.fatal] == [LogFailed]
    assert bench.published == []
    with pytest.raises(SequencerStopped):
        await bench.sequencer.submit(ask(1))
    await bench.sequencer.stop()
    assert len(bench.fatal) == 1


async def test_an_engine_that_breaks_ends_everything() -> None:
    bench = await Bench().start()

    with pytest.raises(OutcomeUnknown):
        await bench.sequencer.submit(ask(1, kind=BREAK))

    assert [type(error) for error in bench.fatal] == [TallyBroken]
    await bench.sequencer.stop()


async def test_a_subscriber_that_breaks_ends_everything_before_the_answer() -> None:
    bench = await Bench().start()

    def broken(_: Batch) -> None:
        raise InvariantBroken(law="replica follows", seq=1)

    bench.sequencer.subscribe(broken)
    with pytest.raises(OutcomeUnknown):
        await bench.sequencer.submit(ask(1))

    assert [type(error) for error in bench.fatal] == [InvariantBroken]
    await bench.sequencer.stop()


async def test_a_subscriber_that_left_hears_nothing_more() -> None:
    bench = await Bench().start()
    heard: list[Batch] = []
    leave = bench.sequencer.subscribe(heard.append)

    await bench.sequencer.submit(ask(1))
    leave()
    await bench.sequencer.submit(ask(1))

    assert [batch.number for batch in heard] == [0]
    await bench.sequencer.stop()


async def test_a_timer_that_is_due_runs_though_nobody_asks() -> None:
    bench = await Bench(timer_interval_ms=5).start()
    rang = asyncio.Event()
    bench.sequencer.subscribe(lambda batch: rang.set() if RANG in batch.events["kind"] else None)
    await bench.sequencer.submit(ask(1, kind=ARM, aux=2_000))
    before = len(bench.published)

    await asyncio.sleep(0.03)  # several intervals of a clock that stands still: nothing may happen
    assert len(bench.published) == before
    bench.now_ms = 2_000

    async with asyncio.timeout(5):
        await rang.wait()
    assert bench.published[-1].events["kind"].tolist() == [RANG]
    assert bench.published[-1].ts_ms == 2_000
    await bench.sequencer.stop()


async def test_empty_batches_keep_their_distance() -> None:
    bench = await Bench(timer_interval_ms=50).start()
    loop = asyncio.get_running_loop()
    moments: list[float] = []
    rang = asyncio.Event()

    def note(batch: Batch) -> None:
        if RANG in batch.events["kind"]:
            moments.append(loop.time())
            rang.set()

    bench.sequencer.subscribe(note)
    dues = (2_000, 2_010, 2_020)
    for due in dues:
        await bench.sequencer.submit(ask(1, kind=ARM, aux=due))

    async with asyncio.timeout(10):
        for due in dues:
            rang.clear()
            bench.now_ms = due
            await rang.wait()

    assert len(moments) == len(dues)
    assert all(later - earlier >= 0.045 for earlier, later in pairwise(moments))
    await bench.sequencer.stop()


async def test_stopping_finishes_what_waits_and_takes_nothing_more() -> None:
    bench = await Bench(batch_commands=2).start()
    futures = await bench.queue_behind_a_held_batch(ask(1) for _ in range(5))

    stopping = asyncio.create_task(bench.sequencer.stop())
    await settle()
    with pytest.raises(SequencerStopped):
        bench.sequencer.enqueue(ask(1))
    bench.log.gate.set()
    await stopping

    assert all(future.done() and future.exception() is None for future in futures)
    assert bench.engine.seq == 6
    assert bench.fatal == []


async def test_nothing_is_taken_before_the_start() -> None:
    with pytest.raises(SequencerStopped):
        await Bench().sequencer.submit(ask(1))


async def test_an_asker_who_went_away_disturbs_nobody() -> None:
    bench = await Bench().start()
    futures = await bench.queue_behind_a_held_batch([ask(1), ask(1)])

    futures[1].cancel()
    bench.log.gate.set()
    await asyncio.gather(futures[0], futures[2])

    assert bench.engine.seq == 3
    assert bench.fatal == []
    await bench.sequencer.stop()


async def test_an_engine_that_does_not_stand_at_the_head_is_not_started() -> None:
    bench = Bench()
    bench.engine.seq = 7
    await bench.log.open()

    with pytest.raises(InvariantBroken):
        bench.sequencer.start()
