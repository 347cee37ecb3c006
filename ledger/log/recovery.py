"""Start-up and recovery are the same: begin with the newest snapshot that holds, and evolve the rest of the log."""

from ledger.engine.api import StateMachine
from ledger.engine.machine import Engine
from ledger.log.base import EMPTY_HEAD, EventLog, Head, check_follows
from ledger.log.errors import ChainBroken
from ledger.log.snapshot_store import Report, SnapshotStore


async def newest_engine(url: str, upto: Head, report: Report = lambda _: None) -> tuple[Engine, Head]:
    """Return an engine and the head it stands at: of the newest snapshot that holds, else before the first event.

    ``upto``: the log's head; ``report`` is told of each snapshot that does not hold.
    """
    found = await SnapshotStore(url).newest(upto, report)
    return found if found is not None else (Engine(), EMPTY_HEAD)


async def recover(
    log: EventLog,
    engine: StateMachine,
    expected: Head | None = None,
    *,
    start: Head = EMPTY_HEAD,
) -> Head:
    """Evolve an engine that stands at ``start`` by every later batch, and return the head it reached.

    ``expected`` is what ``log.open()`` returned: the log must end exactly there. Nothing before ``start`` is read.
    Raises ``ChainBroken``.
    """
    if engine.seq != start.seq:
        raise ChainBroken(number=start.number, detail=f"the engine is at seq {engine.seq}, not {start.seq}")
    head = start
    async for batch in log.read(head.number + 1):
        check_follows(head, batch)  # the log was verified in itself; this holds it to where the engine was begun
        head = Head.of(batch)
        engine.evolve(batch.ts_ms, batch.events, batch.payloads)
        if engine.seq != head.seq:
            raise ChainBroken(number=head.number, detail=f"the engine is at seq {engine.seq}, not {head.seq}")
    if expected is not None and head != expected:
        raise ChainBroken(number=expected.number, detail=f"the log was read up to batch {head.number} only")
    return head
