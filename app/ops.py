"""What an operator does to a resting exchange: open its log as the only writer, submit one command, and close it again.

The exchange itself must not run: the log takes one writer, and refuses a second one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.gateway.parts import wall_clock_ms
from ledger.engine.api import Answer
from ledger.engine.layout import NO_NETUID, TAO_ASSET, CommandKind, Flag, Halt
from ledger.engine.records import command, request
from ledger.engine.views import Views
from ledger.log.migrate import migrate
from ledger.log.postgres import PostgresLog
from ledger.log.recovery import newest_engine, recover
from ledger.sequencer import Sequencer

LOCK_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Desk:
    """An open ledger without doors or chain."""

    sequencer: Sequencer
    views: Views

    async def set_halt(self, halt: Halt, *, on: bool, netuid: int | None = None) -> Answer:
        """Halt or clear; ``netuid`` ``None`` means everything that ``halt`` can mean."""
        record = command(
            CommandKind.SET_HALT,
            flags=Flag.ARM if on else 0,
            netuid=NO_NETUID if netuid is None else netuid,
            halt=int(halt),
        )
        return await self.sequencer.submit(request(record))

    async def resolve_suspense(
        self, amount: int, *, netuid: int | None, is_alpha: bool, account: int, operators: tuple[int, int]
    ) -> Answer:
        """Move rao out of suspense, to an account or (0) to the house; two different operators answer for it."""
        record = command(
            CommandKind.RESOLVE_SUSPENSE,
            flags=Flag.ALPHA if is_alpha else 0,
            netuid=NO_NETUID if netuid is None else netuid,
            amount=amount,
            account=account,
            first_operator=operators[0],
            second_operator=operators[1],
        )
        return await self.sequencer.submit(request(record))

    def suspense(self) -> dict[int, int]:
        """Return what lies in suspense by asset number, rao; assets without are left out."""
        assets = [TAO_ASSET, *range(1, NO_NETUID)]
        found = {asset: self.views.accounts_total(asset).suspense for asset in assets}
        return {asset: amount for asset, amount in found.items() if amount}


@asynccontextmanager
async def open_desk(url: str) -> AsyncIterator[Desk]:
    """Recover the ledger of a database and let one operator work on it; raises ``LogHeld`` while the exchange runs."""
    await migrate(url)
    log = PostgresLog(url, lock_wait_s=LOCK_WAIT_S)
    head = await log.open()
    try:
        engine, start = await newest_engine(url, head)
        await recover(log, engine, head, start=start)
        failures: list[BaseException] = []
        sequencer = Sequencer(engine=engine, log=log, head=head, clock=wall_clock_ms, on_fatal=failures.append)
        sequencer.start()
        try:
            yield Desk(sequencer, Views(engine))
        finally:
            await sequencer.stop()
        if failures:
            raise failures[0]
    finally:
        await log.close()
