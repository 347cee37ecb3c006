"""What the chain knows after a block: committed versions that share one table, and the overlay that a block writes to.

An entry is named by its item, ``"Pallet.Item"``, and its key tuple; values are decoded, as ``chain/runtime/pallet.py`` describes them, and
are never changed in place: take one, build the next, ``put`` it. Consensus entries (``:bft:*``) are plain bytes under the item ``RAW``.
A ``put`` stores what it is given, even where it equals the item's default; only ``delete`` removes an entry.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from chain.runtime import items

Keys = tuple[Any, ...]
Entry = tuple[str, Keys]
Changes = dict[Entry, Any]

RAW: Final = ""
"""The item of entries whose storage key and value are plain bytes: ``(RAW, (key,))``."""


class _Marker:
    """A value that no item can hold."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


DELETED: Final = _Marker("DELETED")
"""Stands in ``Changes`` for an entry that is removed, and answers a lookup of one that is not there."""

_UNCHANGED: Final = _Marker("UNCHANGED")


class State:
    """One committed version of the chain's state; reading never changes it.

    The newest version holds the table. An older one holds what its successor overwrote and a reference to it, so a read looks through as
    many small dictionaries as there are later blocks, and a version that nobody keeps costs nothing.
    """

    __slots__ = ("_newer", "_table", "_undo")

    def __init__(self) -> None:
        self._table: dict[str, dict[Keys, Any]] = {}
        self._undo: Changes = {}
        self._newer: State | None = None

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[bytes, bytes]]) -> "State":
        """Build a state from storage keys and values; raises ``UnknownStorageKey`` for a key of no declared item."""
        state = cls()
        for key, value in pairs:
            item, keys = split_key(key)
            state._table.setdefault(item, {})[keys] = value if item == RAW else items.item(item).decode(value)
        return state

    def lookup(self, item: str, keys: Keys) -> Any:
        """Return the stored value, or ``DELETED``."""
        version = self
        entry = (item, keys)
        while version._newer is not None:
            value = version._undo.get(entry, _UNCHANGED)
            if value is not _UNCHANGED:
                return value
            version = version._newer
        entries = version._table.get(item)
        return DELETED if entries is None else entries.get(keys, DELETED)

    def get(self, item: str, *keys: Any) -> Any:
        """Return the stored value, or the item's default; ``None`` for an optional item or a raw key that is not there."""
        value = self.lookup(item, keys)
        return _default(item) if value is DELETED else value

    def iter_prefix(self, item: str, *prefix: Any) -> Iterator[tuple[Keys, Any]]:
        """Yield ``(keys, value)`` of all entries of an item whose keys begin so, ascending by keys."""
        yield from sorted(self.entries(item, prefix).items(), key=_by_keys)

    def entries(self, item: str, prefix: Keys = ()) -> dict[Keys, Any]:
        """Return the entries of an item whose keys begin so, in no order."""
        versions = [self]
        while (newer := versions[-1]._newer) is not None:
            versions.append(newer)
        size = len(prefix)
        found = {keys: value for keys, value in versions[-1]._table.get(item, {}).items() if keys[:size] == prefix}
        for version in reversed(versions[:-1]):
            _overwrite(found, version._undo, item, prefix)
        return found

    def commit(self, changes: Mapping[Entry, Any]) -> "State":
        """Return the next version; this one stays readable.

        A version has one successor. Speculative blocks stay overlays until one of them is final. Raises ``RuntimeError`` for a second one.
        """
        if self._newer is not None:
            raise RuntimeError("this version of the state already has a successor")
        undo: Changes = {}
        for (item, keys), value in changes.items():
            entries = self._table.setdefault(item, {})
            undo[item, keys] = entries.get(keys, DELETED)
            if value is DELETED:
                entries.pop(keys, None)
            else:
                entries[keys] = value
        newer = State()
        newer._table, self._table = self._table, {}
        self._undo, self._newer = undo, newer
        return newer

    def read(self, key: bytes) -> bytes | None:
        """Return the stored bytes under a storage key, ``None`` when nothing is stored or the key belongs to no item."""
        try:
            item, keys = split_key(key)
        except items.UnknownStorageKey:
            return None
        value = self.lookup(item, keys)
        if value is DELETED:
            return None
        encoded: bytes = value if item == RAW else items.item(item).encode(value)
        return encoded

    def keys_with_prefix(self, prefix: bytes) -> list[bytes]:
        """Return all storage keys that begin with these bytes, ascending."""
        newest = self
        while newest._newer is not None:
            newest = newest._newer
        # An entry deleted since then is missing from the newest table, so items are collected from the undo records too.
        names = set(newest._table)
        version = self
        while version._newer is not None:
            names.update(item for item, _ in version._undo)
            version = version._newer
        found: list[bytes] = []
        for name in names:
            head = b"" if name == RAW else items.item(name).prefix
            if not (head.startswith(prefix) or prefix.startswith(head)):
                continue
            found += [key for keys in self.entries(name) if (key := join_key(name, keys)).startswith(prefix)]
        return sorted(found)

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every storage key with its value, ascending by key."""
        for key in self.keys_with_prefix(b""):
            value = self.read(key)
            if value is not None:
                yield key, value


class Overlay:
    """What one block writes over a committed state, in layers that are kept whole or dropped whole, with the events it emits."""

    __slots__ = ("_base", "_layers", "events")

    def __init__(self, base: State) -> None:
        self._base = base
        self._layers: list[Changes] = [{}]
        self.events: list[Any] = []

    @property
    def base(self) -> State:
        """The state under the overlay."""
        return self._base

    def lookup(self, item: str, keys: Keys) -> Any:
        """Return the value as this block has left it, or ``DELETED``."""
        entry = (item, keys)
        for layer in reversed(self._layers):
            value = layer.get(entry, _UNCHANGED)
            if value is not _UNCHANGED:
                return value
        return self._base.lookup(item, keys)

    def get(self, item: str, *keys: Any) -> Any:
        """Return the value as this block has left it, or the item's default; ``None`` for an optional item that is not there."""
        value = self.lookup(item, keys)
        return _default(item) if value is DELETED else value

    def contains(self, item: str, *keys: Any) -> bool:
        """Return whether a value is stored, be it the default."""
        return self.lookup(item, keys) is not DELETED

    def put(self, item: str, *keys_and_value: Any) -> None:
        """Store a value: ``put(item, *keys, value)``."""
        self._layers[-1][item, keys_and_value[:-1]] = keys_and_value[-1]

    def delete(self, item: str, *keys: Any) -> None:
        """Remove an entry; nothing happens where there is none."""
        self._layers[-1][item, keys] = DELETED

    def iter_prefix(self, item: str, *prefix: Any) -> Iterator[tuple[Keys, Any]]:
        """Yield ``(keys, value)`` of all entries of an item whose keys begin so, ascending by keys, as they are now."""
        found = self._base.entries(item, prefix)
        for layer in self._layers:
            _overwrite(found, layer, item, prefix)
        yield from sorted(found.items(), key=_by_keys)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all writes and events of the block inside, or, when it raises, none of them."""
        depth, events = len(self._layers), len(self.events)
        self._layers.append({})
        try:
            yield
        except BaseException:
            del self._layers[depth:]
            del self.events[events:]
            raise
        self._layers[depth - 1].update(self._layers.pop())

    def changes(self) -> Changes:
        """Return the entries whose value differs from the base; call it outside of transactions."""
        if len(self._layers) != 1:
            raise RuntimeError("the changes of an open transaction are not final")
        return {entry: value for entry, value in self._layers[0].items() if self._base.lookup(*entry) != value}

    def delta(self) -> dict[bytes, bytes | None]:
        """Return the changes as storage keys, ascending, and values; ``None`` deletes."""
        return encode_changes(self.changes())


def encode_changes(changes: Mapping[Entry, Any]) -> dict[bytes, bytes | None]:
    """Return changes as storage keys, ascending, and values; ``None`` deletes."""
    encoded: dict[bytes, bytes | None] = {}
    for (item, keys), value in changes.items():
        if value is DELETED:
            encoded[join_key(item, keys)] = None
        elif item == RAW:
            encoded[keys[0]] = value
        else:
            encoded[join_key(item, keys)] = items.item(item).encode(value)
    return dict(sorted(encoded.items()))


def split_key(key: bytes) -> Entry:
    """Return item and keys of a storage key; raises ``UnknownStorageKey``."""
    if key.startswith(b":"):
        return RAW, (key,)
    return items.split(key)


def join_key(item: str, keys: Keys) -> bytes:
    """Return the storage key of an entry."""
    if item == RAW:
        raw: bytes = keys[0]
        return raw
    return items.item(item).key(keys)


def _default(item: str) -> Any:
    return None if item == RAW else items.item(item).default


def _by_keys(pair: tuple[Keys, Any]) -> Keys:
    return pair[0]


def _overwrite(found: dict[Keys, Any], changes: Mapping[Entry, Any], item: str, prefix: Keys) -> None:
    size = len(prefix)
    for (name, keys), value in changes.items():
        if name == item and keys[:size] == prefix:
            if value is DELETED:
                found.pop(keys, None)
            else:
                found[keys] = value
