"""The database under all parts: the embedded server, kept running, or another one that is only waited for."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import asyncpg
import structlog

from app.postgres.embedded import EmbeddedPostgres
from app.postgres.errors import EmbeddedPostgresError
from app.postgres.process import is_running
from app.serve.watched import DEATHS_MAX, DEATHS_WITHIN_S, GaveUp
from ledger.log.migrate import migrate

log = structlog.get_logger(__name__)

LOOK_S: Final = 0.1
PROBE_PAUSE_S: Final = 0.2
PROBE_TIMEOUT_S: Final = 5.0


class Database:
    """``url`` of another PostgreSQL, or the embedded one of ``data_dir``; both have the newest schema once started."""

    def __init__(self, data_dir: Path, url: str | None, *, deaths_max: int = DEATHS_MAX) -> None:
        self._embedded = None if url is not None else EmbeddedPostgres(data_dir)
        self._url = url
        self._deaths: deque[float] = deque(maxlen=deaths_max)
        self.starts = 0

    @property
    def url(self) -> str:
        """Return how it is reached."""
        return self._embedded.url if self._embedded is not None else str(self._url)

    @property
    def pid(self) -> int | None:
        """Return the embedded server's process id."""
        return None if self._embedded is None else self._embedded.pid

    async def start(self) -> None:
        """Start it, and bring its schema up to date."""
        if self._embedded is not None:
            await self._embedded.start()
            self.starts = 1
        await migrate(self.url)

    async def stop(self) -> None:
        """Stop the embedded server."""
        if self._embedded is not None:
            await self._embedded.stop()

    async def reached(self) -> None:
        """Return once it takes connections."""
        told = False
        while True:
            try:
                connection = await asyncpg.connect(self.url, timeout=PROBE_TIMEOUT_S)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if not told:
                    log.warning("database_away", error=f"{type(error).__name__}: {error}")
                told = True
                await asyncio.sleep(PROBE_PAUSE_S)
            else:
                await connection.close()
                return

    async def run(self, tell: Callable[[], None]) -> None:
        """Start the embedded server again whenever it dies, until cancelled; raises ``GaveUp``.

        ``tell`` is called whenever its process has changed.
        """
        embedded = self._embedded
        if embedded is None:
            await asyncio.Event().wait()
            return
        while True:
            await asyncio.sleep(LOOK_S)
            if embedded.pid is not None and is_running(embedded.pid):
                continue
            self._deaths.append(time.monotonic())
            log.error("part_died", name="postgres", why="its process is gone")
            if len(self._deaths) == self._deaths.maxlen and self._deaths[-1] - self._deaths[0] < DEATHS_WITHIN_S:
                raise GaveUp("postgres", len(self._deaths))
            try:
                await embedded.stop()
                await embedded.start()
            except EmbeddedPostgresError as error:
                log.error("database_did_not_start", error=str(error))  # noqa: TRY400 - told, and tried again
            else:
                self.starts += 1
                log.info("part_up", name="postgres", part_pid=embedded.pid)
                tell()
