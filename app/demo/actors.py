"""The actors of the demo as a child process: validators and miners that give its subnets something to reward."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

SEED: Final = 1
"""What the actors choose is the same in every demo, as far as the clock lets it."""
STOP_TIMEOUT_S: Final = 15.0


async def start_actors(url: str, *, log: Path) -> asyncio.subprocess.Process:
    """Start the actors on a node and return at once; what they tell goes to the file ``log``.

    They look for their parent and stop without one. Nobody depends on them: the demo goes on if they end.
    """
    with log.open("ab") as messages:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.cli", "chain", "actors"),
            *("--seed", str(SEED), "--url", url, "--with-parent"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=messages,
            stderr=messages,
            start_new_session=True,  # Ctrl-C is for the parent, which ends them before their node
        )


async def stop_actors(process: asyncio.subprocess.Process) -> None:
    """End the actors and wait for them."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
