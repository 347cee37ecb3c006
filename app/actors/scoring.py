"""How good miners are and how validators see them: drawn from a seed by name, so that nothing depends on order. Pure.

All numbers are integers: skill from 100 to 999, noise and favour in thousandths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

ROW_MAX: Final = 16
"""Miners that a validator gives weight to; all others compete for a place among them."""
U16_MAX: Final = 65_535
SEASON_EPOCHS: Final = 5
"""A miner's form changes once in so many epochs."""


@dataclass(frozen=True, slots=True)
class Character:
    """How a validator judges: noise of what it sees, epochs that it is behind, and favour for one miner."""

    noise: int
    lag: int
    favour: int


CHARACTERS: Final = (Character(30, 0, 0), Character(150, 0, 0), Character(100, 3, 1_500))
"""A careful one, an average one, and one that is late and has a favourite."""

Miner = tuple[int, bytes]
"""Uid and hotkey."""


def draw(seed: int, *what: int | str | bytes, below: int) -> int:
    """Return a number from 0 to ``below`` - 1 that depends on the seed and on what it is for, and on nothing else."""
    text = "/".join(item.hex() if isinstance(item, bytes) else str(item) for item in (seed, *what))
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "little") % below


def skill_of(seed: int, netuid: int, mecid: int, hotkey: bytes, epoch: int) -> int:
    """Return how good a miner is in an epoch: a talent, and a form of a fifth up or down for some epochs."""
    talent = 100 + draw(seed, "talent", netuid, mecid, hotkey, below=900)
    form = 800 + draw(seed, "form", netuid, mecid, hotkey, epoch // SEASON_EPOCHS, below=401)
    return talent * form // 1_000


def score_miners(
    seed: int,
    netuid: int,
    mecid: int,
    miners: Sequence[Miner],
    *,
    epoch: int,
    validator: bytes,
    character: Character,
) -> list[tuple[int, int]]:
    """Return a validator's row ``(uid, weight)``: its best miners by what it sees of them, ascending by uid.

    The best one has 65 535, the others less by the square of what they are worse; each rounded down, at least 1.
    """
    seen = []
    favourite = draw(seed, "favourite", netuid, mecid, validator, below=len(miners)) if miners else 0
    for place, (uid, hotkey) in enumerate(miners):
        skill = skill_of(seed, netuid, mecid, hotkey, max(epoch - character.lag, 0))
        noise = draw(seed, "noise", netuid, mecid, hotkey, validator, epoch, below=2 * character.noise + 1)
        found = skill * (1_000 - character.noise + noise) // 1_000
        seen.append((found * (1_000 + character.favour) // 1_000 if place == favourite else found, uid))
    best = sorted(seen, key=lambda entry: (-entry[0], entry[1]))[:ROW_MAX]
    if not best:
        return []
    top = max(best[0][0], 1)
    return sorted((uid, max(U16_MAX * found * found // (top * top), 1)) for found, uid in best)
