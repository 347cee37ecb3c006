"""Events replayed per second: from memory, and from the database with every hash checked, beside a plain Python fold.

The log is that of a busy exchange: market orders of a thousand accounts on 128 markets, three events each, with client
ids, in batches of 1 000 orders, and a head every few batches. Each replay begins with an empty engine, and must reach
the seq and the balances of the engine that decided.
"""

import statistics
import time
from itertools import islice

from ledger.codec import Batch
from ledger.engine.machine import Engine
from ledger.log.postgres import PostgresLog
from ledger.log.recovery import recover
from load_tests.baselines.plain_fold import PlainFold
from load_tests.driver import Options, scratch_postgres
from load_tests.recorded import Recorder
from load_tests.report import Result, spread

EVENTS = 1_000_000
BASELINE_BATCHES = 20
GOAL = 3_000_000
DATABASE_GOAL = 1_000_000


class ReplayWrong(Exception):  # noqa: N818 - says what is the matter
    """A replay did not reach the state of the engine that decided."""


async def run(options: Options) -> Result:
    """Record one log, replay it in turns with the baseline, and return the medians."""
    kept: list[Batch] = []
    memory, database, plain = [], [], []
    async with scratch_postgres() as url:
        log = PostgresLog(url)
        recorder = Recorder(log, kept.append)
        await recorder.open()
        opened = len(kept)
        await recorder.trade(recorder.head.seq + options.scaled(EVENTS))
        for _ in range(options.runs):
            engine = Engine()
            begun = time.perf_counter()
            for batch in kept:
                engine.evolve(batch.ts_ms, batch.events, batch.payloads)
            memory.append(engine.seq / (time.perf_counter() - begun))
            check(engine, recorder.engine)
            engine = Engine()
            begun = time.perf_counter()
            await recover(log, engine, recorder.head)
            database.append(engine.seq / (time.perf_counter() - begun))
            check(engine, recorder.engine)
            plain.append(PlainFold().measure(islice(kept, opened, opened + BASELINE_BATCHES)))
        await log.close()
    return Result(
        name="replay",
        value=statistics.median(memory),
        unit="events/s",
        baseline=statistics.median(plain),
        baseline_name="a Python loop over the events, postings added to a dictionary",
        goal=GOAL,
        details={
            "runs": options.runs,
            "events": recorder.head.seq,
            "batches": len(kept),
            "memory": spread(memory),
            "database": {**spread(database), "goal": DATABASE_GOAL},
            "plain": spread(plain),
        },
    )


def check(replayed: Engine, live: Engine) -> None:
    """Raise ``ReplayWrong`` unless both stand at one seq with the same balances."""
    used = int(live.state.scalars[0]["balances"])
    same = (replayed.state.balances[:used] == live.state.balances[:used]).all()
    if replayed.seq != live.seq or not same:
        raise ReplayWrong(f"seq {replayed.seq} of {live.seq}, balances equal: {same}")
