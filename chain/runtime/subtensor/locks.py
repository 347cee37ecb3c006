"""Locked alpha: stake of a coldkey on a subnet that cannot leave it for a while, in favour of one hotkey.

What is locked melts away by itself, to 1/e in 934 866 blocks, and may change hotkey but not subnet; with alpha given to
another coldkey its lock goes along. Source: ``economics`` section 4.8; conviction is not reckoned here.
"""

from typing import Any, Final

from chain.runtime import items
from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import failed
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import pools, positions

_MODULE: Final = "SubtensorModule"
_LOCK: Final = f"{_MODULE}.Lock"
_HOTKEY: Final = f"{items.PRIVATE}.LockedTo"
_SCALE_BITS: Final = 96
_ONE: Final = 1 << _SCALE_BITS
_TERMS: Final = 40
_NOTHING_LEFT: Final = 64
"""After so many times the unlock rate less than a rao of any amount is left."""


def melted(mass: int, *, blocks: int, rate: int) -> int:
    """Return ``mass * exp(-blocks / rate)`` in rao, rounded down, so the holder gains; exact to a rao or two."""
    if rate == 0 or blocks >= _NOTHING_LEFT * rate:
        return 0
    halvings = 0
    exponent = (blocks << _SCALE_BITS) // rate
    while exponent > _ONE:
        exponent >>= 1
        halvings += 1
    total = term = _ONE
    for number in range(1, _TERMS):
        term = -(term * exponent >> _SCALE_BITS) // number
        total += term
    for _ in range(halvings):
        total = total * total >> _SCALE_BITS
    return mass * total >> _SCALE_BITS


def locked(view: Overlay | State, coldkey: bytes, netuid: int) -> int:
    """Return the alpha that a coldkey cannot take out of a subnet now, rao."""
    hotkey = view.get(_HOTKEY, coldkey, netuid)
    if hotkey is None:
        return 0
    state = view.get(_LOCK, coldkey, netuid, hotkey)
    blocks = max(view.get("System.Number") - state["last_update"], 0)
    return melted(state["locked_mass"], blocks=blocks, rate=view.get(f"{_MODULE}.UnlockRate"))


def available(view: Overlay | State, coldkey: bytes, netuid: int, amount: int) -> bool:
    """Tell whether a coldkey may take so much of its alpha out of a subnet."""
    held_back = locked(view, coldkey, netuid)
    return held_back == 0 or amount + held_back <= total_alpha(view, coldkey, netuid)


def require_available(view: Overlay | State, coldkey: bytes, netuid: int, amount: int) -> None:
    """Raise ``DispatchFailed`` unless a coldkey may take so much of its alpha out of a subnet."""
    if not available(view, coldkey, netuid, amount):
        raise failed(_MODULE, "StakeUnavailable")


def carry(overlay: Overlay, source: bytes, target: bytes, netuid: int, amount: int) -> None:
    """Let the lock of alpha that another coldkey is about to get go along, as far as unlocked alpha is not enough.

    Raises ``DispatchFailed`` where the other coldkey has a lock for another hotkey.
    """
    held_back = locked(overlay, source, netuid)
    if held_back == 0 or source == target:
        return
    moved = max(amount + held_back - total_alpha(overlay, source, netuid), 0)
    if moved == 0:
        return
    hotkey = overlay.get(_HOTKEY, source, netuid)
    _require_same(overlay, target, netuid, hotkey)
    _put(overlay, source, netuid, hotkey, held_back - moved)
    _put(overlay, target, netuid, hotkey, locked(overlay, target, netuid) + moved)


def total_alpha(view: Overlay | State, coldkey: bytes, netuid: int) -> int:
    """Return all alpha of a coldkey on a subnet, under whichever hotkey, rao."""
    hotkeys = positions.staking_hotkeys(view, coldkey)
    return sum(positions.stake_of(view, hotkey, coldkey, netuid) for hotkey in hotkeys)


def rename_coldkey(overlay: Overlay, netuid: int, old: bytes, new: bytes) -> None:
    """Give a coldkey's lock to its successor."""
    hotkey = overlay.get(_HOTKEY, old, netuid)
    if hotkey is not None:
        mass = locked(overlay, old, netuid)
        _put(overlay, old, netuid, hotkey, 0)
        _put(overlay, new, netuid, hotkey, mass)


def rename_hotkey(overlay: Overlay, netuid: int, old: bytes, new: bytes) -> None:
    """Let all locks in favour of a hotkey be in favour of its successor."""
    for coldkey, subnet, hotkey in sorted(overlay.entries(_LOCK)):
        if (subnet, hotkey) == (netuid, old):
            mass = locked(overlay, coldkey, netuid)
            _put(overlay, coldkey, netuid, old, 0)
            _put(overlay, coldkey, netuid, new, mass)


def call_lock_stake(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Lock alpha that one has, in favour of a hotkey; a second lock adds to the first."""
    coldkey, overlay = signed(origin), context.overlay
    hotkey, netuid, amount = args["hotkey"], args["netuid"], args["amount"]
    if not pools.exists(overlay, netuid):
        raise failed(_MODULE, "SubnetNotExists")
    if not positions.hotkey_exists(overlay, hotkey):
        raise failed(_MODULE, "HotKeyAccountNotExists")
    if amount == 0:
        raise failed(_MODULE, "AmountTooLow")
    _require_same(overlay, coldkey, netuid, hotkey)
    mass = locked(overlay, coldkey, netuid) + amount
    if mass > total_alpha(overlay, coldkey, netuid):
        raise failed(_MODULE, "InsufficientStakeForLock")
    _put(overlay, coldkey, netuid, hotkey, mass)
    fields = {"coldkey": coldkey, "hotkey": hotkey, "netuid": netuid, "amount": amount}
    context.emit(_MODULE, "StakeLocked", fields)


def call_move_lock(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Turn a lock to another hotkey; what is left of it stays locked."""
    coldkey, overlay = signed(origin), context.overlay
    hotkey, netuid = args["destination_hotkey"], args["netuid"]
    old = overlay.get(_HOTKEY, coldkey, netuid)
    if old is None:
        raise failed(_MODULE, "NoExistingLock")
    if not positions.hotkey_exists(overlay, hotkey):
        raise failed(_MODULE, "HotKeyAccountNotExists")
    mass = locked(overlay, coldkey, netuid)
    _put(overlay, coldkey, netuid, old, 0)
    _put(overlay, coldkey, netuid, hotkey, mass)


def _require_same(overlay: Overlay, coldkey: bytes, netuid: int, hotkey: bytes) -> None:
    if locked(overlay, coldkey, netuid) and overlay.get(_HOTKEY, coldkey, netuid) != hotkey:
        raise failed(_MODULE, "LockHotkeyMismatch")


def _put(overlay: Overlay, coldkey: bytes, netuid: int, hotkey: bytes, mass: int) -> None:
    """Write a lock as of this block; one of nothing is forgotten, and so is a melted one for another hotkey."""
    old = overlay.get(_HOTKEY, coldkey, netuid)
    if old is not None:
        overlay.delete(_LOCK, coldkey, netuid, old)
        overlay.delete(_HOTKEY, coldkey, netuid)
    if mass:
        state = {"locked_mass": mass, "conviction": {"bits": 0}, "last_update": overlay.get("System.Number")}
        overlay.put(_LOCK, coldkey, netuid, hotkey, state)
        overlay.put(_HOTKEY, coldkey, netuid, hotkey)


CALLS: Final = {
    (_MODULE, "lock_stake"): call_lock_stake,
    (_MODULE, "move_lock"): call_move_lock,
}
