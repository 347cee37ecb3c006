"""The incentive tables of a subnet in the state: how many there are, where each is stored, and how they share.

Each mechanism has its own weights, bonds, last updates, incentives and commits, stored under ``netuid + 4096 *
mechanism``; stake, permits and parameters are the subnet's. Source: ``yuma`` section 9.
"""

from collections.abc import Sequence
from typing import Final

from chain.runtime.errors import failed
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import pools
from chain.runtime.yuma.mechanisms import MECHANISMS_MAX, U16_MAX, split_mechanism_emission

KEY_STEP: Final = 4_096
"""Distance between the storage numbers of two mechanisms of one subnet."""
_MODULE: Final = "SubtensorModule"
_COUNT: Final = f"{_MODULE}.MechanismCountCurrent"
_SPLIT: Final = f"{_MODULE}.MechanismEmissionSplit"
_ITEMS: Final = tuple(
    f"{_MODULE}.{name}"
    for name in ("Weights", "Bonds", "LastUpdate", "Incentive", "WeightCommits", "TimelockedWeightCommits")
)
"""Items whose first key is a mechanism's storage number."""


def index_of(netuid: int, mecid: int) -> int:
    """Return the storage number of a subnet's mechanism."""
    return netuid + KEY_STEP * mecid


def count(view: Overlay | State, netuid: int) -> int:
    """Return how many mechanisms a subnet has, at least one."""
    number: int = view.get(_COUNT, netuid)
    return number


def indices(view: Overlay | State, netuid: int) -> list[int]:
    """Return the storage numbers of all mechanisms of a subnet, in order."""
    return [index_of(netuid, mecid) for mecid in range(count(view, netuid))]


def exists(view: Overlay | State, netuid: int, mecid: int) -> bool:
    """Tell whether a subnet is there and has this mechanism."""
    return pools.exists(view, netuid) and mecid < count(view, netuid)


def emissions(view: Overlay | State, netuid: int, emission: int) -> list[int]:
    """Return each mechanism's part of an epoch's emission, rao; the first gains what rounding leaves."""
    return split_mechanism_emission(emission, mechanisms=count(view, netuid), split=view.get(_SPLIT, netuid))


def set_count(overlay: Overlay, netuid: int, number: int) -> None:
    """Set the number of mechanisms, 1 to 16; removed ones lose their state, and any change ends the split.

    Raises ``DispatchFailed`` with ``InvalidValue``.
    """
    if not 1 <= number <= MECHANISMS_MAX:
        raise failed("AdminUtils", "InvalidValue")
    before = count(overlay, netuid)
    if number == before:
        return
    for mecid in range(number, before):
        clear(overlay, index_of(netuid, mecid))
    overlay.put(_COUNT, netuid, number)
    overlay.delete(_SPLIT, netuid)
    for index in indices(overlay, netuid)[before:]:
        # A neuron that was there before the table begins with no update of it.
        size = overlay.get(f"{_MODULE}.SubnetworkN", netuid)
        overlay.put(f"{_MODULE}.LastUpdate", index, [0] * size)
        overlay.put(f"{_MODULE}.Incentive", index, [0] * size)


def set_split(overlay: Overlay, netuid: int, split: Sequence[int] | None) -> None:
    """Set the proportions of 65 535 in which mechanisms share, which have to add up to it; ``None`` for equal parts.

    Raises ``DispatchFailed`` with ``InvalidValue``.
    """
    if split is None:
        overlay.delete(_SPLIT, netuid)
        return
    if not split or len(split) > count(overlay, netuid) or sum(split) != U16_MAX:
        raise failed("AdminUtils", "InvalidValue")
    overlay.put(_SPLIT, netuid, list(split))


def clear(overlay: Overlay, index: int) -> None:
    """Remove all state of one mechanism."""
    for item in _ITEMS:
        for keys in sorted(overlay.entries(item, (index,))):
            overlay.delete(item, *keys)


def clear_further(overlay: Overlay, netuid: int) -> None:
    """Remove all state of a subnet's mechanisms but the first, which is stored under the subnet's own number."""
    for index in indices(overlay, netuid)[1:]:
        clear(overlay, index)
