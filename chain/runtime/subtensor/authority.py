"""Who may change a subnet's parameters: root, and for some its owner, once in a while, not shortly before an epoch."""

from typing import Final

from chain.runtime import items
from chain.runtime.context import Context, Origin
from chain.runtime.declarations import call_named
from chain.runtime.errors import BAD_ORIGIN, DispatchFailed, failed
from chain.runtime.state import Overlay
from chain.runtime.subtensor import emission, pools
from chain.runtime.subtensor.pools import ROOT_NETUID

OWNER_TEMPOS: Final = 2
"""Tempos between two changes of one parameter by a subnet's owner."""
_MODULE: Final = "SubtensorModule"
_ADMIN: Final = "AdminUtils"


def authorise(context: Context, origin: Origin, netuid: int, name: str, *, by_owner: bool) -> None:
    """Raise ``DispatchFailed`` unless the caller may make this call of AdminUtils now; an owner's is written down."""
    overlay = context.overlay
    if not origin.is_root and not (by_owner and _is_owner(overlay, netuid, origin)):
        raise DispatchFailed(BAD_ORIGIN)
    if not pools.exists(overlay, netuid):
        raise failed(_ADMIN, "SubnetDoesNotExist")
    if netuid != ROOT_NETUID and _is_frozen(overlay, netuid, context.number):
        raise failed(_MODULE, "AdminActionProhibitedDuringWeightsWindow")
    if not origin.is_root:
        _note_change(context, netuid, call_named(_ADMIN, name).index)


def authorise_owner(context: Context, origin: Origin, netuid: int, name: str, *, freezes: bool) -> None:
    """Raise ``DispatchFailed`` unless root or the subnet's owner makes this call of SubtensorModule.

    ``freezes`` says that it is refused shortly before an epoch. An owner's call is written down, together with those of
    AdminUtils: their numbers differ.
    """
    overlay = context.overlay
    if netuid == ROOT_NETUID or not pools.exists(overlay, netuid):
        raise failed(_MODULE, "SubnetNotExists")
    if not origin.is_root and not _is_owner(overlay, netuid, origin):
        raise DispatchFailed(BAD_ORIGIN)
    if freezes and _is_frozen(overlay, netuid, context.number):
        raise failed(_MODULE, "AdminActionProhibitedDuringWeightsWindow")
    if not origin.is_root:
        _note_change(context, netuid, call_named(_MODULE, name).index)


def _is_owner(overlay: Overlay, netuid: int, origin: Origin) -> bool:
    return bool(overlay.get(f"{_MODULE}.SubnetOwner", netuid) == origin.account)


def _note_change(context: Context, netuid: int, index: int) -> None:
    overlay, at = context.overlay, f"{items.PRIVATE}.OwnerSettingAt"
    last, interval = overlay.get(at, netuid, index), OWNER_TEMPOS * overlay.get(f"{_MODULE}.Tempo", netuid)
    if last and context.number - last < interval:
        raise failed(_MODULE, "TxRateLimitExceeded")
    overlay.put(at, netuid, index, context.number)


def _is_frozen(overlay: Overlay, netuid: int, block: int) -> bool:
    """Tell whether a subnet's epoch is so near that its parameters stand still."""
    left = emission.blocks_until_epoch(
        last_epoch_block=overlay.get(f"{_MODULE}.LastEpochBlock", netuid),
        tempo=overlay.get(f"{_MODULE}.Tempo", netuid),
        block=block,
    )
    return bool(left < overlay.get(f"{_MODULE}.AdminFreezeWindow"))
