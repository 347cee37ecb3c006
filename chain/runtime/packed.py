"""Maps that grow with the number of accounts, kept as bytes: a tenth of the memory of decoded values and key tuples.

Such a map is used like the dictionaries of the other items. What was read or written lately is at hand decoded, up to
a fixed number of entries.
"""

from collections.abc import Iterator
from typing import Any, Final

from chain.errors import NotDeclared
from chain.hashing import hash_key, hash_length
from chain.runtime import items

Keys = tuple[Any, ...]

PACKED: Final = frozenset(
    {
        "System.Account",
        "SubtensorModule.AlphaV2",
        "SubtensorModule.StakingHotkeys",
        "SubtensorModule.OwnedHotkeys",
        "SubtensorModule.AutoStakeDestination",
        "SubtensorModule.RootClaimed",
        "SubtensorModule.RootClaimType",
        f"{items.PRIVATE}.RootStakers",
        f"{items.PRIVATE}.RootStakerIndex",
    }
)
"""Items with an entry for each holder of anything; all their keys have a fixed length."""

RECENT_MAX: Final = 16_384
"""Decoded entries in each of two generations; the older one is dropped when the younger is full."""

_PREFIX_BYTES: Final = 32
_KEY_BYTES: Final = {"AccountId32": 32, "u16": 2, "u64": 8}
_ABSENT: Final = object()


class PackedEntries:
    """The entries of one item: keys joined without their hashes, values as they are encoded."""

    __slots__ = ("_data", "_item", "_older", "_parts", "_recent", "_size")

    def __init__(self, item: items.Item) -> None:
        self._item = item
        self._data: dict[bytes, bytes] = {}
        self._recent: dict[Keys, Any] = {}
        self._older: dict[Keys, Any] = {}
        parts, start = [], 0
        for key in item.declared.keys:
            end = start + _KEY_BYTES[key.type]
            parts.append((start, end, key.type == "AccountId32", key.hasher))
            start = end
        self._parts, self._size = tuple(parts), start

    def __len__(self) -> int:
        return len(self._data)

    def get(self, keys: Keys, default: Any = None) -> Any:
        """Return the value of an entry, else ``default``."""
        value = self._recent.get(keys, _ABSENT)
        if value is _ABSENT:
            value = self._older.get(keys, _ABSENT)
            if value is _ABSENT:
                try:
                    data = self._data.get(self._join(keys))
                except (NotDeclared, OverflowError):
                    # Nothing can be stored under keys that do not fit.
                    data = None
                if data is None:
                    return default
                value = self._item.decode(data)
            self._remember(keys, value)
        return value

    def put(self, keys: Keys, value: Any, data: bytes | None = None) -> None:
        """Store a value, whose encoding is ``data`` where it is known already."""
        self._data[self._join(keys)] = self._item.encode(value) if data is None else data
        self._remember(keys, value)

    def drop(self, keys: Keys) -> None:
        """Remove an entry, if it is there."""
        self._recent.pop(keys, None)
        self._older.pop(keys, None)
        self._data.pop(self._join(keys), None)

    def load(self, key: bytes, data: bytes) -> None:
        """Store an encoded value under its storage key; raises ``NotDeclared`` where that is none of this item.

        The value is decoded when it is first read.
        """
        pieces, at = [], _PREFIX_BYTES
        for start, end, _, hasher in self._parts:
            piece_at = at + hash_length(hasher)
            piece = key[piece_at : piece_at + end - start]
            at = piece_at + end - start
            if hash_key(hasher, piece) != key[piece_at - hash_length(hasher) : at]:
                raise NotDeclared(key.hex())
            pieces.append(piece)
        if at != len(key):
            raise NotDeclared(key.hex())
        self._data[b"".join(pieces)] = data

    def items(self, prefix: Keys = ()) -> Iterator[tuple[Keys, Any]]:
        """Yield keys and decoded values of the entries whose keys begin so, in no order."""
        first, decode = self._join(prefix), self._item.decode
        for packed, data in self._data.items():
            if packed.startswith(first):
                yield self._split(packed), decode(data)

    def keys_with(self, place: int, key: Any) -> list[Keys]:
        """Return the keys of all entries that have this one at a place, in no order."""
        start, end, _, _ = self._parts[place]
        wanted = self._encoded(place, key)
        return [self._split(packed) for packed in self._data if packed[start:end] == wanted]

    def encoded_values(self) -> Iterator[bytes]:
        """Yield all values as they are encoded, in no order."""
        return iter(self._data.values())

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield storage keys and encoded values, in no order."""
        prefix, parts = self._item.prefix, self._parts
        for packed, data in self._data.items():
            yield prefix + b"".join(hash_key(hasher, packed[start:end]) for start, end, _, hasher in parts), data

    def _remember(self, keys: Keys, value: Any) -> None:
        recent = self._recent
        recent[keys] = value
        if len(recent) > RECENT_MAX:
            self._older, self._recent = recent, {}
        elif self._older:
            self._older.pop(keys, None)

    def _join(self, keys: Keys) -> bytes:
        return b"".join([self._encoded(place, key) for place, key in enumerate(keys)])

    def _encoded(self, place: int, key: Any) -> bytes:
        start, end, is_account, _ = self._parts[place]
        if is_account:
            # Of another length it would be another entry's key, or part of one.
            if len(key) != end - start:
                raise NotDeclared(f"{self._item.name} of {key!r}")
            return bytes(key)
        encoded: bytes = key.to_bytes(end - start, "little")
        return encoded

    def _split(self, packed: bytes) -> Keys:
        return tuple(
            packed[start:end] if is_account else int.from_bytes(packed[start:end], "little")
            for start, end, is_account, _ in self._parts
        )
