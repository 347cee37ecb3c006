"""Market orders decided, made durable and answered in this process, 1 000 at a time, against one transaction per order.

Measured around the real sequencer, engine and PostgreSQL log, from queueing the block of decoded commands to its
answers; so many blocks are under way at a time that one is decided while the one before is written. ``single`` are the
same commands as requests of their own, ``parts`` shows where the time of a block goes without queue and futures:
decide, seal, append. The baseline trades the same kind of orders on the same pools in tables, with several connections
at once. Every order fills, on both sides; the fills are counted at the end.
"""

import asyncio
import statistics
import time
from collections import deque
from collections.abc import Sequence

import numpy as np

from app.gateway.parts import wall_clock_ms
from ledger.codec import seal
from ledger.engine.api import Block, BlockAnswer, Request
from ledger.engine.layout import COMMAND, CommandKind, Flag
from ledger.engine.machine import Engine
from ledger.log.base import Head
from ledger.log.postgres import PostgresLog
from ledger.sequencer import Sequencer
from load_tests.baselines.naive_sql import NaiveExchange
from load_tests.counting import check_fills, count_fills
from load_tests.driver import Options, scratch_postgres
from load_tests.opening import DEPOSIT_TAO, FEE_RATE, MARKETS, POOL_ALPHA, POOL_TAO, TAKER_PPM, Opening, Refused
from load_tests.orders import MarketOrder, draw_orders
from load_tests.report import Result, latencies_ms, percentile, spread

BATCH = 1_000
BATCHES_PER_RUN = 200
UNDER_WAY = 2
SINGLE_BATCHES_PER_RUN = 20
WARM_UP_BATCHES = 2
ALONE_PER_RUN = 300
BASELINE_ACCOUNTS = 64
BASELINE_ORDERS_PER_ACCOUNT = 40
SLIPPAGE_PPM = 5_000
GOAL = 200_000


class Ours:
    """Engine, sequencer and log of one exchange in this process, and what was measured of them."""

    def __init__(self, log: PostgresLog, head: Head) -> None:
        self.rates: list[float] = []
        self.single_rates: list[float] = []
        self.cpu_us: list[float] = []
        self.batch_s: list[float] = []
        self.alone_s: list[float] = []
        self.answered = 0
        self._log = log
        self._engine = Engine()
        self._sequencer = Sequencer(engine=self._engine, log=log, head=head, clock=wall_clock_ms, on_fatal=_tell)
        self._opening = Opening(self._sequencer.submit, accounts=BATCH)

    async def open(self) -> None:
        """Open the exchange, and trade a little whose times count for nothing."""
        self._sequencer.start()
        await self._opening.open()
        await through_sequencer(self._sequencer, self._draw(BATCH, WARM_UP_BATCHES, seed=0))
        await one_by_one(self._sequencer, self._draw(BATCH, WARM_UP_BATCHES, seed=0))

    async def measure(self, *, batches: int, single: int, alone: int, seed: int) -> None:
        """Trade so many blocks, then batches of requests, then so many orders alone, and keep the times."""
        blocks = asyncio.create_task(self._opening.follow_blocks())
        drawn = self._draw(BATCH, batches, seed)
        begun, cpu_s = time.perf_counter(), time.process_time()
        self.batch_s += await through_sequencer(self._sequencer, drawn)
        self.rates.append(batches * BATCH / (time.perf_counter() - begun))
        self.cpu_us.append((time.process_time() - cpu_s) * 1e6 / (batches * BATCH))
        await self._opening.import_head()
        drawn = self._draw(BATCH, single, seed)
        begun = time.perf_counter()
        await one_by_one(self._sequencer, drawn)
        self.single_rates.append(single * BATCH / (time.perf_counter() - begun))
        self.alone_s += await one_by_one(self._sequencer, self._draw(1, alone, seed))
        blocks.cancel()
        await self._opening.import_head()

    async def measure_parts(self, batches: int, seed: int) -> dict[str, float]:
        """Stop the sequencer, and return the median of each part of a batch, ms."""
        await self._sequencer.stop()
        return await through_parts(self._engine, self._log, self._sequencer.head, self._draw(BATCH, batches, seed))

    def _draw(self, accounts: int, turns: int, seed: int) -> list[Block]:
        # A client id is used once: the seed of the ids counts on with every call.
        blocks = encode(draw_orders(accounts, MARKETS, turns, seed), self.answered + 2**32)
        self.answered += accounts * turns
        return blocks


async def run(options: Options) -> Result:
    """Measure both exchanges in turns, count their fills, and return the medians."""
    batches, alone = _even(options.scaled(BATCHES_PER_RUN)), _even(options.scaled(ALONE_PER_RUN))
    single = _even(options.scaled(SINGLE_BATCHES_PER_RUN))
    per_account = _even(options.scaled(BASELINE_ORDERS_PER_ACCOUNT))
    baselines: list[float] = []
    naive_s: list[float] = []
    async with scratch_postgres() as url:
        log, naive = PostgresLog(url), NaiveExchange(url)
        ours = Ours(log, await log.open())
        await ours.open()
        await naive.open(
            accounts=BASELINE_ACCOUNTS,
            markets=MARKETS,
            deposit=DEPOSIT_TAO,
            reserves=(POOL_TAO, POOL_ALPHA),
            terms=(FEE_RATE, TAKER_PPM),
        )
        for seed in range(1, options.runs + 1):
            await ours.measure(batches=batches, single=single, alone=alone, seed=seed)
            rate, samples = await naive.measure(draw_orders(BASELINE_ACCOUNTS, MARKETS, per_account, seed))
            baselines.append(rate)
            naive_s += samples
        parts = await ours.measure_parts(batches, options.runs + 1)
        await log.close()
        check_fills("naive_sql", fills=await naive.count_fills(), answered=len(naive_s))
        await naive.close()
        check_fills("order_durable", fills=await count_fills(url), answered=ours.answered)
    return Result(
        name="order_durable",
        value=statistics.median(ours.rates),
        unit="orders/s",
        baseline=statistics.median(baselines),
        baseline_name="naive exchange on asyncpg, one transaction per order",
        goal=GOAL,
        details={
            "runs": options.runs,
            "orders": spread(ours.rates),
            "single": spread(ours.single_rates),
            "cpu_us_per_order": round(statistics.median(ours.cpu_us), 2),
            "naive_sql": {**spread(baselines), **latencies_ms(naive_s)},
            "batch": {"orders": BATCH, "under_way": UNDER_WAY, **latencies_ms(ours.batch_s)},
            "alone": {"orders": 1, **latencies_ms(ours.alone_s)},
            "parts": parts,
        },
    )


def encode(orders: Sequence[Sequence[MarketOrder]], seed: int) -> list[Block]:
    """Return the n-th orders of all accounts as the n-th block: decoded commands with client ids."""
    draw = np.random.default_rng(seed)
    blocks = []
    for turn in zip(*orders, strict=True):
        commands = np.zeros(len(turn), COMMAND)
        commands["kind"] = CommandKind.PLACE_ORDER
        commands["account"] = [order.account for order in turn]
        commands["netuid"] = [order.netuid for order in turn]
        commands["flags"] = [int(Flag.SELL) if order.is_sell else 0 for order in turn]
        commands["amount"] = [order.volume for order in turn]
        commands["aux"] = SLIPPAGE_PPM
        for word in ("id_hi", "id_lo", "digest"):
            commands[word] = draw.integers(1, 2**63 - 1, len(turn))
        blocks.append(Block(commands))
    return blocks


async def through_sequencer(sequencer: Sequencer, blocks: Sequence[Block]) -> list[float]:
    """Send the blocks, ``UNDER_WAY`` at a time; return the seconds from queueing each to its answers."""
    samples = []
    waiting = deque(blocks)
    under_way: deque[tuple[float, asyncio.Future[BlockAnswer]]] = deque()
    while waiting or under_way:
        while waiting and len(under_way) < UNDER_WAY:
            under_way.append((time.perf_counter(), sequencer.enqueue_block(waiting.popleft())))
        begun, future = under_way.popleft()
        decisions = (await future).decisions
        samples.append(time.perf_counter() - begun)
        if decisions["code"].any():
            raise Refused(f"an order was refused: {decisions[decisions['code'] != 0][0]}")
    return samples


async def one_by_one(sequencer: Sequencer, blocks: Sequence[Block]) -> list[float]:
    """Send one batch of requests after the other; return the seconds from queueing each to its last answer."""
    samples = []
    for block in blocks:
        requests = [Request(block.commands[position : position + 1]) for position in range(len(block.commands))]
        begun = time.perf_counter()
        futures = [sequencer.enqueue(request) for request in requests]
        for future in futures:
            if (await future).code:
                raise Refused(f"an order was refused: {future.result()}")
        samples.append(time.perf_counter() - begun)
    return samples


async def through_parts(engine: Engine, log: PostgresLog, head: Head, blocks: Sequence[Block]) -> dict[str, float]:
    """Decide, seal and append each block as the sequencer does, and return the median of each part in ms."""
    samples: dict[str, list[float]] = {"decide_ms": [], "seal_ms": [], "append_ms": []}
    events = 0
    for block in blocks:
        ts_ms = wall_clock_ms()
        begun = time.perf_counter()
        decided = engine.decide(ts_ms, [block])
        decided_at = time.perf_counter()
        sealed = seal(
            number=head.number + 1,
            ts_ms=ts_ms,
            writer_epoch=log.writer_epoch,
            events=decided.events,
            payloads=decided.payloads,
            previous=head.hash,
        )
        sealed_at = time.perf_counter()
        await log.append(sealed)
        appended_at = time.perf_counter()
        head = Head.of(sealed)
        events += len(sealed.events)
        for name, taken in zip(
            samples, (decided_at - begun, sealed_at - decided_at, appended_at - sealed_at), strict=True
        ):
            samples[name].append(taken)
    parts = {name: round(percentile(taken, 50) * 1e3, 3) for name, taken in samples.items()}
    return {**parts, "events": events // len(blocks)}


def _even(count: int) -> int:
    """Return the next even number: what was bought is sold again within the same run."""
    return count + count % 2


def _tell(error: BaseException) -> None:
    print(f"the sequencer failed: {type(error).__name__}: {error}")
