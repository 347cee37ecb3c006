"""History of an exchange whose log is in memory: its batches go through a real database and the real projections.

Nothing is set up before somebody reads history, and every read is as new as the log.
"""

import asyncio
from collections.abc import Sequence

from app.projections.projector import Projector
from app.projections.reads import WAIT_S, HistoryReads
from ledger.log.memory import MemoryLog
from ledger.log.postgres import PostgresLog
from tests.support.databases import databases


class KeptHistory(HistoryReads):
    """Copies the log, and folds it, whenever a reader asks how far history is."""

    def __init__(self, log: MemoryLog) -> None:
        self._memory = log
        self._turn = asyncio.Lock()
        self._url = ""
        self._next = 0
        self._copy: PostgresLog

    async def reached(self, seq: int, names: Sequence[str], *, wait_s: float = WAIT_S) -> None:
        async with self._turn:
            if not self._url:
                self._url = await databases.create()
                super().__init__(self._url)
                self._copy = PostgresLog(self._url)
                await self._copy.open()
            async for batch in self._memory.read(self._next):
                await self._copy.append(batch)
                self._next = batch.number + 1
            await Projector(self._url).catch_up()
        await super().reached(seq, names, wait_s=wait_s)

    async def close(self) -> None:
        if self._url:
            await super().close()
            await self._copy.close()
            await databases.drop(self._url)
