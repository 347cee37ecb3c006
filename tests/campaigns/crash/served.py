"""The server shape: every part is a process of its own under a supervisor; each is killed at random moments under load.

The rest waits, the supervisor starts what died, and the same judge holds the same things against each other.
"""

import asyncio
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from app.demo.setup import TESTER
from app.postgres.embedded import EmbeddedPostgres
from app.serve.supervisor import STATE
from tests.campaigns.crash.client import Rest, ask_token, begin_load
from tests.campaigns.crash.judge import Judge
from tests.campaigns.crash.memory import Broken
from tests.campaigns.crash.summary import Say, Summary

START_S: Final = 600.0
BACK_S: Final = 180.0
LOOK_S: Final = 0.05
WORKERS: Final = 2
CYCLES_PER_WORLD: Final = 40
PARTS: Final = ("engine", "gateway-1", "gateway-2", "link", "signer", "projector", "postgres")
"""What is killed; each once before any is killed again."""
LOAD_S: Final = (0.3, 1.5)
GOES_ON_S: Final = (0.1, 1.0)
"""How long orders come in before a kill and, to the parts that live on, after it."""


@dataclass
class Served:
    """A running ``taobourse serve`` and what it told."""

    process: asyncio.subprocess.Process
    folder: Path
    told: dict[str, Any]

    @property
    def rest(self) -> str:
        """Return the URL of the door that all gateways share."""
        return str(self.told["rest"])

    @property
    def customers(self) -> dict[str, Any]:
        """Return the customers as the judge takes them."""
        return {
            account["name"]: {
                "keys": [(key["key"], key["secret"]) for key in account["keys"]],
                "deposit_address": account["deposit_address"],
            }
            for account in self.told["accounts"]
        }

    @property
    def database_url(self) -> str:
        """Return the URL of the embedded database, which runs."""
        url = EmbeddedPostgres(self.folder).url_of_running()
        if url is None:
            raise Broken("the database does not run")
        return url

    def pids(self) -> dict[str, int]:
        """Return the process of each part that is up."""
        told: dict[str, int] = json.loads((self.folder / STATE).read_text(encoding="utf-8"))["pids"]
        return told

    async def kill(self, part: str) -> int:
        """SIGKILL a part that is up; return the process that it was."""
        await self.until(lambda: part in self.pids(), f"{part} is up")
        pid = self.pids()[part]
        os.kill(pid, signal.SIGKILL)
        return pid

    async def wait_back(self, part: str, before: int) -> None:
        """Return once another process has the part's place, and every part is up."""
        expected = set(PARTS)
        await self.until(lambda: self.pids().get(part, before) != before, f"{part} is started again")
        await self.until(lambda: expected <= self.pids().keys(), "every part is up")
        async with httpx.AsyncClient(base_url=self.rest, timeout=5.0) as client:
            for _ in range(int(BACK_S / LOOK_S)):
                with suppress(httpx.HTTPError):
                    if (await client.get("/readyz")).status_code == 200:
                        return
                await asyncio.sleep(LOOK_S)
        raise Broken("the exchange did not become ready again")

    async def until(self, is_true: Callable[[], bool], what: str) -> None:
        """Wait until something holds; raises ``Broken`` naming it."""
        deadline = time.monotonic() + BACK_S
        while not is_true():
            if self.process.returncode is not None:
                raise Broken(f"the supervisor ended with {self.process.returncode}")
            if time.monotonic() > deadline:
                raise Broken(f"not in {BACK_S:.0f} s: {what}; there are {self.pids()}")
            await asyncio.sleep(LOOK_S)

    async def stop(self) -> None:
        """Ask it to end; it must, in good order."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(BACK_S):
            await self.process.wait()


async def start_served(folder: Path, log: Path) -> Served:
    """Start a supervisor with all parts and a chain, and return once everything answers."""
    with log.open("ab") as messages:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.cli", "serve", "--data-dir", str(folder), "--workers", str(WORKERS)),
            *("--port", "0", "--dev-node", "--fast", "--no-rate-limits", "--json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=messages,
            env=os.environ | {"TAOBOURSE_LOG_LEVEL": "warning", "TAOBOURSE_SNAPSHOT_EVENTS": "5000"},
            limit=2**20,
        )
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        line = await process.stdout.readline()
    if not line:
        raise Broken(f"the supervisor ended with {await process.wait()}, see {log}")
    return Served(process, folder, json.loads(line))


async def run_served_campaign(*, cycles: int, seed: int, first_world: int, summary: Summary, say: Say) -> None:
    """Run worlds until so many cycles are done; raises ``Broken``, whose folder is kept, at the first that fails."""
    number = first_world
    while summary.cycles < cycles:
        folder = Path(tempfile.mkdtemp(prefix="taobourse-crash-"))
        count = min(CYCLES_PER_WORLD, cycles - summary.cycles)
        try:
            await run_served_world(count, folder, random.Random(f"{seed}/{number}"), summary, say)
        except Exception:
            say(f"play again: --shape server --seed {seed} --world {number}; its folder: {folder}")
            raise
        except BaseException:  # ended early
            shutil.rmtree(folder)
            raise
        shutil.rmtree(folder)
        number += 1


async def run_served_world(cycles: int, folder: Path, rng: random.Random, summary: Summary, say: Say) -> None:
    """Run so many kills on one supervised exchange in ``folder``."""
    served = await start_served(folder / "served", folder / "served.log")
    judge = Judge(summary, say)
    try:
        await judge.begin(served.rest, served.customers)
        deck: list[str] = []
        for _ in range(cycles):
            deck = deck or rng.sample(PARTS, len(PARTS))
            await _run_cycle(served, judge, deck.pop(), rng)
        await judge.end(served.rest, served.database_url, served.told["chain_ws"])
        await served.stop()
        if served.process.returncode:
            raise Broken(f"the supervisor ended with {served.process.returncode}")
    finally:
        if served.process.returncode is None:
            with suppress(ProcessLookupError):
                served.process.send_signal(signal.SIGTERM)
            await served.process.wait()
        await EmbeddedPostgres(served.folder).stop_left_over()


async def _run_cycle(served: Served, judge: Judge, part: str, rng: random.Random) -> None:
    """Kill one part under load, wait until it is back, and check everything through each gateway."""
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        rest, payer = judge.rest(stack, served.rest), judge.rest(stack, served.rest, number=1)
        load = begin_load(rest, payer, await ask_token(rest), judge.memory, rng)
        await asyncio.sleep(rng.uniform(*LOAD_S))
        before = await served.kill(part)
        died = time.monotonic()
        await asyncio.sleep(rng.uniform(*GOES_ON_S))
        for task in load:
            task.cancel()  # what was sent and not answered yet counts as not answered
        for outcome in await asyncio.gather(*load, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
    await served.wait_back(part, before)
    up_s = time.monotonic() - died
    async with AsyncExitStack() as stack:
        gateway = judge.rest(stack, served.rest, TESTER)
        await _catch_up(gateway, judge, served.database_url)
        resent = await judge.check(gateway, served.database_url)
    judge.tell_cycle(f"{part} at a random moment", resent=resent, up_s=up_s, took_s=time.monotonic() - began)


async def _catch_up(rest: Rest, judge: Judge, url: str) -> None:
    """Wait until the gateway behind this client shows what the log has now."""
    await judge.witness.follow(url, {})
    deadline = time.monotonic() + BACK_S
    while await rest.seq() < judge.witness.head.seq:
        if time.monotonic() > deadline:
            raise Broken(f"a gateway stays behind seq {judge.witness.head.seq}")
        await asyncio.sleep(LOOK_S)
