"""Starts the parts, keeps them running, and ends them in order; holds nothing itself that anybody would miss."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from app.demo.node import ChildNode, NodeDidNotStart, start_node
from app.postgres.files import write_private
from app.serve.child import PartDied, PartProcess, Process, start_part
from app.serve.database import Database
from app.serve.orders import Order
from app.serve.plan import ENDING, gateway_name, part_of
from app.serve.watched import DEATHS_MAX, Watched

log = structlog.get_logger(__name__)

STATE: Final = "serve.json"
"""File in the data folder that tells which process does what now."""


@dataclass(slots=True, kw_only=True)
class DevNode:
    """The development chain that is run beside the exchange."""

    data_dir: Path
    port: int
    block_ms: int
    log: Path

    async def start(self) -> ChildNode:
        """Start it, always at the same port once that is known; raises ``PartDied``."""
        try:
            node = await start_node(self.data_dir, port=self.port, block_ms=self.block_ms, log=self.log)
        except NodeDidNotStart as error:
            raise PartDied(str(error)) from error
        self.port = int(node.url.rpartition(":")[2].partition("/")[0])
        return node


@dataclass(slots=True)
class Supervisor:
    """All parts of one exchange; ``order`` is what each is told, but for its name."""

    order: Order
    database: Database
    workers: int
    deaths_max: int = DEATHS_MAX
    parts: dict[str, Watched] = field(default_factory=dict)
    _tasks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    _failed: "asyncio.Future[None] | None" = None

    def watch_database(self) -> None:
        """Keep the database running from now on."""
        self._keep("postgres", self.database.run(self.write_state))

    def add(self, name: str, start: "Callable[[], Any] | None" = None) -> Watched:
        """Begin to run a part, and keep it running; ``start`` in place of what starts ours."""
        order = order_of(self.order, name)

        async def start_ours() -> Process:
            return await start_part(order)

        watched = Watched(
            name,
            start or start_ours,
            gate=self.database.reached,
            tell=self.write_state,
            deaths_max=self.deaths_max,
        )
        self.parts[name] = watched
        self._keep(name, watched.run())
        return watched

    def add_gateways(self) -> list[Watched]:
        """Begin to run all gateways."""
        return [self.add(gateway_name(number + 1)) for number in range(self.workers)]

    async def do(self, name: str) -> dict[str, Any]:
        """Run a step that ends, and return what it told."""
        order = order_of(self.order, name)

        async def start_step() -> Process:
            return await start_part(order)

        step = Watched(name, start_step, gate=self.database.reached, tell=lambda: None)
        child = await self.until_failed(step.run_once())
        return child.told if isinstance(child, PartProcess) else {}

    async def up(self, watched: Watched) -> Process:
        """Return a part once it is ready; raises ``GaveUp`` where any part has."""
        child: Process = await self.until_failed(watched.up())
        return child

    async def until_failed(self, work: Any) -> Any:
        """Return what ``work`` returns, unless a part is given up meanwhile, which is raised."""
        task = asyncio.ensure_future(work)
        failed = self._failure()
        try:
            await asyncio.wait([task, failed], return_when=asyncio.FIRST_COMPLETED)
            if failed.done():
                failed.result()
            return await task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

    async def wait(self) -> None:
        """Wait for ever; raises what makes the whole end: ``GaveUp``."""
        await asyncio.shield(self._failure())

    async def stop(self) -> None:
        """End all parts in order, those of one kind together."""
        for kinds in ENDING:
            tasks = [task for name, task in self._tasks.items() if part_of(name) in kinds]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
                log.info("parts_ended", kinds=kinds, count=len(tasks))
        watching = self._tasks.get("postgres")
        if watching is not None:
            watching.cancel()
            await asyncio.wait([watching])

    def pids(self) -> dict[str, int]:
        """Return the process of each part that is up."""
        pids = {name: watched.pid for name, watched in self.parts.items()}
        pids |= {"supervisor": os.getpid(), "postgres": self.database.pid}
        return {name: pid for name, pid in pids.items() if pid is not None}

    def write_state(self) -> None:
        """Write down which process does what."""
        starts = {"postgres": self.database.starts} | {name: watched.starts for name, watched in self.parts.items()}
        state = {"pids": self.pids(), "starts": starts}
        write_private(Path(self.order.data_dir) / STATE, msgspec.json.encode(state).decode() + "\n")

    def _keep(self, name: str, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)
        task.add_done_callback(self._part_ended)
        self._tasks[name] = task

    def _part_ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or task.exception() is None:
            return
        failed = self._failure()
        if not failed.done():
            failed.set_exception(task.exception() or RuntimeError(task.get_name()))

    def _failure(self) -> "asyncio.Future[None]":
        if self._failed is None:
            self._failed = asyncio.get_running_loop().create_future()
            self._failed.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._failed


def order_of(order: Order, name: str) -> Order:
    """Return what one part is told: the passphrase only where keys are, and no way to the database there."""
    if part_of(name) == "signer":
        return msgspec.structs.replace(order, name=name, database_url="")
    return msgspec.structs.replace(order, name=name, passphrase=None)
