"""Stake positions as clients see them: by coldkey, by position, and how much of each can be moved."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from amm.reference import fee_on_total
from chain.runtime.state import State
from chain.runtime.subtensor import locks, pools, positions, subnets
from chain.runtime.subtensor.pools import ROOT_NETUID

_MODULE: Final = "SubtensorModule"


def stakes_of(state: State, coldkey: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield ``(hotkey, netuid, rao of alpha)`` of all positions of a coldkey, by netuid, then by first stake."""
    hotkeys = positions.staking_hotkeys(state, coldkey)
    for netuid in subnets.netuids(state):
        for hotkey in hotkeys:
            stake = positions.stake_of(state, hotkey, coldkey, netuid)
            if stake:
                yield hotkey, netuid, stake


def _stake_info(state: State, hotkey: bytes, coldkey: bytes, netuid: int, stake: int) -> dict[str, Any]:
    return {
        "hotkey": hotkey,
        "coldkey": coldkey,
        "netuid": netuid,
        "stake": stake,
        "locked": 0,
        "emission": state.get(f"{_MODULE}.AlphaDividendsPerSubnet", netuid, hotkey),
        "tao_emission": state.get(f"{_MODULE}.RootAlphaDividendsPerSubnet", netuid, hotkey),
        "drain": 0,
        "is_registered": state.get(f"{_MODULE}.IsNetworkMember", hotkey, netuid),
    }


def _for_coldkey(state: State, coldkey: bytes) -> list[dict[str, Any]]:
    return [_stake_info(state, hotkey, coldkey, netuid, stake) for hotkey, netuid, stake in stakes_of(state, coldkey)]


def _for_coldkeys(state: State, coldkeys: list[bytes]) -> list[tuple[bytes, list[dict[str, Any]]]]:
    return [(coldkey, _for_coldkey(state, coldkey)) for coldkey in coldkeys]


def _for_position(state: State, hotkey: bytes, coldkey: bytes, netuid: int) -> dict[str, Any]:
    """Return a position, be it empty: clients ask before the first stake too."""
    return _stake_info(state, hotkey, coldkey, netuid, positions.stake_of(state, hotkey, coldkey, netuid))


def _availability(
    state: State, coldkeys: list[bytes], netuids: list[int] | None
) -> dict[bytes, dict[int, dict[str, int]]]:
    """Return what each coldkey has on each subnet, and how much of it cannot be moved."""
    found: dict[bytes, dict[int, dict[str, int]]] = {}
    for coldkey in coldkeys:
        totals: dict[int, int] = {}
        for _, netuid, stake in stakes_of(state, coldkey):
            if netuids is None or netuid in netuids:
                totals[netuid] = totals.get(netuid, 0) + stake
        found[coldkey] = {netuid: _parts(state, coldkey, netuid, total) for netuid, total in totals.items()}
    return found


def _parts(state: State, coldkey: bytes, netuid: int, total: int) -> dict[str, int]:
    locked = min(locks.locked(state, coldkey, netuid), total)
    return {"total": total, "locked": locked, "available": total - locked}


def _stake_fee(
    state: State,
    origin: tuple[bytes, int] | None,
    _origin_coldkey: bytes,
    destination: tuple[bytes, int] | None,
    _destination_coldkey: bytes,
    amount: int,
) -> int:
    """Return the swap fee of adding, removing or moving stake, in the unit of ``amount``, rounded down for the staker.

    It is charged once: on the sale, or, when TAO comes in or from root, on the purchase. Nothing is paid within one
    subnet, on root, and on a subnet that is not there.
    """
    source = origin[1] if origin else ROOT_NETUID
    target = destination[1] if destination else ROOT_NETUID
    charging = target if source == ROOT_NETUID else source
    if source == target or not pools.is_dynamic(state, charging):
        return 0
    return fee_on_total(amount, pools.pool_of(state, charging).fee_rate)


STAKE_CALLS: Final[dict[str, Callable[..., Any]]] = {
    "StakeInfoRuntimeApi_get_stake_info_for_coldkey": _for_coldkey,
    "StakeInfoRuntimeApi_get_stake_info_for_coldkeys": _for_coldkeys,
    "StakeInfoRuntimeApi_get_stake_info_for_hotkey_coldkey_netuid": _for_position,
    "StakeInfoRuntimeApi_get_stake_availability_for_coldkeys": _availability,
    "StakeInfoRuntimeApi_get_stake_fee": _stake_fee,
}
