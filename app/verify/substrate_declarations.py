"""Declarations of the interface, entry by entry, and the metadata that is generated from them."""

from collections.abc import Iterator
from typing import Any

from app.verify.family import Case, Family, Mismatch, expect
from chain.runtime.declarations import (
    EXTENSIONS,
    RUNTIME_CALLS,
    SPEC_NAME,
    SPEC_VERSION,
    TRANSACTION_VERSION,
    TYPES,
    call_named,
    codec,
    constant,
    event,
    pallet,
    runtime_call,
    storage,
)
from chain.runtime.declarations.notation import HASHER_NAMES
from chain.scale.types import Enum, Struct

_HASHERS = {hasher: name for name, hasher in HASHER_NAMES.items()}


def _versions(case: Case) -> None:
    ours = {"spec_name": SPEC_NAME, "spec_version": SPEC_VERSION, "transaction_version": TRANSACTION_VERSION}
    expect({name: ours[name] for name in case}, case, "version")


def _extrinsic(case: Case) -> None:
    expect([list(extension) for extension in EXTENSIONS], case["extensions"], "extensions")
    expect(case["version"], 4, "version")
    unchecked = TYPES.definition("UncheckedExtrinsic")
    ours = dict(unchecked.params)
    for label in ("address", "call", "signature"):
        expect(ours[label.capitalize()], case[label], label)


def _outer_enums(case: Case) -> None:
    expect(TYPES.definition(case["name"]).path, case["path"], "path")


def _paths(case: Case) -> None:
    if case["name"] in TYPES:
        expect(TYPES.definition(case["name"]).path, case["path"], "path")
    else:
        # The type table spells the generic containers itself; their path is their name.
        expect(case["name"], case["path"], "path")


def _types(case: Case) -> None:
    definition = TYPES.definition(case["name"])
    expect(definition.path, case["path"], "path")
    params = case.get("params", [])
    expect([label for label, _ in definition.params], [label for label, _ in params], "parameters")
    for (label, ours), (_, known) in zip(definition.params, params, strict=True):
        if known is not None:
            expect(ours, known, f"parameter {label}")
    if isinstance(definition, Struct):
        expect(_fields(definition.fields), case.get("struct"), "fields")
    else:
        expect(_variants(definition), case.get("enum"), "variants")
    codec().coder(case["name"])


def _pallets(case: Case) -> None:
    declared = pallet(case["name"])
    expect(declared.index, case["index"], "index")
    if declared.storage:
        expect(declared.name, case["prefix"], "prefix")
    for kind, label in (("calls", "Call"), ("event", "Event"), ("error", "Error")):
        path = case["paths"][kind]
        name = f"{declared.name}::{label}"
        # A path may be named although the reference leaves the enum empty; ours exists only with variants.
        if path is not None and name in TYPES:
            expect(TYPES.definition(name).path, path, f"path of {kind}")
    expect([[index, name] for index, name in enumerate(declared.errors)], case["errors"], "errors")


def _storage(case: Case) -> None:
    declared = storage(case["pallet"], case["name"])
    expect([[_HASHERS[key.hasher], key.type] for key in declared.keys], case["keys"], "keys")
    expect(declared.value, case["value"], "value")
    expect("Optional" if declared.optional else "Default", case["modifier"], "modifier")
    expect("0x" + declared.default.hex(), case["default"], "default")
    if not declared.optional:
        decoded = codec().decode(declared.value, declared.default)
        expect(codec().encode(declared.value, decoded), declared.default, "default written back")


def _calls(case: Case) -> None:
    declared = call_named(case["pallet"], case["name"])
    expect((declared.index, _fields(declared.args)), (case["index"], case["args"]), "index and arguments")


def _events(case: Case) -> None:
    declared = event(case["pallet"], case["name"])
    expect((declared.index, _fields(declared.fields)), (case["index"], case["fields"]), "index and fields")


def _constants(case: Case) -> None:
    declared = constant(case["pallet"], case["name"])
    expect((declared.type, "0x" + declared.value.hex()), (case["type"], case["value"]), "type and value")
    expect(codec().encode(declared.type, codec().decode(declared.type, declared.value)), declared.value, "written back")


def _runtime_apis(case: Case) -> None:
    declared = runtime_call(f"{case['api']}_{case['name']}")
    expect((_fields(declared.inputs), declared.output), (case["inputs"], case["output"]), "inputs and output")
    if declared not in RUNTIME_CALLS:
        raise Mismatch("not listed")


def _fields(fields: tuple[tuple[str, str], ...]) -> list[list[str | None]]:
    return [[name or None, type_text] for name, type_text in fields]


def _variants(definition: Enum) -> list[Any]:
    return [[variant.index, variant.name, _fields(variant.fields)] for variant in definition.variants]


_PALLET_SECTIONS = {"storage": _storage, "calls": _calls, "events": _events, "constants": _constants}
_VERSIONS = ("spec_name", "spec_version", "transaction_version")
_PARTS = frozenset({"extrinsic", "outer_enums", "paths_required", "types", "pallets", "runtime_apis"})


def _recognises(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    parts = document.keys() - {"about", *_VERSIONS}
    return bool(parts) and parts <= _PARTS


def _sections(document: Any) -> Iterator[tuple[str, list[Case]]]:
    yield "version", [{name: document[name]} for name in _VERSIONS if name in document]
    if "extrinsic" in document:
        yield "extrinsic", [document["extrinsic"]]
    yield "outer_enums", [{"name": name, **case} for name, case in document.get("outer_enums", {}).items()]
    yield "paths_required", [{"name": name, "path": path} for name, path in document.get("paths_required", {}).items()]
    yield "types", [{"name": name, **case} for name, case in document.get("types", {}).items()]
    pallets = document.get("pallets", [])
    yield "pallets", pallets
    for section in _PALLET_SECTIONS:
        yield section, [{"pallet": entry["name"], **case} for entry in pallets for case in entry.get(section, ())]
    methods = [(api["name"], method) for api in document.get("runtime_apis", ()) for method in api["methods"]]
    yield "runtime_apis", [{"api": api, **method} for api, method in methods]


FAMILY = Family(
    name="substrate_declarations",
    recognises=_recognises,
    sections=_sections,
    runners={
        "version": _versions,
        "extrinsic": _extrinsic,
        "outer_enums": _outer_enums,
        "paths_required": _paths,
        "types": _types,
        "pallets": _pallets,
        "runtime_apis": _runtime_apis,
        **_PALLET_SECTIONS,
    },
)
