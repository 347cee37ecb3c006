"""A small exchange in a process of its own, made to be killed: prints the seq of every answer it was given.

Usage: ``python -m tests.support.crash_writer DATA_DIR``.
"""

import asyncio
import itertools
import os
import sys
import time
from pathlib import Path

from app.postgres.embedded import EmbeddedPostgres
from ledger.log.migrate import migrate
from ledger.log.postgres import PostgresLog
from ledger.log.recovery import recover
from ledger.sequencer import Sequencer
from tests.support.tally import Tally, ask

ASKERS = 20
FATAL = 70


def tell(line: str) -> None:
    """Write one line at once: what stands on it was answered."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def end(error: BaseException) -> None:
    """End the process as the exchange does: at once, answering nobody."""
    tell(f"fatal {type(error).__name__}")
    os._exit(FATAL)


async def run(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir, wal_mb=96, shared_buffers_mb=32)
    await server.start()
    await migrate(server.url)
    log, engine = PostgresLog(server.url), Tally()
    head = await log.open()
    await recover(log, engine, head)
    sequencer = Sequencer(engine=engine, log=log, head=head, clock=lambda: time.time_ns() // 1_000_000, on_fatal=end)
    sequencer.start()
    tell(f"server {server.pid}")
    await asyncio.gather(*(ask_for_ever(sequencer, account) for account in range(1, ASKERS + 1)))


async def ask_for_ever(sequencer: Sequencer, account: int) -> None:
    for number in itertools.count():
        size = 1 + number % 3 + (90 if number % 50 == 7 else 0)
        answer = await sequencer.submit(ask(size, account=account, payload=bytes(number % 300) or None))
        tell(f"answer {account} {answer.events['seq'][0]} {answer.events['seq'][-1]}")


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
