"""Python's garbage collector in processes that hold much and must not pause."""

import gc
from typing import Final

THRESHOLDS: Final = (20_000, 20, 50)
"""New objects before the youngest are looked at, and how often that happens before older ones are."""


def spare_the_collector() -> None:
    """Leave what stands after the start out of every collection, and collect less often; once per process.

    A collection of everything stops the loop for as long as there are objects, and what orders leave behind is hardly
    ever a cycle: with the interpreter's settings collections took half of the time of an order.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
