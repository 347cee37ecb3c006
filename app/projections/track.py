"""One projection on its way: its fold, where it stands, and the transaction that moves both together."""

from collections.abc import Callable, Sequence
from typing import Any

from app.projections.base import (
    FIRST_CHECKPOINT,
    LOCK_CHECKPOINT,
    READ_CHECKPOINT,
    SET_CHECKPOINT,
    Fold,
    Step,
    Store,
    checkpoint_values,
    head_of_checkpoint,
)
from app.projections.errors import CheckpointForeign, ProjectionOutdated
from ledger.codec import Batch
from ledger.failpoints import fail_point
from ledger.log.base import EMPTY_HEAD, Head

BATCH_HASH = "SELECT hash, last_seq FROM batches WHERE number = $1"


class Track:
    """The live rows of one projection; loaded before use, and again whenever a write failed or somebody else wrote."""

    def __init__(self, make: Callable[[], Fold]) -> None:
        self._make = make
        self.fold = make()
        self.head = EMPTY_HEAD
        self.is_loaded = False

    async def load(self, connection: Any) -> None:
        """Take up the stored checkpoint. Raises ``ProjectionOutdated``, ``CheckpointForeign``."""
        self.is_loaded = False
        self.fold = self._make()
        await connection.execute(FIRST_CHECKPOINT, *checkpoint_values(self.fold, EMPTY_HEAD))
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            row = await connection.fetchrow(READ_CHECKPOINT, self.fold.name)
            head = await check_checkpoint(connection, self.fold, row)
            await self.fold.load(Store(connection, self.fold.tables))
        self.head = head
        self.is_loaded = True

    async def advance(self, connection: Any, batches: Sequence[Batch], steps: Sequence[Step]) -> None:
        """Fold the batches that are new to this projection, and store rows and checkpoint in one transaction.

        Where another process moved the checkpoint meanwhile nothing is written, and the track is loaded anew.
        """
        first = self.head.number + 1 - batches[0].number
        if first >= len(batches):
            return
        if first < 0 or batches[first].previous != self.head.hash:
            raise CheckpointForeign(name=self.fold.name, batch=self.head.number)
        self.is_loaded = False  # until the write is known to be done
        for step in steps[first:]:
            self.fold.fold(step)
        head = Head.of(batches[-1])
        async with connection.transaction():
            # Rows and checkpoint are one commit, so a commit lost with a crash is merely folded again: nobody waits.
            await connection.execute("SET LOCAL synchronous_commit = off")
            if head_of_checkpoint(await connection.fetchrow(LOCK_CHECKPOINT, self.fold.name)) != self.head:
                return
            await self.fold.write(Store(connection, self.fold.tables))
            fail_point("projection.rows")
            await connection.execute(SET_CHECKPOINT, *checkpoint_values(self.fold, head))
            fail_point("projection.checkpoint")
        fail_point("projection.committed")
        self.head = head
        self.is_loaded = True


async def check_checkpoint(connection: Any, fold: Fold, row: Any) -> Head:
    """Return where a stored checkpoint stands, if its rows are of this version and of this log."""
    head = head_of_checkpoint(row)
    if row is not None and row["version"] != fold.version:
        raise ProjectionOutdated(name=fold.name, stored=row["version"], wanted=fold.version)
    if head != EMPTY_HEAD:
        batch = await connection.fetchrow(BATCH_HASH, head.number)
        if batch is None or (batch["hash"], batch["last_seq"]) != (head.hash, head.seq):
            raise CheckpointForeign(name=fold.name, batch=head.number)
    return head
