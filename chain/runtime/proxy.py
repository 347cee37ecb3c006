"""Proxy: an account lets others call in its name, within the limits of a type, for a deposit."""

from typing import Any, Final

from chain.runtime import balances
from chain.runtime.context import Context, Origin, account_of, signed
from chain.runtime.declarations import TYPES
from chain.runtime.errors import DispatchFailed, failed
from chain.runtime.state import Overlay, State
from chain.scale.types import Enum

DEPOSIT_BASE: Final = 60_000_000
DEPOSIT_FACTOR: Final = 33_000_000
PROXIES_MAX: Final = 20

_ITEM: Final = "Proxy.Proxies"
OK: Final = ("Ok", ())


def _type_indices() -> dict[str, int]:
    declared = TYPES.definition("ProxyType")
    if not isinstance(declared, Enum):
        raise TypeError("ProxyType is declared as an enum")
    return {variant.name: variant.index for variant in declared.variants}


_TYPE_INDICES: Final = _type_indices()


def proxies_of(view: Overlay | State, account: bytes) -> tuple[list[dict[str, Any]], int]:
    """Return the definitions of an account's proxies, ascending, and the deposit held for them in rao."""
    definitions, held = view.get(_ITEM, account)
    return definitions, held


def call_add_proxy(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Let a delegate call in the signer's name; with a delay it would have to announce its calls first."""
    owner, definition = signed(origin), _definition(args)
    definitions, held = proxies_of(context.overlay, owner)
    if definition["delegate"] == owner:
        raise failed("Proxy", "NoSelfProxy")
    if len(definitions) >= PROXIES_MAX:
        raise failed("Proxy", "TooMany")
    if definition in definitions:
        raise failed("Proxy", "Duplicate")
    _store(context, owner, sorted([*definitions, definition], key=_order), held)
    context.emit("Proxy", "ProxyAdded", _event(owner, definition))


def call_remove_proxy(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Take a delegate's right back."""
    owner, definition = signed(origin), _definition(args)
    definitions, held = proxies_of(context.overlay, owner)
    if definition not in definitions:
        raise failed("Proxy", "NotFound")
    _store(context, owner, [other for other in definitions if other != definition], held)
    context.emit("Proxy", "ProxyRemoved", _event(owner, definition))


def call_remove_proxies(context: Context, origin: Origin, args: dict[str, Any]) -> None:  # noqa: ARG001 - as all calls
    """Take all rights back."""
    owner = signed(origin)
    definitions, held = proxies_of(context.overlay, owner)
    _store(context, owner, [], held)
    for definition in definitions:
        context.emit("Proxy", "ProxyRemoved", _event(owner, definition))


def call_proxy(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Make a call in another account's name; what becomes of it is told in ``ProxyExecuted``, no error here."""
    delegate, real = signed(origin), account_of(args["real"])
    definition = _find(context, real, delegate, args["force_proxy_type"])
    if definition["delay"]:
        raise failed("Proxy", "Unannounced")
    result: Any = OK
    try:
        context.dispatch(context, Origin(real, (*origin.proxy_types, definition["proxy_type"])), args["call"])
    except DispatchFailed as refusal:
        result = ("Err", refusal.error)
    context.emit("Proxy", "ProxyExecuted", {"result": result})


def _find(context: Context, real: bytes, delegate: bytes, force_type: str | None) -> dict[str, Any]:
    for definition in proxies_of(context.overlay, real)[0]:
        if definition["delegate"] == delegate and force_type in {None, definition["proxy_type"]}:
            return definition
    raise failed("Proxy", "NotProxy")


def _store(context: Context, owner: bytes, definitions: list[dict[str, Any]], held: int) -> None:
    needed = DEPOSIT_BASE + DEPOSIT_FACTOR * len(definitions) if definitions else 0
    if needed > held:
        balances.reserve(context, owner, needed - held)
    else:
        balances.unreserve(context, owner, held - needed)
    if definitions:
        context.overlay.put(_ITEM, owner, (definitions, needed))
    else:
        context.overlay.delete(_ITEM, owner)


def _definition(args: dict[str, Any]) -> dict[str, Any]:
    return {"delegate": account_of(args["delegate"]), "proxy_type": args["proxy_type"], "delay": args["delay"]}


def _order(definition: dict[str, Any]) -> tuple[bytes, int, int]:
    return definition["delegate"], _TYPE_INDICES[definition["proxy_type"]], definition["delay"]


def _event(owner: bytes, definition: dict[str, Any]) -> dict[str, Any]:
    return {
        "delegator": owner,
        "delegatee": definition["delegate"],
        "proxy_type": definition["proxy_type"],
        "delay": definition["delay"],
    }


CALLS: Final = {
    ("Proxy", "proxy"): call_proxy,
    ("Proxy", "add_proxy"): call_add_proxy,
    ("Proxy", "remove_proxy"): call_remove_proxy,
    ("Proxy", "remove_proxies"): call_remove_proxies,
}
