"""Private feeds: executions and balances of one account, each socket with its own sequence without gaps."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

import msgspec

from app.gateway.feeds.channels.balances import balances_data, entries_data
from app.gateway.feeds.channels.executions import (
    PENDING,
    SNAPSHOT_TRADES,
    frames_of,
    open_orders_data,
    trade_event,
)
from app.gateway.feeds.frames import encode
from app.gateway.feeds.outbox import Outbox
from app.gateway.feeds.subscription import BALANCES, EXECUTIONS, Stream
from app.gateway.folds.applied import Applied
from app.gateway.folds.fills import fill_number, fill_of_row
from app.gateway.folds.orders import Step, order_of_row
from app.gateway.replica import Replica
from app.observability import get_logger
from app.projections.errors import HistoryUnavailable
from app.projections.pages import Window
from app.projections.reads import HistoryReads
from app.projections.rows import EntryRow

Data = list[dict[str, Any]]
HELD_MAX: Final = 1_000
SNAPSHOT_WAIT_S: Final = 10.0


@dataclass(slots=True)
class Member:
    """One socket on one private stream; ``sequence`` of the last frame; ``all_statuses``: pending orders too.

    ``held``: updates that wait for ``snapshots`` that are still being read.
    """

    outbox: Outbox
    all_statuses: bool = True
    sequence: int = 0
    snapshots: int = 0
    held: list[tuple[str, Data | msgspec.Raw]] = field(default_factory=list)

    def send(self, channel: str, kind: str, data: Data | msgspec.Raw) -> None:
        """Queue a frame with the next number."""
        self.sequence += 1
        self.outbox.put(encode({"channel": channel, "type": kind, "data": data, "sequence": self.sequence}))

    def update(self, channel: str, data: Data | msgspec.Raw) -> None:
        """Queue an update, behind the snapshots that it follows; one too many is told as a socket that is too slow."""
        if not self.snapshots:
            self.send(channel, "update", data)
        elif len(self.held) < HELD_MAX:
            self.held.append((channel, data))
        else:
            self.outbox.is_overflown = True

    def release(self) -> None:
        """Queue what waited for a snapshot, which has been sent or cannot be."""
        self.snapshots -= 1
        if not self.snapshots:
            held, self.held = self.held, []
            for channel, data in held:
                self.send(channel, "update", data)


class PrivateFeeds:
    """The private streams of all sockets; what a batch brought is told at once, in the order it happened."""

    def __init__(self, replica: Replica, history: HistoryReads) -> None:
        self._replica = replica
        self._history = history
        self._members: dict[Stream, dict[Outbox, Member]] = {}
        self._reading: set[asyncio.Task[None]] = set()
        self._log = get_logger("gateway")

    def subscribe(self, outbox: Outbox, stream: Stream, wanted: Mapping[str, Any]) -> None:
        """Begin a stream, or send its snapshots again; ``wanted`` is the acknowledged result."""
        account = int(stream.variant)
        if stream not in self._members:
            self._members[stream] = {}
            self._replica.followed.follow(account)
        member = self._members[stream].setdefault(outbox, Member(outbox))
        if stream.channel == BALANCES:
            if wanted["snapshot"]:
                rows = self._replica.reads.balance_rows(account)
                member.send(BALANCES, "snapshot", balances_data(rows, self._replica.names))
            return
        member.all_statuses = wanted["order_status"]
        # Two frames: a client takes a whole frame for what its first element is.
        if wanted["snap_orders"]:
            orders = reversed(self._replica.orders.open_of(account))
            member.send(EXECUTIONS, "snapshot", open_orders_data(orders, self._replica.names))
        if wanted["snap_trades"]:
            member.snapshots += 1
            reading = asyncio.create_task(self._send_last_trades(member, stream, self._replica.seq))
            self._reading.add(reading)
            reading.add_done_callback(self._reading.discard)

    async def _send_last_trades(self, member: Member, stream: Stream, seq: int) -> None:
        """Send the newest fills up to a seq; later ones are updates, which wait for this."""
        try:
            data = await self._last_trades(int(stream.variant), seq)
            if self._members.get(stream, {}).get(member.outbox) is member:
                member.send(EXECUTIONS, "snapshot", data)
        except HistoryUnavailable as error:
            self._log.error("snapshot_unavailable", channel=EXECUTIONS, error=str(error))
        finally:
            member.release()

    async def _last_trades(self, account: int, seq: int) -> Data:
        reads, names = self._history, self._replica.names
        await reads.reached(self._replica.touched(account), ("orders", "trades"), wait_s=SNAPSHOT_WAIT_S)
        page = await reads.fills(account, Window(before=fill_number(seq + 1), limit=SNAPSHOT_TRADES))
        rows = await reads.orders_by_id(account, list({fill.order_id for fill in page.rows}))
        orders = {row.order_id: order_of_row(row) for row in rows}
        return [
            trade_event(fill_of_row(row), names.pair_of(row.netuid), orders.get(row.order_id), after=None)
            for row in reversed(page.rows)
        ]

    def unsubscribe(self, outbox: Outbox, stream: Stream) -> None:
        """End a stream of a socket."""
        members = self._members.get(stream)
        if members is not None:
            members.pop(outbox, None)
            if not members:
                del self._members[stream]
                self._replica.followed.unfollow(int(stream.variant))

    def on_applied(self, applied: Applied) -> None:
        """Tell what a batch brought to those who follow its accounts."""
        if not self._members:
            return
        steps: dict[int, list[Step]] = {}
        for step in applied.steps:
            steps.setdefault(step.order.account, []).append(step)
        for account, mine in steps.items():
            self._tell_steps(account, mine)
        entries: dict[int, list[EntryRow]] = {}
        for entry in applied.entries:
            entries.setdefault(entry.account, []).append(entry)
        for account, written in entries.items():
            self._tell_entries(account, written)

    def _tell_steps(self, account: int, steps: list[Step]) -> None:
        members = self._members.get(Stream(EXECUTIONS, variant=str(account)))
        if not members:
            return
        for data in frames_of(steps, self._replica.names):
            whole = msgspec.Raw(encode(data).encode())
            lasting = [event for event in data if event["exec_type"] != PENDING]
            for member in members.values():
                if member.all_statuses:
                    member.update(EXECUTIONS, whole)
                elif lasting:
                    member.update(EXECUTIONS, lasting)

    def _tell_entries(self, account: int, entries: list[EntryRow]) -> None:
        members = self._members.get(Stream(BALANCES, variant=str(account)))
        if not members:
            return
        for _, written in groupby(entries, key=lambda entry: (entry.kind, entry.reference)):
            data = msgspec.Raw(encode(entries_data(written, self._replica.names)).encode())
            for member in members.values():
                member.update(BALANCES, data)
