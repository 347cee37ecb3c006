"""What a campaign came to, counted and told."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

Say = Callable[[str], None]


@dataclass
class Summary:
    """Figures of all worlds; ``lost``: answered and not there; ``doubled``: there more than once."""

    cycles: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    not_reached: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    resent: int = 0
    orders: int = 0
    withdrawals: int = 0
    lost: int = 0
    doubled: int = 0
    states: int = 0
    batches: int = 0
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """Return it for people."""
        told = [f"{count:6d}  {name}" for name, count in sorted(self.kills.items())]
        if self.not_reached:
            told.append("not reached in time, killed as it stood: " + ", ".join(map(str, self.not_reached.items())))
        return [
            f"{self.cycles} cycles in {self.seconds:.0f} s, killed at:",
            *told,
            f"{self.answers} answers kept, of {self.orders} orders and {self.withdrawals} withdrawals among others",
            f"{self.resent} commands sent again, {self.batches} batches, {self.states} live states equal to the replay",
            f"lost {self.lost}, doubled {self.doubled}",
        ]
