"""One engine full of customers: ``python -m load_tests.populous_engine CUSTOMERS BALANCES_EACH ORDERS``.

Customers and their balances come as events, as in a replay; orders as commands with client ids, decided by every rule.
Prints one line of JSON: what the process takes, and how long its batches took.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ledger.engine.api import Answer, Request
from ledger.engine.layout import COMMAND, EVENT, CommandKind, EventKind, Flag, Records
from ledger.engine.machine import Engine
from ledger.engine.state import TABLES
from load_tests.memory import peak_mb, resident_mb
from load_tests.opening import HOT, HOTKEY, MARKETS, POOL_ALPHA, POOL_TAO, TAO, Opening, Refused
from load_tests.recorded import TRADERS, customers
from load_tests.report import percentile

BATCH = 1_000
CUSTOMERS_PER_BATCH = 333
"""Each is three events."""
TS_MS = 1_800_000_000_000
PRICE = POOL_TAO * 10**9 // POOL_ALPHA
SLOWEST = 5
"""Growing batches that are told one by one."""


class Builder:
    """Fills an engine, and keeps how long each batch took and which tables it made grow."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.plain: list[tuple[float, float]] = []
        self.growing: list[tuple[float, float, str]] = []
        """Seconds by the clock and of processor time, and the tables that grew."""

    async def open(self) -> None:
        """Open the exchange with ``TRADERS`` customers and its markets."""
        await Opening(self._submit, accounts=TRADERS).open()

    async def _submit(self, request: Request) -> Answer:
        answer: Answer = self.engine.decide(TS_MS, [request]).answers[0]
        return answer

    def fill(self, count: int, balances_each: int, orders: int) -> None:
        """Add customers up to ``count``, as many balances to each as are missing, and orders that rest."""
        for first in range(TRADERS + 1, count + 1, CUSTOMERS_PER_BATCH):
            number = min(CUSTOMERS_PER_BATCH, count + 1 - first)
            self._evolve(*customers(first, number, seq=self.engine.seq + 1))
        for events in alpha_credits(count, balances_each - 1, first_seq=self.engine.seq + 1):
            self._evolve(events, ())
        draw = np.random.default_rng(11)
        for first in range(0, orders, BATCH):
            commands = resting_orders(first, min(BATCH, orders - first), count, draw)
            self._decide(commands)

    def _evolve(self, events: Records, payloads: tuple[bytes, ...]) -> None:
        with self._timed():
            self.engine.evolve(TS_MS, events, payloads)

    def _decide(self, commands: Records) -> None:
        with self._timed():
            decisions = self.engine.run_kernel(TS_MS, commands, np.zeros(len(commands), np.int64))[1]
        if decisions["code"].any():
            raise Refused(f"{np.count_nonzero(decisions['code'])} of {len(commands)} orders")

    @contextmanager
    def _timed(self) -> Iterator[None]:
        before = self._lengths()
        begun, begun_cpu = time.perf_counter(), time.thread_time()
        yield
        seconds, cpu_seconds = time.perf_counter() - begun, time.thread_time() - begun_cpu
        after = self._lengths()
        grown = [name for name in after if after[name] != before[name]]
        if grown:
            self.growing.append((seconds, cpu_seconds, " ".join(grown)))
        else:
            self.plain.append((seconds, cpu_seconds))

    def _lengths(self) -> dict[str, int]:
        state = self.engine.state
        return {name: int(getattr(state, name).size) for name in TABLES}

    def told(self) -> dict[str, Any]:
        """Return sizes, and the time of batches without and with growth, ms."""
        scalars = self.engine.state.scalars[0]
        sizes = {name: int(scalars[name]) for name in ("accounts", "balances", "live_orders", "levels", "seq")}
        slowest = sorted(self.growing, reverse=True)[:SLOWEST]
        return {
            "sizes": sizes,
            "batch": {
                "p50_ms": round(percentile([clock for clock, _ in self.plain], 50) * 1e3, 2),
                "p50_cpu_ms": round(percentile([cpu for _, cpu in self.plain], 50) * 1e3, 2),
                "longest_ms": round(max(clock for clock, _ in self.plain) * 1e3, 1),
                "longest_cpu_ms": round(max(cpu for _, cpu in self.plain) * 1e3, 1),
            },
            "growth": {
                "steps": len(self.growing),
                "longest_ms": round(max((one[0] for one in self.growing), default=0.0) * 1e3, 1),
                "longest_cpu_ms": round(max((one[1] for one in self.growing), default=0.0) * 1e3, 1),
                "slowest": [
                    {"ms": round(seconds * 1e3, 1), "cpu_ms": round(cpu * 1e3, 1), "tables": names}
                    for seconds, cpu, names in slowest
                ],
            },
        }


def alpha_credits(customers_count: int, each: int, *, first_seq: int) -> Iterator[Records]:
    """Yield batches that credit every customer with alpha of ``each`` markets, bought into one stake position each."""
    total = customers_count * each
    for first in range(0, total, BATCH):
        places = np.arange(first, min(first + BATCH, total))
        events = np.zeros(len(places), EVENT)
        events["seq"] = first_seq + places
        events["kind"] = EventKind.DEPOSIT_CREDITED
        events["flags"] = int(Flag.ALPHA)
        events["account"] = places // each + 1
        events["netuid"] = (places // each * 31 + places % each * 17) % MARKETS + 1
        events["key"] = HOT
        events["other"] = HOTKEY
        events["amount"] = TAO
        yield events


def resting_orders(first: int, count: int, customers_count: int, draw: np.random.Generator) -> Records:
    """Return buys below the price of the pools, one customer after the other."""
    commands = np.zeros(count, COMMAND)
    commands["kind"] = CommandKind.PLACE_ORDER
    commands["flags"] = int(Flag.LIMIT)
    commands["account"] = (first + np.arange(count)) % customers_count + 1
    commands["netuid"] = draw.integers(1, MARKETS + 1, count)
    commands["amount"] = draw.integers(TAO, 10 * TAO, count)
    commands["limit"] = PRICE * draw.integers(600_000, 998_000, count) // 1_000_000
    for word in ("id_hi", "id_lo", "digest"):
        commands[word] = draw.integers(1, 2**63 - 1, count)
    return commands


def main() -> None:
    """Build, and print one line of JSON."""
    count, balances_each, orders = (int(argument) for argument in sys.argv[1:])
    builder = Builder()
    asyncio.run(builder.open())
    program_mb = resident_mb()
    begun = time.perf_counter()
    builder.fill(count, balances_each, orders)
    taken_s = time.perf_counter() - begun
    memory = {"program_mb": program_mb, "resident_mb": resident_mb(), "peak_mb": peak_mb()}
    told = {**{name: round(value) for name, value in memory.items()}, **builder.told(), "built_s": round(taken_s, 1)}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
