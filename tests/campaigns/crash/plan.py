"""What dies in which cycle, and how: drawn from a seed, so that a cycle can be played again."""

import random
from dataclasses import dataclass
from typing import Final

from ledger.failpoints import POINTS

EXCHANGE: Final = "exchange"
DATABASE: Final = "database"
DATABASE_CHILD: Final = "database child"
TIMED: Final = {EXCHANGE: 4, DATABASE: 3, DATABASE_CHILD: 3}
"""How often each is killed at a random moment in one world, beside one kill at each named point."""
IN_START: Final = 3
"""How many kills of a world come while it starts."""
START_POINTS: Final = (
    "sequencer.decided",
    "sequencer.committed",
    "sequencer.answered",
    "link.read",
    "link.imported",
    "projection.rows",
    "projection.committed",
)
SLOW: Final = ("snapshot.",)
"""Points of a process of its own, which starts slowly and whose death the exchange survives."""
PASSES: Final = {
    "sequencer": 60,
    "log": 60,
    "gateway": 60,
    "projection": 12,
    "link.read": 3,
    "link.imported": 3,
    "link": 1,
    "signer": 1,
    "snapshot": 1,
}
"""The latest pass that is drawn, by the beginning of a point's name; the longest beginning counts."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One death: at a named point (``armed``), or of ``target`` after ``after_s``; ``in_start``: armed at the launch.

    A point that is not reached in time is followed by a kill of the exchange.
    """

    target: str
    armed: str = ""
    after_s: float = 0.0
    in_start: bool = False
    copy_all: bool = False

    @property
    def point(self) -> str:
        """Return the name of the point, or nothing."""
        return self.armed.partition(":")[0]

    @property
    def is_slow(self) -> bool:
        """Tell whether the point lies in the process that writes snapshots."""
        return self.armed.startswith(SLOW)

    @property
    def name(self) -> str:
        """Return what it is called in the summary."""
        where = self.point or f"{self.target} at a random moment"
        return f"{where} (in a start)" if self.in_start else where


def draw_world(rng: random.Random) -> list[Kill]:
    """Return every kill of one world once, in an order of its own."""
    kills = [_at_point(rng, point) for point in POINTS]
    kills += [Kill(target, after_s=rng.uniform(0.1, 1.0)) for target, count in TIMED.items() for _ in range(count)]
    kills += [_in_start(rng) for _ in range(IN_START)]
    rng.shuffle(kills)
    return kills


def draw_slice(rng: random.Random) -> list[Kill]:
    """Return each point once and one of each other kind, the loads short: what a test affords."""
    kills = [_at_point(rng, point, quick=True) for point in POINTS]
    kills += [Kill(target, after_s=rng.uniform(0.1, 0.3)) for target in TIMED]
    kills.append(_in_start(rng))
    rng.shuffle(kills)
    return kills


def _at_point(rng: random.Random, point: str, *, quick: bool = False) -> Kill:
    latest = PASSES[max((name for name in PASSES if point.startswith(name)), key=len)]
    number = rng.randint(1, max(1, latest // 4) if quick else latest)
    return Kill(EXCHANGE, armed=f"{point}:{number}", copy_all=point in {"log.append.row", "log.append.pages"})


def _in_start(rng: random.Random) -> Kill:
    point = rng.choice(START_POINTS)
    return Kill(EXCHANGE, armed=f"{point}:{rng.randint(1, 3)}", in_start=True)
