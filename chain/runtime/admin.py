"""AdminUtils: what root, and what a subnet's owner, may set of a subnet's hyperparameters, and within which bounds.

Nothing is set in the last blocks before a subnet's epoch, and an owner sets the same parameter once in two tempos.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from chain.runtime import items
from chain.runtime.context import Context, Origin, require_root
from chain.runtime.errors import failed
from chain.runtime.subtensor import mechanisms, neurons, positions, tempo, trimming
from chain.runtime.subtensor.authority import authorise

_MODULE: Final = "SubtensorModule"
_ADMIN: Final = "AdminUtils"
_UIDS_MAX: Final = 256
_OWNER_BONDS_MAX: Final = 975_000
_MIN_BURN_HIGHEST: Final = 10**9
_MAX_BURN_LOWEST: Final = 10**8
_ALPHA_LOW: Final = 1_638
_OWNER_IMMUNE_MAX: Final = 10
_REVEAL_PERIOD_MAX: Final = 100

Check = Callable[[Context, int, Any, bool], None]
"""Raises ``DispatchFailed`` unless the subnet may have this value; the flag says that root asks."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter of subnets: the item, the argument that holds the value, who may set it, and its bounds."""

    item: str
    argument: str
    by_owner: bool = False
    check: Check | None = None


def _max_uids(context: Context, netuid: int, value: int, by_root: bool) -> None:  # noqa: ARG001, FBT001
    if value < context.overlay.get(f"{_MODULE}.MinAllowedUids", netuid):
        raise failed(_ADMIN, "MaxAllowedUidsLessThanMinAllowedUids")
    if value < neurons.count(context.overlay, netuid):
        raise failed(_ADMIN, "MaxAllowedUIdsLessThanCurrentUIds")
    if value > _UIDS_MAX:
        raise failed(_ADMIN, "MaxAllowedUidsGreaterThanDefaultMaxAllowedUids")


def _validators(context: Context, netuid: int, value: int, by_root: bool) -> None:  # noqa: ARG001, FBT001
    if value > context.overlay.get(f"{_MODULE}.MaxAllowedUids", netuid):
        raise failed(_ADMIN, "MaxValidatorsLargerThanMaxUIds")


def _min_burn(context: Context, netuid: int, value: int, by_root: bool) -> None:  # noqa: FBT001
    highest = context.overlay.get(f"{_MODULE}.MaxBurn", netuid)
    if value > highest or (not by_root and value > _MIN_BURN_HIGHEST):
        raise failed(_ADMIN, "ValueNotInBounds")


def _max_burn(context: Context, netuid: int, value: int, by_root: bool) -> None:  # noqa: FBT001
    lowest = context.overlay.get(f"{_MODULE}.MinBurn", netuid)
    if value < lowest or (not by_root and value < _MAX_BURN_LOWEST):
        raise failed(_ADMIN, "ValueNotInBounds")


def _bonds(context: Context, netuid: int, value: int, by_root: bool) -> None:  # noqa: ARG001, FBT001
    if not by_root and value > _OWNER_BONDS_MAX:
        raise failed(_ADMIN, "BondsMovingAverageMaxReached")


def _steepness(context: Context, netuid: int, value: int, by_root: bool) -> None:  # noqa: ARG001, FBT001
    if not by_root and value < 0:
        raise failed(_ADMIN, "NegativeSigmoidSteepness")


def _owner_immune(context: Context, netuid: int, value: int, by_root: bool) -> None:  # noqa: ARG001, FBT001
    if not 1 <= value <= _OWNER_IMMUNE_MAX:
        raise failed(_MODULE, "InvalidValue")


def _reveal_period(context: Context, netuid: int, value: int, by_root: bool) -> None:  # noqa: ARG001, FBT001
    if value > _REVEAL_PERIOD_MAX:
        raise failed(_MODULE, "RevealPeriodTooLarge")
    if value < 1:
        raise failed(_MODULE, "RevealPeriodTooSmall")


def _owner_hotkey(context: Context, netuid: int, value: bytes, by_root: bool) -> None:  # noqa: FBT001
    owner = context.overlay.get(f"{_MODULE}.SubnetOwner", netuid)
    if not by_root and positions.owner_of(context.overlay, value) != owner:
        raise failed(_MODULE, "NonAssociatedColdKey")


_ROOT_ONLY: Final = {
    "sudo_set_weights_set_rate_limit": Setting("WeightsSetRateLimit", "weights_set_rate_limit"),
    "sudo_set_kappa": Setting("Kappa", "kappa"),
    "sudo_set_difficulty": Setting("Difficulty", "difficulty"),
    "sudo_set_network_registration_allowed": Setting("NetworkRegistrationAllowed", "registration_allowed"),
    "sudo_set_max_allowed_validators": Setting("MaxAllowedValidators", "max_allowed_validators", check=_validators),
    "sudo_set_min_non_immune_uids": Setting("MinNonImmuneUids", "min"),
    "sudo_set_subtoken_enabled": Setting("SubtokenEnabled", "subtoken_enabled"),
}

_BY_OWNER: Final = {
    "sudo_set_serving_rate_limit": Setting("ServingRateLimit", "serving_rate_limit", by_owner=True),
    "sudo_set_weights_version_key": Setting("WeightsVersionKey", "weights_version_key", by_owner=True),
    "sudo_set_immunity_period": Setting("ImmunityPeriod", "immunity_period", by_owner=True),
    "sudo_set_min_allowed_weights": Setting("MinAllowedWeights", "min_allowed_weights", by_owner=True),
    "sudo_set_max_allowed_uids": Setting("MaxAllowedUids", "max_allowed_uids", by_owner=True, check=_max_uids),
    "sudo_set_rho": Setting("Rho", "rho", by_owner=True),
    "sudo_set_activity_cutoff": Setting("ActivityCutoff", "activity_cutoff", by_owner=True),
    "sudo_set_min_burn": Setting("MinBurn", "min_burn", by_owner=True, check=_min_burn),
    "sudo_set_max_burn": Setting("MaxBurn", "max_burn", by_owner=True, check=_max_burn),
    "sudo_set_bonds_moving_average": Setting("BondsMovingAverage", "bonds_moving_average", by_owner=True, check=_bonds),
    "sudo_set_commit_reveal_weights_enabled": Setting("CommitRevealWeightsEnabled", "enabled", by_owner=True),
    "sudo_set_liquid_alpha_enabled": Setting("LiquidAlphaOn", "enabled", by_owner=True),
    "sudo_set_commit_reveal_weights_interval": Setting(
        "RevealPeriodEpochs", "interval", by_owner=True, check=_reveal_period
    ),
    "sudo_set_toggle_transfer": Setting("TransferToggle", "toggle", by_owner=True),
    "sudo_set_sn_owner_hotkey": Setting("SubnetOwnerHotkey", "hotkey", by_owner=True, check=_owner_hotkey),
    "sudo_set_yuma3_enabled": Setting("Yuma3On", "enabled", by_owner=True),
    "sudo_set_bonds_penalty": Setting("BondsPenalty", "bonds_penalty", by_owner=True),
    "sudo_set_alpha_sigmoid_steepness": Setting("AlphaSigmoidSteepness", "steepness", by_owner=True, check=_steepness),
    "sudo_set_bonds_reset_enabled": Setting("BondsResetOn", "enabled", by_owner=True),
    "sudo_set_owner_immune_neuron_limit": Setting(
        "ImmuneOwnerUidsLimit", "immune_neurons", by_owner=True, check=_owner_immune
    ),
}

_PRIVATE: Final = frozenset({"ServingRateLimit", "ActivityCutoff"})
_GLOBAL: Final = {
    "sudo_set_tx_rate_limit": ("TxRateLimit", "tx_rate_limit"),
    "sudo_set_stake_threshold": ("StakeThreshold", "min_stake"),
    "sudo_set_nominator_min_required_stake": ("NominatorMinRequiredStake", "min_stake"),
}


def call_set_alpha_values(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Set the bounds of liquid alpha; it has to be switched on."""
    overlay, netuid, low, high = context.overlay, args["netuid"], args["alpha_low"], args["alpha_high"]
    authorise(context, origin, netuid, "sudo_set_alpha_values", by_owner=True)
    if not overlay.get(f"{_MODULE}.LiquidAlphaOn", netuid):
        raise failed(_MODULE, "LiquidAlphaDisabled")
    if high < _ALPHA_LOW:
        raise failed(_MODULE, "AlphaHighTooLow")
    if not _ALPHA_LOW <= low <= high:
        raise failed(_MODULE, "AlphaLowOutOfRange")
    overlay.put(f"{_MODULE}.AlphaValues", netuid, (low, high))


def call_set_tempo(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Set the blocks between a subnet's epochs; its cycle begins anew."""
    authorise(context, origin, args["netuid"], "sudo_set_tempo", by_owner=False)
    tempo.set_tempo(context, args["netuid"], args["tempo"])


def call_set_mechanism_count(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Set how many incentive tables a subnet has."""
    authorise(context, origin, args["netuid"], "sudo_set_mechanism_count", by_owner=True)
    mechanisms.set_count(context.overlay, args["netuid"], args["mechanism_count"])


def call_set_mechanism_emission_split(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Set how a subnet's incentive tables share its emission."""
    authorise(context, origin, args["netuid"], "sudo_set_mechanism_emission_split", by_owner=True)
    mechanisms.set_split(context.overlay, args["netuid"], args["maybe_split"])


def call_trim_to_max_allowed_uids(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Lower the number of slots of a subnet; neurons that earn least lose theirs, the others move up."""
    authorise(context, origin, args["netuid"], "sudo_trim_to_max_allowed_uids", by_owner=True)
    trimming.trim(context.overlay, args["netuid"], args["max_n"], context.number)


def _setter(name: str, setting: Setting) -> Any:
    item = f"{items.PRIVATE if setting.item in _PRIVATE else _MODULE}.{setting.item}"

    def call(context: Context, origin: Origin, args: dict[str, Any]) -> None:
        netuid, value = args["netuid"], args[setting.argument]
        authorise(context, origin, netuid, name, by_owner=setting.by_owner)
        if setting.check is not None:
            setting.check(context, netuid, value, origin.is_root)
        context.overlay.put(item, netuid, value)

    return call


def _global_setter(item: str, argument: str) -> Any:
    def call(context: Context, origin: Origin, args: dict[str, Any]) -> None:
        require_root(origin)
        context.overlay.put(f"{_MODULE}.{item}", args[argument])

    return call


CALLS: Final = {
    (_ADMIN, "sudo_set_alpha_values"): call_set_alpha_values,
    (_ADMIN, "sudo_set_tempo"): call_set_tempo,
    (_ADMIN, "sudo_set_mechanism_count"): call_set_mechanism_count,
    (_ADMIN, "sudo_set_mechanism_emission_split"): call_set_mechanism_emission_split,
    (_ADMIN, "sudo_trim_to_max_allowed_uids"): call_trim_to_max_allowed_uids,
    **{(_ADMIN, name): _setter(name, setting) for name, setting in {**_ROOT_ONLY, **_BY_OWNER}.items()},
    **{(_ADMIN, name): _global_setter(item, argument) for name, (item, argument) in _GLOBAL.items()},
}
