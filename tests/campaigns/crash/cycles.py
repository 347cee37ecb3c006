"""The campaign: worlds of one exchange and one chain each, in which everything dies once in every way."""

import asyncio
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.demo.client import ExchangeClient
from app.demo.node import ChildNode, start_node
from app.demo.setup import CUSTOMERS, TESTER
from app.postgres.embedded import EmbeddedPostgres
from app.projections.verify import verify_projections
from tests.campaigns.crash import checks
from tests.campaigns.crash.client import ADDRESS_NAME, LOST, Pace, Rest, pay_out, trade_over_rest, trade_over_socket
from tests.campaigns.crash.memory import Broken, Memory, rao
from tests.campaigns.crash.plan import DATABASE, EXCHANGE, Kill, draw_world
from tests.campaigns.crash.running import EXIT_FATAL, House, Nursery, Running
from tests.campaigns.crash.witness import Witness

BLOCK_MS: Final = 500
REACH_S: Final = 8.0
"""A point that is not passed in so many seconds is given up, and the exchange killed as it stands."""
SNAPSHOT_REACH_S: Final = 40.0
SNAPSHOTS_OFF: Final = 10**9
HISTORY_EVERY: Final = 10
SOCKETS: Final = 2
SIGKILLED: Final = -9
FRIEND: Final = next(name for name in CUSTOMERS if name != TESTER)

Say = Callable[[str], None]


@dataclass
class Summary:
    """What a campaign came to."""

    cycles: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    not_reached: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    resent: int = 0
    orders: int = 0
    withdrawals: int = 0
    lost: int = 0
    doubled: int = 0
    states: int = 0
    batches: int = 0
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """Return it for people."""
        told = [f"{count:6d}  {name}" for name, count in sorted(self.kills.items())]
        if self.not_reached:
            told.append("not reached in time, killed as it stood: " + ", ".join(map(str, self.not_reached.items())))
        return [
            f"{self.cycles} cycles in {self.seconds:.0f} s, killed at:",
            *told,
            f"{self.answers} answers kept, of {self.orders} orders and {self.withdrawals} withdrawals among others",
            f"{self.resent} commands sent again, {self.batches} batches, {self.states} live states equal to the replay",
            f"lost {self.lost}, doubled {self.doubled}",
        ]


async def run_campaign(*, cycles: int, seed: int, first_world: int, say: Say, keep: bool = False) -> Summary:
    """Run worlds until so many cycles are done; raises ``Broken``, whose folder is kept, at the first that fails."""
    summary, began = Summary(), time.monotonic()
    nursery = Nursery()
    await nursery.open()
    try:
        number = first_world
        while summary.cycles < cycles:
            plan = draw_world(random.Random(f"{seed}/{number}"))[: cycles - summary.cycles]
            folder = Path(tempfile.mkdtemp(prefix="taobourse-crash-"))
            try:
                await run_world(plan, nursery, folder, random.Random(f"{seed}/{number}/load"), summary, say)
            except BaseException:
                say(f"play again: python -m tests.campaigns.crash --seed {seed} --world {number}; its folder: {folder}")
                raise
            if not keep:
                shutil.rmtree(folder)
            number += 1
    finally:
        await nursery.close()
        summary.seconds = time.monotonic() - began
    return summary


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
        self.house = house
        self.node = node
        self.memory = Memory()
        self.witness = Witness()
        self._rng = rng
        self._summary = summary
        self._say = say
        self._reach_s = reach_s
        self._running: Running | None = None
        self._live: dict[int, str] = {}
        self._nonce = 0
        self._cycles = 0
        self._offset = 0

    async def begin(self, first: Kill) -> None:
        """Bring it up for the first time: house, markets, customers, an address to pay to."""
        running = await self._start(first)
        async with AsyncExitStack() as stack:
            rest = await self._rest(stack, running)
            self.memory.start = {a: rao(amount) for a, amount in (await rest.call("Balance")).items()}
            key, secret = running.customers[TESTER]["keys"][0]
            client = await stack.enter_async_context(ExchangeClient(running.rest, key=key, secret=secret))
            client._nonce = self._next_nonce()
            address = running.customers[FRIEND]["deposit_address"]
            await client.add_address(asset="TAO", name=ADDRESS_NAME, address=address)
            self._nonce = client._nonce

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
            rest = await self._rest(stack, again)
            resent = await checks.send_again(rest, self.memory)
            await self._note_state(again)
            url = self.house.database_url
            await self.witness.follow(url, self._live)
            self._live.clear()
            await checks.check_answers(rest, self.memory, self.witness)
            await checks.check_cancelled(rest, self.memory)
        self._cycles += 1
        if self._cycles % HISTORY_EVERY == 0:
            await verify_projections(url)
        self._summary.cycles += 1
        self._summary.kills[how] += 1
        self._summary.resent += resent
        self._say(
            f"cycle {self._summary.cycles}: {how}; {self.memory.answers} answers kept, {resent} sent again,"
            f" up again in {up_s:.1f} s, checked in {time.monotonic() - began:.1f} s"
        )

    async def end(self) -> None:
        """Wait until every payment is done; then read everything again from the beginning, on both sides."""
        running, url = self._living(), self.house.database_url
        async with AsyncExitStack() as stack:
            rest, friend = await self._rest(stack, running), await self._rest(stack, running, FRIEND)
            arrived = await checks.check_payments(rest, friend, self.memory)
            await checks.look_at(rest, self.memory, self.memory.answered.values())
            await self.witness.follow(url, {})
            await checks.check_answers(rest, self.memory, self.witness)
        balances = await checks.check_custody(running.rest, self.node.url)
        await self.witness.follow(url, {})
        stood = await self.witness.read_everything_again(url)
        verified = await verify_projections(url)
        await self._stop_orderly(running)
        summary, memory = self._summary, self.memory
        summary.answers += memory.answers
        summary.orders += len(memory.answered)
        summary.withdrawals += len(memory.paid_out)
        summary.lost += len(memory.answered.keys() - self.witness.orders.keys())
        summary.lost += len(set(memory.paid_out.values()) - self.witness.withdrawals.keys())
        summary.doubled += len(self.witness.doubled)
        summary.states += self.witness.compared
        summary.batches += self.witness.head.number + 1
        self._say(
            f"world: {len(memory.answered)} orders, {len(memory.paid_out)} withdrawals, {arrived} rao arrived once,"
            f" {balances} balances of custody equal the chain's; {self.witness.head.seq} events replay to one state,"
            f" from nothing and from the snapshot at {stood}; {sum(v.rows for v in verified)} rows of history hold"
        )

    async def close(self) -> None:
        """Leave nothing running, however it went."""
        if self._running is not None:
            self._running.kill()
            await self._running.wait_end()
        await EmbeddedPostgres(self.house.data_dir).stop_left_over()

    def _living(self) -> Running:
        if self._running is None:
            raise Broken("nothing runs")
        return self._running

    async def _start(self, upcoming: Kill | None) -> Running:
        """Start it, as the next kill wants it: it must come up, whatever killed it before."""
        self._offset = self.house.log_size()
        is_slow = upcoming is not None and upcoming.is_slow
        started = await self.house.start(
            # A point of the process that writes snapshots; the exchange itself never passes it.
            armed=upcoming.armed if upcoming is not None and is_slow else "",
            snapshot_events=1 if is_slow else SNAPSHOTS_OFF,
            copy_all=upcoming is not None and upcoming.copy_all,
        )
        if not isinstance(started, Running):
            raise Broken(f"the exchange does not start: {started}: {self.house.log_since(self._offset)[-2_000:]}")
        if "snapshot_refused" in self.house.log_since(self._offset):
            raise Broken("a snapshot was refused")
        self._running = started
        return started

    async def _launch_armed(self, kill: Kill) -> Running | int:
        """Start it armed from the beginning; return its exit code where it died on the way."""
        self._offset = self.house.log_size()
        started = await self.house.start(armed=kill.armed, snapshot_events=SNAPSHOTS_OFF)
        self._running = started if isinstance(started, Running) else None
        if isinstance(started, int) and started != SIGKILLED:
            raise Broken(f"the start ended with {started}: {self.house.log_tail()}")
        return started

    async def _stop_orderly(self, running: Running) -> None:
        running.writer.close()
        self._running = None
        code = await running.wait_end()
        if code:
            raise Broken(f"the exchange ended with {code}: {self.house.log_tail()}")

    async def _load_and_kill(self, running: Running, kill: Kill) -> str:
        """Trade until it is dead; return what killed it."""
        async with AsyncExitStack() as stack:
            rest = await self._rest(stack, running)
            payer = await self._rest(stack, running, number=1)
            token = ""
            if not running.ended.done():
                token = await self._token(rest)
            if kill.armed and not (kill.in_start or kill.is_slow):
                await running.ask(f"arm {kill.armed}")
            socket_url = running.rest.replace("http", "ws", 1) + "/v2"
            pace = Pace()
            load = [
                asyncio.create_task(trade_over_rest(rest, self.memory, self._fork(), pace)),
                asyncio.create_task(pay_out(payer, self.memory, self._fork())),
                *(
                    asyncio.create_task(trade_over_socket(socket_url, token, self.memory, self._fork(), pace))
                    for _ in range(SOCKETS if token else 0)
                ),
            ]
            how = await self._kill(running, kill)
            code = await running.wait_end()
            self._running = None
            for outcome in await asyncio.gather(*load, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
        expected = {SIGKILLED} if kill.target == EXCHANGE else {EXIT_FATAL}
        if code not in expected:
            raise Broken(f"the exchange ended with {code} after {how}: {self.house.log_tail()}")
        return how

    async def _token(self, rest: Rest) -> str:
        """Return a token for sockets; nothing where the exchange died meanwhile."""
        try:
            return str((await rest.call("GetWebSocketsToken"))["token"])
        except LOST:
            return ""

    async def _kill(self, running: Running, kill: Kill) -> str:
        if not kill.armed:
            await asyncio.sleep(kill.after_s)
            await self._note_state(running)
            if kill.target == EXCHANGE:
                running.kill()
            else:
                self.house.kill_database(self._rng, whole=kill.target == DATABASE)
            return kill.name
        if kill.is_slow:
            await asyncio.sleep(self._rng.uniform(0.1, 0.4))
        deadline = time.monotonic() + (SNAPSHOT_REACH_S if kill.is_slow else self._reach_s)
        while time.monotonic() < deadline and not (is_reached := self._is_reached(running, kill)):
            await asyncio.wait([running.ended], timeout=0.02)
        running.kill()
        if not is_reached:
            self._summary.not_reached[kill.point] += 1
            return f"{EXCHANGE} at a random moment"
        return kill.name

    def _is_reached(self, running: Running, kill: Kill) -> bool:
        return running.ended.done() or f"fail point {kill.point}" in self.house.log_since(self._offset)

    async def _note_state(self, running: Running) -> None:
        """Ask the living engine for its state, to be held against the log's."""
        try:
            told = await running.ask("state")
        except EOFError:
            return
        if told["hash"] != told["replica"]:
            raise Broken(f"engine and replica differ at seq {told['seq']}")
        self._live[told["seq"]] = told["hash"]

    async def _rest(self, stack: AsyncExitStack, running: Running, name: str = TESTER, *, number: int = 0) -> Rest:
        rest = Rest(running.rest, tuple(running.customers[name]["keys"][number]), self._next_nonce)
        stack.push_async_callback(rest.close)
        return rest

    def _next_nonce(self) -> int:
        self._nonce = max(self._nonce + 1, time.time_ns())
        return self._nonce

    def _fork(self) -> random.Random:
        return random.Random(self._rng.getrandbits(64))
