"""Reads metadata V14 and V15 with the project's own codec, and flattens types so that two metadata can be compared.

The layout is written here once more, from the format's description: the generator is not asked what it meant.
"""

from dataclasses import dataclass
from typing import Any

from chain.runtime.declarations.notation import enum, struct
from chain.scale.codec import Codec
from chain.scale.types import Registry

ID = "Compact<u32>"

_LAYOUT = Registry(
    (
        struct("PortableType", "", f"id: {ID}, type: TypeBody"),
        struct("TypeBody", "", "path: Vec<str>, params: Vec<Param>, def: Def, docs: Vec<str>"),
        struct("Param", "", f"name: str, type: Option<{ID}>"),
        enum(
            "Def",
            "",
            f"0 composite (fields: Vec<Field>), 1 variant (variants: Vec<Variant>), 2 sequence ({ID}), "
            f"3 array (len: u32, type: {ID}), 4 tuple (Vec<{ID}>), 5 primitive (Primitive), 6 compact ({ID}), "
            f"7 bits (store: {ID}, order: {ID})",
        ),
        enum(
            "Primitive",
            "",
            "0 bool, 1 char, 2 str, 3 u8, 4 u16, 5 u32, 6 u64, 7 u128, 8 u256, 9 i8, 10 i16, 11 i32, 12 i64, 13 i128, "
            "14 i256",
        ),
        struct("Field", "", f"name: Option<str>, type: {ID}, type_name: Option<str>, docs: Vec<str>"),
        struct("Variant", "", "name: str, fields: Vec<Field>, index: u8, docs: Vec<str>"),
        struct("Storage", "", "prefix: str, entries: Vec<Entry>"),
        struct("Entry", "", "name: str, modifier: Modifier, kind: EntryKind, default: Vec<u8>, docs: Vec<str>"),
        enum("Modifier", "", "0 Optional, 1 Default"),
        enum("EntryKind", "", f"0 plain ({ID}), 1 map (hashers: Vec<Hasher>, key: {ID}, value: {ID})"),
        enum(
            "Hasher",
            "",
            "0 Blake2_128, 1 Blake2_256, 2 Blake2_128Concat, 3 Twox128, 4 Twox256, 5 Twox64Concat, 6 Identity",
        ),
        struct("Constant", "", f"name: str, type: {ID}, value: Vec<u8>, docs: Vec<str>"),
        struct(
            "Pallet14",
            "",
            f"name: str, storage: Option<Storage>, calls: Option<{ID}>, event: Option<{ID}>, constants: Vec<Constant>, "
            f"error: Option<{ID}>, index: u8",
        ),
        struct(
            "Pallet15",
            "",
            f"name: str, storage: Option<Storage>, calls: Option<{ID}>, event: Option<{ID}>, constants: Vec<Constant>, "
            f"error: Option<{ID}>, index: u8, docs: Vec<str>",
        ),
        struct("Extension", "", f"identifier: str, type: {ID}, additional: {ID}"),
        struct("Extrinsic14", "", f"type: {ID}, version: u8, extensions: Vec<Extension>"),
        struct(
            "Extrinsic15",
            "",
            f"version: u8, address: {ID}, call: {ID}, signature: {ID}, extra: {ID}, extensions: Vec<Extension>",
        ),
        struct("Api", "", "name: str, methods: Vec<Method>, docs: Vec<str>"),
        struct("Method", "", f"name: str, inputs: Vec<Input>, output: {ID}, docs: Vec<str>"),
        struct("Input", "", f"name: str, type: {ID}"),
        struct("Outer", "", f"call: {ID}, event: {ID}, error: {ID}"),
        struct(
            "Metadata14",
            "",
            f"types: Vec<PortableType>, pallets: Vec<Pallet14>, extrinsic: Extrinsic14, runtime: {ID}",
        ),
        struct(
            "Metadata15",
            "",
            f"types: Vec<PortableType>, pallets: Vec<Pallet15>, extrinsic: Extrinsic15, runtime: {ID}, apis: Vec<Api>, "
            f"outer: Outer, custom: Vec<(str, ({ID}, Vec<u8>))>",
        ),
    )
)

CODEC = Codec(_LAYOUT)


@dataclass(frozen=True)
class Read:
    """Metadata as read: the plain structure, and look-ups into it."""

    version: int
    content: dict[str, Any]

    @classmethod
    def of(cls, data: bytes) -> "Read":
        """Read metadata with magic and version byte."""
        assert data[:4] == b"meta"
        return cls(data[4], CODEC.decode(f"Metadata{data[4]}", data[5:]))

    def encode(self) -> bytes:
        """Write it back."""
        return b"meta" + bytes((self.version,)) + CODEC.encode(f"Metadata{self.version}", self.content)

    @property
    def types(self) -> list[dict[str, Any]]:
        """All types, in their order."""
        return self.content["types"]

    def pallet(self, name: str) -> dict[str, Any]:
        """Return a pallet by name."""
        return next(pallet for pallet in self.content["pallets"] if pallet["name"] == name)

    def variants(self, type_id: int | None) -> dict[str, tuple[int, list[Any]]]:
        """Return ``name: (index, [(field name, shape)])`` of an enum type."""
        if type_id is None:
            return {}
        label, body = self.types[type_id]["type"]["def"]
        assert label == "variant"
        return {variant["name"]: (variant["index"], self._fields(variant["fields"])) for variant in body["variants"]}

    def _fields(self, fields: list[dict[str, Any]]) -> list[Any]:
        return [(field["name"], self.shape(field["type"])) for field in fields]

    def shape(self, type_id: int) -> Any:
        """Return what decides the bytes of a type: wrappers of one unnamed field are looked through.

        The outer enums and what every runtime fills differently stand by their name alone.
        """
        body = self.types[type_id]["type"]
        name = body["path"][-1] if body["path"] else ""
        if name in _BY_NAME:
            return name
        label, value = body["def"]
        match label:
            case "composite":
                return self._composite(value["fields"])
            case "variant":
                return tuple(
                    (variant["index"], variant["name"], tuple(self._fields(variant["fields"])))
                    for variant in sorted(value["variants"], key=lambda variant: variant["index"])
                )
            case "sequence":
                return ("sequence", self.shape(value))
            case "array":
                return ("array", value["len"], self.shape(value["type"]))
            case "tuple":
                return ("tuple", *(self.shape(item) for item in value))
            case "compact":
                return ("compact", self.shape(value))
        return value

    def _composite(self, fields: list[dict[str, Any]]) -> Any:
        if len(fields) == 1 and fields[0]["name"] is None:
            return self.shape(fields[0]["type"])
        shapes = self._fields(fields)
        if fields and fields[0]["name"]:
            return ("struct", *shapes)
        return ("tuple", *(shape for _, shape in shapes))


_BY_NAME = frozenset(
    {
        "RuntimeCall",
        "RuntimeEvent",
        "RuntimeError",
        "RuntimeHoldReason",
        "RuntimeFreezeReason",
        "UncheckedExtrinsic",
        "Header",
    }
)
