"""Folds a projection again from the log's beginning, beside its live rows, then puts the new ones in their place."""

from typing import Any, Final

import asyncpg
import numpy as np

from app.projections.base import (
    FIRST_CHECKPOINT,
    LOCK_CHECKPOINT,
    SET_CHECKPOINT,
    Fold,
    Store,
    checkpoint_values,
    step_of,
)
from app.projections.catalogue import FOLDS
from app.projections.errors import RebuildRunning
from app.projections.projector import PAGES_APART
from ledger.log.base import EMPTY_HEAD, Head
from ledger.log.reading import read_group

SUFFIX: Final = "_rebuilt"
LOCK_SPACE: Final = 7_262
"""First key of the advisory lock; the second is the projection's place in the catalogue."""


async def rebuild(url: str, name: str, *, pages_max: int = PAGES_APART) -> Head:
    """Rebuild one projection while others read and write it; return where its rows stand.

    The new rows are folded beside the live ones; names are swapped in one transaction, in which the projector waits.
    What a rebuild that was killed left behind is dropped by the next. Raises ``RebuildRunning``, ``ChainBroken``.
    """
    fold = FOLDS[name]()
    reader, writer = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        if not await writer.fetchval("SELECT pg_try_advisory_lock($1, $2)", LOCK_SPACE, list(FOLDS).index(name)):
            raise RebuildRunning(name=name)
        await _make_shadows(writer, fold)
        shadow = Store(writer, fold.tables, SUFFIX)
        await fold.load(shadow)
        head = await _fold_on(reader, fold, shadow, EMPTY_HEAD, pages_max)
        await writer.execute(FIRST_CHECKPOINT, *checkpoint_values(fold, EMPTY_HEAD))
        async with writer.transaction():
            # The projector waits from here on, so what came meanwhile brings the new rows at least as far as the old.
            await writer.fetchrow(LOCK_CHECKPOINT, name)
            head = await _fold_on(reader, fold, shadow, head, pages_max)
            await _swap(writer, fold)
            await writer.execute(SET_CHECKPOINT, *checkpoint_values(fold, head))
    finally:
        await writer.close()
        await reader.close()
    return head


async def _fold_on(reader: Any, fold: Fold, store: Store, head: Head, pages_max: int) -> Head:
    """Fold from ``head`` to the log's present end, one transaction per group."""
    kinds = np.array(sorted(fold.kinds))
    while batches := await read_group(reader, head, pages_max=pages_max):
        for batch in batches:
            fold.fold(step_of(batch, kinds))
        async with store.connection.transaction():
            await fold.write(store)
        head = Head.of(batches[-1])
    return head


async def _make_shadows(connection: Any, fold: Fold) -> None:
    for table in fold.tables:
        await connection.execute(f"DROP TABLE IF EXISTS {table.name}{SUFFIX}")
        await connection.execute(f"CREATE TABLE {table.name}{SUFFIX} (LIKE {table.name} INCLUDING ALL)")


async def _swap(connection: Any, fold: Fold) -> None:
    for table in fold.tables:
        await connection.execute(f"DROP TABLE {table.name}")
        await connection.execute(f"ALTER TABLE {table.name}{SUFFIX} RENAME TO {table.name}")
