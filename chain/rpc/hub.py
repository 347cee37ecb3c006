"""Who hears of what: turns a committed block and pool events into notifications, never waiting for anyone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chain.block import Header
from chain.mempool import PoolEvent
from chain.rpc.params import to_hex, to_hex_or_none
from chain.rpc.session import Session, Subscription, Topic
from chain.rpc.views import events_key

_END_STATES: Final = frozenset({"usurped", "invalid", "dropped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A block that is durable and final: its header, which extrinsics it holds, and what it changed."""

    block_hash: bytes
    header: Header
    included: frozenset[bytes]
    delta: Mapping[bytes, bytes | None]
    events: bytes


@dataclass(slots=True)
class Hub:
    """All sessions of a node, by their numbers."""

    sessions: dict[int, Session] = field(default_factory=dict)

    def announce(self, announcement: Announcement) -> None:
        """Tell of a block: best head, finalized head, storage, and the extrinsics in it."""
        shown = announcement.header.to_rpc()
        block_hash = to_hex(announcement.block_hash)
        changed = {**announcement.delta, events_key(): announcement.events}
        for session, subscription in self._all():
            match subscription.topic:
                case Topic.NEW_HEADS | Topic.FINALIZED_HEADS:
                    session.notify(subscription, shown)
                case Topic.STORAGE:
                    keys = sorted(subscription.keys & changed.keys())
                    changes = [[to_hex(key), to_hex_or_none(changed[key])] for key in keys]
                    if changes:
                        session.notify(subscription, {"block": block_hash, "changes": changes})
                case Topic.EXTRINSIC:
                    if subscription.extrinsic in announcement.included:
                        session.notify(subscription, {"inBlock": block_hash})
                        session.notify(subscription, {"finalized": block_hash})
                        session.unsubscribe(subscription.id)
                case Topic.RUNTIME_VERSION:
                    pass

    def report(self, events: Iterable[PoolEvent]) -> None:
        """Tell watchers what the pool did with their extrinsics; an end state ends the subscription."""
        by_hash = {event.hash: event for event in events}
        if not by_hash:
            return
        for session, subscription in self._all():
            event = by_hash.get(subscription.extrinsic) if subscription.topic is Topic.EXTRINSIC else None
            if event is None:
                continue
            status: Any = {event.status: to_hex(event.by)} if event.by else event.status
            session.notify(subscription, status)
            if event.status in _END_STATES:
                session.unsubscribe(subscription.id)

    def _all(self) -> list[tuple[Session, Subscription]]:
        return [
            (session, subscription)
            for session in self.sessions.values()
            for subscription in tuple(session.subscriptions.values())
        ]
