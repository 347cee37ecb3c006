"""The list of subnets, which of them take part in emission, and the decay of their registration price."""

from typing import Final

from chain.runtime import items
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import pools, prices
from chain.runtime.subtensor.pools import ROOT_NETUID

_SUBNETS: Final = f"{items.PRIVATE}.Subnets"


def netuids(view: Overlay | State) -> list[int]:
    """Return all networks, root first, ascending."""
    found: list[int] = view.get(_SUBNETS)
    return found


def insert(overlay: Overlay, netuid: int) -> None:
    """Add a network to the list."""
    _store(overlay, sorted([*netuids(overlay), netuid]))


def remove(overlay: Overlay, netuid: int) -> None:
    """Take a network from the list."""
    _store(overlay, [other for other in netuids(overlay) if other != netuid])


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
    factor = prices.decay_factor(prices.HALF_LIFE)
    for netuid in netuids(overlay):
        if netuid == ROOT_NETUID:
            continue
        price = overlay.get("SubtensorModule.Burn", netuid)
        low, high = (overlay.get(f"SubtensorModule.{name}", netuid) for name in ("MinBurn", "MaxBurn"))
        lowered = prices.decayed(price, factor, low=low, high=high)
        if lowered != price:
            overlay.put("SubtensorModule.Burn", netuid, lowered)


def _store(overlay: Overlay, found: list[int]) -> None:
    overlay.put(_SUBNETS, found)
    overlay.put("SubtensorModule.TotalNetworks", len(found))
