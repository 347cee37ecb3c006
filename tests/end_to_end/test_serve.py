"""The server shape as its processes: each part is killed in turn, the others wait, and nothing answered is lost."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.demo.check import compare_custody
from app.demo.client import ExchangeClient, Refused
from app.demo.setup import TESTER
from app.demo.story import Story
from app.postgres.embedded import EmbeddedPostgres

START_TIMEOUT_S = 180.0
WAIT_S = 60.0
PAIR = "SN2TAO"
AGAIN = {"EService:Unavailable", "EAPI:Invalid nonce"}
"""Nothing was done: a part was away, or another worker with the same key was overtaken."""


@dataclass
class Served:
    """A running ``taobourse serve`` and what it told."""

    process: asyncio.subprocess.Process
    folder: Path
    told: dict[str, Any]

    @property
    def rest(self) -> str:
        return str(self.told["rest"])

    def state(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.folder / "serve.json").read_text())
        return told

    def pid(self, part: str) -> int:
        return int(self.state()["pids"][part])

    def client(self, key: int = 0) -> ExchangeClient:
        account = next(account for account in self.told["accounts"] if account["name"] == TESTER)
        return ExchangeClient(self.rest, **account["keys"][key])

    async def kill(self, part: str) -> None:
        """SIGKILL a part, and return once another process has its place."""
        before = self.pid(part)
        os.kill(before, signal.SIGKILL)
        await until(lambda: self.state()["pids"].get(part, before) != before, f"{part} is started again")


async def until(is_true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not is_true():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.05)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", "serve", "--data-dir", str(folder), "--workers", "2"),
        # Blocks slow enough for a busy machine: what is signed lives for 64 of them.
        *("--port", "0", "--dev-node", "--block-ms", "1000", "--no-rate-limits", "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"TAOBOURSE_LOG_LEVEL": "error"},
        limit=2**20,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            line = await process.stdout.readline()
        assert line, f"ended with {await process.wait()}"
        yield Served(process, folder, json.loads(line))
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(WAIT_S):
                    await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()


@asynccontextmanager
async def both_gateways(served: Served) -> AsyncIterator[dict[str, ExchangeClient]]:
    """Yield a client for each gateway: connections are spread by the system, and kept."""
    clients: dict[str, ExchangeClient] = {}
    others: list[ExchangeClient] = []
    try:
        for _ in range(200):
            client = served.client(key=len(clients) % 2)
            name = (await client._http.get("/readyz")).json()["gateway"]
            (others.append(client) if name in clients else clients.__setitem__(name, client))
            if len(clients) == 2:
                break
        assert sorted(clients) == ["gateway-1", "gateway-2"]
        yield clients
    finally:
        for client in (*clients.values(), *others):
            await client.close()


@dataclass
class Memory:
    """What a customer remembers: each order's id, and the answer that it got first."""

    price: str
    answered: dict[str, str] = field(default_factory=dict)
    failures: int = 0

    async def place(self, client: ExchangeClient, name: str) -> None:
        """Place an order until it is answered, however often something was not available."""
        terms = {"pair": PAIR, "type": "buy", "ordertype": "limit", "volume": "5", "price": self.price}
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                txid = (await client.private("AddOrder", **terms, cl_ord_id=name))["txid"][0]
            except (httpx.HTTPError, Refused) as error:
                if time.monotonic() > deadline or not AGAIN.issuperset(getattr(error, "errors", ())):
                    raise
                self.failures += 1
                await asyncio.sleep(0.1)
            else:
                assert self.answered.setdefault(name, txid) == txid
                return

    async def check(self, client: ExchangeClient) -> None:
        """Hold the answers against what the exchange has: all of them, and nothing twice."""
        assert len(set(self.answered.values())) == len(self.answered)
        standing = (await client.private("OpenOrders"))["open"]
        assert {order["cl_ord_id"]: txid for txid, order in standing.items()} == self.answered


async def resting_price(client: ExchangeClient) -> str:
    """Return a price far below the market's."""
    bid = Decimal((await client.public("Ticker", pair=PAIR))[PAIR]["b"][0])
    return f"{bid / 2:.8f}"


async def check_nonces(one: ExchangeClient, two: ExchangeClient) -> None:
    """A nonce that one gateway took is used up at the other, for the same key."""
    await one.private("Balance")
    other = (two._key, two._secret)
    two._key, two._secret = one._key, one._secret
    two._next_nonce = lambda: str(one._nonce)  # type: ignore[method-assign]
    with pytest.raises(Refused, match="EAPI:Invalid nonce"):
        await two.private("Balance")
    two._key, two._secret = other
    del two._next_nonce  # type: ignore[method-assign]


async def keep_placing(memory: Memory, client: ExchangeClient, name: str, stop: asyncio.Event) -> None:
    number = 0
    while not stop.is_set():
        await memory.place(client, f"{name}-{number}")
        number += 1
        await asyncio.sleep(0.05)


async def eventually(work: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        with suppress(httpx.HTTPError, Refused):
            if await work():
                return
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(280)
async def test_every_part_may_be_killed_and_the_rest_waits_and_resumes(tmp_path: Path) -> None:
    folder = tmp_path / "served"
    async with serving(folder) as served:
        async with both_gateways(served) as clients:
            one, two = clients["gateway-1"], clients["gateway-2"]
            memory = Memory(await resting_price(one))
            await memory.place(one, "first")
            await memory.place(two, "second")
            await check_nonces(one, two)

            stop = asyncio.Event()
            load = [
                asyncio.create_task(keep_placing(memory, client, name, stop))
                for name, client in (("one", served.client(0)), ("two", served.client(1)))
            ]
            for part in ("signer", "link", "projector", "engine", "postgres"):
                await served.kill(part)
                await memory.place(one, f"a-{part}")
                # Reads go on without any of them.
                assert (await two.public("Ticker", pair=PAIR))[PAIR]["b"]
            stop.set()
            await asyncio.gather(*load)
        await served.kill("gateway-1")
        async with both_gateways(served) as clients:
            for name, client in clients.items():
                await memory.place(client, f"last-{name}")
                await memory.check(client)

            # Money still moves, through link and signer, and comes out even with the chain.
            story = Story(clients["gateway-2"], served.told["chain_ws"], cold_uri="//Cold//serve", say=lambda _: None)
            await story.begin()
            await story.deposit()
            await story.request_withdrawal()
            await story.receive_withdrawal()
            await story.reconcile()
        assert await compare_custody(served.rest, served.told["chain_ws"]) > 0
        starts = served.state()["starts"]
        assert {starts[part] for part in ("signer", "link", "projector", "postgres", "gateway-1")} == {2}
        assert starts["engine"] > 2  # it ends with the database too
    assert served.process.returncode == 0
    assert not await EmbeddedPostgres(folder).stop_left_over()
