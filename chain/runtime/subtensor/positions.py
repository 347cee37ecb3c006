"""Stake positions in the state: who holds how much alpha under which hotkey on which subnet.

A position is a share of its hotkey's pool on the subnet (``share_pool``); the pool's value is ``TotalHotkeyAlpha``.
"""

from typing import Any, Final

from chain.runtime import items, safe_float
from chain.runtime.safe_float import SafeFloat
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import claim_rules, share_pool
from chain.runtime.subtensor.pools import ROOT_NETUID

_VALUE: Final = "SubtensorModule.TotalHotkeyAlpha"
_DENOMINATOR: Final = "SubtensorModule.TotalHotkeySharesV2"
_SHARE: Final = "SubtensorModule.AlphaV2"
_OWNER: Final = "SubtensorModule.Owner"
_OWNED: Final = "SubtensorModule.OwnedHotkeys"
_STAKING: Final = "SubtensorModule.StakingHotkeys"
_ROOT_INDEX: Final = f"{items.PRIVATE}.RootStakerIndex"
_ROOT_COUNT: Final = f"{items.PRIVATE}.RootStakerCount"


def hotkey_exists(view: Overlay | State, hotkey: bytes) -> bool:
    """Tell whether somebody owns a hotkey."""
    return view.contains(_OWNER, hotkey)


def owner_of(view: Overlay | State, hotkey: bytes) -> bytes:
    """Return the coldkey that owns a hotkey; 32 zeros where nobody does."""
    owner: bytes = view.get(_OWNER, hotkey)
    return owner


def associate(overlay: Overlay, coldkey: bytes, hotkey: bytes) -> None:
    """Make a coldkey the owner of a hotkey that nobody owns; of another's it changes nothing."""
    if hotkey_exists(overlay, hotkey):
        return
    overlay.put(_OWNER, hotkey, coldkey)
    _append(overlay, _OWNED, coldkey, hotkey)
    _append(overlay, _STAKING, coldkey, hotkey)


def staking_hotkeys(view: Overlay | State, coldkey: bytes) -> list[bytes]:
    """Return the hotkeys under which a coldkey has or had stake."""
    hotkeys: list[bytes] = view.get(_STAKING, coldkey)
    return hotkeys


def pool_of(view: Overlay | State, hotkey: bytes, netuid: int) -> share_pool.Pool:
    """Return a hotkey's share pool on a subnet."""
    return share_pool.Pool(view.get(_VALUE, hotkey, netuid), _to_float(view.get(_DENOMINATOR, hotkey, netuid)))


def pool_value(view: Overlay | State, hotkey: bytes, netuid: int) -> int:
    """Return all alpha under a hotkey on a subnet in rao."""
    value: int = view.get(_VALUE, hotkey, netuid)
    return value


def stake_of(view: Overlay | State, hotkey: bytes, coldkey: bytes, netuid: int) -> int:
    """Return a position in rao of alpha."""
    share = view.get(_SHARE, hotkey, coldkey, netuid)
    return share_pool.stake_of(pool_of(view, hotkey, netuid), _to_float(share)) if share["mantissa"] else 0


def is_exact_enough(view: Overlay | State, hotkey: bytes, netuid: int, amount: int) -> bool:
    """Tell whether a deposit of this size would get any share."""
    return share_pool.is_deposit_exact_enough(pool_of(view, hotkey, netuid), amount)


def increase(overlay: Overlay, hotkey: bytes, coldkey: bytes, netuid: int, amount: int) -> None:
    """Credit alpha to a position; what the share's digits cannot hold, less than a rao, goes to the whole pool."""
    _change(overlay, hotkey, coldkey, netuid, amount)
    _append(overlay, _STAKING, coldkey, hotkey)
    if netuid == ROOT_NETUID:
        _count_root_staker(overlay, coldkey)


def decrease(overlay: Overlay, hotkey: bytes, coldkey: bytes, netuid: int, amount: int) -> int:
    """Take alpha from a position and return how much: nothing, if the position is smaller."""
    if stake_of(overlay, hotkey, coldkey, netuid) < amount:
        return 0
    _change(overlay, hotkey, coldkey, netuid, -amount)
    return amount


def give_to_all(overlay: Overlay, hotkey: bytes, netuid: int, amount: int) -> None:
    """Add alpha to a hotkey's pool, for all of its positions pro rata."""
    overlay.put(_VALUE, hotkey, netuid, share_pool.with_emission(pool_of(overlay, hotkey, netuid), amount).value)


def rename_pool(overlay: Overlay, old: bytes, new: bytes, netuid: int, holders: list[bytes]) -> None:
    """Put all positions of a hotkey under another, which has none on that subnet; no stake changes."""
    for item in (_VALUE, _DENOMINATOR):
        if overlay.contains(item, old, netuid):
            overlay.put(item, new, netuid, overlay.get(item, old, netuid))
            overlay.delete(item, old, netuid)
    for coldkey in holders:
        overlay.put(_SHARE, new, coldkey, netuid, overlay.get(_SHARE, old, coldkey, netuid))
        overlay.delete(_SHARE, old, coldkey, netuid)
        _append(overlay, _STAKING, coldkey, new)


def close_pool(overlay: Overlay, hotkey: bytes, netuid: int, holders: list[bytes]) -> int:
    """Remove a pool whose positions are empty but for fractions of a rao, and return the rao that were left in it."""
    left = pool_value(overlay, hotkey, netuid)
    for item in (_VALUE, _DENOMINATOR):
        overlay.delete(item, hotkey, netuid)
    for coldkey in holders:
        overlay.delete(_SHARE, hotkey, coldkey, netuid)
    return left


def rename_holder(overlay: Overlay, hotkey: bytes, old: bytes, new: bytes, netuid: int) -> None:
    """Give a position to another coldkey that has none there; on root its watermarks and its place in line too."""
    if overlay.contains(_SHARE, hotkey, old, netuid):
        overlay.put(_SHARE, hotkey, new, netuid, overlay.get(_SHARE, hotkey, old, netuid))
        overlay.delete(_SHARE, hotkey, old, netuid)
    if netuid != ROOT_NETUID:
        return
    for subnet in sorted(overlay.get("SubtensorModule.RootClaimable", hotkey)):
        item = "SubtensorModule.RootClaimed"
        if overlay.contains(item, subnet, hotkey, old):
            overlay.put(item, subnet, hotkey, new, overlay.get(item, subnet, hotkey, old))
            overlay.delete(item, subnet, hotkey, old)
    if overlay.contains(_ROOT_INDEX, old):
        _count_root_staker(overlay, new)


def adjust_root_claimed(overlay: Overlay, hotkey: bytes, coldkey: bytes, change: int) -> None:
    """Move the watermarks of a root position whose stake changed, so that it claims only what it earned itself.

    Rounded down both ways, never below 0 (``economics`` section 3.9).
    """
    for netuid, rate in sorted(overlay.get("SubtensorModule.RootClaimable", hotkey).items()):
        item, keys = "SubtensorModule.RootClaimed", (netuid, hotkey, coldkey)
        moved = claim_rules.earned(rate["bits"], abs(change))
        claimed = overlay.get(item, *keys)
        overlay.put(item, *keys, claimed + moved if change > 0 else max(claimed - moved, 0))


def _change(overlay: Overlay, hotkey: bytes, coldkey: bytes, netuid: int, change: int) -> None:
    share = _to_float(overlay.get(_SHARE, hotkey, coldkey, netuid))
    pool, share = share_pool.with_change(pool_of(overlay, hotkey, netuid), share, change)
    _put_or_delete(overlay, _VALUE, (hotkey, netuid), pool.value)
    _put_or_delete(overlay, _DENOMINATOR, (hotkey, netuid), _from_float(pool.denominator))
    _put_or_delete(overlay, _SHARE, (hotkey, coldkey, netuid), _from_float(share))
    if netuid == ROOT_NETUID:
        adjust_root_claimed(overlay, hotkey, coldkey, change)


def _count_root_staker(overlay: Overlay, coldkey: bytes) -> None:
    """Give a coldkey its place in the line of those whose root dividends are claimed for them, once for ever."""
    if overlay.contains(_ROOT_INDEX, coldkey):
        return
    count = overlay.get(_ROOT_COUNT)
    overlay.put(_ROOT_INDEX, coldkey, count)
    overlay.put(f"{items.PRIVATE}.RootStakers", count, coldkey)
    overlay.put(_ROOT_COUNT, count + 1)


def _put_or_delete(overlay: Overlay, item: str, keys: tuple[Any, ...], value: Any) -> None:
    if value:
        overlay.put(item, *keys, value)
    else:
        overlay.delete(item, *keys)


def _append(overlay: Overlay, item: str, key: bytes, value: bytes) -> None:
    found = overlay.get(item, key)
    if value not in found:
        overlay.put(item, key, [*found, value])


def _to_float(value: dict[str, int]) -> SafeFloat:
    return value["mantissa"], value["exponent"]


def _from_float(value: SafeFloat) -> dict[str, int] | None:
    return None if value == safe_float.ZERO else {"mantissa": value[0], "exponent": value[1]}
