"""The declared fields of what clients are told, so that an answer takes from what is known what it has room for."""

from typing import Any

from chain.runtime.declarations import TYPES
from chain.scale.types import Struct


def fields_of(name: str) -> tuple[tuple[str, str], ...]:
    """Return names and types of a declared struct's fields, in order; nothing for another kind of type."""
    declared = TYPES.definition(name)
    return declared.fields if isinstance(declared, Struct) else ()


def shaped(name: str, found: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a declared struct from among more."""
    return {field: found[field] for field, _ in fields_of(name)}
