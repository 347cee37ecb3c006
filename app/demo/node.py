"""The chain as a child process that ends with its parent, however the parent ends."""

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0


class NodeDidNotStart(Exception):  # noqa: N818 - what happened
    """The child ended, or said nothing for too long."""


@dataclass(slots=True)
class ChildNode:
    """A running node; it looks for its parent and stops without one, so a killed parent leaves none behind."""

    process: asyncio.subprocess.Process
    url: str
    genesis: str

    async def stop(self) -> None:
        """End the node and wait for it."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def start_node(data_dir: Path, *, port: int, block_ms: int, log: Path) -> ChildNode:
    """Start the chain of a folder and return once it answers; its messages go to the file ``log``.

    Raises ``NodeDidNotStart``. A node of a killed parent may still be ending: the child waits for its folder a while.
    """
    arguments = ["--data-dir", str(data_dir), "--port", str(port), "--block-ms", str(block_ms), "--with-parent"]
    with log.open("ab") as messages:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chain",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=messages,
            start_new_session=True,  # Ctrl-C is for the parent, which closes the doors first
        )
    told: dict[str, Any] = {}
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            if process.stdout is not None:
                told = json.loads(await process.stdout.readline() or b"{}")
    except TimeoutError:
        process.kill()
    if "ws" not in told:
        raise NodeDidNotStart(f"the chain did not start, see {log}")
    return ChildNode(process, told["ws"], told["genesis"])
