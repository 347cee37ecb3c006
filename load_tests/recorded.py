"""Logs of a busy exchange, made as fast as the engine decides: what replays and restarts are measured on."""

import asyncio
from collections.abc import Callable, Iterator

import numpy as np

from ledger.codec import Batch, seal
from ledger.engine.api import Answer, Request
from ledger.engine.layout import COMMAND, EVENT, NO_NETUID, CommandKind, EventKind, Flag, KeyRole, Records
from ledger.engine.machine import Engine
from ledger.log.base import EMPTY_HEAD, Head
from ledger.log.postgres import PostgresLog
from load_tests.opening import FIRST_DEPOSIT_KEY, MARKETS, TAO, Opening, Refused

TRADERS = 1_000
BATCH = 1_000
HEAD_EVERY = 20
"""Batches between two heads: their windows must not run out."""
CUSTOMERS_PER_BATCH = 10_000
SLIPPAGE_PPM = 5_000
START_MS = 1_700_000_000_000


class Recorder:
    """An engine whose batches are made durable, and kept where ``keep`` wants them; no queue and no clock."""

    def __init__(self, log: PostgresLog, keep: Callable[[Batch], None] = lambda _: None) -> None:
        self.engine = Engine()
        self.head = EMPTY_HEAD
        self._log = log
        self._keep = keep
        self._ts_ms = START_MS
        self._opening = Opening(self._submit, accounts=TRADERS)
        self._turn = asyncio.Lock()
        self._draw = np.random.default_rng(7)

    async def open(self) -> None:
        """Open the log, and the exchange in it."""
        await self._log.open()
        await self._opening.open()

    async def trade(self, events: int) -> None:
        """Trade until the log holds so many events; every account buys, and sells the same again."""
        turn = 0
        while self.head.seq < events:
            if turn % HEAD_EVERY == 0:
                await self._opening.import_head()
            volumes = 10 * self._draw.integers(10**7, 10**8, BATCH)
            netuids = self._draw.integers(1, MARKETS + 1, BATCH)
            for is_sell in (False, True):
                answers = await self._decide(orders(volumes, netuids, is_sell=is_sell, draw=self._draw))
                if any(answer.code for answer in answers):
                    raise Refused(next(str(answer) for answer in answers if answer.code))
            turn += 1

    async def add_customers(self, count: int) -> None:
        """Open so many more accounts, each with a deposit address and a deposit, by events alone."""
        for first in range(0, count, CUSTOMERS_PER_BATCH):
            number = min(CUSTOMERS_PER_BATCH, count - first)
            known = TRADERS + first
            events, payloads = customers(known + 1, number, seq=self.engine.seq + 1)
            self._ts_ms += 1
            self.engine.evolve(self._ts_ms, events, payloads)
            await self._store(events, payloads)

    async def _submit(self, request: Request) -> Answer:
        async with self._turn:  # the opening asks for many things at once
            return (await self._decide([request]))[0]

    async def _decide(self, requests: list[Request]) -> list[Answer]:
        self._ts_ms += 1
        decided = self.engine.decide(self._ts_ms, requests)
        if len(decided.events):
            await self._store(decided.events, decided.payloads)
        return decided.answers

    async def _store(self, events: Records, payloads: tuple[bytes, ...]) -> None:
        batch = seal(
            number=self.head.number + 1,
            ts_ms=self._ts_ms,
            writer_epoch=self._log.writer_epoch,
            events=events,
            payloads=payloads,
            previous=self.head.hash,
        )
        await self._log.append(batch)
        self.head = Head.of(batch)
        self._keep(batch)


def orders(volumes: Records, netuids: Records, *, is_sell: bool, draw: np.random.Generator) -> list[Request]:
    """Return one market order of each trader, with a client id that was never used."""
    commands = np.zeros(len(volumes), COMMAND)
    commands["kind"] = CommandKind.PLACE_ORDER
    commands["account"] = np.arange(1, len(volumes) + 1)
    commands["netuid"] = netuids
    commands["flags"] = int(Flag.SELL) if is_sell else 0
    commands["amount"] = volumes
    commands["aux"] = SLIPPAGE_PPM
    for word in ("id_hi", "id_lo", "digest"):
        commands[word] = draw.integers(1, 2**63 - 1, len(volumes))
    return [Request(commands[place : place + 1]) for place in range(len(volumes))]


def customers(first: int, count: int, *, seq: int) -> tuple[Records, tuple[bytes, ...]]:
    """Return the events of so many new accounts from number ``first`` on: opened, addressed, funded."""
    numbers = np.arange(first, first + count)
    events = np.zeros((count, 3), EVENT)
    events["account"] = numbers[:, None]
    events["kind"] = [EventKind.ACCOUNT_OPENED, EventKind.CHAIN_KEY_ADDED, EventKind.DEPOSIT_CREDITED]
    events["key"][:, 1:] = (FIRST_DEPOSIT_KEY + numbers - 1)[:, None]
    events["code"][:, 1] = KeyRole.DEPOSIT
    events["netuid"][:, 2] = NO_NETUID
    events["amount"][:, 2] = TAO
    events["payload"][:, 0] = np.arange(1, 2 * count, 2)
    events["payload"][:, 1] = np.arange(2, 2 * count + 1, 2)
    flat = events.reshape(-1)
    flat["seq"] = np.arange(seq, seq + 3 * count)
    return flat, tuple(_texts(first, count))


def _texts(first: int, count: int) -> Iterator[bytes]:
    for number in range(first, first + count):
        yield b"customer %d" % number
        yield number.to_bytes(32, "little")
