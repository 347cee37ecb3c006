"""What ends by itself, ends: the exchange's engine under the sequencer, with no command arriving."""

import asyncio
from collections.abc import Callable

import numpy as np

from app.verify.exchange import Exchange
from ledger.codec import Batch, seal
from ledger.engine.layout import CommandKind, EventKind, Flag
from ledger.engine.machine import Engine
from ledger.engine.records import command, request
from ledger.log.base import Head
from ledger.log.memory import MemoryLog
from ledger.log.recovery import recover
from ledger.sequencer import Sequencer
from tests.support.builders import SN, TAO, trading_exchange

LOW = 30_000_000


class Bench:
    """A small exchange whose log a sequencer goes on with; its clock is set by hand, and nobody sends commands."""

    def __init__(self) -> None:
        self.exchange: Exchange = trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})[0]
        self.now_ms = self.exchange.ts_ms
        self.engine = Engine()
        self.log = MemoryLog()
        self.fatal: list[BaseException] = []
        self.published: list[Batch] = []
        self.news = asyncio.Event()

    async def start(self) -> "Bench":
        head = await self.log.open()
        for ts_ms, events, payloads in self.exchange.log:
            batch = seal(
                number=head.number + 1,
                ts_ms=ts_ms,
                writer_epoch=self.log.writer_epoch,
                events=events,
                payloads=payloads,
                previous=head.hash,
            )
            await self.log.append(batch)
            head = Head.of(batch)
        self.sequencer = Sequencer(
            engine=self.engine,
            log=self.log,
            head=await recover(self.log, self.engine, head),
            clock=lambda: self.now_ms,
            on_fatal=self.fatal.append,
            timer_interval_ms=5,
        )
        self.sequencer.subscribe(self.note)
        self.sequencer.start()
        return self

    def note(self, batch: Batch) -> None:
        self.published.append(batch)
        self.news.set()

    async def wait_for(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not done():
                self.news.clear()
                await self.news.wait()

    async def stop(self) -> None:
        await self.sequencer.stop()
        assert self.fatal == []
        replayed = Engine()
        await recover(self.log, replayed)
        assert replayed.state_hash() == self.engine.state_hash()


def place(bench: Bench, *, flags: int, **more: int) -> int:
    """Place an order of alice before the sequencer starts; return its id."""
    figures = {"account": 1, "netuid": SN, "alpha_rao": TAO} | more
    answer = bench.exchange.ask(CommandKind.PLACE_ORDER, flags=flags, **figures)
    assert answer.code == 0
    return answer.reference


async def test_a_cancel_after_fires_though_no_command_arrives() -> None:
    bench = Bench()
    order_id = place(bench, flags=Flag.LIMIT, limit=LOW)
    await bench.start()
    ask = request(command(CommandKind.CANCEL_AFTER, account=1, timeout_ms=5_000))
    assert (await bench.sequencer.submit(ask)).code == 0

    bench.now_ms += 4_999
    await asyncio.sleep(0.03)  # several intervals: nothing may happen yet
    assert len(bench.published) == 1
    bench.now_ms += 1
    await bench.wait_for(lambda: len(bench.published) == 2)

    fired = bench.published[1]
    assert fired.events["kind"].tolist() == [
        EventKind.ORDER_CLOSED,
        EventKind.ORDERS_CANCELLED,
        EventKind.CANCEL_AFTER_SET,
    ]
    assert int(fired.events["order_id"][0]) == order_id
    assert fired.ts_ms == bench.now_ms
    await bench.stop()


async def test_orders_and_quotes_end_at_their_times_one_after_another() -> None:
    bench = Bench()
    expires_s = bench.now_ms // 1_000 + 20
    order_id = place(bench, flags=Flag.LIMIT, limit=LOW, expires_s=expires_s)
    await bench.start()
    ask = request(command(CommandKind.ISSUE_QUOTE, account=1, netuid=SN, alpha_rao=TAO, life_ms=3_000))
    quote_id = (await bench.sequencer.submit(ask)).reference

    bench.now_ms += 3_000
    await bench.wait_for(lambda: len(bench.published) == 2)
    bench.now_ms = expires_s * 1_000
    await bench.wait_for(lambda: len(bench.published) == 3)

    ends = np.concatenate([batch.events for batch in bench.published[1:]])
    assert ends[["kind", "order_id"]].tolist() == [
        (EventKind.QUOTE_ENDED, quote_id),
        (EventKind.ORDER_CLOSED, order_id),
    ]
    await bench.stop()


async def test_stops_that_had_to_wait_run_in_the_next_batch_though_the_clock_was_set_back() -> None:
    bench = Bench()
    for _ in range(105):
        place(bench, flags=Flag.SELL, alpha_rao=TAO // 100, trigger=33_320_000, traits=1, slippage_ppm=50_000)
    await bench.start()
    figures = {"account": 1, "netuid": SN, "alpha_rao": 60 * TAO, "slippage_ppm": 5_000}
    selling = request(command(CommandKind.PLACE_ORDER, flags=Flag.SELL, **figures))

    told = bench.sequencer.enqueue(selling)
    bench.sequencer.subscribe(lambda _: setattr(bench, "now_ms", 1_000))
    answer = await told
    await bench.wait_for(lambda: len(bench.published) == 2)

    kinds = [answer.events["kind"].tolist(), bench.published[1].events["kind"].tolist()]
    assert [of.count(EventKind.STOP_TRIGGERED) for of in kinds] == [100, 5]
    assert bench.published[1].ts_ms == bench.published[0].ts_ms
    await bench.stop()
