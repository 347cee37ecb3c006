"""An earlier state of the chain, read from disk entry by entry, with the face of the live one."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from chain.runtime import items
from chain.runtime.state import DELETED, RAW, Entry, Keys, State, join_key, split_key
from chain.storage.store import ChainStore

_PAGE: Final = 4_096


class HistoricState(State):
    """The state after the block at ``height``; it can be read and never gets a successor."""

    __slots__ = ("_height", "_store")

    def __init__(self, store: ChainStore, height: int) -> None:
        super().__init__()
        self._store = store
        self._height = height

    def lookup(self, item: str, keys: Keys) -> Any:
        """Return the value that was stored, or ``DELETED``."""
        data = self._store.read(join_key(item, keys), self._height)
        if data is None:
            return DELETED
        return data if item == RAW else items.item(item).decode(data)

    def entries(self, item: str, prefix: Keys = ()) -> dict[Keys, Any]:
        """Return the entries of an item whose keys begin so, in no order."""
        found: dict[Keys, Any] = {}
        for key in self._keys(b":" if item == RAW else items.item(item).prefix):
            _, keys = split_key(key)
            if keys[: len(prefix)] == prefix:
                found[keys] = self.lookup(item, keys)
        return found

    def read(self, key: bytes) -> bytes | None:
        """Return the bytes that were stored under a storage key."""
        return self._store.read(key, self._height)

    def keys_with_prefix(self, prefix: bytes) -> list[bytes]:
        """Return all storage keys that begin with these bytes, ascending."""
        return list(self._keys(prefix))

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every storage key with its value, ascending by key."""
        for key in self._keys(b""):
            value = self.read(key)
            if value is not None:
                yield key, value

    def commit(self, changes: Mapping[Entry, Any], encoded: Mapping[bytes, bytes | None] | None = None) -> State:  # noqa: ARG002
        """Refuse: the past has its successor already."""
        raise RuntimeError(f"the state of height {self._height} is history; {len(changes)} changes refused")

    def _keys(self, prefix: bytes) -> Iterator[bytes]:
        after = b""
        while page := self._store.keys(prefix, height=self._height, after=after, limit=_PAGE):
            yield from page
            after = page[-1]
