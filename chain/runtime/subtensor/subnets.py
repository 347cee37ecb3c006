"""The list of subnets, which of them take part in emission, and the decay of their registration price."""

from functools import lru_cache
from typing import Final

from chain.runtime import items
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import pools
from chain.runtime.subtensor.pools import ROOT_NETUID

_SUBNETS: Final = f"{items.PRIVATE}.Subnets"
HALF_LIFE: Final = 360
"""Blocks in which a registration price halves."""
_ONE_Q32: Final = 1 << 32


def netuids(view: Overlay | State) -> list[int]:
    """Return all networks, root first, ascending."""
    found: list[int] = view.get(_SUBNETS)
    return found


def eligible(overlay: Overlay) -> list[int]:
    """Return the subnets that take part in emission, ascending (``economics`` section 3.1)."""
    return [
        netuid
        for netuid in netuids(overlay)
        if netuid != ROOT_NETUID
        and overlay.get("SubtensorModule.FirstEmissionBlockNumber", netuid) is not None
        and pools.is_enabled(overlay, netuid)
        and overlay.get("SubtensorModule.NetworkRegistrationAllowed", netuid)
    ]


def decay_registration_prices(overlay: Overlay) -> None:
    """Lower each subnet's registration price by a block's part of its half-life, within its bounds."""
    factor = decay_factor(HALF_LIFE)
    for netuid in netuids(overlay):
        if netuid == ROOT_NETUID:
            continue
        price = overlay.get("SubtensorModule.Burn", netuid)
        low, high = (overlay.get(f"SubtensorModule.{name}", netuid) for name in ("MinBurn", "MaxBurn"))
        lowered = decayed(price, factor, low=low, high=high)
        if lowered != price:
            overlay.put("SubtensorModule.Burn", netuid, lowered)


def decayed(price: int, factor_q32: int, *, low: int, high: int) -> int:
    """Return a registration price one block later, rounded down, within its bounds."""
    return min(max(price * factor_q32 >> 32, low), high)


@lru_cache(maxsize=64)
def decay_factor(half_life: int) -> int:
    """Return what a price is multiplied with each block, Q32 (``economics`` section 5.1)."""
    if half_life == 0:
        return _ONE_Q32
    low, high = 0, _ONE_Q32
    while low + 1 < high:
        middle = low + (high - low) // 2
        if _power(middle, half_life) > _ONE_Q32 // 2:
            high = middle
        else:
            low = middle
    return low


def _power(base: int, exponent: int) -> int:
    result = _ONE_Q32
    while exponent:
        if exponent & 1:
            result = result * base >> 32
        base = base * base >> 32
        exponent >>= 1
    return result
