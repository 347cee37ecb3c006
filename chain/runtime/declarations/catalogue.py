"""The declarations as a whole, and the look-ups by name and index that runtime, node and codec share."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from chain.errors import NotDeclared
from chain.runtime.declarations.accounts import MULTISIG, PROXY, SUDO, UTILITY
from chain.runtime.declarations.admin_utils import ADMIN_UTILS
from chain.runtime.declarations.balances import BALANCES, TRANSACTION_PAYMENT
from chain.runtime.declarations.markets import ALPHA_ASSETS, COMMITMENTS, MEV_SHIELD, SWAP
from chain.runtime.declarations.runtime_apis import RUNTIME_CALLS
from chain.runtime.declarations.subtensor import SUBTENSOR_MODULE
from chain.runtime.declarations.system import AURA, SYSTEM, TIMESTAMP
from chain.runtime.declarations.types import declared_types
from chain.runtime.pallet import Call, Constant, Event, Pallet, RuntimeCall, Storage
from chain.scale.codec import Codec
from chain.scale.types import Registry

K = TypeVar("K")
V = TypeVar("V")

PALLETS: tuple[Pallet, ...] = (
    SYSTEM,
    TIMESTAMP,
    AURA,
    BALANCES,
    TRANSACTION_PAYMENT,
    SUBTENSOR_MODULE,
    UTILITY,
    SUDO,
    MULTISIG,
    PROXY,
    COMMITMENTS,
    ADMIN_UTILS,
    SWAP,
    MEV_SHIELD,
    ALPHA_ASSETS,
)
"""In ascending order of index."""

TYPES = Registry(declared_types(PALLETS))

_PALLETS = {pallet.name: pallet for pallet in PALLETS}
_BY_INDEX = {pallet.index: pallet for pallet in PALLETS}
_STORAGE = {(pallet.name, item.name): item for pallet in PALLETS for item in pallet.storage}
_CALLS = {(pallet.index, call.index): (pallet, call) for pallet in PALLETS for call in pallet.calls}
_CALLS_BY_NAME = {(pallet.name, call.name): call for pallet in PALLETS for call in pallet.calls}
_EVENTS = {(pallet.name, event.name): event for pallet in PALLETS for event in pallet.events}
_ERRORS = {(pallet.name, name): index for pallet in PALLETS for index, name in enumerate(pallet.errors)}
_CONSTANTS = {(pallet.name, constant.name): constant for pallet in PALLETS for constant in pallet.constants}
_RUNTIME_CALLS = {f"{method.api}_{method.method}": method for method in RUNTIME_CALLS}


@cache
def codec() -> Codec:
    """Return the one codec of all declared types."""
    return Codec(TYPES)


def pallet(name: str) -> Pallet:
    """Return a pallet by name; raise ``NotDeclared``."""
    return _found(_PALLETS, name)


def pallet_at(index: int) -> Pallet:
    """Return a pallet by index; raise ``NotDeclared``."""
    return _found(_BY_INDEX, index)


def storage(pallet_name: str, item: str) -> Storage:
    """Return a storage item; raise ``NotDeclared``."""
    return _found(_STORAGE, (pallet_name, item))


def call(pallet_index: int, call_index: int) -> tuple[Pallet, Call]:
    """Return the pallet and the call that two bytes of an extrinsic name; raise ``NotDeclared``."""
    return _found(_CALLS, (pallet_index, call_index))


def call_named(pallet_name: str, name: str) -> Call:
    """Return a call by name; raise ``NotDeclared``."""
    return _found(_CALLS_BY_NAME, (pallet_name, name))


def event(pallet_name: str, name: str) -> Event:
    """Return an event; raise ``NotDeclared``."""
    return _found(_EVENTS, (pallet_name, name))


def error_index(pallet_name: str, error: str) -> int:
    """Return the index of an error within its pallet; raise ``NotDeclared``."""
    return _found(_ERRORS, (pallet_name, error))


def module_error(pallet_name: str, error: str) -> tuple[str, dict[str, Any]]:
    """Return the ``DispatchError`` value of a pallet's error, as events and fee estimates carry it."""
    index = error_index(pallet_name, error)
    return "Module", {"index": _PALLETS[pallet_name].index, "error": bytes((index, 0, 0, 0))}


def constant(pallet_name: str, name: str) -> Constant:
    """Return a constant; raise ``NotDeclared``."""
    return _found(_CONSTANTS, (pallet_name, name))


def constant_value(pallet_name: str, name: str) -> Any:
    """Return the decoded value of a constant; raise ``NotDeclared``."""
    declared = constant(pallet_name, name)
    return codec().decode(declared.type, declared.value)


def runtime_call(name: str) -> RuntimeCall:
    """Return the method behind a ``state_call`` name such as ``SwapRuntimeApi_current_alpha_price``."""
    return _found(_RUNTIME_CALLS, name)


def _found(table: Mapping[K, V], key: K) -> V:
    try:
        return table[key]
    except KeyError:
        raise NotDeclared(".".join(map(str, key)) if isinstance(key, tuple) else str(key)) from None
