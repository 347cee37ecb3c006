"""What the chain knows after a block: committed versions that share one table, and the overlay that a block writes to.

An entry is named by its item, ``"Pallet.Item"``, and its key tuple. Values are decoded, as ``chain/runtime/pallet.py``
describes them, and are never changed in place: take one, build the next, ``put`` it. Consensus entries (``:bft:*``) are
plain bytes under the item ``RAW``. A ``put`` stores what it is given, even where it equals the item's default, as the
reference chain does; only ``delete`` removes an entry.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from chain.errors import NotDeclared
from chain.runtime import items
from chain.runtime.packed import PACKED, PackedEntries

Keys = tuple[Any, ...]
Entry = tuple[str, Keys]
Changes = dict[Entry, Any]
Layer = dict[str, dict[Keys, Any]]
Table = dict[str, dict[Keys, Any] | PackedEntries]

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


class _Version:
    """The newest version holds the table; an older one holds what its successor overwrote, and the successor."""

    __slots__ = ("newer", "table", "undo")

    def __init__(self, table: Table) -> None:
        self.table = table
        self.undo: Changes = {}
        self.newer: _Version | None = None


class State:
    """One committed version of the chain's state; reading never changes it.

    A read of an old version looks through as many small dictionaries as there are later blocks, and a version that
    nobody keeps costs nothing.
    """

    __slots__ = ("_version",)

    def __init__(self, version: _Version | None = None) -> None:
        self._version = version or _Version({})

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[bytes, bytes]]) -> "State":
        """Build a state from storage keys and values.

        Raises ``NotDeclared`` for a key of no known item and ``DecodeError`` for bytes that are no value of it; of an
        item that is kept packed a value is decoded when it is first read.
        """
        table: Table = {}
        for key, value in pairs:
            name = RAW if key.startswith(b":") else items.item_of(key).name
            entries = _entries_of(table, name)
            if isinstance(entries, PackedEntries):
                entries.load(key, value)
            else:
                _, keys = split_key(key)
                entries[keys] = value if name == RAW else items.item(name).decode(value)
        return cls(_Version(table))

    def lookup(self, item: str, keys: Keys) -> Any:
        """Return the stored value, or ``DELETED``."""
        version = self._version
        if version.newer is not None:
            entry = (item, keys)
            while version.newer is not None:
                value = version.undo.get(entry, _UNCHANGED)
                if value is not _UNCHANGED:
                    return value
                version = version.newer
        entries = version.table.get(item)
        return DELETED if entries is None else entries.get(keys, DELETED)

    def get(self, item: str, *keys: Any) -> Any:
        """Return the stored value, else the item's default: ``None`` for an optional item or a raw key."""
        value = self.lookup(item, keys)
        return _default(item) if value is DELETED else value

    def contains(self, item: str, *keys: Any) -> bool:
        """Return whether a value is stored, be it the default."""
        return self.lookup(item, keys) is not DELETED

    def iter_prefix(self, item: str, *prefix: Any) -> Iterator[tuple[Keys, Any]]:
        """Yield ``(keys, value)`` of all entries of an item whose keys begin so, ascending by keys."""
        yield from sorted(self.entries(item, prefix).items(), key=_by_keys)

    def entries(self, item: str, prefix: Keys = ()) -> dict[Keys, Any]:
        """Return the entries of an item whose keys begin so, in no order."""
        versions = [self._version]
        while (newer := versions[-1].newer) is not None:
            versions.append(newer)
        table = versions[-1].table.get(item, {})
        size = len(prefix)
        if isinstance(table, PackedEntries):
            found = dict(table.items(prefix))
        else:
            found = {keys: value for keys, value in table.items() if keys[:size] == prefix} if size else dict(table)
        for version in reversed(versions[:-1]):
            for (name, keys), value in version.undo.items():
                if name == item:
                    _overwrite(found, keys, value, prefix)
        return found

    def keys_with(self, item: str, place: int, key: Any) -> list[Keys]:
        """Return the keys of all entries of an item that have ``key`` at a place, in no order, reading no value."""
        entries = self._newest(item)
        if isinstance(entries, PackedEntries):
            return entries.keys_with(place, key)
        return [keys for keys in self.entries(item) if keys[place] == key]

    def encoded_values(self, item: str) -> Iterator[bytes]:
        """Yield all values of an item as they are encoded, in no order, for sums over many of them."""
        entries = self._newest(item)
        if isinstance(entries, PackedEntries):
            yield from entries.encoded_values()
        else:
            encode = items.item(item).encode
            for value in self.entries(item).values():
                yield encode(value)

    def commit(self, changes: Mapping[Entry, Any], encoded: Mapping[bytes, bytes | None] | None = None) -> "State":
        """Return the next version; this one stays readable. ``encoded`` are the same changes, where they are at hand.

        A version has one successor, and a second one raises ``RuntimeError``: speculative blocks stay overlays until
        one of them is final.
        """
        current = self._version
        if current.newer is not None:
            raise RuntimeError("this version of the state already has a successor")
        table = current.table
        undo: Changes = {}
        for (item, keys), value in changes.items():
            entries = _entries_of(table, item)
            undo[item, keys] = entries.get(keys, DELETED)
            if isinstance(entries, PackedEntries):
                if value is DELETED:
                    entries.drop(keys)
                else:
                    entries.put(keys, value, None if encoded is None else encoded[join_key(item, keys)])
            elif value is DELETED:
                entries.pop(keys, None)
            else:
                entries[keys] = value
        newer = _Version(table)
        current.table, current.undo, current.newer = {}, undo, newer
        return State(newer)

    def read(self, key: bytes) -> bytes | None:
        """Return the stored bytes under a storage key; ``None`` when there are none or the key belongs to no item."""
        try:
            item, keys = split_key(key)
        except NotDeclared:
            return None
        value = self.lookup(item, keys)
        if value is DELETED:
            return None
        encoded: bytes = value if item == RAW else items.item(item).encode(value)
        return encoded

    def keys_with_prefix(self, prefix: bytes) -> list[bytes]:
        """Return all storage keys that begin with these bytes, ascending."""
        names = set[str]()
        version: _Version | None = self._version
        while version is not None:
            # An entry deleted since then is missing from the newest table, so the undo records name items too.
            names.update(version.table)
            names.update(item for item, _ in version.undo)
            version = version.newer
        found: list[bytes] = []
        for name in names:
            head = b"" if name == RAW else items.item(name).prefix
            if head.startswith(prefix) or prefix.startswith(head):
                keys = (join_key(name, keys) for keys in self.entries(name))
                found += [key for key in keys if key.startswith(prefix)]
        return sorted(found)

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every storage key with its value, ascending by key."""
        if self._version.newer is not None:
            found = [(key, value) for key in self.keys_with_prefix(b"") if (value := self.read(key)) is not None]
        else:
            found = [pair for name, entries in self._version.table.items() for pair in _pairs_of(name, entries)]
        yield from sorted(found)

    def _newest(self, item: str) -> "dict[Keys, Any] | PackedEntries | None":
        """Return the table of an item, if this is the version that has it."""
        return self._version.table.get(item) if self._version.newer is None else None


class Overlay:
    """What one block writes over a committed state, in layers kept or dropped whole, with the events it emits."""

    __slots__ = ("_base", "_layers", "events")

    def __init__(self, base: State) -> None:
        self._base = base
        # Newest first, as a read looks through them.
        self._layers: list[Layer] = [{}]
        self.events: list[Any] = []

    @property
    def base(self) -> State:
        """The state under the overlay."""
        return self._base

    def lookup(self, item: str, keys: Keys) -> Any:
        """Return the value as this block has left it, or ``DELETED``."""
        for layer in self._layers:
            entries = layer.get(item)
            if entries is not None:
                value = entries.get(keys, _UNCHANGED)
                if value is not _UNCHANGED:
                    return value
        return self._base.lookup(item, keys)

    def get(self, item: str, *keys: Any) -> Any:
        """Return the value as this block has left it, else the item's default: ``None`` for an optional item."""
        # As ``lookup`` does it, for a block reads thousands of times.
        for layer in self._layers:
            entries = layer.get(item)
            if entries is not None:
                value = entries.get(keys, _UNCHANGED)
                if value is not _UNCHANGED:
                    break
        else:
            value = self._base.lookup(item, keys)
        return _default(item) if value is DELETED else value

    def contains(self, item: str, *keys: Any) -> bool:
        """Return whether a value is stored, be it the default."""
        return self.lookup(item, keys) is not DELETED

    def put(self, item: str, *keys_and_value: Any) -> None:
        """Store a value: ``put(item, *keys, value)``."""
        self._layers[0].setdefault(item, {})[keys_and_value[:-1]] = keys_and_value[-1]

    def delete(self, item: str, *keys: Any) -> None:
        """Remove an entry; nothing happens where there is none."""
        self._layers[0].setdefault(item, {})[keys] = DELETED

    def iter_prefix(self, item: str, *prefix: Any) -> Iterator[tuple[Keys, Any]]:
        """Yield ``(keys, value)`` of all entries of an item whose keys begin so, ascending by keys, as they are now."""
        yield from sorted(self.entries(item, prefix).items(), key=_by_keys)

    def entries(self, item: str, prefix: Keys = ()) -> dict[Keys, Any]:
        """Return the entries of an item whose keys begin so, as they are now, in no order."""
        found = self._base.entries(item, prefix)
        for layer in reversed(self._layers):
            for keys, value in layer.get(item, {}).items():
                _overwrite(found, keys, value, prefix)
        return found

    def keys_with(self, item: str, place: int, key: Any) -> list[Keys]:
        """Return the keys of all entries of an item that have ``key`` at a place, as they are now, in no order."""
        found = dict.fromkeys(self._base.keys_with(item, place, key))
        for layer in reversed(self._layers):
            for keys, value in layer.get(item, {}).items():
                if value is DELETED:
                    found.pop(keys, None)
                elif keys[place] == key:
                    found[keys] = None
        return list(found)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all writes and events of the block inside, or, when it raises, none of them."""
        depth, events = len(self._layers), len(self.events)
        self._layers.insert(0, {})
        try:
            yield
        except BaseException:
            del self._layers[:-depth]
            del self.events[events:]
            raise
        done = self._layers.pop(0)
        below = self._layers[0]
        for item, entries in done.items():
            below.setdefault(item, {}).update(entries)

    def changes(self) -> Changes:
        """Return the entries whose value differs from the base; call it outside of transactions."""
        if len(self._layers) != 1:
            raise RuntimeError("the changes of an open transaction are not final")
        return {
            (item, keys): value
            for item, entries in self._layers[0].items()
            for keys, value in entries.items()
            if self._base.lookup(item, keys) != value
        }

    def delta(self) -> dict[bytes, bytes | None]:
        """Return the changes as storage keys, ascending, and values; ``None`` deletes."""
        return encode_changes(self.changes())


def encode_changes(changes: Mapping[Entry, Any]) -> dict[bytes, bytes | None]:
    """Return changes as storage keys, ascending, and values; ``None`` deletes."""
    encoded: dict[bytes, bytes | None] = {}
    for (item, keys), value in changes.items():
        if value is DELETED:
            encoded[join_key(item, keys)] = None
        else:
            encoded[join_key(item, keys)] = value if item == RAW else items.item(item).encode(value)
    return dict(sorted(encoded.items()))


def _entries_of(table: Table, item: str) -> dict[Keys, Any] | PackedEntries:
    """Return the entries of an item, making room for them where there are none yet."""
    entries = table.get(item)
    if entries is None:
        entries = table[item] = {} if item not in PACKED else PackedEntries(items.item(item))
    return entries


def _pairs_of(item: str, entries: dict[Keys, Any] | PackedEntries) -> Iterator[tuple[bytes, bytes]]:
    if isinstance(entries, PackedEntries):
        yield from entries.pairs()
    elif item == RAW:
        yield from ((keys[0], value) for keys, value in entries.items())
    else:
        found = items.item(item)
        yield from ((found.key(keys), found.encode(value)) for keys, value in entries.items())


def split_key(key: bytes) -> Entry:
    """Return item and keys of a storage key; raises ``NotDeclared``."""
    return (RAW, (key,)) if key.startswith(b":") else items.split(key)


def join_key(item: str, keys: Keys) -> bytes:
    """Return the storage key of an entry."""
    key: bytes = keys[0] if item == RAW else items.storage_key(item, keys)
    return key


@cache
def _default(item: str) -> Any:
    return None if item == RAW else items.item(item).default


def _by_keys(pair: tuple[Keys, Any]) -> Keys:
    return pair[0]


def _overwrite(found: dict[Keys, Any], keys: Keys, value: Any, prefix: Keys) -> None:
    if keys[: len(prefix)] == prefix:
        if value is DELETED:
            found.pop(keys, None)
        else:
            found[keys] = value
