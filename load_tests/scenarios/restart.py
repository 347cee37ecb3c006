"""Seconds from an open database to an engine that can decide: newest snapshot and the log behind it.

``gateway`` is the same for a gateway whose reads stand at the log's end: the snapshot, what history keeps beside it,
and the log behind it; history was folded before, as its own process does all the time.

The log has ten million events and a million customers; the snapshot is as old as snapshots get, one million events
(``SnapshotSettings.every_events``). The baseline reads the same log from its first event. The snapshot itself is
written by its own process while the loop of this one is watched: ``loop_pause`` is how late a turn of it came.
"""

import asyncio
import statistics
import time

import asyncpg

from app.gateway.replica import Replica
from app.projections.projector import PAGES_APART, Projector
from ledger.engine.machine import Engine
from ledger.log.base import EMPTY_HEAD
from ledger.log.postgres import PostgresLog
from ledger.log.recovery import newest_engine, recover
from ledger.log.snapshot_writer import SnapshotSettings, run_process
from load_tests.driver import Options, scratch_postgres
from load_tests.recorded import Recorder
from load_tests.report import Result, latencies_ms
from load_tests.scenarios.replay import check

EVENTS = 10_000_000
CUSTOMERS = 1_000_000
BASELINE_RUNS_MAX = 1
"""Reading the whole log differs little from run to run."""
TURN_S = 0.001
KEEP = 3
GOAL_S = 10.0

STORED = "SELECT coalesce(sum(octet_length(body)), 0)::bigint FROM snapshot_parts"


async def run(options: Options) -> Result:
    """Record a log, have a snapshot written within it, restart on both ways, and return the medians."""
    events, tail = options.scaled(EVENTS), options.scaled(SnapshotSettings().every_events)
    async with scratch_postgres() as url:
        log = PostgresLog(url)
        recorder = Recorder(log)
        await recorder.open()
        await recorder.add_customers(options.scaled(CUSTOMERS))
        await recorder.trade(events - tail)
        written, pauses = await watched_snapshot(url)
        await recorder.trade(recorder.head.seq + tail)
        await log.close()
        await Projector(url, pages_max=PAGES_APART).catch_up()
        gateways = [await restart_gateway(url, recorder.engine) for _ in range(options.runs)]
        found = [await restart(url, recorder.engine, from_snapshot=True) for _ in range(options.runs)]
        whole = [
            await restart(url, recorder.engine, from_snapshot=False)
            for _ in range(min(options.runs, BASELINE_RUNS_MAX))
        ]
        stored_mb = await snapshot_mb(url)
    seconds = statistics.median(one["seconds"] for one in found)
    return Result(
        name="restart",
        value=seconds,
        unit="s",
        baseline=statistics.median(one["seconds"] for one in whole),
        baseline_name="the whole log from its first event",
        goal=GOAL_S,
        less_is_better=True,
        details={
            "runs": options.runs,
            "events": recorder.head.seq,
            "accounts": int(recorder.engine.state.scalars[0]["accounts"]),
            "from_snapshot": found,
            "gateway": gateways,
            "whole_log": whole,
            "snapshot": {**written, "stored_mb": stored_mb},
            "loop_pause": latencies_ms(pauses),
        },
    )


async def restart(url: str, live: Engine, *, from_snapshot: bool) -> dict[str, float]:
    """Come up as the exchange does; return the seconds in all, and those until the snapshot was loaded."""
    log = PostgresLog(url)
    begun = time.perf_counter()
    head = await log.open()
    engine, start = await newest_engine(url, head) if from_snapshot else (Engine(), EMPTY_HEAD)
    loaded_s = time.perf_counter() - begun
    await recover(log, engine, head, start=start)
    seconds = time.perf_counter() - begun
    await log.close()
    check(engine, live)
    return {"seconds": round(seconds, 3), "loaded_s": round(loaded_s, 3), "tail": head.seq - start.seq}


async def restart_gateway(url: str, live: Engine) -> dict[str, float]:
    """Bring up a gateway's replica; return the seconds in all, and those until snapshot and history were loaded."""
    log = PostgresLog(url)
    begun = time.perf_counter()
    replica = await Replica.begin(url)
    loaded_s, tail = time.perf_counter() - begun, live.seq - replica.seq
    await replica.catch_up(log)
    seconds = time.perf_counter() - begun
    check(replica.reads.engine, live)
    return {"seconds": round(seconds, 3), "loaded_s": round(loaded_s, 3), "tail": tail}


async def watched_snapshot(url: str) -> tuple[dict[str, float], list[float]]:
    """Have a snapshot written by its process; return its figures, and how late each turn of our own loop was, s."""
    writing = asyncio.create_task(run_process(url, keep=KEEP))
    pauses = [0.0]
    while not writing.done():
        begun = time.perf_counter()
        await asyncio.sleep(TURN_S)
        pauses.append(time.perf_counter() - begun - TURN_S)
    told = await writing
    return {name: told[name] for name in ("seconds", "parts", "seq")}, pauses


async def snapshot_mb(url: str) -> float:
    """Return how much the stored parts take, MB."""
    connection = await asyncpg.connect(url)
    try:
        stored: int = await connection.fetchval(STORED)
    finally:
        await connection.close()
    return round(stored / 1e6, 1)
