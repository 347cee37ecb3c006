"""Where a miner's incentive is staked: on its own hotkey, or on one that its coldkey has chosen for a subnet."""

from typing import Any, Final

from chain.runtime import items
from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import failed
from chain.runtime.state import Overlay
from chain.runtime.subtensor import neurons, pools

_MODULE: Final = "SubtensorModule"
_DESTINATION: Final = f"{_MODULE}.AutoStakeDestination"
_STAKERS: Final = f"{items.PRIVATE}.AutoStakers"


def call_set_coldkey_auto_stake_hotkey(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Choose the hotkey for all incentives of one's hotkeys on a subnet."""
    coldkey, overlay = signed(origin), context.overlay
    netuid, hotkey = args["netuid"], args["hotkey"]
    if not pools.exists(overlay, netuid):
        raise failed(_MODULE, "SubnetNotExists")
    if neurons.uid_of(overlay, netuid, hotkey) is None:
        raise failed(_MODULE, "HotKeyNotRegisteredInSubNet")
    if overlay.get(_DESTINATION, coldkey, netuid) == hotkey:
        raise failed(_MODULE, "SameAutoStakeHotkeyAlreadySet")
    choose(overlay, coldkey, netuid, hotkey)
    context.emit(_MODULE, "AutoStakeDestinationSet", {"coldkey": coldkey, "netuid": netuid, "hotkey": hotkey})


def choose(overlay: Overlay, coldkey: bytes, netuid: int, hotkey: bytes | None) -> None:
    """Write a choice down, or with ``None`` forget it; the hotkey knows who has chosen it."""
    old = overlay.get(_DESTINATION, coldkey, netuid)
    if old is not None:
        _put_stakers(overlay, old, netuid, [key for key in overlay.get(_STAKERS, old, netuid) if key != coldkey])
    if hotkey is None:
        overlay.delete(_DESTINATION, coldkey, netuid)
        return
    overlay.put(_DESTINATION, coldkey, netuid, hotkey)
    _put_stakers(overlay, hotkey, netuid, [*overlay.get(_STAKERS, hotkey, netuid), coldkey])


def rename_hotkey(overlay: Overlay, netuid: int, old: bytes, new: bytes) -> None:
    """Let all who chose a hotkey have its successor."""
    for coldkey in list(overlay.get(_STAKERS, old, netuid)):
        choose(overlay, coldkey, netuid, new)


def rename_coldkey(overlay: Overlay, netuid: int, old: bytes, new: bytes) -> None:
    """Give a coldkey's choice to its successor."""
    hotkey = overlay.get(_DESTINATION, old, netuid)
    if hotkey is not None:
        choose(overlay, old, netuid, None)
        choose(overlay, new, netuid, hotkey)


def _put_stakers(overlay: Overlay, hotkey: bytes, netuid: int, coldkeys: list[bytes]) -> None:
    if coldkeys:
        overlay.put(_STAKERS, hotkey, netuid, coldkeys)
    else:
        overlay.delete(_STAKERS, hotkey, netuid)


CALLS: Final = {(_MODULE, "set_coldkey_auto_stake_hotkey"): call_set_coldkey_auto_stake_hotkey}
