"""Follows the log and keeps the projections up to it, beside the exchange and never in its way.

It reads the log itself, over connections of its own. A failure is reported and tried again after a while: one bad
projection holds up neither the others nor trading.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import numpy as np

from app.observability import get_logger
from app.projections.base import Step, step_of
from app.projections.catalogue import FOLDS
from app.projections.track import Track
from ledger.codec import Batch
from ledger.log.base import Head
from ledger.log.reading import read_group

POLL_S: Final = 0.2
GATHER_S: Final = 0.05
"""After a write so long is waited for more: under load this makes writes few and large."""
RETRY_MIN_S: Final = 0.5
RETRY_MAX_S: Final = 30.0
PAGES_BESIDE: Final = 64
"""Beside the exchange, on its loop: about 4 000 events at once."""
PAGES_APART: Final = 512
"""In a process of its own: about 32 000 events at once."""

WANTED: Final = "taobourse_history"
"""The channel over which readers tell that they wait."""

LANES: Final = 3
"""Projections are written over so many connections at once, so that folding goes on while the database works."""

LOG_HEAD: Final = "SELECT number, last_seq, hash, ts_ms FROM batches ORDER BY number DESC LIMIT 1"


@dataclass(slots=True)
class Progress:
    """How far one projection is; ``lag_ms`` is the age of the log's end less that of the last batch folded, ms."""

    batch: int = -1
    seq: int = 0
    lag_batches: int = 0
    lag_ms: int = 0
    failures: int = 0
    failure: Exception | None = None
    retry_at: float = 0.0
    retry_after_s: float = RETRY_MIN_S

    def failed(self, error: Exception) -> None:
        """Note a failure; the next attempt comes after a while that doubles each time."""
        self.failures += 1
        self.failure = error
        self.retry_at = time.monotonic() + self.retry_after_s
        self.retry_after_s = min(2 * self.retry_after_s, RETRY_MAX_S)

    def succeeded(self) -> None:
        """Forget what failed before."""
        self.failure, self.retry_at, self.retry_after_s = None, 0.0, RETRY_MIN_S


class Projector:
    """Keeps projections up to the log of one database.

    ``names``: which, all by default; ``poll_s``: how often the log is asked for more when nobody nudges;
    ``pages_max``: how much of the log, in pages of 8 kB, goes into one write.
    """

    def __init__(
        self, url: str, names: Iterable[str] = FOLDS, *, poll_s: float = POLL_S, pages_max: int = PAGES_BESIDE
    ) -> None:
        self._url = url
        self._poll_s = poll_s
        self._pages_max = pages_max
        self._tracks = {name: Track(FOLDS[name]) for name in names}
        self._kinds = np.array(sorted(frozenset().union(*(track.fold.kinds for track in self._tracks.values()))))
        self._lanes = [list(self._tracks)[lane::LANES] for lane in range(LANES)]
        self._reader: Any = None
        self._writers: list[Any] = [None] * LANES
        self._ahead: asyncio.Task[list[Batch]] | None = None
        self._end = (-1, 0)
        self._nudged = asyncio.Event()
        self._hurried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._log = get_logger("projector")
        self.progress = {name: Progress() for name in self._tracks}

    def nudge(self, _: Batch | None = None) -> None:
        """Tell that the log has grown; may be subscribed to a sequencer."""
        self._nudged.set()

    def hurry(self, *_: object) -> None:
        """Tell that a reader waits: what the log has now is folded without gathering more."""
        self._nudged.set()
        self._hurried.set()

    def start(self) -> None:
        """Follow the log until ``stop``, as a task of the running loop."""
        self._task = asyncio.create_task(self.run(), name="projector")

    async def stop(self) -> None:
        """End the task; what was not written is folded at the next start."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._disconnect()

    async def run(self) -> None:
        """Follow the log for ever."""
        delay = RETRY_MIN_S
        while True:
            try:
                advanced = await self._step()
                delay = RETRY_MIN_S
            except Exception as error:  # noqa: BLE001 - whatever it is, trading goes on without history
                self._report("*", error)
                await self._disconnect()
                await asyncio.sleep(delay)
                delay = min(2 * delay, RETRY_MAX_S)
                continue
            if advanced:
                await _wait_for(self._hurried, GATHER_S if self._is_near() else 0)
            else:
                await _wait_for(self._nudged, self._poll_s)

    async def catch_up(self) -> None:
        """Fold up to the log's present end; the first failure is raised."""
        try:
            while await self._step():
                self._raise_first()
            self._raise_first()
        finally:
            await self._disconnect()

    async def _step(self) -> bool:
        """Fold the next group of batches; return whether there was one."""
        await self._connect()
        now = time.monotonic()
        due = [name for name, progress in self.progress.items() if progress.retry_at <= now]
        for writer, lane in zip(self._writers, self._lanes, strict=True):
            for name in lane:
                if name in due and not self._tracks[name].is_loaded:
                    await self._attempt(name, writer, self._tracks[name].load(writer))
        ready = [name for name in due if self._tracks[name].is_loaded]
        if not ready:
            return False
        start = min((self._tracks[name].head for name in ready), key=lambda head: head.number)
        batches = await self._read(start)
        if batches:
            steps = [step_of(batch, self._kinds) for batch in batches]
            async with asyncio.TaskGroup() as lanes:
                for writer, lane in zip(self._writers, self._lanes, strict=True):
                    wanted = [name for name in lane if name in ready]
                    lanes.create_task(self._advance(wanted, writer, batches, steps))
        self._measure()
        return bool(batches)

    async def _read(self, start: Head) -> list[Batch]:
        """Return the batches that follow, and have those after them read while these are folded."""
        batches: list[Batch] = []
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            found = await ahead
            batches = found if found and found[0].previous == start.hash else []
        if not batches:
            batches = await read_group(self._reader, start, pages_max=self._pages_max)
        row = await self._reader.fetchrow(LOG_HEAD)
        self._end = (row["number"], row["ts_ms"]) if row is not None else (-1, 0)
        if batches and batches[-1].number < self._end[0]:
            coming = read_group(self._reader, Head.of(batches[-1]), pages_max=self._pages_max)
            self._ahead = asyncio.create_task(coming)
        return batches

    async def _advance(self, names: list[str], writer: Any, batches: list[Batch], steps: list[Step]) -> None:
        for name in names:
            await self._attempt(name, writer, self._tracks[name].advance(writer, batches, steps))

    async def _attempt(self, name: str, writer: Any, work: Coroutine[Any, Any, None]) -> None:
        """Do one projection's part; what it raises is its own trouble, unless the connection is lost."""
        progress = self.progress[name]
        try:
            await work
        except Exception as error:
            self._tracks[name].is_loaded = False
            progress.failed(error)
            self._report(name, error)
            if writer.is_closed():
                raise
        else:
            progress.succeeded()

    def _measure(self) -> None:
        number, ts_ms = self._end
        for name, progress in self.progress.items():
            head = self._tracks[name].head
            progress.batch, progress.seq = head.number, head.seq
            progress.lag_batches = max(number - head.number, 0)
            progress.lag_ms = max(ts_ms - head.ts_ms, 0) if progress.lag_batches else 0

    def _is_near(self) -> bool:
        """Tell whether the next group is likely to be small."""
        return all(progress.lag_batches < self._pages_max for progress in self.progress.values())

    def _raise_first(self) -> None:
        for progress in self.progress.values():
            if progress.failure is not None:
                raise progress.failure

    def _report(self, name: str, error: Exception) -> None:
        self._log.error("projection_failed", projection=name, error=f"{type(error).__name__}: {error}")

    async def _connect(self) -> None:
        if self._reader is None or self._reader.is_closed():
            self._reader = await asyncpg.connect(self._url)
            await self._reader.add_listener(WANTED, self.hurry)
        for place, (writer, lane) in enumerate(zip(self._writers, self._lanes, strict=True)):
            if writer is None or writer.is_closed():
                self._writers[place] = await asyncpg.connect(self._url)
                for name in lane:
                    self._tracks[name].is_loaded = False

    async def _disconnect(self) -> None:
        if self._ahead is not None:
            self._ahead.cancel()
            await asyncio.wait([self._ahead])
            self._ahead = None
        for connection in (self._reader, *self._writers):
            if connection is not None and not connection.is_closed():
                connection.terminate()
        self._reader, self._writers = None, [None] * LANES


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    """Return when an event is set, which it is no more afterwards, at the latest after so many seconds."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    event.clear()
