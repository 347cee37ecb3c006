"""A real engine on a real log behind its door, as its process has it, and remote sequencers that speak to it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.serve.engine_server import EngineServer
from app.serve.remote import RemoteSequencer
from app.serve.tail import PostgresTail, stored_hash
from ledger.codec import Batch
from ledger.engine.api import Request
from ledger.engine.layout import CommandKind
from ledger.engine.machine import Engine
from ledger.engine.records import client_id, command, request
from ledger.log.base import EMPTY_HEAD, Head
from ledger.log.postgres import PostgresLog
from ledger.log.recovery import recover
from ledger.sequencer import Sequencer


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def open_account(name: str) -> Request:
    """Return a request that opens an account; the same name is the same request."""
    high, low = client_id(f"open/{name}")
    record = command(CommandKind.OPEN_ACCOUNT, payload=1, client_id_hi=high, client_id_lo=low)
    return request(record, payloads=[name.encode()])


@dataclass
class ServedEngine:
    """One life of the engine's process; ``kill`` ends it without a word."""

    url: str
    path: Path
    fatal: list[BaseException] = field(default_factory=list)

    async def start(self, **options: Any) -> None:
        self.log = PostgresLog(self.url)
        head = await self.log.open()
        self.engine = Engine()
        await recover(self.log, self.engine, head)
        self.sequencer = Sequencer(
            engine=self.engine, log=self.log, head=head, clock=now_ms, on_fatal=self.fatal.append
        )
        self.server = EngineServer(
            self.sequencer,
            hash_of=lambda number: stored_hash(self.url, number),
            on_fatal=self.fatal.append,
            writer_epoch=self.log.writer_epoch,
            **options,
        )
        self.sequencer.start()
        self.path.unlink(missing_ok=True)
        await self.server.start(self.path)

    async def stop(self) -> None:
        await self.server.stop()
        await self.sequencer.stop()
        await self.log.close()
        assert not self.fatal


@dataclass
class Reader:
    """A remote sequencer with a replica behind it, as a gateway has."""

    remote: RemoteSequencer
    engine: Engine = field(default_factory=Engine)
    batches: list[Batch] = field(default_factory=list)
    fatal: list[BaseException] = field(default_factory=list)

    def apply(self, batch: Batch) -> None:
        self.engine.evolve(batch.ts_ms, batch.events, batch.payloads)
        self.batches.append(batch)


def reader_of(url: str, path: Path, *, name: str = "reader", head: Head = EMPTY_HEAD, **options: Any) -> Reader:
    """Return a reader that was not started yet."""
    fatal: list[BaseException] = []
    remote = RemoteSequencer(path, name=name, head=head, tail=PostgresTail(url), on_fatal=fatal.append, **options)
    reader = Reader(remote, fatal=fatal)
    remote.subscribe(reader.apply)
    return reader


@asynccontextmanager
async def reading(url: str, path: Path, **options: Any) -> AsyncIterator[Reader]:
    """Run a reader until the body ends; it is connected when the body begins."""
    reader = reader_of(url, path, **options)
    reader.remote.start()
    await reader.remote.ready()
    try:
        yield reader
    finally:
        await reader.remote.stop()
        assert not reader.fatal
