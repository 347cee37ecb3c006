"""What runs because its time has come, before the first command of a batch."""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.book import TIMES
from ledger.engine.state import State, int64


@kernel
def decide_timers(state: State) -> None:
    """Run the timers that are due at the batch's time."""


@kernel
def next_due(state: State) -> int:
    """Return when the earliest timer is due, ms, or -1 while none is armed."""
    level = int64(state.shelves[TIMES]["lowest"])
    return state.levels[level - 1]["key"] if level else -1
