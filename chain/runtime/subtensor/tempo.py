"""When a subnet's epoch is due, as its entries in the state say it, and setting its tempo (``yuma`` section 7)."""

from typing import Any, Final

from chain.runtime.context import Context, Origin
from chain.runtime.errors import failed
from chain.runtime.parameters import PARAMS_KEY, Parameters
from chain.runtime.state import RAW, Overlay, State
from chain.runtime.subtensor.authority import authorise_owner
from chain.runtime.yuma import schedule

SINCE_STEP: Final = "SubtensorModule.BlocksSinceLastStep"
LAST_EPOCH: Final = "SubtensorModule.LastEpochBlock"
PENDING_AT: Final = "SubtensorModule.PendingEpochAt"
INDEX: Final = "SubtensorModule.SubnetEpochIndex"
TEMPO: Final = "SubtensorModule.Tempo"
BOUNDS: Final = (360, 50_400)
"""Blocks between epochs, least and most."""
CUTOFF_BOUNDS: Final = (1_000, 50_000)
"""Thousandths of a tempo after which a validator that sets no weights is inactive, least and most."""
_MODULE: Final = "SubtensorModule"


def is_due(view: Overlay | State, netuid: int, block: int) -> bool:
    """Tell whether a subnet's epoch is due in this block."""
    return schedule.is_due(
        block=block,
        tempo=view.get(TEMPO, netuid),
        last_epoch_block=view.get(LAST_EPOCH, netuid),
        pending_at=view.get(PENDING_AT, netuid),
        blocks_since_step=view.get(SINCE_STEP, netuid),
    )


def epoch_now(view: Overlay | State, netuid: int, block: int) -> int:
    """Return the epoch that commits of this block belong to."""
    due = is_due(view, netuid, block)
    return schedule.epoch_index_now(epoch_index=view.get(INDEX, netuid), due=due)


def next_start(view: Overlay | State, netuid: int) -> int | None:
    """Return the block of a subnet's next epoch, ``None`` where it has no tempo."""
    return schedule.next_epoch_start(
        tempo=view.get(TEMPO, netuid),
        last_epoch_block=view.get(LAST_EPOCH, netuid),
        pending_at=view.get(PENDING_AT, netuid),
    )


def set_tempo(context: Context, netuid: int, tempo: int) -> None:
    """Set a subnet's tempo; its cycle begins anew, and an epoch that was asked for is forgotten.

    Raises ``DispatchFailed`` with ``TempoOutOfBounds``; a development chain lives with any tempo.
    """
    overlay = context.overlay
    is_dev = Parameters.decode(overlay.get(RAW, PARAMS_KEY)).dev
    if not is_dev and not BOUNDS[0] <= tempo <= BOUNDS[1]:
        raise failed(_MODULE, "TempoOutOfBounds")
    overlay.put(TEMPO, netuid, tempo)
    overlay.put(LAST_EPOCH, netuid, schedule.restarted_cycle(current_block=context.number))
    overlay.delete(PENDING_AT, netuid)


def consume_slot(overlay: Overlay, netuid: int, block: int) -> None:
    """Count an epoch of a subnet, be it run or skipped."""
    overlay.put(LAST_EPOCH, netuid, block)
    overlay.delete(PENDING_AT, netuid)
    overlay.put(INDEX, netuid, overlay.get(INDEX, netuid) + 1)


def call_set_tempo(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Set the blocks between the epochs of one's subnet."""
    authorise_owner(context, origin, args["netuid"], "set_tempo", freezes=True)
    set_tempo(context, args["netuid"], args["tempo"])


def call_set_activity_cutoff_factor(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Set how long validators of one's subnet may go without setting weights, thousandths of a tempo."""
    netuid, factor = args["netuid"], args["factor_milli"]
    authorise_owner(context, origin, netuid, "set_activity_cutoff_factor", freezes=True)
    if not CUTOFF_BOUNDS[0] <= factor <= CUTOFF_BOUNDS[1]:
        raise failed(_MODULE, "ActivityCutoffFactorMilliOutOfBounds")
    context.overlay.put(f"{_MODULE}.ActivityCutoffFactorMilli", netuid, factor)


def call_trigger_epoch(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Ask for an epoch of one's subnet before its tempo has passed."""
    netuid, overlay = args["netuid"], context.overlay
    authorise_owner(context, origin, netuid, "trigger_epoch", freezes=False)
    fires_at = schedule.trigger_epoch(
        commit_reveal=overlay.get(f"{_MODULE}.CommitRevealWeightsEnabled", netuid),
        pending_at=overlay.get(PENDING_AT, netuid),
        current_block=context.number,
        tempo=overlay.get(TEMPO, netuid),
        last_epoch_block=overlay.get(LAST_EPOCH, netuid),
        admin_freeze_window=overlay.get(f"{_MODULE}.AdminFreezeWindow"),
    )
    if isinstance(fires_at, schedule.TriggerRefusal):
        raise failed(_MODULE, fires_at)
    overlay.put(PENDING_AT, netuid, fires_at)
    by = overlay.get(f"{_MODULE}.SubnetOwner", netuid) if origin.account is None else origin.account
    context.emit(_MODULE, "EpochTriggered", {"netuid": netuid, "by": by, "fires_at": fires_at})


CALLS: Final = {
    (_MODULE, "set_tempo"): call_set_tempo,
    (_MODULE, "set_activity_cutoff_factor"): call_set_activity_cutoff_factor,
    (_MODULE, "trigger_epoch"): call_trigger_epoch,
}
