"""Keeps one part running: starts it again after a pause that grows, and gives up on what dies too often."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from app.serve.child import PartDied, Process
from app.serve.errors import ServeError

log = structlog.get_logger(__name__)

PAUSE_MIN_S: Final = 0.1
PAUSE_MAX_S: Final = 5.0
DEATHS_MAX: Final = 12
DEATHS_WITHIN_S: Final = 60.0


@dataclass(eq=False)
class GaveUp(ServeError):  # noqa: N818 - what happened
    """A part died too often in too short a time: starting it again would not help."""

    part: str
    deaths: int
    code: str = "gave_up"

    def __str__(self) -> str:
        """Return code, part and figures."""
        return f"{self.code}: {self.part} died {self.deaths} times within {DEATHS_WITHIN_S:.0f} s"


class Watched:
    """One part; ``start`` starts it and returns it once it is ready, ``gate`` returns when a start makes sense.

    ``tell`` is called whenever its process has changed.
    """

    def __init__(
        self,
        name: str,
        start: Callable[[], Awaitable[Process]],
        *,
        gate: Callable[[], Awaitable[None]],
        tell: Callable[[], None],
        deaths_max: int = DEATHS_MAX,
    ) -> None:
        self.name = name
        self.child: Process | None = None
        self.starts = 0
        self._start = start
        self._gate = gate
        self._tell = tell
        self._deaths_max = deaths_max
        self._deaths: deque[float] = deque(maxlen=deaths_max)
        self._up = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Return the process id while it is up."""
        return None if self.child is None else self.child.process.pid

    async def up(self) -> Process:
        """Return the child once it is ready."""
        while self.child is None:
            await self._up.wait()
        return self.child

    async def run(self) -> None:
        """Keep it running until cancelled, which ends it too; raises ``GaveUp``."""
        pause_s = PAUSE_MIN_S
        try:
            while True:
                begun = time.monotonic()
                why = await self._live_once()
                if time.monotonic() - begun > DEATHS_WITHIN_S / 2:
                    pause_s = PAUSE_MIN_S
                self._note_death(why, pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, PAUSE_MAX_S)
        finally:
            if self.child is not None:
                await self.child.stop()
                self._changed(None)

    async def run_once(self) -> Process:
        """Start it until it gets ready once, and return it ended; raises ``GaveUp``."""
        pause_s = PAUSE_MIN_S
        while True:
            await self._gate()
            self.starts += 1
            try:
                child = await self._start()
            except (PartDied, OSError, TimeoutError) as error:
                self._note_death(str(error), pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, PAUSE_MAX_S)
            else:
                await child.stop()
                return child

    async def _live_once(self) -> str:
        """Start it, wait for its end, and return what that was."""
        await self._gate()
        self.starts += 1
        try:
            child = await self._start()
        except (PartDied, OSError, TimeoutError) as error:
            return str(error)
        self._changed(child)
        log.info("part_up", name=self.name, part_pid=child.process.pid, starts=self.starts)
        code = await child.process.wait()
        self._changed(None)
        return f"ended with {code}"

    def _changed(self, child: Process | None) -> None:
        self.child = child
        if child is None:
            self._up.clear()
        else:
            self._up.set()
        self._tell()

    def _note_death(self, why: str, pause_s: float) -> None:
        now = time.monotonic()
        self._deaths.append(now)
        log.error("part_died", name=self.name, why=why, again_in_s=pause_s)
        if len(self._deaths) == self._deaths_max and now - self._deaths[0] < DEATHS_WITHIN_S:
            raise GaveUp(self.name, self._deaths_max)
