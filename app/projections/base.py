"""What a projection is: a fold of batches into rows, written together with the checkpoint that dates them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from sqlalchemy import Table

from app.gateway.folds.rows import Row
from ledger.codec import Batch
from ledger.log.base import EMPTY_HEAD, Head

SIDES: Final = 2
"""Fills per event: both sides of one cross are fills."""


class Step(NamedTuple):
    """One batch as folds take it: its events as rows, in order, and what their ``payload`` points into, from 1."""

    ts_ms: int
    rows: Sequence[Row]
    payloads: Sequence[bytes] = ()


def step_of(batch: Batch, kinds: np.ndarray[Any, Any]) -> Step:
    """Return the events of a batch that are of these kinds."""
    wanted = batch.events[np.isin(batch.events["kind"], kinds)]
    return Step(batch.ts_ms, list(map(Row._make, wanted.tolist())), batch.payloads)


class Store:
    """The tables of one projection over one connection: the live ones, or shadows with a suffix to their names."""

    def __init__(self, connection: Any, tables: Iterable[Table], suffix: str = "") -> None:
        self.connection = connection
        self.tables = tuple(tables)
        self.names: Mapping[str, str] = {table.name: table.name + suffix for table in self.tables}

    async def copy(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Append whole rows, values in the order of the columns."""
        if rows:
            await self.connection.copy_records_to_table(
                self.names[table.name], records=rows, columns=[column.name for column in table.columns]
            )

    async def execute(self, statement: str, *values: Any) -> None:
        """Run a statement in which ``{table}`` stands for each table's present name."""
        await self.connection.execute(statement.format_map(self.names), *values)

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        """Return the rows of a query written in the same way."""
        found: list[Any] = await self.connection.fetch(statement.format_map(self.names), *values)
        return found


class Fold(Protocol):
    """One projection at work: ``fold`` gathers what batches change, ``write`` stores it and forgets it.

    A fold is made anew and loaded whenever a write failed, so it never holds what the tables do not.
    """

    @property
    def name(self) -> str:
        """Return the name of its checkpoint."""

    @property
    def version(self) -> int:
        """Return the version of its rules; rows of another version are rebuilt."""

    @property
    def tables(self) -> tuple[Table, ...]:
        """Return the tables that are its own."""

    @property
    def kinds(self) -> frozenset[int]:
        """Return the kinds of events it looks at; it may be given others."""

    async def load(self, store: Store) -> None:
        """Read back what it needs to go on from what is stored."""

    def fold(self, step: Step) -> None:
        """Gather what a batch changes."""

    async def write(self, store: Store) -> None:
        """Write what was gathered since the last write."""


READ_CHECKPOINT = "SELECT version, batch, seq, hash, ts_ms FROM projections WHERE name = $1"
LOCK_CHECKPOINT = f"{READ_CHECKPOINT} FOR UPDATE"
FIRST_CHECKPOINT = """
    INSERT INTO projections (name, version, batch, seq, hash, ts_ms) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (name) DO NOTHING
"""
SET_CHECKPOINT = "UPDATE projections SET version = $2, batch = $3, seq = $4, hash = $5, ts_ms = $6 WHERE name = $1"


def head_of_checkpoint(row: Any) -> Head:
    """Return where a checkpoint stands; ``EMPTY_HEAD`` for a projection that was never folded."""
    if row is None:
        return EMPTY_HEAD
    return Head(number=row["batch"], seq=row["seq"], hash=row["hash"], ts_ms=row["ts_ms"])


def checkpoint_values(fold: Fold, head: Head) -> tuple[Any, ...]:
    """Return the parameters of ``FIRST_CHECKPOINT`` and ``SET_CHECKPOINT``."""
    return fold.name, fold.version, head.number, head.seq, head.hash, head.ts_ms
