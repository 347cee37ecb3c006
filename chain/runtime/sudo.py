"""Sudo and AdminUtils: on a development chain one key may act as root, and root may set parameters of subnets."""

from typing import Any, Final

from chain.runtime.context import ROOT, Context, Origin, require_root, signed
from chain.runtime.errors import DispatchFailed, failed
from chain.runtime.proxy import OK

_SETTINGS: Final = {
    "sudo_set_tempo": ("SubtensorModule.Tempo", "tempo"),
    "sudo_set_subtoken_enabled": ("SubtensorModule.SubtokenEnabled", "subtoken_enabled"),
    "sudo_set_toggle_transfer": ("SubtensorModule.TransferToggle", "toggle"),
    "sudo_set_network_registration_allowed": ("SubtensorModule.NetworkRegistrationAllowed", "registration_allowed"),
    "sudo_set_min_burn": ("SubtensorModule.MinBurn", "min_burn"),
    "sudo_set_max_burn": ("SubtensorModule.MaxBurn", "max_burn"),
}


def call_sudo(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Make a call as root; what becomes of it is told in ``Sudid`` and is not an error here."""
    key = context.overlay.get("Sudo.Key")
    if key is None or signed(origin) != key:
        raise failed("Sudo", "RequireSudo")
    result: Any = OK
    try:
        context.dispatch(context, ROOT, args["call"])
    except DispatchFailed as refusal:
        result = ("Err", refusal.error)
    context.emit("Sudo", "Sudid", {"sudo_result": result})


def _setter(name: str) -> Any:
    item, argument = _SETTINGS[name]

    def call(context: Context, origin: Origin, args: dict[str, Any]) -> None:
        require_root(origin)
        netuid = args["netuid"]
        if not context.overlay.get("SubtensorModule.NetworksAdded", netuid):
            raise failed("AdminUtils", "SubnetDoesNotExist")
        context.overlay.put(item, netuid, args[argument])

    return call


def call_set_nominator_min_required_stake(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Set the factor of the smallest nomination: parts of a million of the smallest stake."""
    require_root(origin)
    context.overlay.put("SubtensorModule.NominatorMinRequiredStake", args["min_stake"])


CALLS: Final = {
    ("Sudo", "sudo"): call_sudo,
    ("AdminUtils", "sudo_set_nominator_min_required_stake"): call_set_nominator_min_required_stake,
    **{("AdminUtils", name): _setter(name) for name in _SETTINGS},
}
