"""Events made durable per second: sealed in batches of 1 000 with the hash chain, through the log the exchange uses.

Measured around sealing (canonical bytes, blake2b) and appending, one batch after the other, as the sequencer does it.
The log is first written once around, so that WAL segments are recycled, as in a server that has run for a while;
the first, slower round is reported as ``fresh``.
"""

import statistics
import time

import numpy as np

from ledger.codec import seal
from ledger.engine.layout import EVENT, Records
from ledger.log.base import Head
from ledger.log.postgres import PostgresLog
from load_tests.baselines.insert_per_event import InsertPerEvent
from load_tests.driver import Options, scratch_postgres
from load_tests.report import Result, latencies_ms, spread

BATCH = 1_000
BATCHES_PER_RUN = 500
WARM_UP_BATCHES = 2_000
ALONE_PER_RUN = 500
BASELINE_EVENTS_PER_RUN = 1_000
GOAL = 500_000


class Writer:
    """Seals and appends batches of equal size, and keeps the time of each."""

    def __init__(self, log: PostgresLog, head: Head) -> None:
        self._log = log
        self._head = head
        self._ts_ms = 0

    async def write(self, events: Records, count: int) -> tuple[float, list[float]]:
        """Append ``count`` batches of these events, numbered anew; return events per second and seconds per batch."""
        offsets = np.arange(1, len(events) + 1)
        samples = []
        begun = time.perf_counter()
        for _ in range(count):
            batch_begun = time.perf_counter()
            decided = events.copy()
            decided["seq"] = self._head.seq + offsets
            self._ts_ms += 1
            batch = seal(
                number=self._head.number + 1,
                ts_ms=self._ts_ms,
                writer_epoch=self._log.writer_epoch,
                events=decided,
                payloads=(),
                previous=self._head.hash,
            )
            await self._log.append(batch)
            self._head = Head.of(batch)
            samples.append(time.perf_counter() - batch_begun)
        return count * len(events) / (time.perf_counter() - begun), samples


async def run(options: Options) -> Result:
    """Measure the log and the baseline in turns, and return the medians."""
    events = random_events(BATCH)
    async with scratch_postgres() as url:
        log = PostgresLog(url)
        writer = Writer(log, await log.open())
        plain = InsertPerEvent(url)
        fresh, _ = await writer.write(events, options.scaled(WARM_UP_BATCHES))
        rates, baselines = [], []
        batch_s: list[float] = []
        alone_s: list[float] = []
        for _ in range(options.runs):
            rate, samples = await writer.write(events, options.scaled(BATCHES_PER_RUN))
            rates.append(rate)
            batch_s += samples
            alone_s += (await writer.write(events[:1], options.scaled(ALONE_PER_RUN)))[1]
            baselines.append(await plain.measure(random_events(options.scaled(BASELINE_EVENTS_PER_RUN))))
        await log.close()
    return Result(
        name="log_append",
        value=statistics.median(rates),
        unit="events/s",
        baseline=statistics.median(baselines),
        baseline_name="one INSERT and COMMIT per event",
        goal=GOAL,
        details={
            "runs": options.runs,
            "events": spread(rates),
            "inserts": spread(baselines),
            "fresh": round(fresh),
            "batch": {"events": BATCH, **latencies_ms(batch_s)},
            "alone": {"events": 1, **latencies_ms(alone_s)},
        },
    )


def random_events(count: int) -> Records:
    """Return events of random bytes, which no compression anywhere can flatter."""
    events = np.frombuffer(np.random.default_rng(count).bytes(count * EVENT.itemsize), dtype=EVENT).copy()
    events["payload"] = 0
    return events
