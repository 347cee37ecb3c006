"""The storage items of the runtime, compiled once: names to storage keys and back, values to bytes and back.

The public items come from the declarations and are what clients see. The private ones below hold what the runtime must
remember beside them; they stand in the state tree like all others, but in no metadata.
"""

from functools import cached_property, lru_cache
from typing import Any, Final

from chain.errors import DecodeError, NotDeclared
from chain.hashing import hash_key, hash_length, twox_128_name
from chain.runtime.declarations import PALLETS, codec
from chain.runtime.declarations.notation import optional, stored
from chain.runtime.pallet import Storage

_PREFIX_BYTES: Final = 32

PRIVATE: Final = "Chain"
"""Name of the pallet under which the private items stand."""

_PRIVATE_ITEMS: Final = (
    stored("EmissionEnabled", "Identity(u16)", "bool", 0),
    stored("MinerBurned", "Identity(u16)", "u128", 0),
    stored("RecycleWithheld", "Identity(u16)", "bool", 0),
    stored("Subnets", "", "Vec<u16>", "00"),
    stored("Epochs", "", "Vec<u16>", "00"),
    stored("LastTakeChange", "Identity(AccountId32)", "u64", 0),
    stored("LastChildkeyTakeChange", "Identity(AccountId32); Identity(u16)", "u64", 0),
    stored("LastChildrenChange", "Identity(AccountId32); Identity(u16)", "u64", 0),
    stored("RootUnclaimed", "Identity(u16)", "u64", 0),
    stored("RootStakers", "Identity(u64)", "AccountId32", "00" * 32),
    optional("RootStakerIndex", "Identity(AccountId32)", "u64"),
    stored("RootStakerCount", "", "u64", 0),
    stored("AutoStakers", "Identity(AccountId32); Identity(u16)", "Vec<AccountId32>", "00"),
    stored("LastLock", "", "u64", 10**12),
    stored("LastLockBlock", "", "u64", 0),
    stored("LockMin", "", "u64", 10**12),
    stored("LockInterval", "", "u64", 100_800),
    stored("NetworkRateLimit", "", "u64", 7_200),
    stored("NetworkImmunity", "", "u64", 1_296_000),
    stored("RegisteredOnRootAt", "", "u64", 0),
    stored("OwnerSettingAt", "Identity(u16); Identity(u8)", "u64", 0),
    stored("LastHotkeySwap", "Identity(AccountId32)", "u64", 0),
    stored("LastHotkeySwapOn", "Identity(u16); Identity(AccountId32)", "u64", 0),
    optional("LockedTo", "Identity(AccountId32); Identity(u16)", "AccountId32"),
    stored("ServingRateLimit", "Identity(u16)", "u64", 50),
    stored("ActivityCutoff", "Identity(u16)", "u16", 5_000),
)


class Item:
    """One storage item: its key parts and its value, compiled."""

    __slots__ = ("__dict__", "_encode", "_hashers", "_key_coders", "declared", "name", "prefix")

    def __init__(self, pallet: str, declared: Storage) -> None:
        self.name = f"{pallet}.{declared.name}"
        self.declared = declared
        self.prefix = twox_128_name(pallet) + twox_128_name(declared.name)
        self._hashers = tuple(key.hasher for key in declared.keys)
        self._key_coders = tuple(codec().coder(key.type) for key in declared.keys)
        self._encode = codec().encoder(declared.value)

    @cached_property
    def default(self) -> Any:
        """What reads where nothing is stored; ``None`` for an optional item. Never change it in place."""
        return None if self.declared.optional else self.decode(self.declared.default)

    def key(self, keys: tuple[Any, ...]) -> bytes:
        """Return the storage key of an entry."""
        if len(keys) != len(self._hashers):
            raise NotDeclared(f"{self.name} with {len(keys)} keys")
        parts = [self.prefix]
        for hasher, coder, value in zip(self._hashers, self._key_coders, keys, strict=True):
            encoded = bytearray()
            coder.encode(value, encoded, 0)
            parts.append(hash_key(hasher, bytes(encoded)))
        return b"".join(parts)

    def keys(self, key: bytes) -> tuple[Any, ...]:
        """Return the keys of a storage key of this item; raises ``NotDeclared`` where it is not one."""
        offset, found = _PREFIX_BYTES, []
        try:
            for hasher, coder in zip(self._hashers, self._key_coders, strict=True):
                value, offset = coder.decode(key, offset + hash_length(hasher), 0)
                found.append(value)
        except DecodeError as error:
            raise NotDeclared(key.hex()) from error
        keys = tuple(found)
        if self.key(keys) != key:
            raise NotDeclared(key.hex())
        return keys

    def encode(self, value: Any) -> bytes:
        """Return the bytes of a value."""
        return self._encode(value)

    def decode(self, data: bytes) -> Any:
        """Return the value of stored bytes; raises ``DecodeError``."""
        return codec().decode(self.declared.value, data)


def _all_items() -> dict[str, Item]:
    found = [Item(pallet.name, declared) for pallet in PALLETS for declared in pallet.storage]
    found += [Item(PRIVATE, declared) for declared in _PRIVATE_ITEMS]
    return {entry.name: entry for entry in found}


_ITEMS: Final = _all_items()
_BY_PREFIX: Final = {entry.prefix: entry for entry in _ITEMS.values()}


def item(name: str) -> Item:
    """Return the item ``"Pallet.Item"``; raises ``NotDeclared``."""
    found = _ITEMS.get(name)
    if found is None:
        raise NotDeclared(name)
    return found


@lru_cache(maxsize=65_536)
def storage_key(name: str, keys: tuple[Any, ...]) -> bytes:
    """Return the storage key of an entry; the last ones are remembered, since blocks touch the same entries again."""
    return item(name).key(keys)


def private_names() -> list[str]:
    """Return the names of the items that no metadata tells of."""
    return [f"{PRIVATE}.{declared.name}" for declared in _PRIVATE_ITEMS]


def item_of(key: bytes) -> Item:
    """Return the item that a storage key begins with; raises ``NotDeclared``."""
    found = _BY_PREFIX.get(key[:_PREFIX_BYTES])
    if found is None:
        raise NotDeclared(key.hex())
    return found


def split(key: bytes) -> tuple[str, tuple[Any, ...]]:
    """Return item name and keys of a storage key; raises ``NotDeclared``."""
    found = item_of(key)
    return found.name, found.keys(key)
