"""Values of any declared type, for properties over the codec."""

from typing import Any

from hypothesis import strategies as st

from chain.scale.types import (
    U8,
    Array,
    Compact,
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
)


def values(registry: Registry, tree: Type, calls_left: int = 2) -> st.SearchStrategy[Any]:
    """Return values of a type; calls inside calls stop after ``calls_left`` levels."""

    def inner(part: Type) -> st.SearchStrategy[Any]:
        return values(registry, part, calls_left)

    match tree:
        case Primitive("bool"):
            return st.booleans()
        case Primitive("str"):
            return st.text(max_size=6)
        case Primitive(name):
            bits = int(name[1:])
            return (
                st.integers(0, 2**bits - 1) if name[0] == "u" else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            )
        case Compact(Primitive(name)):
            return st.integers(0, 2 ** int(name[1:]) - 1)
        case Compact():
            return st.just(())
        case Sequence(part) if part == U8:
            return st.binary(max_size=40)
        case Array(part, length) if part == U8:
            return st.binary(min_size=length, max_size=length)
        case Sequence(part):
            return st.lists(inner(part), max_size=3)
        case Array(part, length):
            return st.lists(inner(part), min_size=length, max_size=length)
        case Set(part):
            return st.lists(inner(part), max_size=3, unique=True).map(sorted)
        case Map(key, part):
            return st.dictionaries(inner(key), inner(part), max_size=3).map(lambda found: dict(sorted(found.items())))
        case Tuple(items):
            return st.tuples(*map(inner, items))
        case Option(part):
            present = inner(part).map(lambda value: (value,)) if isinstance(part, Option) else inner(part)
            return st.none() | present
        case Result(ok, err):
            return st.tuples(st.just("Ok"), inner(ok)) | st.tuples(st.just("Err"), inner(err))
        case Named(name):
            return _named(registry, name, calls_left)
    raise TypeError(tree)


def _named(registry: Registry, name: str, calls_left: int) -> st.SearchStrategy[Any]:
    definition = registry.definition(name)
    if isinstance(definition, Struct):
        return _fields(registry, definition.fields, calls_left)
    left = calls_left - 1 if definition.recursive else calls_left
    variants = [variant for variant in definition.variants if left > 0 or not _nests(variant.fields)]
    return st.deferred(lambda: st.sampled_from(variants).flatmap(lambda variant: _variant(registry, variant, left)))


def _nests(fields: tuple[tuple[str, str], ...]) -> bool:
    return any("RuntimeCall" in text or text.endswith(("Utility::Call", "Sudo::Call")) for _, text in fields)


def _variant(registry: Registry, variant: Any, left: int) -> st.SearchStrategy[Any]:
    if not variant.fields:
        return st.just(variant.name)
    return st.tuples(st.just(variant.name), _fields(registry, variant.fields, left))


def _fields(registry: Registry, fields: tuple[tuple[str, str], ...], left: int) -> st.SearchStrategy[Any]:
    parts = [values(registry, registry.parse(text), left) for _, text in fields]
    if fields[0][0]:
        return st.fixed_dictionaries({name: part for (name, _), part in zip(fields, parts, strict=True)})
    return parts[0] if len(parts) == 1 else st.tuples(*parts)


def declared_values(registry: Registry) -> st.SearchStrategy[tuple[str, Any]]:
    """Return pairs of a declared type's name and one of its values, for the types that have values."""
    names = [definition.name for definition in registry if _has_values(registry, definition.name)]
    return st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), values(registry, registry.parse(name))))


def _has_values(registry: Registry, name: str) -> bool:
    definition = registry.definition(name)
    if isinstance(definition, Struct):
        return all(_has_values(registry, text) for _, text in definition.fields if text in registry)
    return bool(definition.variants)


__all__ = ["declared_values", "values"]
