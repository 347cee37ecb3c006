"""A second opinion in the tester's own process: an engine that evolves whatever became durable, and forgets nothing.

It reads on where it stood, so a log that lost its end, or has another past than it had, is found at the next look.
"""

from collections.abc import Mapping

from app.gateway.kraken.ids import ORDER, WITHDRAWAL, encode_id
from ledger.codec import Batch
from ledger.engine.layout import EventKind
from ledger.engine.machine import Engine
from ledger.log.base import EMPTY_HEAD, Head, check_follows
from ledger.log.postgres import PostgresLog
from ledger.log.recovery import newest_engine
from ledger.log.snapshot_store import Refused
from tests.campaigns.crash.memory import Broken


class Witness:
    """What one log says, from its first batch."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.head = EMPTY_HEAD
        self.orders: dict[str, str] = {}
        self.withdrawals: dict[str, int] = {}
        self.doubled: list[str] = []
        self.compared = 0
        self._ids: set[tuple[int, int, int]] = set()

    async def follow(self, url: str, live: Mapping[int, str], *, upto: int | None = None) -> None:
        """Read on to the log's end, or to a batch; ``live``: state hash of a living engine by the seq where it stood.

        The reading begins with the batch that was the last one: it must still be there, unchanged.
        """
        start, is_there = self.head, self.head == EMPTY_HEAD
        async for batch in PostgresLog(url).read(max(start.number, 0)):
            if batch.number == start.number:
                is_there = Head.of(batch) == start
                continue
            if upto is not None and batch.number > upto:
                break
            check_follows(self.head, batch)
            self._take(batch)
            if batch.last_seq in live:
                self._compare(batch.last_seq, live[batch.last_seq])
        if not is_there:
            raise Broken(f"batch {start.number} was durable, and is gone or another now")

    def _take(self, batch: Batch) -> None:
        self.engine.evolve(batch.ts_ms, batch.events, batch.payloads)
        self.head = Head.of(batch)
        kinds = batch.events["kind"]
        for event in batch.events[(kinds == EventKind.ORDER_ACCEPTED) | (kinds == EventKind.WITHDRAWAL_HELD)]:
            self._take_command(event, batch)

    def _take_command(self, event: object, batch: Batch) -> None:
        """Note an order or a withdrawal, and whether its client id is one that was there before."""
        record: Mapping[str, int] = event  # type: ignore[assignment]
        seq = int(record["seq"])
        identity = (int(record["account"]), int(record["id_hi"]), int(record["id_lo"]))
        if identity in self._ids:
            self.doubled.append(f"the command of seq {seq}")
        self._ids.add(identity)
        if int(record["kind"]) == EventKind.WITHDRAWAL_HELD:
            self.withdrawals[encode_id(WITHDRAWAL, seq)] = seq
            return
        name = batch.payloads[int(record["payload"]) - 1].decode() if record["payload"] else ""
        if name and self.orders.setdefault(name, encode_id(ORDER, seq)) != encode_id(ORDER, seq):
            self.doubled.append(f"order {name}")

    def _compare(self, seq: int, live: str) -> None:
        if self.engine.seq != seq or self.engine.state_hash().hex() != live:
            raise Broken(f"the living engine was in another state at seq {seq} than the log gives")
        self.compared += 1

    async def read_everything_again(self, url: str) -> int:
        """Replay the whole log from nothing, and from the newest snapshot; return the seq the snapshot stood at."""
        fresh = Witness()
        await fresh.follow(url, {}, upto=self.head.number)
        if (fresh.head, fresh.orders, fresh.withdrawals) != (self.head, self.orders, self.withdrawals):
            raise Broken(f"the whole log ends at {fresh.head}, step by step it was {self.head}")
        expected = self.engine.state_hash()
        if fresh.engine.state_hash() != expected:
            raise Broken("the whole log replays to another state than step by step")
        refused: list[Refused] = []
        engine, stood = await newest_engine(url, self.head, refused.append)
        if refused:
            raise Broken(f"snapshots do not hold: {refused}")
        async for batch in PostgresLog(url).read(stood.number + 1):
            if batch.number > self.head.number:
                break
            engine.evolve(batch.ts_ms, batch.events, batch.payloads)
        if engine.state_hash() != expected:
            raise Broken(f"the snapshot at seq {stood.seq} and the rest of the log give another state")
        return stood.seq
