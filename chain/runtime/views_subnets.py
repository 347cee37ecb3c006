"""Prices, simulated swaps and the state of subnets as clients see them."""

from collections.abc import Callable
from typing import Any, Final

from amm.reference import Side
from chain.keys import subnet_account
from chain.runtime.declarations import TYPES
from chain.runtime.errors import DispatchFailed
from chain.runtime.fixed_point import U64_MAX
from chain.runtime.state import State
from chain.runtime.subtensor import epochs, networks, pools, subnets, tempo
from chain.runtime.subtensor.pools import RAO_PER_WHOLE
from chain.scale.types import Enum

_MODULE: Final = "SubtensorModule"
_NOTHING: Final = {
    "tao_amount": 0,
    "alpha_amount": 0,
    "tao_fee": 0,
    "alpha_fee": 0,
    "tao_slippage": 0,
    "alpha_slippage": 0,
}
"""The answer for a swap that the pool would refuse."""


def _current_alpha_price(state: State, netuid: int) -> int:
    """Return rao of TAO per whole alpha, rounded down; 10^9 for root."""
    return min(pools.price_q64(state, netuid) * RAO_PER_WHOLE >> 64, U64_MAX)


def _current_alpha_price_all(state: State) -> list[dict[str, int]]:
    return [{"netuid": netuid, "price": _current_alpha_price(state, netuid)} for netuid in subnets.netuids(state)]


def _sim_swap_tao_for_alpha(state: State, netuid: int, tao: int) -> dict[str, int]:
    """Return what a buy without limit would do; slippage is against the spot price."""
    try:
        swapped = pools.quote(state, netuid, Side.BUY, tao)
    except DispatchFailed:
        return _NOTHING
    price = pools.price_q64(state, netuid)
    ideal = min((tao << 64) // price, U64_MAX) if price else 0
    return {
        **_NOTHING,
        "tao_amount": swapped.amount_in,
        "alpha_amount": swapped.amount_out,
        "tao_fee": swapped.fee,
        "alpha_slippage": max(ideal - swapped.amount_out, 0),
    }


def _sim_swap_alpha_for_tao(state: State, netuid: int, alpha: int) -> dict[str, int]:
    """Return what a sale without limit would do; slippage is against the spot price."""
    try:
        swapped = pools.quote(state, netuid, Side.SELL, alpha)
    except DispatchFailed:
        return _NOTHING
    ideal = min(pools.tao_worth(state, netuid, alpha), U64_MAX)
    return {
        **_NOTHING,
        "tao_amount": swapped.amount_out,
        "alpha_amount": swapped.amount_in,
        "alpha_fee": swapped.fee,
        "tao_slippage": max(ideal - swapped.amount_out, 0),
    }


def _dynamic_info(state: State, netuid: int) -> dict[str, Any] | None:
    if not pools.exists(state, netuid):
        return None

    def read(item: str) -> Any:
        return state.get(f"{_MODULE}.{item}", netuid)

    identity = read("SubnetIdentitiesV3")
    pending = state.get(epochs.PENDING_SERVER, netuid) + state.get(epochs.PENDING_VALIDATOR, netuid)
    return {
        "netuid": netuid,
        "owner_hotkey": read("SubnetOwnerHotkey"),
        "owner_coldkey": read("SubnetOwner"),
        "subnet_name": identity["subnet_name"] if identity else b"",
        "token_symbol": read("TokenSymbol"),
        "tempo": read("Tempo"),
        "last_step": read("LastMechansimStepBlock"),
        "blocks_since_last_step": read("BlocksSinceLastStep"),
        "emission": read("SubnetTaoInEmission"),
        "alpha_in": read("SubnetAlphaIn"),
        "alpha_out": read("SubnetAlphaOut"),
        "tao_in": read("SubnetTAO"),
        "alpha_out_emission": read("SubnetAlphaOutEmission"),
        "alpha_in_emission": read("SubnetAlphaInEmission"),
        "tao_in_emission": read("SubnetTaoInEmission"),
        "pending_alpha_emission": pending,
        "pending_root_emission": state.get(epochs.PENDING_ROOT, netuid),
        "subnet_volume": read("SubnetVolume"),
        "network_registered_at": read("NetworkRegisteredAt"),
        "subnet_identity": identity,
        "moving_price": read("SubnetMovingPrice"),
    }


def _all_dynamic_info(state: State) -> list[dict[str, Any] | None]:
    return [_dynamic_info(state, netuid) for netuid in subnets.netuids(state)]


def _subnet_account_id(state: State, netuid: int) -> bytes | None:
    return subnet_account(netuid) if pools.exists(state, netuid) else None


def _next_epoch_start_block(state: State, netuid: int) -> int | None:
    """Return the block of a subnet's next epoch; without a tempo there is none."""
    if not pools.exists(state, netuid):
        return None
    start = tempo.next_start(state, netuid)
    return None if start is None else max(start, state.get("System.Number") + 1)


def _network_registration_cost(state: State) -> int:
    """Return the rao that a subnet costs at this block; it falls with every block after it."""
    return networks.current_lock_cost(state, state.get("System.Number"))


def _auto_stake_hotkey(state: State, coldkey: bytes, netuid: int) -> bytes | None:
    hotkey: bytes | None = state.get(f"{_MODULE}.AutoStakeDestination", coldkey, netuid)
    return hotkey


def _proxy_types(state: State) -> list[dict[str, Any]]:  # noqa: ARG001 - as all methods
    declared = TYPES.definition("ProxyType")
    variants = declared.variants if isinstance(declared, Enum) else ()
    dead = {"Senate", "Triumvirate", "Governance", "RootWeights"}
    return [
        {"name": variant.name.encode(), "index": variant.index, "deprecated": variant.name in dead}
        for variant in variants
    ]


SUBNET_CALLS: Final[dict[str, Callable[..., Any]]] = {
    "SwapRuntimeApi_current_alpha_price": _current_alpha_price,
    "SwapRuntimeApi_current_alpha_price_all": _current_alpha_price_all,
    "SwapRuntimeApi_sim_swap_tao_for_alpha": _sim_swap_tao_for_alpha,
    "SwapRuntimeApi_sim_swap_alpha_for_tao": _sim_swap_alpha_for_tao,
    "SubnetInfoRuntimeApi_get_dynamic_info": _dynamic_info,
    "SubnetInfoRuntimeApi_get_all_dynamic_info": _all_dynamic_info,
    "SubnetInfoRuntimeApi_get_subnet_account_id": _subnet_account_id,
    "SubnetInfoRuntimeApi_get_next_epoch_start_block": _next_epoch_start_block,
    "SubnetInfoRuntimeApi_get_coldkey_auto_stake_hotkey": _auto_stake_hotkey,
    "SubnetRegistrationRuntimeApi_get_network_registration_cost": _network_registration_cost,
    "ProxyFilterRuntimeApi_get_proxy_types": _proxy_types,
}
