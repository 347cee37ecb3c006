"""What people say about themselves: identities of coldkeys and subnets, and where a neuron can be reached."""

from typing import Any, Final

from chain.runtime import items
from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import failed
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import neurons, pools, subnets

SERVING_INTERVAL: Final = 50
"""Blocks between two announcements of one axon, unless the subnet has its own figure."""
_MODULE: Final = "SubtensorModule"
_IDENTITY_MAX: Final = {
    "name": 256,
    "url": 256,
    "github_repo": 256,
    "image": 1_024,
    "discord": 256,
    "description": 1_024,
    "additional": 1_024,
}
_SUBNET_MAX: Final = {
    "subnet_name": 256,
    "github_repo": 1_024,
    "subnet_contact": 1_024,
    "subnet_url": 1_024,
    "discord": 256,
    "description": 1_024,
    "logo_url": 1_024,
    "additional": 1_024,
}
_IPV4: Final = 4
_IPV6: Final = 6
_LOOPBACK_V4: Final = 0x7F00_0001
_AXON: Final = ("version", "ip", "port", "ip_type", "protocol", "placeholder1", "placeholder2")


def call_set_identity(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Describe oneself; only a coldkey with a registered hotkey may."""
    coldkey, overlay = signed(origin), context.overlay
    hotkeys = overlay.get(f"{_MODULE}.OwnedHotkeys", coldkey)
    if not any(is_registered(overlay, hotkey) for hotkey in hotkeys):
        raise failed(_MODULE, "HotKeyNotRegisteredInNetwork")
    overlay.put(f"{_MODULE}.IdentitiesV2", coldkey, _bounded(args, _IDENTITY_MAX))


def call_set_subnet_identity(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Describe one's subnet."""
    coldkey, overlay, netuid = signed(origin), context.overlay, args["netuid"]
    if not pools.exists(overlay, netuid):
        raise failed(_MODULE, "SubnetNotExists")
    if overlay.get(f"{_MODULE}.SubnetOwner", netuid) != coldkey:
        raise failed(_MODULE, "NotSubnetOwner")
    overlay.put(f"{_MODULE}.SubnetIdentitiesV3", netuid, _bounded(args, _SUBNET_MAX))


def call_serve_axon(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Tell where the signer, a hotkey of the subnet, can be reached."""
    hotkey, overlay, netuid = signed(origin), context.overlay, args["netuid"]
    reason = axon_refusal(overlay, hotkey, args, context.number)
    if reason is not None:
        raise failed(_MODULE, reason)
    axon = {"block": context.number, **{name: args[name] for name in _AXON}}
    overlay.put(f"{_MODULE}.Axons", netuid, hotkey, axon)


def axon_refusal(view: Overlay | State, hotkey: bytes, args: dict[str, Any], block: int) -> str | None:
    """Return the error an announcement would meet, or ``None``."""
    netuid = args["netuid"]
    if neurons.uid_of(view, netuid, hotkey) is None:
        return "HotKeyNotRegisteredInNetwork"
    if args["ip_type"] not in {_IPV4, _IPV6}:
        return "InvalidIpType"
    highest, loopback = ((1 << 32) - 1, _LOOPBACK_V4) if args["ip_type"] == _IPV4 else ((1 << 128) - 1, 1)
    if not 0 < args["ip"] < highest or args["ip"] == loopback:
        return "InvalidIpAddress"
    if args["port"] == 0:
        return "InvalidPort"
    last = view.get(f"{_MODULE}.Axons", netuid, hotkey)
    if last is not None and block - last["block"] < view.get(f"{items.PRIVATE}.ServingRateLimit", netuid):
        return "ServingRateLimitExceeded"
    return None


def is_registered(view: Overlay | State, hotkey: bytes) -> bool:
    """Tell whether a hotkey has a slot on any network."""
    return any(neurons.uid_of(view, netuid, hotkey) is not None for netuid in subnets.netuids(view))


def _bounded(args: dict[str, Any], most: dict[str, int]) -> dict[str, bytes]:
    """Return the fields of an identity; raises ``DispatchFailed`` for one without a name or with too long a field."""
    fields = {name: args[name] for name in most}
    if not next(iter(fields.values())) or any(len(fields[name]) > most[name] for name in most):
        raise failed(_MODULE, "InvalidIdentity")
    return fields


CALLS: Final = {
    (_MODULE, "set_identity"): call_set_identity,
    (_MODULE, "set_subnet_identity"): call_set_subnet_identity,
    (_MODULE, "serve_axon"): call_serve_axon,
}
