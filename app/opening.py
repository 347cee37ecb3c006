"""Brings an engine up on its log and lets it write: the same in the embedded shape and in the engine's own process."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol

import structlog

from app.observability import SNAPSHOT_SEQ, SNAPSHOTS_REFUSED
from ledger.codec import Batch
from ledger.log.base import EventLog
from ledger.log.postgres import PostgresLog
from ledger.log.recovery import newest_engine, recover
from ledger.log.snapshot_store import Refused
from ledger.log.snapshot_writer import SnapshotSettings, SnapshotWriter
from ledger.sequencer import Clock, Sequencer

log = structlog.get_logger(__name__)


class Follower(Protocol):
    """Who evolves what the engine decided."""

    def apply(self, batch: Batch) -> None:
        """Take one batch; those known already are left out."""

    async def catch_up(self, log: EventLog) -> None:
        """Take what the log has beyond this."""


async def open_sequencer(
    stack: AsyncExitStack,
    event_log: PostgresLog,
    *,
    url: str,
    clock: Clock,
    snapshots: SnapshotSettings,
    on_fatal: Callable[[BaseException], None],
    follower: Follower | None = None,
) -> Sequencer:
    """Return a started sequencer over the log of ``url``, whose newest state it recovers; ``stack`` closes all of it.

    ``follower`` hears every batch, those of the log that it has not seen first, as a replica beside the engine needs.
    """
    head = await event_log.open()
    stack.push_async_callback(event_log.close)
    engine, start = await newest_engine(url, head, tell_refused)
    SNAPSHOT_SEQ.set(start.seq)
    await recover(event_log, engine, head, start=start)
    sequencer = Sequencer(engine=engine, log=event_log, head=head, clock=clock, on_fatal=on_fatal)
    if follower is not None:
        await follower.catch_up(event_log)
        sequencer.subscribe(follower.apply)
    writer = SnapshotWriter(url, snapshots, tell_snapshot)
    sequencer.subscribe(writer.observe)
    sequencer.start()
    stack.push_async_callback(sequencer.stop)
    writer.start(behind=head.seq - start.seq)
    stack.push_async_callback(writer.stop)
    return sequencer


def tell_refused(snapshot: Refused) -> None:
    """Tell of a stored snapshot that does not hold; the next older one or the log itself takes its place."""
    SNAPSHOTS_REFUSED.inc()
    log.error("snapshot_refused", seq=snapshot.seq, detail=snapshot.detail)


def tell_snapshot(name: str, figures: dict[str, Any]) -> None:
    """Tell of a snapshot that was written, or could not be."""
    if name != "snapshot_written":
        log.error(name, **figures)
        return
    for refused in figures.pop("refused", ()):
        tell_refused(Refused(**refused))
    log.info(name, **figures)
    SNAPSHOT_SEQ.set(figures.get("seq", 0))
