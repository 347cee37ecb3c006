"""The last finalised heads as the log imported them, and what reconciliation found at each."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.gateway.folds.rows import Row
from ledger.engine.layout import Flag
from ledger.engine.records import from_words

DIFFERENCES_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Head:
    """One imported head; ``differences`` that reconciliation found among ``checked`` positions; ``seq`` of its end."""

    number: int
    hash: bytes
    block_ms: int
    differences: int = 0
    checked: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """One position that did not agree: ``amount`` is chain less ledger, rao."""

    seq: int
    height: int
    key: int
    hotkey: int
    netuid: int
    is_alpha: bool
    amount: int


class Heads:
    """The read model; ``current`` is the head whose group is being folded or was folded last."""

    def __init__(self) -> None:
        self.current = Head(0, bytes(32), 0)
        self.differences: deque[Difference] = deque(maxlen=DIFFERENCES_MAX)

    def restore(self, head: Head | None, differences: Iterable[Difference]) -> None:
        """Take over the last head, and what was found lately, oldest first."""
        self.current = head or self.current
        self.differences.extend(differences)

    def began(self, row: Row) -> None:
        """Fold ``HEAD_BEGAN``."""
        self.current = Head(row.other, from_words([row.id_hi, row.id_lo, row.digest, row.hold]), row.aux)

    def finished(self, row: Row) -> None:
        """Fold ``HEAD_ENDED``."""
        now = self.current
        self.current = Head(now.number, now.hash, now.block_ms, row.aux, row.amount, row.seq)

    def broken(self, row: Row) -> None:
        """Fold ``RECONCILIATION_BROKEN``."""
        is_alpha = bool(row.flags & Flag.ALPHA)
        self.differences.append(
            Difference(row.seq, self.current.number, row.key, row.other, row.netuid, is_alpha, row.amount)
        )
