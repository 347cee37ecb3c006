"""Delegates as clients see them: hotkeys that others stake under, what they own, and what their epochs bring a day."""

from collections.abc import Callable
from typing import Any, Final

from chain.runtime.fixed_point import U64_MAX
from chain.runtime.state import State
from chain.runtime.subtensor import positions, subnets
from chain.runtime.subtensor.pools import RAO_PER_WHOLE, ROOT_NETUID

BLOCKS_PER_DAY: Final = 7_200
"""Of 12 s, as the reference counts a day whatever the chain's own pace is."""
_MODULE: Final = "SubtensorModule"
_U16_MAX: Final = 65_535
_RETURN_BASE: Final = 1_000 * RAO_PER_WHOLE

_Nominators = dict[bytes, list[tuple[int, int]]]


def delegates_of(state: State) -> list[bytes]:
    """Return the hotkeys that are delegates, ascending: those with a take of their own, and those with root stake."""
    found = {keys[0] for keys in state.entries(f"{_MODULE}.Delegates")}
    staked = state.entries(f"{_MODULE}.TotalHotkeyAlpha")
    return sorted(found | {hotkey for hotkey, netuid in staked if netuid == ROOT_NETUID})


def return_per_1000(*, take: int, root_stake: int, daily: int) -> int:
    """Return the rao that a day brings to 1 000 TAO on root after the take (parts of 65 535), rounded down.

    ``daily`` is the delegate's whole emission of a day and ``root_stake`` all TAO under it, both in rao; nothing where
    nothing is staked. The rounding is shown only and pays nobody.
    """
    return daily * (_U16_MAX - take) * _RETURN_BASE // (_U16_MAX * root_stake) if root_stake else 0


def _get_delegates(state: State) -> list[dict[str, Any]]:
    found = delegates_of(state)
    nominators: dict[bytes, _Nominators] = {hotkey: {} for hotkey in found}
    # One pass over all positions: asking for each delegate alone would be one pass for each.
    for hotkey, coldkey, netuid in sorted(state.entries(f"{_MODULE}.AlphaV2")):
        if hotkey in nominators:
            _note(state, nominators[hotkey], hotkey, coldkey, netuid)
    return [_delegate_info(state, hotkey, nominators[hotkey]) for hotkey in found]


def _get_delegate(state: State, hotkey: bytes) -> dict[str, Any] | None:
    if not _is_delegate(state, hotkey):
        return None
    nominators: _Nominators = {}
    for _, coldkey, netuid in sorted(state.entries(f"{_MODULE}.AlphaV2", (hotkey,))):
        _note(state, nominators, hotkey, coldkey, netuid)
    return _delegate_info(state, hotkey, nominators)


def _get_delegated(state: State, coldkey: bytes) -> list[tuple[dict[str, Any], tuple[int, int]]]:
    """Return the delegates a coldkey has stake under, once per subnet, without their other nominators."""
    found = []
    for hotkey in sorted(positions.staking_hotkeys(state, coldkey)):
        if not _is_delegate(state, hotkey):
            continue
        info = _delegate_info(state, hotkey, {})
        for netuid in subnets.netuids(state):
            stake = positions.stake_of(state, hotkey, coldkey, netuid)
            if stake:
                found.append((info, (netuid, stake)))
    return found


def _is_delegate(state: State, hotkey: bytes) -> bool:
    staked = state.contains(f"{_MODULE}.TotalHotkeyAlpha", hotkey, ROOT_NETUID)
    return staked or state.contains(f"{_MODULE}.Delegates", hotkey)


def _note(state: State, nominators: _Nominators, hotkey: bytes, coldkey: bytes, netuid: int) -> None:
    stake = positions.stake_of(state, hotkey, coldkey, netuid)
    if stake:
        nominators.setdefault(coldkey, []).append((netuid, stake))


def _delegate_info(state: State, hotkey: bytes, nominators: _Nominators) -> dict[str, Any]:
    registrations, permits, daily = [], [], 0
    for netuid in subnets.netuids(state):
        uid = state.get(f"{_MODULE}.Uids", netuid, hotkey)
        if uid is None:
            continue
        registrations.append(netuid)
        if _at(state.get(f"{_MODULE}.ValidatorPermit", netuid), uid):
            permits.append(netuid)
        tempo = state.get(f"{_MODULE}.Tempo", netuid)
        if tempo:
            daily += int(_at(state.get(f"{_MODULE}.Emission", netuid), uid)) * BLOCKS_PER_DAY // tempo
    take = state.get(f"{_MODULE}.Delegates", hotkey)
    root_stake = positions.pool_value(state, hotkey, ROOT_NETUID)
    return {
        "delegate_ss58": hotkey,
        "take": take,
        "nominators": list(nominators.items()),
        "owner_ss58": positions.owner_of(state, hotkey),
        "registrations": registrations,
        "validator_permits": permits,
        "return_per_1000": min(return_per_1000(take=take, root_stake=root_stake, daily=daily), U64_MAX),
        "total_daily_return": min(daily, U64_MAX),
    }


def _at(vector: list[Any], uid: int) -> Any:
    """Return a neuron's entry; a vector from before its registration may be too short."""
    return vector[uid] if uid < len(vector) else 0


DELEGATE_CALLS: Final[dict[str, Callable[..., Any]]] = {
    "DelegateInfoRuntimeApi_get_delegates": _get_delegates,
    "DelegateInfoRuntimeApi_get_delegate": _get_delegate,
    "DelegateInfoRuntimeApi_get_delegated": _get_delegated,
}
