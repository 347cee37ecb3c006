"""The SCALE codec: every type text is compiled once to a pair of closures, since each storage read passes here.

Strict by construction: ``decode`` accepts exactly the bytes that ``encode`` returns, so ``encode(decode(b)) == b``.
It rejects trailing and truncated input, longer forms of compact numbers, unknown tags, unsorted or repeated map keys,
text that is not UTF-8, and calls nested deeper than ``CALL_DEPTH_MAX``. A length is compared with the bytes that are
left before anything is allocated.

Values: see ``chain/runtime/pallet.py``. Two rules more: in ``Option<Option<T>>`` a present value is the tuple
``(inner,)``, and a set is a list in ascending order. Maps and sets are ordered by value, as the reference runtime
does: numbers by size, bytes by their bytes.
"""

import struct
from collections.abc import Callable
from typing import Any

from chain.errors import DecodeError, EncodeError, TypeUnknown
from chain.scale.coders import (
    Coder,
    array_coder,
    bytes_coder,
    compact_coder,
    enum_coder,
    map_coder,
    option_coder,
    primitive_coder,
    result_coder,
    sequence_coder,
    set_coder,
    struct_coder,
    tuple_coder,
)
from chain.scale.types import (
    U8,
    Array,
    Compact,
    Enum,
    Map,
    Named,
    Option,
    Primitive,
    Registry,
    Result,
    Sequence,
    Set,
    Struct,
    Tuple,
    Type,
    Variant,
)

CALL_DEPTH_MAX = 8
"""How many calls may be nested, the outermost included (consensus section 2)."""

_VALUE_ERRORS = (
    struct.error,
    TypeError,
    KeyError,
    ValueError,
    AttributeError,
    OverflowError,
    IndexError,
    RecursionError,
)


class Codec:
    """Encodes and decodes values of the types of one registry."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._by_type: dict[Type, Coder] = {}
        self._by_text: dict[str, Coder] = {}
        self._encoders: dict[str, Callable[[Any], bytes]] = {}
        self._open: set[str] = set()

    def encode(self, type_text: str, value: Any) -> bytes:
        """Return the bytes of a value; raise ``EncodeError`` when it does not fit the type."""
        encode = self._encoders.get(type_text)
        if encode is None:
            encode = self._encoders[type_text] = self.encoder(type_text)
        return encode(value)

    def encoder(self, type_text: str) -> Callable[[Any], bytes]:
        """Return ``encode`` of one type, for callers that have many values of it."""
        append = self.coder(type_text).encode

        def encode(value: Any) -> bytes:
            out = bytearray()
            try:
                append(value, out, 0)
            except _VALUE_ERRORS as error:
                raise EncodeError(type_text, value) from error
            return bytes(out)

        return encode

    def decode(self, type_text: str, data: bytes) -> Any:
        """Return the value whose encoding is exactly ``data``; raise ``DecodeError`` otherwise."""
        value, end = self.decode_prefix(type_text, data, 0)
        if end != len(data):
            raise DecodeError("trailing_bytes", end, f"{len(data) - end} after {type_text}")
        return value

    def decode_prefix(self, type_text: str, data: bytes, offset: int = 0) -> tuple[Any, int]:
        """Return the value at ``offset`` and the offset behind it; raise ``DecodeError``."""
        coder = self.coder(type_text)
        return coder.decode(data if type(data) is bytes else bytes(data), offset, 0)

    def coder(self, type_text: str) -> Coder:
        """Return the compiled type, for callers that use one type many times; raise ``TypeUnknown``."""
        coder = self._by_text.get(type_text)
        if coder is None:
            coder = self._by_text[type_text] = self._compile(self.registry.parse(type_text))
        return coder

    def _compile(self, tree: Type) -> Coder:
        coder = self._by_type.get(tree)
        if coder is None:
            coder = self._by_type[tree] = self._build(tree)
        return coder

    def _build(self, tree: Type) -> Coder:
        match tree:
            case Primitive(name):
                return primitive_coder(name)
            case Compact(inner):
                return compact_coder(inner)
            case Sequence(inner):
                return sequence_coder(inner, self._compile(inner))
            case Array(inner, length):
                return bytes_coder(length) if inner == U8 else array_coder(self._compile(inner), length)
            case Tuple(items):
                return tuple_coder([self._compile(item) for item in items])
            case Option(inner):
                return option_coder(self._compile(inner), nested=isinstance(inner, Option))
            case Result(ok, err):
                return result_coder(self._compile(ok), self._compile(err))
            case Map(key, value):
                return map_coder(self._compile(key), self._compile(value))
            case Set(inner):
                return set_coder(self._compile(inner))
            case Named(name):
                return self._named(name)

    def _named(self, name: str) -> Coder:
        definition = self.registry.definition(name)
        if isinstance(definition, Enum) and definition.recursive:
            return self._recursive(definition)
        if name in self._open:
            raise TypeUnknown(f"{name} contains itself")
        self._open.add(name)
        try:
            if isinstance(definition, Struct):
                return self._fields(definition.fields)
            return self._enum(definition)
        finally:
            self._open.discard(name)

    def _recursive(self, definition: Enum) -> Coder:
        """Compile an enum that may contain itself at its first use; it counts how deep a value stands in others."""
        built: list[Coder] = []

        def inner() -> Coder:
            if not built:
                built.append(self._enum(definition))
            return built[0]

        def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:
            if depth >= CALL_DEPTH_MAX:
                raise DecodeError("nesting_too_deep", offset, definition.name)
            return inner().decode(data, offset, depth + 1)

        def encode(value: Any, out: bytearray, depth: int) -> None:
            if depth >= CALL_DEPTH_MAX:
                raise EncodeError(definition.name, value, "nesting_too_deep")
            inner().encode(value, out, depth + 1)

        return Coder(decode, encode, 1)

    def _fields(self, fields: tuple[tuple[str, str], ...]) -> Coder:
        coders = [self._compile(self.registry.parse(text)) for _, text in fields]
        if any(name for name, _ in fields):
            return struct_coder(tuple(name for name, _ in fields), coders)
        return coders[0] if len(coders) == 1 else tuple_coder(coders)

    def _enum(self, definition: Enum) -> Coder:
        return enum_coder(definition.name, [(variant, self._payload(variant)) for variant in definition.variants])

    def _payload(self, variant: Variant) -> Coder | None:
        return self._fields(variant.fields) if variant.fields else None


def split_variant(value: Any) -> tuple[str, Any]:
    """Return name and payload of an enum's value; a variant without fields has the payload ``()``."""
    return (value, ()) if isinstance(value, str) else value
