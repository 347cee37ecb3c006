"""A subnet's parameters as clients see them, in the three shapes they know, and its short description."""

from collections.abc import Callable
from typing import Any, Final

from chain.runtime import items
from chain.runtime.state import State
from chain.runtime.subtensor import neurons, pools, subnets
from chain.runtime.view_shapes import fields_of, shaped

_MODULE: Final = "SubtensorModule"
MAX_WEIGHTS_LIMIT: Final = 65_535
"""A constant: the limit that is stored is never asked."""
_ADJUSTMENT_INTERVAL: Final = 100
_TARGET_REGISTRATIONS: Final = 2
_REGISTRATIONS_PER_BLOCK: Final = 1
_SCALING_LAW_POWER: Final = 50
"""Figures of rules that are gone, at the reference's defaults: clients still expect them."""
_YUMA_2: Final = 2
_YUMA_3: Final = 3
_ITEMS: Final = {
    "rho": "Rho",
    "kappa": "Kappa",
    "immunity_period": "ImmunityPeriod",
    "min_allowed_weights": "MinAllowedWeights",
    "tempo": "Tempo",
    "min_difficulty": "MinDifficulty",
    "max_difficulty": "MaxDifficulty",
    "weights_version": "WeightsVersionKey",
    "weights_rate_limit": "WeightsSetRateLimit",
    "registration_allowed": "NetworkRegistrationAllowed",
    "min_burn": "MinBurn",
    "max_burn": "MaxBurn",
    "bonds_moving_avg": "BondsMovingAverage",
    "max_validators": "MaxAllowedValidators",
    "difficulty": "Difficulty",
    "commit_reveal_period": "RevealPeriodEpochs",
    "commit_reveal_weights_enabled": "CommitRevealWeightsEnabled",
    "liquid_alpha_enabled": "LiquidAlphaOn",
    "subnet_is_active": "SubtokenEnabled",
    "transfers_enabled": "TransferToggle",
    "bonds_reset_enabled": "BondsResetOn",
}
_NEWER: Final = {
    "activity_cutoff_factor_milli": ("ActivityCutoffFactorMilli", "U32"),
    "bonds_penalty": ("BondsPenalty", "U16"),
    "max_allowed_uids": ("MaxAllowedUids", "U16"),
    "min_allowed_uids": ("MinAllowedUids", "U16"),
    "min_non_immune_uids": ("MinNonImmuneUids", "U16"),
    "owner_immune_neuron_limit": ("ImmuneOwnerUidsLimit", "U16"),
    "mechanism_count": ("MechanismCountCurrent", "U16"),
}
_BALANCES: Final = frozenset({"min_burn", "max_burn"})
_VARIANTS: Final = {"bool": "Bool", "Compact<u16>": "U16", "Compact<u64>": "U64", "FixedI64": "I32F32"}


def parameters(state: State, netuid: int) -> dict[str, Any]:
    """Return all parameters by the names that clients know."""
    found = {field: state.get(f"{_MODULE}.{item}", netuid) for field, item in _ITEMS.items()}
    low, high = state.get(f"{_MODULE}.AlphaValues", netuid)
    return {
        **found,
        "max_weights_limit": MAX_WEIGHTS_LIMIT,
        "adjustment_interval": _ADJUSTMENT_INTERVAL,
        "adjustment_alpha": 0,
        "target_regs_per_interval": _TARGET_REGISTRATIONS,
        "max_regs_per_block": _REGISTRATIONS_PER_BLOCK,
        "activity_cutoff": activity_cutoff(state, netuid),
        "serving_rate_limit": state.get(f"{items.PRIVATE}.ServingRateLimit", netuid),
        "alpha_low": low,
        "alpha_high": high,
        "alpha_sigmoid_steepness": {"bits": state.get(f"{_MODULE}.AlphaSigmoidSteepness", netuid) << 32},
        "yuma_version": _YUMA_3 if state.get(f"{_MODULE}.Yuma3On", netuid) else _YUMA_2,
        "user_liquidity_enabled": False,
    }


def activity_cutoff(state: State, netuid: int) -> int:
    """Return after how many blocks without an update a neuron counts as inactive."""
    factor, tempo = (state.get(f"{_MODULE}.{name}", netuid) for name in ("ActivityCutoffFactorMilli", "Tempo"))
    return max(int(factor * tempo // 1_000), 1)


def _hyperparams(name: str) -> Callable[[State, int], dict[str, Any] | None]:
    def call(state: State, netuid: int) -> dict[str, Any] | None:
        return shaped(name, parameters(state, netuid)) if pools.exists(state, netuid) else None

    return call


def _entries(state: State, netuid: int) -> list[dict[str, Any]] | None:
    """Return names and values, so that a new parameter needs no new shape."""
    if not pools.exists(state, netuid):
        return None
    found = parameters(state, netuid)
    pairs: list[tuple[str, Any]] = []
    for field, kind in fields_of("SubnetHyperparamsV2"):
        variant = "TaoBalance" if field in _BALANCES else _VARIANTS[kind]
        pairs.append((field, (variant, found[field])))
    for field, (item, variant) in _NEWER.items():
        pairs.append((field, (variant, state.get(f"{_MODULE}.{item}", netuid))))
    return [{"name": field.encode(), "value": value} for field, value in pairs]


def _info(state: State, netuid: int) -> dict[str, Any]:
    """Return a subnet's description with the fields of both of its versions."""

    def read(item: str) -> Any:
        return state.get(f"{_MODULE}.{item}", netuid)

    found = parameters(state, netuid)
    kept = ("rho", "kappa", "difficulty", "immunity_period", "min_allowed_weights", "max_weights_limit", "tempo")
    return {
        **{field: found[field] for field in kept},
        "netuid": netuid,
        "max_allowed_validators": found["max_validators"],
        "scaling_law_power": _SCALING_LAW_POWER,
        "subnetwork_n": neurons.count(state, netuid),
        "max_allowed_uids": read("MaxAllowedUids"),
        "blocks_since_last_step": read("BlocksSinceLastStep"),
        "network_modality": 0,
        "network_connect": [],
        "emission_values": 0,
        "emission_value": 0,
        "burn": read("Burn"),
        "owner": read("SubnetOwner"),
        "identity": read("SubnetIdentitiesV3"),
    }


def _one(name: str) -> Callable[[State, int], dict[str, Any] | None]:
    def call(state: State, netuid: int) -> dict[str, Any] | None:
        return shaped(name, _info(state, netuid)) if pools.exists(state, netuid) else None

    return call


def _all(name: str) -> Callable[[State], list[dict[str, Any] | None]]:
    return lambda state: [shaped(name, _info(state, netuid)) for netuid in subnets.netuids(state)]


_API: Final = "SubnetInfoRuntimeApi"
PARAMETER_CALLS: Final[dict[str, Callable[..., Any]]] = {
    f"{_API}_get_subnet_info": _one("SubnetInfo"),
    f"{_API}_get_subnets_info": _all("SubnetInfo"),
    f"{_API}_get_subnet_info_v2": _one("SubnetInfov2"),
    f"{_API}_get_subnets_info_v2": _all("SubnetInfov2"),
    f"{_API}_get_subnet_hyperparams": _hyperparams("SubnetHyperparams"),
    f"{_API}_get_subnet_hyperparams_v2": _hyperparams("SubnetHyperparamsV2"),
    f"{_API}_get_subnet_hyperparams_v3": _entries,
}
