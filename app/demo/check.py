"""The story from outside, through crashes: a parent plays it against a child process that it kills with SIGKILL twice.

In the end every balance is compared on both sides, ledger and chain, at one head; each step is one line.
"""

import asyncio
import json
import signal
import sys
from dataclasses import dataclass
from typing import Any, Final

import httpx

from app.demo.client import ExchangeClient, Refused
from app.demo.run import DemoOptions
from app.demo.setup import TESTER
from app.demo.story import Say, Story, StoryBroken
from app.exits import DIFFERS
from app.link.connection import LinkError, NodeConnection
from app.link.reader import BlockReader

START_TIMEOUT_S: Final = 180.0
STOP_TIMEOUT_S: Final = 30.0
COLD_URI: Final = "//Cold//check"


class ChildDidNotStart(Exception):  # noqa: N818 - what happened
    """The demo ended or said nothing before it was ready."""


@dataclass(slots=True)
class Child:
    """A demo in a process of its own; ``told`` is its line of JSON."""

    process: asyncio.subprocess.Process
    told: dict[str, Any]

    def client(self) -> ExchangeClient:
        """Return a client with the tester's first key."""
        account = next(account for account in self.told["accounts"] if account["name"] == TESTER)
        return ExchangeClient(self.told["rest"], **account["keys"][0])

    async def kill(self) -> None:
        """SIGKILL, as a power cut would be for this process."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> None:
        """Ask it to end, and wait."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self.process.wait()
            except TimeoutError:
                await self.kill()


async def start_child(options: DemoOptions) -> Child:
    """Start a demo with ``--json`` and return it once it answers; raises ``ChildDidNotStart``."""
    arguments = ["--data-dir", str(options.data_dir), "--port", str(options.port)]
    arguments += ["--chain-port", str(options.chain_port), "--json"]
    arguments += ["--fast"] if options.fast else []
    arguments += [] if options.rate_limits else ["--no-rate-limits"]
    arguments += [] if options.actors else ["--no-actors"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli",
        "demo",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            line = await process.stdout.readline() if process.stdout is not None else b""
    except TimeoutError as error:
        process.kill()
        raise ChildDidNotStart(f"nothing in {START_TIMEOUT_S:.0f} s") from error
    if not line:
        raise ChildDidNotStart(f"ended with {await process.wait()}")
    return Child(process, json.loads(line))


async def run_check(options: DemoOptions, *, say: Say) -> int:
    """Play, kill, restart, compare; return 0, or 7 with a line that says what differed."""
    child: Child | None = None
    try:
        child = await start_child(options)
        say("started")
        story = Story(child.client(), child.told["chain_ws"], cold_uri=COLD_URI, say=say)
        await story.begin()
        for step in (story.deposit, story.buy):
            await step()
        child = await _through_a_crash(child, story, options, say=say)
        say("killed after the answer to the order, started again: the fill and every balance are there")
        for step in (story.sell_part, story.settle, story.reconcile, story.request_withdrawal):
            await step()
        child = await _through_a_crash(child, story, options, say=say)
        say("killed after the answer to the withdrawal, started again: it is still held")
        for step in (story.receive_withdrawal, story.reconcile, story.check_balances):
            await step()
        count = await compare_custody(child.told["rest"], child.told["chain_ws"])
        say(f"{count} balances of custody equal the chain's at one head")
    except (StoryBroken, Refused, LinkError, ChildDidNotStart, httpx.HTTPError) as error:
        say(f"FAILED: {type(error).__name__}: {error}")
        return DIFFERS
    finally:
        if child is not None:
            await child.stop()
    say("all as promised")
    return 0


async def _through_a_crash(child: Child, story: Story, options: DemoOptions, *, say: Say) -> Child:
    await child.kill()
    await story.client.close()
    say("SIGKILL")
    fresh = await start_child(options)
    story.client = fresh.client()
    story.node_url = fresh.told["chain_ws"]
    await story.check_balances()
    return fresh


async def compare_custody(rest: str, node_url: str) -> int:
    """Compare each of the ledger's custody balances with the chain at the ledger's head; return how many there are.

    Raises ``StoryBroken`` with the first that differs.
    """
    client = ExchangeClient(rest)
    try:
        async with NodeConnection(node_url) as node:
            told = await client.get("/v1/custody")
            return await _compare(told, BlockReader(node))
    finally:
        await client.close()


async def _compare(told: dict[str, Any], reader: BlockReader) -> int:
    at = bytes.fromhex(told["head"]["hash"].removeprefix("0x"))
    publics = [bytes.fromhex(key["public"].removeprefix("0x")) for key in told["keys"]]
    accounts = await reader.accounts(publics, at)
    positions = {
        (public, bytes.fromhex(stake["hotkey"].removeprefix("0x")), int(stake["netuid"])): int(stake["amount_rao"])
        for public, key in zip(publics, told["keys"], strict=True)
        for stake in key["stakes"]
    }
    stakes = await reader.stakes(list(positions), at)
    count = 0
    for public, key in zip(publics, told["keys"], strict=True):
        chain = accounts[public]
        for what, ledger, found in (
            ("free", int(key["free_rao"]), chain.free),
            ("reserved", int(key["reserved_rao"]), chain.reserved),
        ):
            count += 1
            if ledger != found:
                raise StoryBroken(f"{what} of key {key['key']}: ledger {ledger}, chain {found} at {told['head']}")
    for position, amount in positions.items():
        count += 1
        if stakes[position] != amount:
            raise StoryBroken(f"stake {position}: ledger {amount}, chain {stakes[position]} at {told['head']}")
    return count
