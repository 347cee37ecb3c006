"""Recovery: the log evolves an engine to exactly where it stood."""

import pytest

from ledger.log.base import EMPTY_HEAD, Head
from ledger.log.errors import ChainBroken
from ledger.log.memory import MemoryLog
from ledger.log.recovery import recover
from tests.support.batches import batch_after
from tests.support.tally import Tally


async def log_of(*sizes: int) -> tuple[MemoryLog, Head]:
    log = MemoryLog()
    head = await log.open()
    for size in sizes:
        batch = batch_after(head, size, writer_epoch=log.writer_epoch)
        batch.events["kind"] = 1
        await log.append(batch)
        head = Head.of(batch)
    return log, head


async def test_recovery_reaches_the_head_of_the_log() -> None:
    log, head = await log_of(3, 1, 8)
    engine = Tally()

    assert await recover(log, engine, head) == head
    assert (engine.seq, engine.ts_ms) == (12, 3)


async def test_recovery_of_an_empty_log_changes_nothing() -> None:
    log, _ = await log_of()
    engine = Tally()

    assert await recover(log, engine) == EMPTY_HEAD
    assert engine.seq == 0


async def test_a_log_that_ends_before_its_head_is_refused() -> None:
    log, _ = await log_of(3)
    _, longer = await log_of(3, 4)

    with pytest.raises(ChainBroken) as broken:
        await recover(log, Tally(), longer)

    assert broken.value.number == 1


async def test_an_engine_that_lags_behind_its_events_is_found() -> None:
    class Deaf(Tally):
        def evolve(self, *_: object) -> None:
            """Ignore everything."""

    log, _ = await log_of(3)

    with pytest.raises(ChainBroken) as broken:
        await recover(log, Deaf())

    assert broken.value.number == 0
