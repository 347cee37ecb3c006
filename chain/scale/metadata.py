"""Metadata V14 and V15, generated from the declarations: what unmodified clients build their codec from.

What clients really depend on: see ``type_table.py``, and here that ``UncheckedExtrinsic`` is registered in V15
although nothing refers to it. Nothing is documented, and wrapper types do not exist in the declarations, so none
appear.
"""

from functools import cache

from chain.runtime.declarations import EXTENSIONS, EXTRA, PALLETS, RUNTIME_CALLS, TYPES
from chain.runtime.pallet import Constant, Pallet, RuntimeCall, Storage
from chain.scale.compact import encode_compact
from chain.scale.type_table import NO_DOCS, TypeTable, option, text, vector

METADATA_VERSIONS = (14, 15)

_MAGIC = b"meta"
_EXTRINSIC_VERSION = b"\4"
_PLAIN, _MAP = b"\0", b"\1"


@cache
def metadata(version: int) -> bytes | None:
    """Return the metadata with magic and version byte, or None for a version that is not offered."""
    if version == 14:
        return _encode_v14()
    return _encode_v15() if version == 15 else None


def metadata_at_version(version: int) -> bytes:
    """Return the answer of ``Metadata_metadata_at_version``: an option of the metadata with its length."""
    return option(metadata(version), lambda content: encode_compact(len(content)) + content)


def _encode_v14() -> bytes:
    table = TypeTable(TYPES)
    pallets = vector(_pallet(table, pallet) for pallet in PALLETS)
    extrinsic = table.id_of("UncheckedExtrinsic") + _EXTRINSIC_VERSION + _extensions(table)
    runtime = table.id_of("()")
    return _MAGIC + b"\x0e" + table.encode() + pallets + extrinsic + runtime


def _encode_v15() -> bytes:
    table = TypeTable(TYPES)
    pallets = vector(_pallet(table, pallet) + NO_DOCS for pallet in PALLETS)
    table.id_of("UncheckedExtrinsic")
    parts = ("MultiAddress", "RuntimeCall", "MultiSignature", EXTRA)
    extrinsic = _EXTRINSIC_VERSION + b"".join(map(table.id_of, parts)) + _extensions(table)
    runtime = table.id_of("()")
    apis = _apis(table)
    outer = b"".join(map(table.id_of, ("RuntimeCall", "RuntimeEvent", "RuntimeError")))
    custom = vector([])
    return _MAGIC + b"\x0f" + table.encode() + pallets + extrinsic + runtime + apis + outer + custom


def _pallet(table: TypeTable, pallet: Pallet) -> bytes:
    entries = [_storage(table, item) for item in pallet.storage]
    return b"".join(
        (
            text(pallet.name),
            option(entries or None, lambda listed: text(pallet.name) + vector(listed)),
            option(f"{pallet.name}::Call" if pallet.calls else None, table.id_of),
            option(f"{pallet.name}::Event" if pallet.events else None, table.id_of),
            vector(_constant(table, constant) for constant in pallet.constants),
            option(f"{pallet.name}::Error" if pallet.errors else None, table.id_of),
            bytes((pallet.index,)),
        )
    )


def _storage(table: TypeTable, item: Storage) -> bytes:
    value = table.id_of(item.value)
    modifier = b"\0" if item.optional else b"\1"
    if item.keys:
        types = [key.type for key in item.keys]
        key = table.id_of(types[0] if len(types) == 1 else "(" + ", ".join(types) + ")")
        shape = _MAP + vector(bytes((key.hasher.value,)) for key in item.keys) + key + value
    else:
        shape = _PLAIN + value
    return text(item.name) + modifier + shape + encode_compact(len(item.default)) + item.default + NO_DOCS


def _constant(table: TypeTable, constant: Constant) -> bytes:
    value = encode_compact(len(constant.value)) + constant.value
    return text(constant.name) + table.id_of(constant.type) + value + NO_DOCS


def _extensions(table: TypeTable) -> bytes:
    return vector(
        text(name) + table.id_of(in_extrinsic) + table.id_of(signed_only)
        for name, in_extrinsic, signed_only in EXTENSIONS
    )


def _apis(table: TypeTable) -> bytes:
    by_api: dict[str, list[RuntimeCall]] = {}
    for method in RUNTIME_CALLS:
        by_api.setdefault(method.api, []).append(method)
    return vector(
        text(name) + vector(_method(table, method) for method in methods) + NO_DOCS for name, methods in by_api.items()
    )


def _method(table: TypeTable, method: RuntimeCall) -> bytes:
    inputs = vector(text(name) + table.id_of(declared) for name, declared in method.inputs)
    return text(method.method) + inputs + table.id_of(method.output) + NO_DOCS
