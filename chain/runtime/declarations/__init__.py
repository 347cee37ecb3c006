"""Everything that clients may know of the runtime, as data: pallets, types, runtime calls and the version."""

from chain.runtime.declarations.catalogue import (
    PALLETS,
    TYPES,
    call,
    call_named,
    codec,
    constant,
    constant_value,
    error_index,
    event,
    module_error,
    pallet,
    pallet_at,
    runtime_call,
    storage,
)
from chain.runtime.declarations.runtime_apis import RUNTIME_CALLS
from chain.runtime.declarations.types import EXTENSIONS, EXTRA
from chain.runtime.declarations.version import (
    RUNTIME_VERSION,
    SPEC_NAME,
    SPEC_VERSION,
    TRANSACTION_VERSION,
)

__all__ = [
    "EXTENSIONS",
    "EXTRA",
    "PALLETS",
    "RUNTIME_CALLS",
    "RUNTIME_VERSION",
    "SPEC_NAME",
    "SPEC_VERSION",
    "TRANSACTION_VERSION",
    "TYPES",
    "call",
    "call_named",
    "codec",
    "constant",
    "constant_value",
    "error_index",
    "event",
    "module_error",
    "pallet",
    "pallet_at",
    "runtime_call",
    "storage",
]
