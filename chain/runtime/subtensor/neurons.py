"""The slots of a subnet: giving one to a hotkey, and choosing whose slot is taken when all are full.

Source: ``economics`` section 5.1.
"""

from collections.abc import Callable
from typing import Any, Final

from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import mechanisms

_MODULE: Final = "SubtensorModule"
_COMMITS: Final = f"{_MODULE}.WeightCommits"
_TIMELOCKED: Final = f"{_MODULE}.TimelockedWeightCommits"
VECTORS: Final[dict[str, Any]] = {
    "Active": True,
    "ValidatorPermit": False,
    "Consensus": 0,
    "Dividends": 0,
    "Emission": 0,
    "ValidatorTrust": 0,
}
"""What stands under a new neuron's number in the vectors of its subnet."""
SERVED: Final = ("Axons", "Prometheus")
"""Items that tell where a hotkey can be reached on a subnet."""


def count(view: Overlay | State, netuid: int) -> int:
    """Return how many neurons a subnet has."""
    number: int = view.get(f"{_MODULE}.SubnetworkN", netuid)
    return number


def is_full(view: Overlay | State, netuid: int) -> bool:
    """Tell whether a new neuron would have to take another's slot."""
    return bool(count(view, netuid) >= view.get(f"{_MODULE}.MaxAllowedUids", netuid))


def uid_of(view: Overlay | State, netuid: int, hotkey: bytes) -> int | None:
    """Return the number of a hotkey on a subnet, or ``None``."""
    uid: int | None = view.get(f"{_MODULE}.Uids", netuid, hotkey)
    return uid


def hotkey_at(view: Overlay | State, netuid: int, uid: int) -> bytes:
    """Return the hotkey in a slot."""
    hotkey: bytes = view.get(f"{_MODULE}.Keys", netuid, uid)
    return hotkey


def add(overlay: Overlay, netuid: int, hotkey: bytes, block: int) -> int:
    """Give a hotkey the next free slot and return its number."""
    uid = count(overlay, netuid)
    overlay.put(f"{_MODULE}.SubnetworkN", netuid, uid + 1)
    _settle(overlay, netuid, uid, hotkey, block)
    return uid


def replace(overlay: Overlay, netuid: int, uid: int, hotkey: bytes, block: int) -> None:
    """Give a slot to another hotkey; what the old one has earned stays its own, its weights and bonds go."""
    forget(overlay, netuid, hotkey_at(overlay, netuid, uid))
    for index in mechanisms.indices(overlay, netuid):
        for name in ("Weights", "Bonds"):
            overlay.delete(f"{_MODULE}.{name}", index, uid)
        _ignore(overlay, index, uid, count(overlay, netuid))
    _settle(overlay, netuid, uid, hotkey, block)


def forget(overlay: Overlay, netuid: int, hotkey: bytes) -> None:
    """Remove what is stored of a neuron under its hotkey."""
    overlay.delete(f"{_MODULE}.Uids", netuid, hotkey)
    overlay.delete(f"{_MODULE}.IsNetworkMember", hotkey, netuid)
    for name in ("AlphaDividendsPerSubnet", "RootAlphaDividendsPerSubnet", *SERVED):
        overlay.delete(f"{_MODULE}.{name}", netuid, hotkey)
    for index in mechanisms.indices(overlay, netuid):
        overlay.delete(_COMMITS, index, hotkey)


def rename(overlay: Overlay, netuid: int, old: bytes, new: bytes) -> None:
    """Put a new hotkey in the slot of an old one with all that stands under its number."""
    uid = uid_of(overlay, netuid, old)
    if uid is None:
        return
    overlay.delete(f"{_MODULE}.Uids", netuid, old)
    overlay.delete(f"{_MODULE}.IsNetworkMember", old, netuid)
    _enter(overlay, netuid, uid, new)
    for name in SERVED:
        served = overlay.get(f"{_MODULE}.{name}", netuid, old)
        if served is not None:
            overlay.delete(f"{_MODULE}.{name}", netuid, old)
            overlay.put(f"{_MODULE}.{name}", netuid, new, served)
    for index in mechanisms.indices(overlay, netuid):
        commits = overlay.get(_COMMITS, index, old)
        if commits is not None:
            overlay.delete(_COMMITS, index, old)
            overlay.put(_COMMITS, index, new, commits)
        for keys, sealed in overlay.iter_prefix(_TIMELOCKED, index):
            if any(who == old for who, *_ in sealed):
                renamed = [(new if who == old else who, *rest) for who, *rest in sealed]
                overlay.put(_TIMELOCKED, *keys, renamed)


def to_replace(view: Overlay | State, netuid: int, block: int) -> int | None:
    """Return whose slot a new neuron takes: of those with the least emission the earliest, or ``None``.

    Neurons in their immunity period are taken only where few others are left; some of the owner's never.
    """
    kept = kept_for_owner(view, netuid)
    emission = view.get(f"{_MODULE}.Emission", netuid)
    immunity = view.get(f"{_MODULE}.ImmunityPeriod", netuid)
    immune, others = list[tuple[int, int, int]](), list[tuple[int, int, int]]()
    for uid in range(count(view, netuid)):
        if hotkey_at(view, netuid, uid) in kept:
            continue
        registered = view.get(f"{_MODULE}.BlockAtRegistration", netuid, uid)
        rank = (emission[uid] if uid < len(emission) else 0, registered, uid)
        (immune if block - registered < immunity else others).append(rank)
    if len(others) > view.get(f"{_MODULE}.MinNonImmuneUids", netuid):
        return min(others)[2]
    return min(immune)[2] if immune else None


def least(view: Overlay | State, netuid: int, worth: Callable[[bytes], int]) -> tuple[int, int]:
    """Return ``(worth, uid)`` of the neuron that is worth least; the subnet has at least one."""
    return min((worth(hotkey_at(view, netuid, uid)), uid) for uid in range(count(view, netuid)))


def kept_for_owner(view: Overlay | State, netuid: int) -> set[bytes]:
    """Return the owner's hotkeys that keep their slots: the subnet's own first, then the earliest registered."""
    owner = view.get(f"{_MODULE}.SubnetOwner", netuid)
    own = view.get(f"{_MODULE}.SubnetOwnerHotkey", netuid)
    ranked = []
    for hotkey in {own, *view.get(f"{_MODULE}.OwnedHotkeys", owner)}:
        uid = uid_of(view, netuid, hotkey)
        if uid is not None:
            registered = view.get(f"{_MODULE}.BlockAtRegistration", netuid, uid)
            ranked.append((hotkey != own, registered, uid, hotkey))
    return {hotkey for *_, hotkey in sorted(ranked)[: view.get(f"{_MODULE}.ImmuneOwnerUidsLimit", netuid)]}


def _settle(overlay: Overlay, netuid: int, uid: int, hotkey: bytes, block: int) -> None:
    _enter(overlay, netuid, uid, hotkey)
    overlay.put(f"{_MODULE}.BlockAtRegistration", netuid, uid, block)
    for name, value in VECTORS.items():
        _put_at(overlay, f"{_MODULE}.{name}", netuid, uid, value)
    for index in mechanisms.indices(overlay, netuid):
        _put_at(overlay, f"{_MODULE}.LastUpdate", index, uid, block)
        _put_at(overlay, f"{_MODULE}.Incentive", index, uid, 0)


def _put_at(overlay: Overlay, item: str, index: int, uid: int, value: Any) -> None:
    vector = list(overlay.get(item, index))
    vector += [False if isinstance(value, bool) else 0] * (uid + 1 - len(vector))
    vector[uid] = value
    overlay.put(item, index, vector)


def _ignore(overlay: Overlay, index: int, uid: int, size: int) -> None:
    """Set every weight on a neuron to 0; the entries stay, as the reference has it (``yuma`` section 5)."""
    for row in range(size):
        weights = overlay.get(f"{_MODULE}.Weights", index, row)
        if any(column == uid and value for column, value in weights):
            cleared = [(column, 0 if column == uid else value) for column, value in weights]
            overlay.put(f"{_MODULE}.Weights", index, row, cleared)


def _enter(overlay: Overlay, netuid: int, uid: int, hotkey: bytes) -> None:
    overlay.put(f"{_MODULE}.Keys", netuid, uid, hotkey)
    overlay.put(f"{_MODULE}.Uids", netuid, hotkey, uid)
    overlay.put(f"{_MODULE}.IsNetworkMember", hotkey, netuid, True)
