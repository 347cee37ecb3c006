"""Fewer slots for a subnet: the neurons that earn least lose theirs, those that stay move up with all they have.

Nobody in its immunity period loses a slot, nor the owner's own hotkeys. Weights and bonds on those that go are dropped,
those on the others follow their new numbers.
"""

from typing import Any, Final

from chain.runtime.errors import failed
from chain.runtime.state import Overlay
from chain.runtime.subtensor import mechanisms, neurons

IMMUNE_PERCENT_MAX: Final = 80
"""Immune neurons have to be fewer than this part of the slots that are left."""
_MODULE: Final = "SubtensorModule"
_ROWS: Final = ("Weights", "Bonds")
_BY_MECHANISM: Final = ("LastUpdate", "Incentive")


def trim(overlay: Overlay, netuid: int, slots: int, block: int) -> None:
    """Set the number of slots and take those of too many neurons, the least emission first, then the later number.

    Raises ``DispatchFailed``: ``InvalidValue`` for a number outside of the present bounds, and
    ``TrimmingWouldExceedMaxImmunePercentage``.
    """
    low, high = (overlay.get(f"{_MODULE}.{name}", netuid) for name in ("MinAllowedUids", "MaxAllowedUids"))
    if not low <= slots <= high:
        raise failed(_MODULE, "InvalidValue")
    size = neurons.count(overlay, netuid)
    if size > slots:
        immune = _immune(overlay, netuid, size, block)
        if 100 * len(immune) >= IMMUNE_PERCENT_MAX * slots:
            raise failed(_MODULE, "TrimmingWouldExceedMaxImmunePercentage")
        _keep(overlay, netuid, size, _chosen(overlay, netuid, size, slots, immune))
    overlay.put(f"{_MODULE}.MaxAllowedUids", netuid, slots)


def _immune(overlay: Overlay, netuid: int, size: int, block: int) -> set[int]:
    kept = neurons.kept_for_owner(overlay, netuid)
    immunity = overlay.get(f"{_MODULE}.ImmunityPeriod", netuid)
    return {
        uid
        for uid in range(size)
        if block - overlay.get(f"{_MODULE}.BlockAtRegistration", netuid, uid) < immunity
        or neurons.hotkey_at(overlay, netuid, uid) in kept
    }


def _chosen(overlay: Overlay, netuid: int, size: int, slots: int, immune: set[int]) -> list[int]:
    """Return the numbers that stay, ascending."""
    emission = overlay.get(f"{_MODULE}.Emission", netuid)
    ranked = sorted(range(size), key=lambda uid: (emission[uid] if uid < len(emission) else 0, -uid))
    gone = set([uid for uid in ranked if uid not in immune][: size - slots])
    return [uid for uid in range(size) if uid not in gone]


def _keep(overlay: Overlay, netuid: int, size: int, chosen: list[int]) -> None:
    """Give the chosen neurons the numbers from 0 on, in their order, and remove all others."""
    place = {uid: number for number, uid in enumerate(chosen)}
    hotkeys = [neurons.hotkey_at(overlay, netuid, uid) for uid in range(size)]
    registered = [overlay.get(f"{_MODULE}.BlockAtRegistration", netuid, uid) for uid in range(size)]
    for uid in range(size):
        if uid not in place:
            neurons.forget(overlay, netuid, hotkeys[uid])
    for name in (*neurons.VECTORS, "StakeWeight"):
        _shorten(overlay, f"{_MODULE}.{name}", netuid, chosen)
    for index in mechanisms.indices(overlay, netuid):
        for name in _BY_MECHANISM:
            _shorten(overlay, f"{_MODULE}.{name}", index, chosen)
        for name in _ROWS:
            _move_rows(overlay, f"{_MODULE}.{name}", index, size, place)
    for number, uid in enumerate(chosen):
        overlay.put(f"{_MODULE}.Keys", netuid, number, hotkeys[uid])
        overlay.put(f"{_MODULE}.Uids", netuid, hotkeys[uid], number)
        overlay.put(f"{_MODULE}.BlockAtRegistration", netuid, number, registered[uid])
    for number in range(len(chosen), size):
        overlay.delete(f"{_MODULE}.Keys", netuid, number)
        overlay.delete(f"{_MODULE}.BlockAtRegistration", netuid, number)
    overlay.put(f"{_MODULE}.SubnetworkN", netuid, len(chosen))


def _shorten(overlay: Overlay, item: str, index: int, chosen: list[int]) -> None:
    vector: list[Any] = overlay.get(item, index)
    overlay.put(item, index, [vector[uid] for uid in chosen if uid < len(vector)])


def _move_rows(overlay: Overlay, item: str, index: int, size: int, place: dict[int, int]) -> None:
    rows = {uid: overlay.get(item, index, uid) for uid in range(size)}
    for uid in range(size):
        overlay.delete(item, index, uid)
    for uid, number in place.items():
        row = [(place[column], value) for column, value in rows[uid] if column in place]
        if row:
            overlay.put(item, index, number, row)
