"""Plain values: the JSON forms that clients read and write, from and to the values of the codec.

Accounts are SS58 texts, bytes ``0x`` hex, enums a name or ``{name: payload}``, tuples and maps lists, numbers numbers
(read from decimal text too). A ``MultiAddress`` may be given as an address.
"""

from typing import Any

from chain.errors import AddressInvalid, EncodeError
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
from chain.ss58 import ss58_decode, ss58_encode

_RESULT = {"Ok": "ok", "Err": "err"}


def from_plain(registry: Registry, type_text: str, value: Any) -> Any:
    """Return the codec's value of a plain one; raise ``EncodeError`` when its shape is another type's."""
    try:
        return _Plain(registry).read(registry.parse(type_text), value)
    except (TypeError, ValueError, KeyError, AttributeError, AddressInvalid) as error:
        raise EncodeError(type_text, value) from error


def to_plain(registry: Registry, type_text: str, value: Any) -> Any:
    """Return the plain form of a value that the codec decoded."""
    return _Plain(registry).write(registry.parse(type_text), value)


class _Plain:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def read(self, tree: Type, value: Any) -> Any:
        match tree:
            case Named("AccountId32"):
                return _account(value)
            case Named("MultiAddress") if isinstance(value, str):
                return "Id", _account(value)
            case Named(name):
                return self._read_named(self._registry.definition(name), value)
            case Primitive(name):
                return value if name in {"bool", "str"} else int(value)
            case Compact(inner):
                return int(value) if isinstance(inner, Primitive) else ()
            case Sequence(inner) | Array(inner, _) if inner == U8:
                return _bytes(value)
            case Sequence(inner) | Array(inner, _) | Set(inner):
                return [self.read(inner, item) for item in value]
            case Tuple(items):
                return tuple(self.read(item, part) for item, part in zip(items, value, strict=True))
            case Option(inner):
                if value is None:
                    return None
                present = self.read(inner, value)
                return (present,) if isinstance(inner, Option) else present
            case Result():
                ((name, payload),) = value.items()
                return name, self.read(getattr(tree, _RESULT[name]), payload)
            case Map(key, item):
                pairs = value.items() if isinstance(value, dict) else value
                return {self.read(key, name): self.read(item, part) for name, part in pairs}

    def write(self, tree: Type, value: Any) -> Any:
        match tree:
            case Named("AccountId32"):
                return ss58_encode(value)
            case Named(name):
                return self._write_named(self._registry.definition(name), value)
            case Primitive() | Compact():
                return value
            case Sequence(inner) | Array(inner, _) if inner == U8:
                return "0x" + value.hex()
            case Sequence(inner) | Array(inner, _) | Set(inner):
                return [self.write(inner, item) for item in value]
            case Tuple(items):
                return [self.write(item, part) for item, part in zip(items, value, strict=True)]
            case Option(inner):
                if value is None:
                    return None
                return self.write(inner, value[0] if isinstance(inner, Option) else value)
            case Result():
                name, payload = value
                return {name: self.write(getattr(tree, _RESULT[name]), payload)}
            case Map(key, item):
                return [[self.write(key, name), self.write(item, part)] for name, part in value.items()]

    def _read_named(self, definition: Struct | Enum, value: Any) -> Any:
        if isinstance(definition, Struct):
            return self._read_fields(definition.fields, value)
        if isinstance(value, str):
            return value
        ((name, payload),) = value.items()
        variant = _variant(definition, name)
        if not variant.fields:
            return name
        return name, self._read_fields(variant.fields, payload)

    def _read_fields(self, fields: tuple[tuple[str, str], ...], value: Any) -> Any:
        if fields[0][0]:
            if value.keys() != {name for name, _ in fields}:
                raise ValueError("other fields")
            return {name: self._read_text(text, value[name]) for name, text in fields}
        if len(fields) == 1:
            return self._read_text(fields[0][1], value)
        return tuple(self._read_text(text, part) for (_, text), part in zip(fields, value, strict=True))

    def _read_text(self, text: str, value: Any) -> Any:
        return self.read(self._registry.parse(text), value)

    def _write_named(self, definition: Struct | Enum, value: Any) -> Any:
        if isinstance(definition, Struct):
            return self._write_fields(definition.fields, value)
        if isinstance(value, str):
            return value
        name, payload = value
        return {name: self._write_fields(_variant(definition, name).fields, payload)}

    def _write_fields(self, fields: tuple[tuple[str, str], ...], value: Any) -> Any:
        if fields[0][0]:
            return {name: self._write_text(text, value[name]) for name, text in fields}
        if len(fields) == 1:
            return self._write_text(fields[0][1], value)
        return [self._write_text(text, part) for (_, text), part in zip(fields, value, strict=True)]

    def _write_text(self, text: str, value: Any) -> Any:
        return self.write(self._registry.parse(text), value)


def _variant(definition: Enum, name: str) -> Variant:
    for variant in definition.variants:
        if variant.name == name:
            return variant
    raise KeyError(name)


def _account(value: str) -> bytes:
    return _bytes(value) if value.startswith("0x") else ss58_decode(value)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return bytes.fromhex(value[2:]) if value.startswith("0x") else value.encode()
    return bytes(value)
