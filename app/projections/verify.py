"""``verify projections``: folds the log again from nothing and compares every row with what is stored."""

import json
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import numpy as np
from sqlalchemy import Table

from app.projections.base import READ_CHECKPOINT, Fold, Store, step_of
from app.projections.catalogue import FOLDS
from app.projections.errors import ProjectionDiffers
from app.projections.track import check_checkpoint
from ledger.log.base import EMPTY_HEAD, Head
from ledger.log.reading import read_group

SUFFIX: Final = "_verified"
PAGES: Final = 300
"""Another size of group than the projector's: where a group ends must not matter."""
TEMPORARY: Final = "CREATE TEMP TABLE {name}{suffix} (LIKE {name} INCLUDING ALL) ON COMMIT DROP"
FIRST_DIFFERENCE: Final = """
    SELECT to_jsonb(stored)::text, to_jsonb(folded)::text
    FROM {name} AS stored FULL JOIN {name}{suffix} AS folded USING ({key})
    WHERE ROW(stored.*) IS DISTINCT FROM ROW(folded.*)
    ORDER BY {key} LIMIT 1
"""
COUNT: Final = "SELECT count(*) FROM {name}"


@dataclass(frozen=True, slots=True)
class Verified:
    """One projection whose rows are what the log folds to, as far as its checkpoint says."""

    name: str
    head: Head
    rows: int


async def verify_projections(url: str, names: tuple[str, ...] = tuple(FOLDS)) -> list[Verified]:
    """Compare every row of these projections with the log; the projector may go on beside it.

    What is stored is seen as it stood in one moment; the log is folded up to each checkpoint into temporary tables of
    the same transaction, so nothing is left behind. Raises ``ProjectionDiffers``, ``CheckpointForeign``,
    ``ProjectionOutdated``, ``ChainBroken``.
    """
    reader, judge = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with judge.transaction(isolation="repeatable_read"):
            folds = [FOLDS[name]() for name in names]
            heads = {
                fold.name: await check_checkpoint(judge, fold, await judge.fetchrow(READ_CHECKPOINT, fold.name))
                for fold in folds
            }
            stores = {fold.name: await _make_store(judge, fold) for fold in folds}
            await _fold_all(reader, folds, stores, heads)
            return [await _compare(judge, fold, heads[fold.name]) for fold in folds]
    finally:
        judge.terminate()
        await reader.close()


async def _make_store(connection: Any, fold: Fold) -> Store:
    for table in fold.tables:
        await connection.execute(TEMPORARY.format(name=table.name, suffix=SUFFIX))
    store = Store(connection, fold.tables, SUFFIX)
    await fold.load(store)
    return store


async def _fold_all(reader: Any, folds: list[Fold], stores: dict[str, Store], heads: dict[str, Head]) -> None:
    """Fold the log into the stores, each up to its head."""
    kinds = np.array(sorted(frozenset().union(*(fold.kinds for fold in folds))))
    end, head = max((head.number for head in heads.values()), default=-1), EMPTY_HEAD
    while head.number < end:
        batches = await read_group(reader, head, pages_max=PAGES)
        for batch in batches:
            step = step_of(batch, kinds)
            for fold in folds:
                if batch.number <= heads[fold.name].number:
                    fold.fold(step)
        for fold in folds:
            await fold.write(stores[fold.name])
        head = Head.of(batches[-1])


async def _compare(connection: Any, fold: Fold, head: Head) -> Verified:
    rows = 0
    for table in fold.tables:
        key = ", ".join(column.name for column in table.primary_key)
        found = await connection.fetchrow(FIRST_DIFFERENCE.format(name=table.name, suffix=SUFFIX, key=key))
        if found is not None:
            raise _difference(fold, table, found[0], found[1])
        rows += await connection.fetchval(COUNT.format(name=table.name))
    return Verified(fold.name, head, rows)


def _difference(fold: Fold, table: Table, stored: str | None, folded: str | None) -> ProjectionDiffers:
    row = json.loads(stored or folded or "{}")
    key = ", ".join(f"{column.name} {row[column.name]}" for column in table.primary_key)
    return ProjectionDiffers(name=fold.name, table=table.name, key=key, stored=stored or "", folded=folded or "")
