"""Start-up and recovery are the same thing: read the log, verify it, and evolve an engine by it."""

from collections.abc import Callable

from ledger.codec import Batch
from ledger.engine.api import StateMachine
from ledger.log.base import EMPTY_HEAD, EventLog, Head
from ledger.log.errors import ChainBroken


async def recover(
    log: EventLog,
    engine: StateMachine,
    expected: Head | None = None,
    *,
    follow: Callable[[Batch], None] = lambda _: None,
) -> Head:
    """Evolve a fresh engine by every batch, and return the head it reached.

    ``expected`` is what ``log.open()`` returned: the log must end exactly there. ``follow`` is given each batch too, as
    a subscriber would be: a replica comes up by the same reading. Raises ``ChainBroken``.
    """
    head = EMPTY_HEAD
    async for batch in log.read():
        engine.evolve(batch.ts_ms, batch.events, batch.payloads)
        if engine.seq != batch.last_seq:
            raise ChainBroken(number=batch.number, detail=f"the engine is at seq {engine.seq}, not {batch.last_seq}")
        follow(batch)
        head = Head.of(batch)
    if expected is not None and head != expected:
        raise ChainBroken(number=expected.number, detail=f"the log was read up to batch {head.number} only")
    return head
