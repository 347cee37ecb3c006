"""The notation of the declarations: short text for keys, fields and variants, turned into the records of ``pallet.py``.

Keys: ``"Identity(u16); Blake2_128Concat(AccountId32)"``. Fields: ``"hotkey: AccountId32, netuid: u16"`` or types only.
Variants: ``"0 Other, 3 Module (ModuleError), 2 KeepSubnets (subnets: BTreeSet<u16>)"``. A mistake stops the import.
"""

from chain.errors import TypeUnknown
from chain.runtime.pallet import Call, Constant, Event, Field, Hasher, Key, RuntimeCall, Storage
from chain.scale.types import Enum, Struct, Variant, split_top

HASHER_NAMES = {
    "Blake2_128Concat": Hasher.BLAKE2_128_CONCAT,
    "Twox64Concat": Hasher.TWOX_64_CONCAT,
    "Identity": Hasher.IDENTITY,
}

_BYTES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "u128": 16, "bool": 1, "FixedI128": 16, "FixedU128": 16}


def stored(name: str, keys: str, value: str, default: int | str) -> Storage:
    """Return an item that reads as ``default`` where nothing is stored: a number, or hex of its SCALE bytes."""
    return Storage(name=name, keys=parse_keys(keys), value=value, default=literal(value, default))


def optional(name: str, keys: str, value: str) -> Storage:
    """Return an item that reads as None where nothing is stored."""
    return Storage(name=name, keys=parse_keys(keys), value=value, optional=True, default=b"\0")


def call(index: int, name: str, args: str = "") -> Call:
    """Return a call with its arguments."""
    return Call(name=name, index=index, args=parse_fields(args))


def event(index: int, name: str, fields: str = "") -> Event:
    """Return an event with its fields."""
    return Event(name=name, index=index, fields=parse_fields(fields))


def constant(name: str, type_text: str, value: int | str) -> Constant:
    """Return a constant: a number, or hex of its SCALE bytes."""
    return Constant(name=name, type=type_text, value=literal(type_text, value))


def api(name: str, *methods: tuple[str, str, str]) -> tuple[RuntimeCall, ...]:
    """Return the methods ``(name, inputs, output)`` of one runtime API."""
    return tuple(
        RuntimeCall(api=name, method=method, inputs=parse_fields(inputs), output=output)
        for method, inputs, output in methods
    )


def names(text: str) -> tuple[str, ...]:
    """Return the names of a text, in order."""
    return tuple(text.split())


def struct(name: str, path: str, fields: str) -> Struct:
    """Return a struct type."""
    return Struct(name, path, parse_fields(fields))


def enum(name: str, path: str, variants: str) -> Enum:
    """Return an enum type."""
    return Enum(name, path, tuple(_parse_variant(text) for text in split_top(variants)))


def literal(type_text: str, value: int | str) -> bytes:
    """Return the SCALE bytes of a number of a fixed type, or of hex."""
    if isinstance(value, str):
        return bytes.fromhex(value)
    return value.to_bytes(_BYTES[type_text], "little")


def parse_keys(text: str) -> tuple[Key, ...]:
    """Return the keys of a map; an empty text means a plain value."""
    keys = []
    for part in split_top(text, ";"):
        name, bracket, type_text = part.partition("(")
        if not bracket or not type_text.endswith(")"):
            raise TypeUnknown(text)
        keys.append(Key(hasher=HASHER_NAMES[name], type=type_text[:-1]))
    return tuple(keys)


def parse_fields(text: str) -> tuple[Field, ...]:
    """Return fields, each with its name or an empty one."""
    fields = []
    for part in split_top(text):
        name, colon, type_text = part.partition(": ")
        fields.append((name, type_text) if colon else ("", name))
    return tuple(fields)


def _parse_variant(text: str) -> Variant:
    head, _, fields = text.partition(" (")
    index, _, name = head.partition(" ")
    return Variant(int(index), name, parse_fields(fields.removesuffix(")")) if fields else ())
