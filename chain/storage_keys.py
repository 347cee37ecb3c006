"""Storage keys: from pallet, item and map keys to bytes and back; all hashers in use keep the key readable."""

from functools import lru_cache
from typing import Any, NamedTuple

from chain.errors import DecodeError, EncodeError
from chain.hashing import hash_key, hash_length, twox_128_name
from chain.runtime.declarations import PALLETS, codec, storage
from chain.runtime.pallet import Hasher, Storage
from chain.scale.coders import Coder

PREFIX_BYTES = 32
"""Length of pallet hash and item hash together."""


class SplitKey(NamedTuple):
    """What a storage key stands for."""

    pallet: str
    item: str
    keys: tuple[Any, ...]


class _Plan(NamedTuple):
    prefix: bytes
    parts: tuple[tuple[Hasher, str, Coder], ...]


@lru_cache(maxsize=1024)
def _plan(pallet: str, item: str) -> _Plan:
    declared = storage(pallet, item)
    parts = tuple((key.hasher, key.type, codec().coder(key.type)) for key in declared.keys)
    return _Plan(twox_128_name(pallet) + twox_128_name(item), parts)


def prefix(pallet: str, item: str, *keys: Any) -> bytes:
    """Return the bytes that every key of an item starts with, narrowed by its first map keys.

    Raises ``NotDeclared``, or ``EncodeError`` when there are more keys than the map has or one does not fit.
    """
    plan = _plan(pallet, item)
    if len(keys) > len(plan.parts):
        raise EncodeError(f"{pallet}.{item} has {len(plan.parts)} keys", keys)
    out = bytearray(plan.prefix)
    for (hasher, type_text, _), key in zip(plan.parts, keys, strict=False):
        out += hash_key(hasher, codec().encode(type_text, key))
    return bytes(out)


@lru_cache(maxsize=32_768)
def storage_key(pallet: str, item: str, *keys: Any) -> bytes:
    """Return the full key of one entry; raise ``NotDeclared``, or ``EncodeError`` unless all keys are given.

    The last keys asked for are remembered: a block touches the same entries again and again.
    """
    plan = _plan(pallet, item)
    if len(keys) != len(plan.parts):
        raise EncodeError(f"{pallet}.{item} has {len(plan.parts)} keys", keys)
    return prefix(pallet, item, *keys)


def item_of(key: bytes) -> tuple[str, Storage] | None:
    """Return pallet name and declaration of the item that a key belongs to, or None for bytes of no declared item."""
    return _items().get(key[:PREFIX_BYTES])


def split_key(key: bytes) -> SplitKey:
    """Return pallet, item and map keys of a complete storage key.

    Raises ``DecodeError``: ``storage_prefix_unknown``, ``storage_hash_wrong``, or what the codec says of a map key.
    """
    found = item_of(key)
    if found is None:
        raise DecodeError("storage_prefix_unknown", 0)
    pallet, declared = found
    plan = _plan(pallet, declared.name)
    offset = PREFIX_BYTES
    keys = []
    for hasher, _, coder in plan.parts:
        start = offset + hash_length(hasher)
        value, end = coder.decode(key, start, 0)
        if hash_key(hasher, key[start:end]) != key[offset:end]:
            raise DecodeError("storage_hash_wrong", offset)
        keys.append(value)
        offset = end
    if offset != len(key):
        raise DecodeError("trailing_bytes", offset)
    return SplitKey(pallet, declared.name, tuple(keys))


@lru_cache(maxsize=1)
def _items() -> dict[bytes, tuple[str, Storage]]:
    return {
        twox_128_name(pallet.name) + twox_128_name(item.name): (pallet.name, item)
        for pallet in PALLETS
        for item in pallet.storage
    }
