"""Stake positions as clients see them: by coldkey, by position, and how much of each can be moved."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from chain.runtime.state import State
from chain.runtime.subtensor import locks, positions, subnets

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


STAKE_CALLS: Final[dict[str, Callable[..., Any]]] = {
    "StakeInfoRuntimeApi_get_stake_info_for_coldkey": _for_coldkey,
    "StakeInfoRuntimeApi_get_stake_info_for_coldkeys": _for_coldkeys,
    "StakeInfoRuntimeApi_get_stake_info_for_hotkey_coldkey_netuid": _for_position,
    "StakeInfoRuntimeApi_get_stake_availability_for_coldkeys": _availability,
}
