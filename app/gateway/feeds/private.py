"""Private feeds: executions and balances of one account, each socket with its own sequence without gaps."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

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
from app.gateway.folds.ledger import Entry
from app.gateway.folds.orders import Step
from app.gateway.replica import Replica

Data = list[dict[str, Any]]


@dataclass(slots=True)
class Member:
    """One socket on one private stream; ``sequence`` of the last frame; ``all_statuses``: pending orders too."""

    outbox: Outbox
    all_statuses: bool = True
    sequence: int = 0

    def send(self, channel: str, kind: str, data: Data | msgspec.Raw) -> None:
        """Queue a frame with the next number."""
        self.sequence += 1
        self.outbox.put(encode({"channel": channel, "type": kind, "data": data, "sequence": self.sequence}))


class PrivateFeeds:
    """The private streams of all sockets; what a batch brought is told at once, in the order it happened."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._members: dict[Stream, dict[Outbox, Member]] = {}

    def subscribe(self, outbox: Outbox, stream: Stream, wanted: Mapping[str, Any]) -> None:
        """Begin a stream, or send its snapshots again; ``wanted`` is the acknowledged result."""
        members = self._members.setdefault(stream, {})
        member = members.setdefault(outbox, Member(outbox))
        account = int(stream.variant)
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
            member.send(EXECUTIONS, "snapshot", self._last_trades(account))

    def _last_trades(self, account: int) -> Data:
        orders, names = self._replica.orders, self._replica.names
        newest = list(islice(orders.fills_of(account), SNAPSHOT_TRADES))
        return [
            trade_event(fill, names.pair_of(fill.netuid), orders.find(account, fill.order_id), after=None)
            for fill in reversed(newest)
        ]

    def unsubscribe(self, outbox: Outbox, stream: Stream) -> None:
        """End a stream of a socket."""
        members = self._members.get(stream)
        if members is not None:
            members.pop(outbox, None)
            if not members:
                del self._members[stream]

    def on_applied(self, applied: Applied) -> None:
        """Tell what a batch brought to those who follow its accounts."""
        if not self._members:
            return
        steps: dict[int, list[Step]] = {}
        for step in applied.steps:
            steps.setdefault(step.order.account, []).append(step)
        for account, mine in steps.items():
            self._tell_steps(account, mine)
        entries: dict[int, list[Entry]] = {}
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
                    member.send(EXECUTIONS, "update", whole)
                elif lasting:
                    member.send(EXECUTIONS, "update", lasting)

    def _tell_entries(self, account: int, entries: list[Entry]) -> None:
        members = self._members.get(Stream(BALANCES, variant=str(account)))
        if not members:
            return
        for _, written in groupby(entries, key=lambda entry: (entry.kind, entry.reference)):
            data = msgspec.Raw(encode(entries_data(written, self._replica.names)).encode())
            for member in members.values():
                member.send(BALANCES, "update", data)
