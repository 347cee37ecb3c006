"""One client's connection as the rest of the node sees it: what it subscribed to, and a bounded outbox."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from chain.rpc.jsonrpc import LIMIT_REACHED, RpcError, encode_notification

SUBSCRIPTIONS_MAX: Final = 256
OUTBOX_FRAMES_MAX: Final = 4_096
OUTBOX_BYTES_MAX: Final = 64 * 1024 * 1024
"""A client that lets more than this wait is disconnected: it is slow, and nobody waits for it."""


class Topic(Enum):
    """What can be subscribed to; the value is the method of its notifications."""

    NEW_HEADS = "chain_newHead"
    FINALIZED_HEADS = "chain_finalizedHead"
    STORAGE = "state_storage"
    RUNTIME_VERSION = "state_runtimeVersion"
    EXTRINSIC = "author_extrinsicUpdate"


@dataclass(slots=True)
class Subscription:
    """One subscription; ``keys`` are storage keys, ``extrinsic`` the hash that is watched."""

    id: str
    topic: Topic
    keys: frozenset[bytes] = frozenset()
    extrinsic: bytes = b""


@dataclass(slots=True, eq=False)
class Session:
    """A connection's subscriptions and unsent frames; ``number`` makes its subscription ids its own."""

    number: int
    is_overrun: bool = False
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    _outbox: deque[bytes] = field(default_factory=deque)
    _outbox_bytes: int = 0
    _filled: asyncio.Event = field(default_factory=asyncio.Event)
    _after_answer: list[Callable[[], None]] = field(default_factory=list)
    _next_id: int = 0

    def subscribe(self, topic: Topic, *, keys: frozenset[bytes] = frozenset(), extrinsic: bytes = b"") -> Subscription:
        """Open a subscription; raises ``RpcError`` at the limit of the connection."""
        if len(self.subscriptions) >= SUBSCRIPTIONS_MAX:
            raise RpcError(LIMIT_REACHED, f"A connection has at most {SUBSCRIPTIONS_MAX} subscriptions")
        self._next_id += 1
        opened = Subscription(id=f"{self.number}S{self._next_id}", topic=topic, keys=keys, extrinsic=extrinsic)
        self.subscriptions[opened.id] = opened
        return opened

    def unsubscribe(self, subscription_id: str) -> bool:
        """End a subscription; say whether there was one."""
        return self.subscriptions.pop(subscription_id, None) is not None

    def of_topic(self, topic: Topic) -> list[Subscription]:
        """Return the open subscriptions of a topic, oldest first."""
        return [subscription for subscription in self.subscriptions.values() if subscription.topic is topic]

    def notify(self, subscription: Subscription, result: object) -> None:
        """Queue a notification, unless the subscription has ended meanwhile."""
        if subscription.id in self.subscriptions:
            self.send(encode_notification(subscription.topic.value, subscription.id, result))

    def after_answer(self, action: Callable[[], None]) -> None:
        """Run ``action`` once the answer being prepared is queued, so that the id arrives before what it names."""
        self._after_answer.append(action)

    def answer(self, frame: bytes | None) -> None:
        """Queue an answer, then everything that had to wait for it."""
        if frame is not None:
            self.send(frame)
        actions, self._after_answer = self._after_answer, []
        for action in actions:
            action()

    def send(self, frame: bytes) -> None:
        """Queue a frame; never waits. A full outbox marks the session as overrun, and it is closed."""
        if self.is_overrun:
            return
        if len(self._outbox) >= OUTBOX_FRAMES_MAX or self._outbox_bytes + len(frame) > OUTBOX_BYTES_MAX:
            self.is_overrun = True
            self._outbox.clear()
        else:
            self._outbox.append(frame)
            self._outbox_bytes += len(frame)
        self._filled.set()

    async def has_frames(self) -> bool:
        """Wait for frames to send and return true, or false once the session is overrun."""
        while not self._outbox:
            if self.is_overrun:
                return False
            self._filled.clear()
            await self._filled.wait()
        return True

    def take_frames(self, limit: int) -> list[bytes]:
        """Return up to so many frames to send next, in order; none where none wait."""
        frames = [self._outbox.popleft() for _ in range(min(limit, len(self._outbox)))]
        self._outbox_bytes -= sum(map(len, frames))
        return frames
