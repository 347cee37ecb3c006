"""A part that dies is started again, and one that dies too often is given up."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from app.serve.child import PartDied, PartProcess, Process
from app.serve.watched import GaveUp, Watched

WAIT_S = 20.0


async def sleeper(seconds: float = 60.0) -> PartProcess:
    code = f"import time; time.sleep({seconds})"
    return PartProcess(await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", code), {"ready": True})


async def open_gate() -> None:
    return


def watched(start: Callable[[], Awaitable[Process]], **options: int) -> tuple[Watched, list[int | None]]:
    told: list[int | None] = []
    made = Watched("part", start, gate=open_gate, tell=lambda: told.append(made.pid), **options)
    return made, told


async def test_a_killed_part_is_started_again_and_ended_at_the_end() -> None:
    part, told = watched(sleeper)
    running = asyncio.create_task(part.run())
    async with asyncio.timeout(WAIT_S):
        first = (await part.up()).process
        first.kill()
        await first.wait()
        while part.pid in {None, first.pid}:  # noqa: ASYNC110 - the watcher tells nobody
            await asyncio.sleep(0.01)
    second = (await part.up()).process

    running.cancel()
    with suppress(asyncio.CancelledError):
        await running

    assert part.starts == 2
    assert told == [first.pid, None, second.pid, None]
    assert second.returncode is not None


async def test_a_part_that_dies_too_often_is_given_up() -> None:
    part, _ = watched(lambda: sleeper(0), deaths_max=3)

    with pytest.raises(GaveUp) as gave_up:
        await asyncio.wait_for(part.run(), WAIT_S)

    assert (gave_up.value.part, gave_up.value.deaths, part.starts) == ("part", 3, 3)


async def test_a_step_is_tried_until_it_was_ready_once() -> None:
    async def start() -> Process:
        if step.starts < 3:
            raise PartDied("not yet")
        return await sleeper()

    step, _ = watched(start)

    child = await asyncio.wait_for(step.run_once(), WAIT_S)

    assert step.starts == 3
    assert child.process.returncode is not None


async def test_nothing_is_started_before_the_gate_opens() -> None:
    gate = asyncio.Event()
    part = Watched("part", sleeper, gate=lambda: opened(gate), tell=lambda: None)
    running = asyncio.create_task(part.run())
    for _ in range(5):
        await asyncio.sleep(0)
    assert part.starts == 0

    gate.set()
    await asyncio.wait_for(part.up(), WAIT_S)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running

    assert part.starts == 1


async def opened(gate: asyncio.Event) -> None:
    await gate.wait()
