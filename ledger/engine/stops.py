"""Orders that wait for a trigger price."""

from amm.kernel_cache import kernel
from ledger.engine.state import State


@kernel
def trigger_stops(state: State, market_slot: int, since_seq: int) -> None:
    """Trigger the armed orders whose price the trades after ``since_seq`` have passed, and let them take."""
