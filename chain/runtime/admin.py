"""AdminUtils: what root, and what a subnet's owner, may set of a subnet's hyperparameters, and within which bounds.

Nothing is set in the last blocks before a subnet's epoch, and an owner sets the same parameter once in two tempos.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from chain.runtime import items
from chain.runtime.admission import parameters_of
from chain.runtime.context import Context, Origin, require_root
from chain.runtime.declarations import call_named
from chain.runtime.errors import BAD_ORIGIN, DispatchFailed, failed
from chain.runtime.state import Overlay
from chain.runtime.subtensor import emission, neurons, pools, positions
from chain.runtime.subtensor.pools import ROOT_NETUID

OWNER_TEMPOS: Final = 2
"""Tempos between two changes of one parameter by a subnet's owner."""
_MODULE: Final = "SubtensorModule"
_ADMIN: Final = "AdminUtils"
_TEMPO: Final = (360, 50_400)
_UIDS_MAX: Final = 256
_OWNER_BONDS_MAX: Final = 975_000
_MIN_BURN_HIGHEST: Final = 10**9
_MAX_BURN_LOWEST: Final = 10**8
_ALPHA_LOW: Final = 1_638
_MECHANISMS_MAX: Final = 8
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


def _tempo(context: Context, netuid: int, value: int, by_root: bool) -> None:  # noqa: ARG001, FBT001 - as all checks
    # A development chain lives with short tempos from its genesis on.
    if not parameters_of(context.overlay).dev and not _TEMPO[0] <= value <= _TEMPO[1]:
        raise failed(_MODULE, "TempoOutOfBounds")


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


def _mechanisms(context: Context, netuid: int, value: int, by_root: bool) -> None:  # noqa: ARG001, FBT001
    if not 1 <= value <= _MECHANISMS_MAX:
        raise failed(_ADMIN, "InvalidValue")


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
    "sudo_set_tempo": Setting("Tempo", "tempo", check=_tempo),
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
    "sudo_set_mechanism_count": Setting("MechanismCountCurrent", "mechanism_count", by_owner=True, check=_mechanisms),
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
    _authorise(context, origin, netuid, "sudo_set_alpha_values", by_owner=True)
    if not overlay.get(f"{_MODULE}.LiquidAlphaOn", netuid):
        raise failed(_MODULE, "LiquidAlphaDisabled")
    if high < _ALPHA_LOW:
        raise failed(_MODULE, "AlphaHighTooLow")
    if not _ALPHA_LOW <= low <= high:
        raise failed(_MODULE, "AlphaLowOutOfRange")
    overlay.put(f"{_MODULE}.AlphaValues", netuid, (low, high))


def _authorise(context: Context, origin: Origin, netuid: int, name: str, *, by_owner: bool) -> None:
    """Raise ``DispatchFailed`` unless the caller may set this parameter now; an owner's change is written down."""
    overlay = context.overlay
    if not origin.is_root and not (by_owner and overlay.get(f"{_MODULE}.SubnetOwner", netuid) == origin.account):
        raise DispatchFailed(BAD_ORIGIN)
    if not pools.exists(overlay, netuid):
        raise failed(_ADMIN, "SubnetDoesNotExist")
    if netuid != ROOT_NETUID and _is_frozen(overlay, netuid, context.number):
        raise failed(_MODULE, "AdminActionProhibitedDuringWeightsWindow")
    if origin.is_root:
        return
    at = f"{items.PRIVATE}.OwnerSettingAt"
    index = call_named(_ADMIN, name).index
    last, interval = overlay.get(at, netuid, index), OWNER_TEMPOS * overlay.get(f"{_MODULE}.Tempo", netuid)
    if last and context.number - last < interval:
        raise failed(_MODULE, "TxRateLimitExceeded")
    overlay.put(at, netuid, index, context.number)


def _is_frozen(overlay: Overlay, netuid: int, block: int) -> bool:
    """Tell whether a subnet's epoch is so near that its parameters stand still."""
    left = emission.blocks_until_epoch(
        last_epoch_block=overlay.get(f"{_MODULE}.LastEpochBlock", netuid),
        tempo=overlay.get(f"{_MODULE}.Tempo", netuid),
        block=block,
    )
    return bool(left < overlay.get(f"{_MODULE}.AdminFreezeWindow"))


def _setter(name: str, setting: Setting) -> Any:
    item = f"{items.PRIVATE if setting.item in _PRIVATE else _MODULE}.{setting.item}"

    def call(context: Context, origin: Origin, args: dict[str, Any]) -> None:
        netuid, value = args["netuid"], args[setting.argument]
        _authorise(context, origin, netuid, name, by_owner=setting.by_owner)
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
    **{(_ADMIN, name): _setter(name, setting) for name, setting in {**_ROOT_ONLY, **_BY_OWNER}.items()},
    **{(_ADMIN, name): _global_setter(item, argument) for name, (item, argument) in _GLOBAL.items()},
}
