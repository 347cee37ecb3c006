"""Decides when the next snapshot is due, and has it written by a process of its own that nobody waits for."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from ledger.codec import Batch

MODULE: Final = "ledger.log.snapshot_process"
STOP_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotSettings:
    """When a snapshot is due: so many events or so many seconds behind the last, and how many are kept.

    ``pause_s`` lies between two of them at least, however many events come: a snapshot costs what the state is large.
    """

    every_events: int = 1_000_000
    every_s: float = 900.0
    pause_s: float = 60.0
    keep: int = 3


class SnapshotFailed(Exception):  # noqa: N818 - says what happened
    """The writing process ended without a snapshot; its words are the message."""


class SnapshotWriter:
    """Counts published batches and starts the writing process when it is time; one at a time.

    ``tell(name, figures)`` hears of every result: ``snapshot_written`` and ``snapshot_failed``.
    """

    def __init__(self, url: str, settings: SnapshotSettings, tell: Callable[[str, dict[str, Any]], None]) -> None:
        self._url = url
        self._settings = settings
        self._tell = tell
        self._events = 0
        self._is_due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def observe(self, batch: Batch) -> None:
        """Count a batch; costs the trading loop nothing more."""
        self._events += len(batch.events)
        if self._events >= self._settings.every_events:
            self._is_due.set()

    def start(self, behind: int) -> None:
        """Begin on the running loop; ``behind``: events since the newest snapshot."""
        self._events = behind
        if behind >= self._settings.every_events:
            self._is_due.set()
        self._task = asyncio.create_task(self._run(), name="snapshots")

    async def stop(self) -> None:
        """End, and the writing process with it: what it wrote so far never happened."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.every_s):
                    await self._is_due.wait()
            self._is_due.clear()
            counted = self._events
            if counted:
                try:
                    self._tell("snapshot_written", await run_process(self._url, keep=self._settings.keep))
                    self._events -= counted
                except (SnapshotFailed, OSError) as error:
                    self._tell("snapshot_failed", {"error": str(error)})
            await asyncio.sleep(self._settings.pause_s)
            if self._events >= self._settings.every_events:
                self._is_due.set()


async def run_process(url: str, *, keep: int) -> dict[str, Any]:
    """Have one snapshot written by a process of its own, and return what it tells; raises ``SnapshotFailed``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", MODULE, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    try:
        order = json.dumps({"url": url, "keep": keep}) + "\n"
        told, words = await process.communicate(order.encode())
    except BaseException:
        await _end(process)
        raise
    if process.returncode:
        last = words.decode(errors="replace").strip().rpartition("\n")[2]
        raise SnapshotFailed(f"exit code {process.returncode}: {last[:500]}")
    figures: dict[str, Any] = json.loads(told)
    return figures


async def _end(process: Process) -> None:
    """End the process: politely, then not."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
