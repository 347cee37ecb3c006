"""The tester's side: a nursery that starts exchanges, one exchange that runs, and how each part of it is killed."""

import asyncio
import json
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.postgres.embedded import EmbeddedPostgres
from app.postgres.process import read_pid_file
from tests.campaigns.crash.memory import Broken
from tests.support.processes import children_of

READY_S: Final = 900.0
START_S: Final = 600.0
END_S: Final = 300.0
"""Only what hangs shall take so long: at the lowest priority of a busy machine a second's work lasts minutes."""
EXIT_FATAL: Final = 70
TAIL_BYTES: Final = 2_000


class Nursery:
    """The process that forks exchanges, one at a time."""

    def __init__(self) -> None:
        self._process: Process
        self._child: int | None = None

    async def open(self) -> None:
        """Start it, and wait until it has loaded everything."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.campaigns.crash.nursery"),
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,  # Ctrl-C is for the campaign, which ends it
        )
        async with asyncio.timeout(READY_S):
            await self._told("ready")

    async def fork(self, launch: dict[str, Any]) -> tuple[int, "asyncio.Task[int]"]:
        """Start an exchange; return its pid, and what returns its exit code once it has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(launch).encode() + b"\n")
        self._child = await self._told("pid")
        return self._child, asyncio.create_task(self._told("status"))

    async def close(self) -> None:
        """End it, and whatever runs in it."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def _told(self, name: str) -> int:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise Broken("the nursery ended")
        told: int = json.loads(line)[name]
        return told


@dataclass
class Running:
    """One exchange that answers; ``ended`` returns its exit code."""

    pid: int
    ended: "asyncio.Task[int]"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    rest: str = ""
    customers: dict[str, Any] = field(default_factory=dict)

    async def ask(self, text: str) -> dict[str, Any]:
        """Say something over the line and return the answer; raises ``EOFError`` when the exchange died."""
        self.writer.write(text.encode() + b"\n")
        line = await self.reader.readline()
        if not line:
            raise EOFError
        told: dict[str, Any] = json.loads(line)
        return told

    def kill(self) -> None:
        """SIGKILL to the exchange."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def wait_end(self) -> int:
        """Return the exit code once it has ended; raises ``Broken`` if it does not."""
        try:
            async with asyncio.timeout(END_S):
                return await asyncio.shield(self.ended)
        except TimeoutError:
            self.kill()
            await self.ended
            raise Broken(f"the exchange lived on for {END_S:.0f} s") from None


class House:
    """One exchange's folder, in which it is started again and again."""

    def __init__(self, nursery: Nursery, folder: Path, *, node_url: str, block_ms: int) -> None:
        self.data_dir = folder / "exchange"
        self.log = folder / "exchange.log"
        self._nursery = nursery
        self._control = folder / "control"
        self._node_url = node_url
        self._block_ms = block_ms
        self.is_funded = False

    @property
    def database_url(self) -> str:
        """Return the URL of the embedded database, which runs."""
        url = EmbeddedPostgres(self.data_dir).url_of_running()
        if url is None:
            raise Broken("the database does not run")
        return url

    async def start(self, *, armed: str = "", snapshot_events: int, copy_all: bool = False) -> Running | int:
        """Start the exchange; return it once it answers, or its exit code if it died before."""
        lines: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await lines.put((reader, writer))

        self._control.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(take, self._control)
        launch = {
            "data_dir": str(self.data_dir),
            "node_url": self._node_url,
            "block_ms": self._block_ms,
            "control": str(self._control),
            "log": str(self.log),
            "armed": armed,
            "snapshot_events": snapshot_events,
            "copy_all": copy_all,
            "is_funded": self.is_funded,
        }
        pid, ended = await self._nursery.fork(launch)
        coming = asyncio.create_task(lines.get())
        await asyncio.wait([coming, ended], timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        server.close()
        if not coming.done():
            coming.cancel()
            return await ended
        running = Running(pid, ended, *coming.result())
        try:
            async with asyncio.timeout(START_S):
                line = await running.reader.readline()
        except TimeoutError:
            running.kill()
            await ended
            raise Broken(f"no start in {START_S:.0f} s: {self.log_tail()}") from None
        if not line:
            return await running.wait_end()
        told = json.loads(line)
        running.rest, running.customers = told["rest"], told["customers"]
        self.is_funded = True
        return running

    def kill_database(self, rng: random.Random, *, whole: bool) -> None:
        """SIGKILL to the database server, or to one of its children, which makes it start over."""
        found = read_pid_file(self.data_dir / "postgres")
        if found is None:
            raise Broken("the database does not run")
        children = children_of(found.pid)
        with suppress(ProcessLookupError):
            os.kill(found.pid if whole or not children else rng.choice(children), signal.SIGKILL)

    def log_size(self) -> int:
        """Return how long the exchange's messages are."""
        return self.log.stat().st_size if self.log.exists() else 0

    def log_since(self, offset: int) -> str:
        """Return the exchange's messages from there on."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(offset)
            return file.read().decode(errors="replace")

    def log_tail(self) -> str:
        """Return its last messages."""
        return self.log_since(max(self.log_size() - TAIL_BYTES, 0))
