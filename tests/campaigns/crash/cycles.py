"""The campaign: worlds of one exchange and one chain each, in which everything dies once in every way."""

import asyncio
import random
import shutil
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from app.demo.node import ChildNode, start_node
from app.postgres.embedded import EmbeddedPostgres
from tests.campaigns.crash.client import ask_token, begin_load
from tests.campaigns.crash.judge import Judge
from tests.campaigns.crash.memory import Broken
from tests.campaigns.crash.plan import DATABASE, EXCHANGE, Kill, draw_world
from tests.campaigns.crash.running import EXIT_FATAL, House, Nursery, Running
from tests.campaigns.crash.summary import Say, Summary

BLOCK_MS: Final = 500
REACH_S: Final = 8.0
"""A point that is not passed in so many seconds is given up, and the exchange killed as it stands."""
SNAPSHOT_REACH_S: Final = 40.0
SNAPSHOTS_OFF: Final = 10**9
SIGKILLED: Final = -9


async def run_campaign(*, cycles: int, seed: int, first_world: int, summary: Summary, say: Say) -> None:
    """Run worlds until so many cycles are done; raises ``Broken``, whose folder is kept, at the first that fails."""
    nursery = Nursery()
    await nursery.open()
    try:
        number = first_world
        while summary.cycles < cycles:
            plan = draw_world(random.Random(f"{seed}/{number}"))[: cycles - summary.cycles]
            folder = Path(tempfile.mkdtemp(prefix="taobourse-crash-"))
            try:
                await run_world(plan, nursery, folder, random.Random(f"{seed}/{number}/load"), summary, say)
            except Exception:
                say(f"play again: --seed {seed} --world {number}; its folder: {folder}")
                raise
            except BaseException:  # ended early
                shutil.rmtree(folder)
                raise
            shutil.rmtree(folder)
            number += 1
    finally:
        await nursery.close()


async def run_world(
    plan: list[Kill],
    nursery: Nursery,
    folder: Path,
    rng: random.Random,
    summary: Summary,
    say: Say,
    *,
    reach_s: float = REACH_S,
) -> None:
    """Run one plan on a fresh exchange and a fresh chain in ``folder``."""
    node = await start_node(folder / "chain", port=0, block_ms=BLOCK_MS, log=folder / "chain.log")
    house = House(nursery, folder, node_url=node.url, block_ms=BLOCK_MS)
    world = World(house, node, rng, summary, say, reach_s)
    try:
        await world.begin(plan[0])
        for kill, upcoming in zip(plan, [*plan[1:], None], strict=True):
            await world.run_cycle(kill, upcoming)
        await world.end()
    finally:
        await world.close()
        await node.stop()


class World:
    """One exchange through all its lives."""

    def __init__(
        self, house: House, node: ChildNode, rng: random.Random, summary: Summary, say: Say, reach_s: float
    ) -> None:
        self._house = house
        self._node = node
        self._judge = Judge(summary, say)
        self._rng = rng
        self._reach_s = reach_s
        self._running: Running | None = None
        self._offset = 0

    async def begin(self, first: Kill) -> None:
        """Bring it up for the first time: house, markets, customers, an address to pay to."""
        running = await self._start(first)
        await self._judge.begin(running.rest, running.customers)

    async def run_cycle(self, kill: Kill, upcoming: Kill | None) -> None:
        """Load it until it dies, bring it up again as the ``upcoming`` kill wants it, and check everything."""
        began = time.monotonic()
        running = self._living()
        if kill.in_start:
            running.kill()
            await running.wait_end()
            started = await self._launch_armed(kill)
        else:
            started = running
        how = kill.name
        if isinstance(started, Running):
            how = await self._load_and_kill(started, kill)
        died = time.monotonic()
        again = await self._start(upcoming)
        up_s = time.monotonic() - died
        async with AsyncExitStack() as stack:
            await self._note_state(again)
            resent = await self._judge.check(self._judge.rest(stack, again.rest), self._house.database_url)
            await self._note_state(again)
        self._judge.tell_cycle(how, resent=resent, up_s=up_s, took_s=time.monotonic() - began)

    async def end(self) -> None:
        """Have everything read again from the beginning, and end it in good order."""
        running = self._living()
        await self._judge.end(running.rest, self._house.database_url, self._node.url)
        await self._stop_orderly(running)

    async def close(self) -> None:
        """Leave nothing running, however it went."""
        if self._running is not None:
            self._running.kill()
            await self._running.wait_end()
        await EmbeddedPostgres(self._house.data_dir).stop_left_over()

    def _living(self) -> Running:
        if self._running is None:
            raise Broken("nothing runs")
        return self._running

    async def _start(self, upcoming: Kill | None) -> Running:
        """Start it, as the next kill wants it: it must come up, whatever killed it before."""
        self._offset = self._house.log_size()
        is_slow = upcoming is not None and upcoming.is_slow
        started = await self._house.start(
            # A point of the process that writes snapshots; the exchange itself never passes it.
            armed=upcoming.armed if upcoming is not None and is_slow else "",
            snapshot_events=1 if is_slow else SNAPSHOTS_OFF,
            copy_all=upcoming is not None and upcoming.copy_all,
        )
        if not isinstance(started, Running):
            raise Broken(f"the exchange does not start: {started}: {self._house.log_since(self._offset)[-2_000:]}")
        if "snapshot_refused" in self._house.log_since(self._offset):
            raise Broken("a snapshot was refused")
        self._running = started
        return started

    async def _launch_armed(self, kill: Kill) -> Running | int:
        """Start it armed from the beginning; return its exit code where it died on the way."""
        self._offset = self._house.log_size()
        started = await self._house.start(armed=kill.armed, snapshot_events=SNAPSHOTS_OFF)
        self._running = started if isinstance(started, Running) else None
        if isinstance(started, int) and started != SIGKILLED:
            raise Broken(f"the start ended with {started}: {self._house.log_tail()}")
        return started

    async def _stop_orderly(self, running: Running) -> None:
        running.writer.close()
        self._running = None
        code = await running.wait_end()
        if code:
            raise Broken(f"the exchange ended with {code}: {self._house.log_tail()}")

    async def _load_and_kill(self, running: Running, kill: Kill) -> str:
        """Trade until it is dead; return what killed it."""
        async with AsyncExitStack() as stack:
            rest = self._judge.rest(stack, running.rest)
            payer = self._judge.rest(stack, running.rest, number=1)
            token = "" if running.ended.done() else await ask_token(rest)
            if kill.armed and not (kill.in_start or kill.is_slow):
                await running.ask(f"arm {kill.armed}")
            load = begin_load(rest, payer, token, self._judge.memory, self._rng)
            how = await self._kill(running, kill)
            code = await running.wait_end()
            self._running = None
            for outcome in await asyncio.gather(*load, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
        expected = {SIGKILLED} if kill.target == EXCHANGE else {EXIT_FATAL}
        if code not in expected:
            raise Broken(f"the exchange ended with {code} after {how}: {self._house.log_tail()}")
        return how

    async def _kill(self, running: Running, kill: Kill) -> str:
        if not kill.armed:
            await asyncio.sleep(kill.after_s)
            await self._note_state(running)
            if kill.target == EXCHANGE:
                running.kill()
            else:
                self._house.kill_database(self._rng, whole=kill.target == DATABASE)
            return kill.name
        if kill.is_slow:
            await asyncio.sleep(self._rng.uniform(0.1, 0.4))
        deadline = time.monotonic() + (SNAPSHOT_REACH_S if kill.is_slow else self._reach_s)
        while time.monotonic() < deadline and not (is_reached := self._is_reached(running, kill)):
            await asyncio.wait([running.ended], timeout=0.02)
        running.kill()
        if not is_reached:
            self._judge.summary.not_reached[kill.point] += 1
            return f"{EXCHANGE} at a random moment"
        return kill.name

    def _is_reached(self, running: Running, kill: Kill) -> bool:
        return running.ended.done() or f"fail point {kill.point}" in self._house.log_since(self._offset)

    async def _note_state(self, running: Running) -> None:
        """Ask the living engine for its state, to be held against the log's."""
        try:
            told = await running.ask("state")
        except EOFError:
            return
        if told["hash"] != told["replica"]:
            raise Broken(f"engine and replica differ at seq {told['seq']}")
        self._judge.live[told["seq"]] = told["hash"]
