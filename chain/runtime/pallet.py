"""How a pallet is declared: names, indices and types, from which codec, metadata and storage view are generated.

Types are written as text in the notation of ``chain/scale/types.py``: ``u64``, ``Compact<u64>``, ``Vec<T>``,
``[u8;32]``, ``(A, B)``, ``Option<T>``, or the name of a declared struct or enum. A declared value in Python is:
``int``, ``bool``, ``str``; ``bytes`` for byte arrays, byte vectors, ``AccountId32`` and ``H256``; ``tuple`` for
tuples, ``list`` for other sequences, ``dict`` for structs and maps; ``None`` or the value for options; for enums the
variant's name, or ``(name, value)`` where value is the only unnamed field, a tuple of several, or a dict of named ones.
"""

from dataclasses import dataclass
from enum import Enum

Field = tuple[str, str]
"""Name (may be empty) and type."""


class Hasher(Enum):
    """Storage hashers with their numbers in metadata."""

    BLAKE2_128_CONCAT = 2
    TWOX_64_CONCAT = 5
    IDENTITY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a storage map."""

    hasher: Hasher
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """One storage item; ``default`` is SCALE bytes, used where ``optional`` is false and nothing is stored."""

    name: str
    keys: tuple[Key, ...] = ()
    value: str
    optional: bool = False
    default: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a pallet."""

    name: str
    index: int
    args: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of a pallet; unnamed fields have an empty name."""

    name: str
    index: int
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """One constant, its value as SCALE bytes."""

    name: str
    type: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pallet:
    """Everything that clients may know of one pallet; ``errors`` has no gaps, its position is the index."""

    name: str
    index: int
    storage: tuple[Storage, ...] = ()
    calls: tuple[Call, ...] = ()
    events: tuple[Event, ...] = ()
    errors: tuple[str, ...] = ()
    constants: tuple[Constant, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeCall:
    """One method of a runtime API, called through ``state_call`` as ``Api_method``."""

    api: str
    method: str
    inputs: tuple[Field, ...]
    output: str
