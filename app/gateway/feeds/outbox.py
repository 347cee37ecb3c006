"""The queue of frames to one socket: bounded, and marked when its reader does not keep up."""

import asyncio
from collections import deque


class Outbox:
    """The frames that wait for one socket."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._frames: deque[str] = deque()
        self._wake = asyncio.Event()
        self.is_overflown = False

    def put(self, frame: str) -> None:
        """Queue a frame, or mark the socket as too slow."""
        if len(self._frames) >= self._maximum:
            self.is_overflown = True
        else:
            self._frames.append(frame)
        self._wake.set()

    async def take(self) -> list[str]:
        """Return all frames that wait, at least one; an empty list once the socket is too slow."""
        while not self._frames and not self.is_overflown:
            self._wake.clear()
            await self._wake.wait()
        if self.is_overflown:
            return []
        frames = list(self._frames)
        self._frames.clear()
        return frames
