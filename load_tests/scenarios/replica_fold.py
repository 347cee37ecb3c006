"""Microseconds that a gateway's replica spends on one event beside evolving it, while nobody follows an account.

Orders are placed, rest and are cancelled; ``mixed`` is the same with market orders among them that fill. The engine's
own time is measured apart (``evolve_us``): every replica spends that, and a trading engine too. The baseline keeps each
order as an object.
"""

import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from app.gateway.replica import Replica
from ledger.codec import Batch, seal
from ledger.engine.api import Answer, Request
from ledger.engine.layout import COMMAND, CommandKind, Flag, Records
from ledger.engine.machine import Engine
from ledger.engine.views import Views
from ledger.log.base import EMPTY_HEAD, Head
from load_tests.baselines.order_objects import OrderObjects
from load_tests.driver import Options
from load_tests.opening import MARKETS, Opening
from load_tests.recorded import HEAD_EVERY, SLIPPAGE_PPM, START_MS, TRADERS
from load_tests.report import Result, spread

EVENTS = 100_000
BATCH = 1_000
BASELINE_BATCHES = 20
PRICE = 10_000_000
"""Half of what the pools ask: nothing meets these orders, so they rest."""
GOAL_US = 5.0


class Timed(Engine):
    """An engine that adds up the time its evolving takes."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def evolve(self, ts_ms: int, events: Records, payloads: Sequence[bytes]) -> None:
        """Evolve a batch."""
        begun = time.perf_counter()
        super().evolve(ts_ms, events, payloads)
        self.seconds += time.perf_counter() - begun


class Recorded:
    """Batches that an engine decided, kept in memory."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.opening = Opening(self._submit, accounts=TRADERS)
        self._engine = Engine()
        self._head: Head = EMPTY_HEAD
        self._draw = np.random.default_rng(7)

    async def _submit(self, request: Request) -> Answer:
        return self._decide([request])[0]

    async def trade(self, events: int, *, fills: bool) -> list[Batch]:
        """Return batches of so many events: orders that rest and are cancelled, market orders among them or none."""
        first, end, turn = len(self.batches), self._engine.seq + events, 0
        while self._engine.seq < end:
            if turn % HEAD_EVERY == 0:
                await self.opening.import_head()
            netuids = self._draw.integers(1, MARKETS + 1, BATCH)
            placed = self._decide(self._orders(netuids, limit=PRICE))
            self._decide(self._cancels([answer.reference for answer in placed]))
            if fills:
                self._decide(self._orders(netuids, limit=0))
                self._decide(self._orders(netuids, limit=0, flags=int(Flag.SELL)))
            turn += 1
        return self.batches[first:]

    def _orders(self, netuids: Any, *, limit: int, flags: int = 0) -> list[Request]:
        commands = self._commands(CommandKind.PLACE_ORDER)
        commands["netuid"], commands["amount"], commands["limit"] = netuids, 10**9, limit
        commands["flags"] = flags | (int(Flag.LIMIT) if limit else 0)
        commands["aux"] = 0 if limit else SLIPPAGE_PPM
        return [Request(commands[place : place + 1]) for place in range(BATCH)]

    def _cancels(self, orders: list[int]) -> list[Request]:
        commands = self._commands(CommandKind.CANCEL_ORDER)
        commands["order_id"] = orders
        return [Request(commands[place : place + 1]) for place in range(BATCH)]

    def _commands(self, kind: CommandKind) -> Records:
        commands = np.zeros(BATCH, COMMAND)
        commands["kind"], commands["account"] = kind, np.arange(1, BATCH + 1)
        for word in ("id_hi", "id_lo", "digest"):
            commands[word] = self._draw.integers(1, 2**63 - 1, BATCH)
        return commands

    def _decide(self, requests: list[Request]) -> list[Answer]:
        ts_ms = max(START_MS, self._engine.ts_ms) + 1
        decided = self._engine.decide(ts_ms, requests)
        if any(answer.code for answer in decided.answers):
            raise ValueError(next(str(answer) for answer in decided.answers if answer.code))
        batch = seal(
            number=self._head.number + 1,
            ts_ms=ts_ms,
            writer_epoch=1,
            events=decided.events,
            payloads=decided.payloads,
            previous=self._head.hash,
        )
        self._head = Head.of(batch)
        self.batches.append(batch)
        return decided.answers


def follow(before: list[Batch], batches: list[Batch]) -> tuple[float, float]:
    """Return what one event costs a replica beside evolving, and evolving itself, us."""
    timed = Timed()
    replica = Replica(timed, Views(timed))
    for batch in before:
        replica.apply(batch)
    timed.seconds = 0.0
    begun = time.perf_counter()
    for batch in batches:
        replica.apply(batch)
    seconds = time.perf_counter() - begun
    events = sum(len(batch.events) for batch in batches)
    return (seconds - timed.seconds) / events * 1e6, timed.seconds / events * 1e6


async def run(options: Options) -> Result:
    """Record both kinds of traffic, follow them in turns with the baseline, and return the medians."""
    recorded = Recorded()
    await recorded.opening.open()
    opened = list(recorded.batches)
    resting = await recorded.trade(options.scaled(EVENTS), fills=False)
    upto = list(recorded.batches)
    mixed = await recorded.trade(options.scaled(EVENTS), fills=True)
    rested, evolved, filled, plain = [], [], [], []
    for _ in range(options.runs):
        fold_us, evolve_us = follow(opened, resting)
        rested.append(fold_us)
        evolved.append(evolve_us)
        filled.append(follow(upto, mixed)[0])
        plain.append(OrderObjects().measure(resting[:BASELINE_BATCHES]))
    return Result(
        name="replica_fold",
        value=statistics.median(rested),
        unit="us/event",
        baseline=statistics.median(plain),
        baseline_name="a row for each event and an object for each order",
        goal=GOAL_US,
        less_is_better=True,
        details={
            "runs": options.runs,
            "events": sum(len(batch.events) for batch in resting),
            "resting": spread(rested),
            "mixed": spread(filled),
            "evolve_us": spread(evolved),
            "plain": spread(plain),
        },
    )
