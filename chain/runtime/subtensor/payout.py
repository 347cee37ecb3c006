"""How a dissolved subnet's TAO is shared among those who held its alpha (``economics`` section 5.3)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Payout:
    """Rao of TAO for each position, in their order, and for the protocol, whose part is recycled."""

    paid: list[int]
    protocol: int


def share_pot(pot: int, stakes: Sequence[int], protocol_alpha: int) -> Payout:
    """Share a pot pro rata by alpha, to the last rao.

    Each part is rounded down; the rao that remain go one each to the largest remainders, of equal ones to the first in
    order, the protocol last. With no alpha at all nobody gets anything.
    """
    parts = [*stakes, protocol_alpha]
    total = sum(parts)
    if total == 0:
        return Payout([0] * len(stakes), 0)
    shares = [pot * part // total for part in parts]
    remainders = sorted(range(len(parts)), key=lambda index: -(pot * parts[index] % total))
    for index in remainders[: pot - sum(shares)]:
        shares[index] += 1
    return Payout(shares[:-1], shares[-1])
