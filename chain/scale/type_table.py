"""The type table of metadata: ids are dense and equal to the position, in the order of first mention."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from chain.scale.compact import encode_compact
from chain.scale.types import (
    PRIMITIVES,
    Array,
    Compact,
    Enum,
    Map,
    Named,
    Option,
    Primitive,
    Registry,
    Result,
    Set,
    Struct,
    Tuple,
    Type,
    parse_type,
)
from chain.scale.types import Sequence as SequenceType

_COMPOSITE, _VARIANT, _SEQUENCE, _ARRAY, _TUPLE, _PRIMITIVE, _COMPACT = (bytes((kind,)) for kind in range(7))
_NONE, _SOME = b"\0", b"\1"

NO_DOCS = b"\0"
"""An empty vector of documentation lines."""

T = TypeVar("T")


class TypeTable:
    """Gives each type an id when it is first asked for, with all types it is made of."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._ids: dict[Type, int] = {}
        self._bodies: list[bytes] = []

    def id_of(self, text: str) -> bytes:
        """Return the compact id of a type text."""
        return self._id(parse_type(text))

    def encode(self) -> bytes:
        """Return the vector of the types registered so far, each as its id and its body."""
        listed = [encode_compact(position) + body for position, body in enumerate(self._bodies)]
        return vector(listed)

    def _id(self, tree: Type) -> bytes:
        position = self._ids.get(tree)
        if position is None:
            # The id is given before the parts are walked: a call may contain itself.
            position = self._ids[tree] = len(self._bodies)
            self._bodies.append(b"")
            self._bodies[position] = self._body(tree)
        return encode_compact(position)

    def _body(self, tree: Type) -> bytes:
        match tree:
            case Primitive(name):
                return _type(_PRIMITIVE + bytes((PRIMITIVES.index(name),)))
            case Compact(inner):
                return _type(_COMPACT + self._id(inner))
            case SequenceType(inner):
                return _type(_SEQUENCE + self._id(inner))
            case Array(inner, length):
                return _type(_ARRAY + length.to_bytes(4, "little") + self._id(inner))
            case Tuple(items):
                return _type(_TUPLE + vector(self._id(item) for item in items))
            case Option(inner):
                variants = [_variant(0, "None", []), _variant(1, "Some", [self._unnamed(inner)])]
                return self._generic("Option", _VARIANT + vector(variants), T=inner)
            case Result(ok, err):
                variants = [_variant(0, "Ok", [self._unnamed(ok)]), _variant(1, "Err", [self._unnamed(err)])]
                return self._generic("Result", _VARIANT + vector(variants), T=ok, E=err)
            case Map(key, value):
                pairs = SequenceType(Tuple((key, value)))
                return self._generic("BTreeMap", _COMPOSITE + vector([self._unnamed(pairs)]), K=key, V=value)
            case Set(inner):
                return self._generic("BTreeSet", _COMPOSITE + vector([self._unnamed(SequenceType(inner))]), T=inner)
            case Named(name):
                return self._named(name)

    def _generic(self, name: str, body: bytes, **params: Type) -> bytes:
        return _type(body, [name], [text(label) + _SOME + self._id(inner) for label, inner in params.items()])

    def _named(self, name: str) -> bytes:
        definition = self._registry.definition(name)
        if isinstance(definition, Struct):
            body = _COMPOSITE + vector(self._fields(definition.fields))
        else:
            body = _VARIANT + vector(self._variants(definition))
        params = [text(label) + _SOME + self.id_of(param) for label, param in definition.params]
        return _type(body, definition.path.split("::"), params)

    def _variants(self, definition: Enum) -> Iterable[bytes]:
        # One client family refuses every submission when an argument of a call has no type name.
        typed = definition.name.endswith("::Call")
        for variant in definition.variants:
            yield _variant(variant.index, variant.name, self._fields(variant.fields, typed=typed))

    def _fields(self, fields: Sequence[tuple[str, str]], *, typed: bool = False) -> list[bytes]:
        return [_field(name, self.id_of(declared), declared if typed else None) for name, declared in fields]

    def _unnamed(self, tree: Type) -> bytes:
        return _field("", self._id(tree), None)


def text(value: str) -> bytes:
    """Return a string with its length."""
    content = value.encode()
    return encode_compact(len(content)) + content


def vector(items: Iterable[bytes]) -> bytes:
    """Return encoded items behind their number."""
    listed = list(items)
    return encode_compact(len(listed)) + b"".join(listed)


def option(value: T | None, encode: Callable[[T], bytes]) -> bytes:
    """Return 0 for None, or 1 and the encoded value."""
    return _NONE if value is None else _SOME + encode(value)


def _type(body: bytes, path: Sequence[str] = (), params: Sequence[bytes] = ()) -> bytes:
    return vector(map(text, path)) + vector(params) + body + NO_DOCS


def _field(name: str, type_id: bytes, type_name: str | None) -> bytes:
    return option(name or None, text) + type_id + option(type_name, text) + NO_DOCS


def _variant(index: int, name: str, fields: Sequence[bytes]) -> bytes:
    return text(name) + vector(fields) + bytes((index,)) + NO_DOCS
