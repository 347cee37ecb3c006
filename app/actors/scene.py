"""What the actors see of a chain at one block: enough to decide what to do, and nothing else. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

Commit = tuple[bytes, int]
"""Digest of a committed row, and the epoch that it belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MechanismSeen:
    """One incentive table of a subnet; ``index`` is its number in storage, ``last_update`` is by uid, in blocks."""

    mecid: int
    index: int
    last_update: tuple[int, ...]
    commits: Mapping[bytes, tuple[Commit, ...]]
    """Of each validator's hotkey, in the order they were made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetSeen:
    """A subnet's schedule, rules and neurons; ``burn`` is the price of a registration in rao.

    ``interval`` is how many blocks lie between two settings of weights; ``slots`` how many neurons there may be.
    """

    netuid: int
    tempo: int
    last_epoch: int
    pending_at: int
    epochs: int
    interval: int
    hides: bool
    reveal_period: int
    slots: int
    immunity: int
    burn: int
    max_burn: int
    owner: bytes
    hotkeys: tuple[bytes, ...]
    permits: tuple[bool, ...]
    mechanisms: tuple[MechanismSeen, ...]

    def uid_of(self, hotkey: bytes) -> int | None:
        """Return a hotkey's number here, ``None`` where it has none."""
        return self.hotkeys.index(hotkey) if hotkey in self.hotkeys else None

    def epoch_at(self, block: int) -> int:
        """Return the epoch that a commit in this block belongs to (``yuma`` section 6)."""
        is_due = bool(self.tempo) and (0 < self.pending_at <= block or block - self.last_epoch >= self.tempo)
        return self.epochs + is_due

    def may_weigh(self, uid: int) -> bool:
        """Return whether a neuron may set weights."""
        return uid < len(self.permits) and self.permits[uid]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Subnets at a height, ascending by number; ``purse`` is what the miners' coldkey may spend, rao."""

    height: int
    purse: int
    subnets: tuple[SubnetSeen, ...]
