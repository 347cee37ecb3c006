"""The newest things of each owner, bounded per owner and in all, the oldest forgotten first."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """A list per owner, in the order things were added; ``add`` tells what had to be forgotten."""

    def __init__(self, *, per_owner_max: int, total_max: int) -> None:
        self._per_owner_max = per_owner_max
        self._total_max = total_max
        self._of: dict[int, deque[T]] = {}
        self._all: deque[tuple[int, T]] = deque()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, owner: int, item: T) -> list[T]:
        """Remember a thing, and return those forgotten for it."""
        mine = self._of.setdefault(owner, deque())
        mine.append(item)
        self._all.append((owner, item))
        self._count += 1
        forgotten = []
        if len(mine) > self._per_owner_max:
            forgotten.append(mine.popleft())
            self._count -= 1
        while self._count > self._total_max:
            first_owner, first = self._all.popleft()
            kept = self._of.get(first_owner)
            # What its owner's bound forgot already is still queued here, and is passed over.
            if kept and kept[0] is first:
                forgotten.append(kept.popleft())
                self._count -= 1
                if not kept:
                    del self._of[first_owner]
        if len(self._all) > 2 * self._total_max:
            self._compact()
        return forgotten

    def of(self, owner: int) -> Iterator[T]:
        """Yield the things of an owner, newest first."""
        return reversed(self._of.get(owner, deque()))

    def _compact(self) -> None:
        """Drop from the common queue what its owners' bounds forgot: each owner keeps its newest entries."""
        left = {owner: len(mine) for owner, mine in self._of.items()}
        kept: deque[tuple[int, T]] = deque()
        for owner, item in reversed(self._all):
            if left.get(owner, 0) > 0:
                left[owner] -= 1
                kept.appendleft((owner, item))
        self._all = kept
