"""Market orders decided, made durable and answered in this process, 1 000 at a time, against one transaction per order.

Measured around the real sequencer, engine and PostgreSQL log, from queueing the decoded commands of a batch to its last
answer. ``parts`` shows where the time of a batch goes without queue and futures: decide, seal, append. The baseline
trades the same kind of orders on the same pools in tables, with several connections at once. Every order fills, on both
sides; the fills are counted at the end.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence

import numpy as np

from app.gateway.parts import wall_clock_ms
from ledger.codec import seal
from ledger.engine.api import Request
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
BATCHES_PER_RUN = 60
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
        await self._trade(BATCH, WARM_UP_BATCHES, seed=0)

    async def measure(self, *, batches: int, alone: int, seed: int) -> None:
        """Trade so many batches one after the other, then so many orders alone, and keep the times."""
        blocks = asyncio.create_task(self._opening.follow_blocks())
        begun = time.perf_counter()
        samples = await self._trade(BATCH, batches, seed)
        self.rates.append(batches * BATCH / (time.perf_counter() - begun))
        self.batch_s += samples
        self.alone_s += await self._trade(1, alone, seed)
        blocks.cancel()
        await self._opening.import_head()

    async def measure_parts(self, batches: int, seed: int) -> dict[str, float]:
        """Stop the sequencer, and return the median of each part of a batch, ms."""
        await self._sequencer.stop()
        turns = encode(draw_orders(BATCH, MARKETS, batches, seed), seed)
        self.answered += batches * BATCH
        return await through_parts(self._engine, self._log, self._sequencer.head, turns)

    async def _trade(self, accounts: int, turns: int, seed: int) -> list[float]:
        # A client id is used once: the seed of the ids counts on with every call.
        batches = encode(draw_orders(accounts, MARKETS, turns, seed), self.answered + 2**32)
        samples = await through_sequencer(self._sequencer, batches)
        self.answered += accounts * turns
        return samples


async def run(options: Options) -> Result:
    """Measure both exchanges in turns, count their fills, and return the medians."""
    batches, alone = _even(options.scaled(BATCHES_PER_RUN)), _even(options.scaled(ALONE_PER_RUN))
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
            await ours.measure(batches=batches, alone=alone, seed=seed)
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
            "naive_sql": {**spread(baselines), **latencies_ms(naive_s)},
            "batch": {"orders": BATCH, **latencies_ms(ours.batch_s)},
            "alone": {"orders": 1, **latencies_ms(ours.alone_s)},
            "parts": parts,
        },
    )


def encode(orders: Sequence[Sequence[MarketOrder]], seed: int) -> list[list[Request]]:
    """Return the n-th orders of all accounts as the n-th batch: decoded commands with client ids, one request each."""
    draw = np.random.default_rng(seed)
    batches = []
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
        batches.append([Request(commands[position : position + 1]) for position in range(len(turn))])
    return batches


async def through_sequencer(sequencer: Sequencer, batches: Sequence[list[Request]]) -> list[float]:
    """Send one batch after the other; return the seconds from queueing each to its last answer."""
    samples = []
    for batch in batches:
        begun = time.perf_counter()
        futures = [sequencer.enqueue(request) for request in batch]
        for future in futures:
            if (await future).code:
                raise Refused(f"an order was refused: {future.result()}")
        samples.append(time.perf_counter() - begun)
    return samples


async def through_parts(
    engine: Engine, log: PostgresLog, head: Head, batches: Sequence[list[Request]]
) -> dict[str, float]:
    """Decide, seal and append each batch as the sequencer does, and return the median of each part in ms."""
    samples: dict[str, list[float]] = {"decide_ms": [], "seal_ms": [], "append_ms": []}
    for batch in batches:
        ts_ms = wall_clock_ms()
        begun = time.perf_counter()
        decided = engine.decide(ts_ms, batch)
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
        for name, taken in zip(
            samples, (decided_at - begun, sealed_at - decided_at, appended_at - sealed_at), strict=True
        ):
            samples[name].append(taken)
    return {name: round(percentile(taken, 50) * 1e3, 3) for name, taken in samples.items()}


def _even(count: int) -> int:
    """Return the next even number: what was bought is sold again within the same run."""
    return count + count % 2


def _tell(error: BaseException) -> None:
    print(f"the sequencer failed: {type(error).__name__}: {error}")
