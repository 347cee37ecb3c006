"""Finds and runs scenarios, and gives them what they share: a database server of their own."""

import asyncio
import pkgutil
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import uvloop

from app.postgres.embedded import EmbeddedPostgres
from ledger.log.migrate import migrate
from load_tests import scenarios
from load_tests.report import Result


@dataclass(frozen=True, slots=True)
class Options:
    """How much to measure: ``runs`` repetitions, whose median counts, each of ``scale`` times the usual length."""

    runs: int = 5
    scale: float = 1.0

    def scaled(self, count: int) -> int:
        """Return a usual count at this scale, at least 1."""
        return max(1, round(count * self.scale))


def scenario_names() -> list[str]:
    """Return the names of all scenarios."""
    return sorted(module.name for module in pkgutil.iter_modules(scenarios.__path__))


def run_scenario(name: str, options: Options) -> Result:
    """Run one scenario on a loop of its own; raises ``KeyError`` for a name that does not exist."""
    if name not in scenario_names():
        raise KeyError(name)
    module = import_module(f"load_tests.scenarios.{name}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result: Result = runner.run(module.run(options))
    return result


@asynccontextmanager
async def scratch_postgres() -> AsyncIterator[str]:
    """Yield the URL of a fresh server with the newest schema and the settings the exchange runs with."""
    folder = Path(tempfile.mkdtemp(prefix="taobourse-load-"))
    try:
        async with EmbeddedPostgres(folder / "data") as server:
            await migrate(server.url)
            yield server.url
    finally:
        shutil.rmtree(folder, ignore_errors=True)
