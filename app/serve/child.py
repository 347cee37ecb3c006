"""One part as a child process: it gets its order on stdin, tells on stdout that it is ready, and logs to our stderr."""

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from app.serve.orders import Order, encode_order
from app.serve.plan import part_of

START_TIMEOUT_S: Final = 600.0
"""A long log may have to be read before a part is ready."""
STOP_TIMEOUT_S: Final = 15.0
TOLD_BYTES_MAX: Final = 2**20


class PartDied(Exception):  # noqa: N818 - what happened
    """A part ended before it was ready."""


class Process(Protocol):
    """A child process that is up."""

    process: asyncio.subprocess.Process

    async def stop(self) -> None:
        """Have it end, and wait."""


@dataclass(slots=True)
class PartProcess:
    """A part that told that it is ready; ``told`` is what it said."""

    process: asyncio.subprocess.Process
    told: dict[str, Any]

    async def stop(self) -> None:
        """Ask it to end and wait; one that does not is killed."""
        await stop_child(self.process)


async def start_part(order: Order) -> PartProcess:
    """Start a part and return once it is ready; raises ``PartDied``.

    It ends when our end of its stdin does, so that a killed supervisor leaves nobody behind.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.serve", part_of(order.name)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the supervisor, which ends the parts in their order
        limit=TOLD_BYTES_MAX,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(encode_order(order))
        async with asyncio.timeout(START_TIMEOUT_S):
            line = await process.stdout.readline()
        told: dict[str, Any] = json.loads(line) if line else {}
    except BaseException:
        await stop_child(process)
        raise
    if not told:
        raise PartDied(f"{order.name} ended with {await process.wait()} before it was ready")
    return PartProcess(process, told)


async def stop_child(process: asyncio.subprocess.Process) -> None:
    """Ask a process to end and wait for it; kill it when it does not."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
