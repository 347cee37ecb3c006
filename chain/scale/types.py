"""Type texts and the registry of named types: what the codec compiles and the metadata lists.

Notation: primitives ``bool str u8 .. u128 i8 .. i128``; ``Compact<T>``, ``Vec<T>``, ``[T;n]``, ``(A, B)`` and ``()``,
``Option<T>``, ``Result<T, E>``, ``BTreeMap<K, V>``, ``BTreeSet<T>``; everything else is the name of a declared struct
or enum.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from chain.errors import TypeUnknown

PRIMITIVES = (
    "bool",
    "char",
    "str",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "u256",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "i256",
)
"""In the order of their numbers in metadata."""

_GENERICS = {"Compact": 1, "Vec": 1, "Option": 1, "Result": 2, "BTreeMap": 2, "BTreeSet": 1}
_ARRAY_MAX = 1 << 16


@dataclass(frozen=True, slots=True)
class Primitive:
    """A number, a bool or a text."""

    name: str


@dataclass(frozen=True, slots=True)
class Compact:
    """A compact integer, or nothing at all around the unit."""

    inner: "Type"


@dataclass(frozen=True, slots=True)
class Sequence:
    """``Vec<T>``."""

    inner: "Type"


@dataclass(frozen=True, slots=True)
class Array:
    """``[T;n]``."""

    inner: "Type"
    length: int


@dataclass(frozen=True, slots=True)
class Tuple:
    """``(A, B)``; without items the unit."""

    items: tuple["Type", ...]


@dataclass(frozen=True, slots=True)
class Option:
    """``Option<T>``."""

    inner: "Type"


@dataclass(frozen=True, slots=True)
class Result:
    """``Result<T, E>``."""

    ok: "Type"
    err: "Type"


@dataclass(frozen=True, slots=True)
class Map:
    """``BTreeMap<K, V>``."""

    key: "Type"
    value: "Type"


@dataclass(frozen=True, slots=True)
class Set:
    """``BTreeSet<T>``."""

    inner: "Type"


@dataclass(frozen=True, slots=True)
class Named:
    """A declared struct or enum."""

    name: str


Type = Primitive | Compact | Sequence | Array | Tuple | Option | Result | Map | Set | Named

UNIT = Tuple(())
U8 = Primitive("u8")


@dataclass(frozen=True, slots=True)
class Struct:
    """A declared struct: fields are ``(name, type text)``; one field without a name makes it transparent."""

    name: str
    path: str
    fields: tuple[tuple[str, str], ...]
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant of an enum; its fields have all names or none."""

    index: int
    name: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Enum:
    """A declared enum; ``recursive`` ones may contain themselves, and the codec counts their depth."""

    name: str
    path: str
    variants: tuple[Variant, ...]
    params: tuple[tuple[str, str], ...] = ()
    recursive: bool = False


Definition = Struct | Enum


class Registry:
    """The named types of a runtime, closed: every name that is used is declared."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self._definitions: dict[str, Definition] = {}
        for definition in definitions:
            if definition.name in self._definitions:
                raise TypeUnknown(f"{definition.name} declared twice")
            self._definitions[definition.name] = definition
        for definition in self._definitions.values():
            for _, text in fields_of(definition):
                self.parse(text)

    def __iter__(self) -> Iterator[Definition]:
        """Yield the definitions in their order of declaration."""
        return iter(self._definitions.values())

    def __contains__(self, name: str) -> bool:
        return name in self._definitions

    def definition(self, name: str) -> Definition:
        """Return a declared type; raise ``TypeUnknown`` otherwise."""
        try:
            return self._definitions[name]
        except KeyError:
            raise TypeUnknown(name) from None

    def parse(self, text: str) -> Type:
        """Return the tree of a type text whose names are all declared here."""
        tree = parse_type(text)
        self._check(tree)
        return tree

    def _check(self, tree: Type) -> None:
        match tree:
            case Named(name):
                self.definition(name)
            case Compact(inner) | Sequence(inner) | Option(inner) | Set(inner) | Array(inner, _):
                self._check(inner)
            case Result(left, right) | Map(left, right):
                self._check(left)
                self._check(right)
            case Tuple(items):
                for item in items:
                    self._check(item)
            case Primitive():
                pass


def fields_of(definition: Definition) -> list[tuple[str, str]]:
    """Return every field of a struct, or of all variants of an enum."""
    if isinstance(definition, Struct):
        return list(definition.fields)
    return [field for variant in definition.variants for field in variant.fields]


@lru_cache(maxsize=4096)
def parse_type(text: str) -> Type:
    """Return the tree of a type text; raise ``TypeUnknown`` when its shape is wrong."""
    text = text.strip()
    if text.startswith("["):
        return _parse_array(text)
    if text.startswith("("):
        if not text.endswith(")"):
            raise TypeUnknown(text)
        return Tuple(tuple(parse_type(part) for part in split_top(text[1:-1])))
    if text in PRIMITIVES:
        return Primitive(text)
    head, bracket, rest = text.partition("<")
    if head in _GENERICS:
        if not bracket or not rest.endswith(">"):
            raise TypeUnknown(text)
        parts = [parse_type(part) for part in split_top(rest[:-1])]
        if len(parts) != _GENERICS[head]:
            raise TypeUnknown(text)
        return _generic(head, parts)
    if not text or not all(character.isalnum() or character in "_:<>" for character in text):
        raise TypeUnknown(text)
    return Named(text)


def split_top(text: str, separator: str = ",") -> list[str]:
    """Split at separators outside all brackets; an empty text has no parts."""
    parts: list[str] = []
    depth = start = 0
    for position, character in enumerate(text):
        if character in "<([":
            depth += 1
        elif character in ">)]":
            depth -= 1
            if depth < 0:
                raise TypeUnknown(text)
        elif character == separator and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    if depth:
        raise TypeUnknown(text)
    last = text[start:].strip()
    return [*parts, last] if last or parts else []


def _parse_array(text: str) -> Array:
    inner, _, length = text[1:-1].rpartition(";")
    if not text.endswith("]") or not length.strip().isdecimal() or int(length) > _ARRAY_MAX:
        raise TypeUnknown(text)
    return Array(parse_type(inner), int(length))


def _generic(head: str, parts: list[Type]) -> Type:
    match head:
        case "Compact":
            return Compact(parts[0])
        case "Vec":
            return Sequence(parts[0])
        case "Option":
            return Option(parts[0])
        case "BTreeSet":
            return Set(parts[0])
        case "Result":
            return Result(parts[0], parts[1])
        case _:
            return Map(parts[0], parts[1])
