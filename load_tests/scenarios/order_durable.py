"""Market orders decided, made durable and answered in this process, 1 000 at a time, against one transaction per order.

Measured around the real sequencer, engine and PostgreSQL log, from queueing the decoded commands of a batch to its last
answer. ``parts`` shows where the time of a batch goes without queue and futures: decide, seal, append. The baseline
trades the same kind of orders on the same pools in tables, with several connections at once. Every order fills, on both
sides; the fills are counted at the end.
"""

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
ALONE_PER_RUN = 300
BASELINE_ACCOUNTS = 64
BASELINE_ORDERS_PER_ACCOUNT = 40
SLIPPAGE_PPM = 5_000
GOAL = 200_000


async def run(options: Options) -> Result:
    """Measure both exchanges in turns, count their fills, and return the medians."""
    async with scratch_postgres() as url:
        log = PostgresLog(url)
        head = await log.open()
        engine = Engine()
        sequencer = Sequencer(engine=engine, log=log, head=head, clock=wall_clock_ms, on_fatal=_tell)
        sequencer.start()
        opening = Opening(sequencer.submit, accounts=BATCH)
        await opening.open()
        naive = NaiveExchange(url)
        reserves, terms = (POOL_TAO, POOL_ALPHA), (FEE_RATE, TAKER_PPM)
        await naive.open(
            accounts=BASELINE_ACCOUNTS, markets=MARKETS, deposit=DEPOSIT_TAO, reserves=reserves, terms=terms
        )

        count, alone_count = _even(options.scaled(BATCHES_PER_RUN)), _even(options.scaled(ALONE_PER_RUN))
        rates, baselines = [], []
        batch_s: list[float] = []
        alone_s: list[float] = []
        naive_s: list[float] = []
        answered = await _warm_up(sequencer)
        placed = 0
        for seed in range(options.runs):
            await opening.import_head()
            batches = encode(draw_orders(BATCH, MARKETS, count, seed), seed)
            begun = time.perf_counter()
            batch_s += await through_sequencer(sequencer, batches)
            rates.append(count * BATCH / (time.perf_counter() - begun))
            alone = encode(draw_orders(1, MARKETS, alone_count, seed), options.runs + seed)
            alone_s += await through_sequencer(sequencer, alone)
            answered += count * BATCH + alone_count
            orders = draw_orders(BASELINE_ACCOUNTS, MARKETS, _even(options.scaled(BASELINE_ORDERS_PER_ACCOUNT)), seed)
            rate, samples = await naive.measure(orders)
            baselines.append(rate)
            naive_s += samples
            placed += len(samples)
        await opening.import_head()
        await sequencer.stop()
        batches = encode(draw_orders(BATCH, MARKETS, count, options.runs), 2 * options.runs)
        parts = await through_parts(engine, log, sequencer.head, batches)
        answered += count * BATCH
        await log.close()
        check_fills("naive_sql", fills=await naive.count_fills(), answered=placed)
        await naive.close()
        check_fills("order_durable", fills=await count_fills(url), answered=answered)
    return Result(
        name="order_durable",
        value=statistics.median(rates),
        unit="orders/s",
        baseline=statistics.median(baselines),
        baseline_name="naive exchange on asyncpg, one transaction per order",
        goal=GOAL,
        details={
            "runs": options.runs,
            "orders": spread(rates),
            "naive_sql": {**spread(baselines), **latencies_ms(naive_s)},
            "batch": {"orders": BATCH, **latencies_ms(batch_s)},
            "alone": {"orders": 1, **latencies_ms(alone_s)},
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


async def _warm_up(sequencer: Sequencer) -> int:
    """Trade two batches whose times count for nothing; return how many orders that were."""
    batches = encode(draw_orders(BATCH, MARKETS, 2, 0), 3)
    await through_sequencer(sequencer, batches)
    return 2 * BATCH


def _even(count: int) -> int:
    """Return the next even number: what was bought is sold again within the same run."""
    return count + count % 2


def _tell(error: BaseException) -> None:
    print(f"the sequencer failed: {type(error).__name__}: {error}")
