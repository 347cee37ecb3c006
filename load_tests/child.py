"""Servers under load run as child processes, so that the clients' loop is not theirs.

A child says one line of JSON once it listens, answers one line to each word it is told, and ends with its input: it
never outlives who started it.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import IO, Any, Self

import uvicorn

from app.gateway.server import listening_port

START_TIMEOUT_S = 240.0
TAIL_BYTES = 4_000
LINE_MAX = 2**22

Word = Callable[[], Awaitable[Any]]


class ChildFailed(Exception):  # noqa: N818 - says what is the matter
    """A child ended or said nothing in time; the text is the end of what it wrote."""


async def serve_until_told(server: uvicorn.Server, told: Mapping[str, Any], words: Mapping[str, Word]) -> None:
    """Serve in a child: say ``told`` and the port, answer words, and stop at the end of the input.

    ``cpu`` is understood everywhere: the processor time of this process so far, s.
    """
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            serving.result()
            raise OSError("the server could not listen")
        await asyncio.sleep(0.01)
    _say({**told, "port": listening_port(server)})
    heard = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(heard), sys.stdin)
    while line := await heard.readline():
        word = line.decode().strip()
        _say(time.process_time() if word == "cpu" else await words[word]())
    server.should_exit = True
    await serving


def _say(message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


class ServerChild:
    """A server in a process of its own, for ``async with``; ``told`` is what it said when it began to listen."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = (sys.executable, "-m", module, *arguments)
        self._process: asyncio.subprocess.Process
        self._errors: IO[bytes]
        self.told: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    async def __aenter__(self) -> Self:
        """Start the child, and return once it listens."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __aexit__
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._errors,
            limit=LINE_MAX,
        )
        try:
            self.told = await self._hear()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child."""
        await self._end()

    async def ask(self, word: str) -> Any:
        """Return the answer to a word."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())
        return await self._hear()

    async def _hear(self) -> Any:
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                line = await self._process.stdout.readline()
        except TimeoutError as error:
            raise ChildFailed(self._tail()) from error
        if not line:
            raise ChildFailed(self._tail())
        return json.loads(line)

    def _tail(self) -> str:
        self._errors.seek(max(self._errors.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
        return self._errors.read().decode(errors="replace")

    async def _end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._process.wait()
        finally:
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
            self._errors.close()
