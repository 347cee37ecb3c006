"""The queue of frames to one socket: bounded, and marked when its reader does not keep up."""

import asyncio
from collections import deque
from collections.abc import Callable


class Outbox:
    """The frames that wait for one socket; ``wake`` is told of each, or ``take`` waits for them."""

    def __init__(self, maximum: int, wake: Callable[[], None] | None = None) -> None:
        self._maximum = maximum
        self._frames: deque[str | bytes] = deque()
        self._event = asyncio.Event()
        self._wake = wake or self._event.set
        self.is_overflown = False

    @property
    def is_full(self) -> bool:
        """Tell whether the next frame would mark the socket as too slow."""
        return len(self._frames) >= self._maximum

    def put(self, frame: str | bytes) -> None:
        """Queue a frame, or mark the socket as too slow; bytes are UTF-8."""
        if len(self._frames) >= self._maximum:
            self.is_overflown = True
        else:
            self._frames.append(frame)
        self._wake()

    def drain(self) -> list[str | bytes]:
        """Return all frames that wait."""
        frames = list(self._frames)
        self._frames.clear()
        return frames

    async def take(self) -> list[str]:
        """Return all frames that wait as text, at least one; an empty list once the socket is too slow."""
        while not self._frames and not self.is_overflown:
            self._event.clear()
            await self._event.wait()
        if self.is_overflown:
            return []
        return [frame if isinstance(frame, str) else frame.decode() for frame in self.drain()]
