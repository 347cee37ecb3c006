"""Replay as one would write it first: a loop over the events that adds their postings to a dictionary of balances."""

import time
from collections import defaultdict
from collections.abc import Iterable

from ledger.accounts import postings
from ledger.codec import Batch


class PlainFold:
    """Balances by account name and asset, rao; it knows no orders, no mirrors, no windows and no first answers."""

    def __init__(self) -> None:
        self.balances: dict[tuple[str, int], int] = defaultdict(int)

    def measure(self, batches: Iterable[Batch]) -> float:
        """Fold the batches; return events per second."""
        count = 0
        begun = time.perf_counter()
        for batch in batches:
            for event in batch.events:
                for account, asset, amount in postings(event):
                    self.balances[account, asset] += amount
            count += len(batch.events)
        return count / (time.perf_counter() - begun)
