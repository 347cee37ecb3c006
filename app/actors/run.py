"""Runs the actors until they have acted long enough, somebody asks them to end, or the node goes away."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from app.actors.session import ActorsSession
from app.actors.strategy import Strategy
from app.actors.wire import open_socket
from app.exits import UNAVAILABLE
from app.link.connection import LinkError

PARENT_S: Final = 0.2
"""How often the parent is looked for; there is no portable way to be told."""
KINDS: Final = ("blocks", "weights", "commit", "reveal", "registration", "rule", "funding", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorsOptions:
    """What the command line asks for; ``blocks`` 0 means without end."""

    seed: int
    url: str
    blocks: int
    arenas: tuple[int, ...]
    seal: bool = False
    with_parent: bool = False


def run_actors(options: ActorsOptions, *, say: Callable[[str], None]) -> int:
    """Play and return the exit code: 0 when asked to end or done, 3 when there is no node that can be played on."""
    try:
        return asyncio.run(_run(options, say=say))
    except LinkError as error:
        sys.stderr.write(f"{error}\n")
        return UNAVAILABLE


async def _run(options: ActorsOptions, *, say: Callable[[str], None]) -> int:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, asked.set)
    playing = asyncio.create_task(_play(options, say=say))
    ending = [playing, asyncio.create_task(asked.wait())]
    if options.with_parent:
        ending.append(asyncio.create_task(_wait_for_orphanage(os.getppid())))
    await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
    for task in ending[1:]:
        task.cancel()
    if not playing.done():
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
        return 0
    playing.result()
    return 0


async def _play(options: ActorsOptions, *, say: Callable[[str], None]) -> None:
    async with open_socket(options.url) as node:
        session = ActorsSession(node, Strategy(options.seed, arenas=options.arenas))
        say(json.dumps({"ws": options.url, "seed": options.seed, "subnets": await session.netuids()}))
        try:
            await session.play(blocks=options.blocks, seal=options.seal)
        finally:
            say(json.dumps({kind: session.done[kind] for kind in KINDS}))


async def _wait_for_orphanage(parent: int) -> Literal[True]:
    while os.getppid() == parent:  # noqa: ASYNC110 - nobody sets an event when a process dies
        await asyncio.sleep(PARENT_S)
    return True
