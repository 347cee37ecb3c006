"""How far history is, read from the database alone; and the same of a running projector, as metrics."""

from collections.abc import Mapping
from typing import Any

import asyncpg
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from app.projections.base import READ_CHECKPOINT, head_of_checkpoint
from app.projections.catalogue import FOLDS
from app.projections.projector import LOG_HEAD, Progress
from ledger.log.base import EMPTY_HEAD, Head


async def read_status(url: str) -> dict[str, Any]:
    """Return the log's end and, by name, where each projection stands and how far that is behind."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            end = await connection.fetchrow(LOG_HEAD)
            rows = {name: await connection.fetchrow(READ_CHECKPOINT, name) for name in FOLDS}
    finally:
        await connection.close()
    log = EMPTY_HEAD if end is None else Head(end["number"], end["last_seq"], end["hash"], end["ts_ms"])
    return {
        "batches": log.number + 1,
        "events": log.seq,
        "projections": {name: _told(log, row, FOLDS[name]().version) for name, row in rows.items()},
    }


def _told(log: Head, row: Any, version: int) -> dict[str, Any]:
    head = head_of_checkpoint(row)
    return {
        "batch": head.number,
        "seq": head.seq,
        "lag_batches": log.number - head.number,
        "lag_ms": log.ts_ms - head.ts_ms if head != EMPTY_HEAD else log.ts_ms,
        "outdated": row is not None and row["version"] != version,
    }


class ProjectionMetrics:
    """The progress of a projector in the text format of Prometheus, read at each scrape."""

    def __init__(self, progress: Mapping[str, Progress]) -> None:
        self._progress = progress
        self._registry = CollectorRegistry()
        self._batches = self._gauge("taobourse_projection_lag_batches", "Batches of the log not folded yet.")
        self._lag = self._gauge("taobourse_projection_lag_seconds", "Log time not folded yet.")
        self._seq = self._gauge("taobourse_projection_seq", "Seq that the rows reflect.")
        self._failures = self._gauge("taobourse_projection_failures", "Failures since the start.")

    def exposition(self) -> bytes:
        """Return the metrics of all projections."""
        for name, progress in self._progress.items():
            self._batches.labels(name).set(progress.lag_batches)
            self._lag.labels(name).set(progress.lag_ms / 1_000)
            self._seq.labels(name).set(progress.seq)
            self._failures.labels(name).set(progress.failures)
        return generate_latest(self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, ["projection"], registry=self._registry)
