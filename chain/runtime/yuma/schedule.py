"""When a subnet's epoch runs: at its tempo, when asked for by hand, and at most two in a block.

Pure answers over plain block numbers; 0 as ``pending_at`` means nothing is pending. Source: ``spec/yuma`` section 7.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

EPOCHS_PER_BLOCK_MAX: Final = 2
BLOCKS_WITHOUT_STEP_MAX: Final = 50_400
_NETUID_BYTES: Final = 2


class TriggerRefusal(StrEnum):
    """Why an epoch cannot be asked for by hand: the pallet's errors, by name."""

    COMMIT_REVEAL = "DynamicTempoBlockedByCommitReveal"
    PENDING = "EpochTriggerAlreadyPending"
    IMMINENT = "AutoEpochAlreadyImminent"


def is_due(*, block: int, tempo: int, last_epoch_block: int, pending_at: int, blocks_since_step: int) -> bool:
    """Tell whether an epoch is due in a block; ``blocks_since_step`` counts from the last successful one."""
    if tempo == 0:
        return False
    if 0 < pending_at <= block or blocks_since_step > BLOCKS_WITHOUT_STEP_MAX:
        return True
    return block - last_epoch_block >= tempo


def share_slots(due: Iterable[int]) -> tuple[list[int], list[int]]:
    """Return which due subnets run in this block and which wait for the next.

    The order is that of storage keys: by the little-endian bytes of the netuid, plain ascending below 256.
    """
    ordered = sorted(due, key=lambda netuid: netuid.to_bytes(_NETUID_BYTES, "little"))
    return ordered[:EPOCHS_PER_BLOCK_MAX], ordered[EPOCHS_PER_BLOCK_MAX:]


def next_epoch_start(*, tempo: int, last_epoch_block: int, pending_at: int) -> int | None:
    """Return the block of the next epoch, or None where the subnet has no tempo."""
    if tempo == 0:
        return None
    automatic = last_epoch_block + tempo
    return min(automatic, pending_at) if pending_at > 0 else automatic


def restarted_cycle(*, current_block: int) -> int:
    """Return the ``last_epoch_block`` after the tempo was set: the cycle begins anew at the current block."""
    return current_block


def blocks_until_automatic(*, current_block: int, tempo: int, last_epoch_block: int) -> int:
    """Return how many blocks are left until the tempo has passed, at least 0."""
    return max(0, last_epoch_block + tempo - current_block)


def trigger_epoch(
    *,
    commit_reveal: bool,
    pending_at: int,
    current_block: int,
    tempo: int,
    last_epoch_block: int,
    admin_freeze_window: int,
) -> int | TriggerRefusal:
    """Return the block at which an epoch asked for by hand will run, or why it cannot be asked for.

    It waits for the admin freeze window to pass, and is refused where the automatic epoch comes within that window.
    """
    if commit_reveal:
        return TriggerRefusal.COMMIT_REVEAL
    if pending_at > 0:
        return TriggerRefusal.PENDING
    left = blocks_until_automatic(current_block=current_block, tempo=tempo, last_epoch_block=last_epoch_block)
    if left < admin_freeze_window:
        return TriggerRefusal.IMMINENT
    return current_block + admin_freeze_window


def epoch_index_now(*, epoch_index: int, due: bool) -> int:
    """Return the epoch that commits belong to: the subnet's counter, one more where an epoch is due in this block."""
    return epoch_index + int(due)
