"""Extrinsics that wait for a block: bounded, ordered by account and nonce, each payment at most once.

The pool decides nothing about validity: what a block may hold is the runtime's answer alone.
"""

import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from chain.hashing import blake2b_256
from chain.runtime.errors import EXHAUSTS, FUTURE, Inadmissible
from chain.runtime.transition import Receipt, Validity

BANNED: Final = 1012
ALREADY_IMPORTED: Final = 1013
TOO_LOW_PRIORITY: Final = 1014
DROPPED: Final = 1016

_TOO_LOW: Final = "The transaction has too low priority to replace another transaction already in the pool."
_NO_ROOM: Final = "The transaction couldn't enter the pool because of the limit"
_PRIORITY_SHIFT: Final = 32


Validate = Callable[[bytes, bool], Validity]
"""Checks bytes against the head; the flag says that the signature was checked before. Raises for what may not wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """How much may wait: extrinsics and bytes in all and for one account, and how far ahead a nonce may be."""

    count: int = 20_000
    total_bytes: int = 64 * 1024 * 1024
    account_count: int = 64
    account_bytes: int = 2 * 1024 * 1024
    extrinsic_bytes: int = 64 * 1024
    nonce_window: int = 64
    banned: int = 10_000
    ban_blocks: int = 8


@dataclass(frozen=True, slots=True)
class PoolEvent:
    """What whoever watches ``hash`` wants to know: ``ready``, ``future``, ``usurped``, ``invalid`` or ``dropped``.

    ``by`` is the hash that took its place when it was usurped.
    """

    hash: bytes
    status: str
    by: bytes | None = None


@dataclass(slots=True, eq=False)
class _Entry:
    data: bytes
    validity: Validity
    arrival: int
    was_ready: bool = False

    @property
    def priority(self) -> int:
        """Tip per unit of weight, scaled and rounded down."""
        return (self.validity.tip_rao << _PRIORITY_SHIFT) // max(self.validity.weight, 1)


@dataclass(slots=True)
class Mempool:
    """The pool of one node; every method returns at once and the same calls give the same pool."""

    limits: PoolLimits = field(default_factory=PoolLimits)
    _entries: dict[bytes, _Entry] = field(default_factory=dict)
    _by_intent: dict[bytes, bytes] = field(default_factory=dict)
    _accounts: dict[bytes, dict[int, _Entry]] = field(default_factory=dict)
    _nonces: dict[bytes, int] = field(default_factory=dict)
    _bans: OrderedDict[bytes, int] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _arrivals: int = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, data: bytes, *, height: int, validate: Validate) -> list[PoolEvent]:
        """Take an extrinsic for the blocks after ``height`` and return what happened, its own event first.

        Raises ``Inadmissible``, and whatever ``validate`` raises; then nothing has changed.
        """
        ext_hash = blake2b_256(data)
        if len(data) > self.limits.extrinsic_bytes:
            raise Inadmissible(EXHAUSTS)
        if ext_hash in self._entries:
            raise _already(ext_hash)
        if self._bans.get(ext_hash, -1) > height:
            raise Inadmissible("", BANNED, "Transaction is temporarily banned")
        validity = validate(data, False)
        known = self._by_intent.get(validity.intent_id)
        if known is not None:
            raise _already(known)
        replaced = self._make_room(validity)
        self._nonces[validity.signer] = validity.account_nonce
        self._arrivals += 1
        entry = _Entry(data, validity, self._arrivals)
        self._insert(entry)
        ready = self._promote(validity.signer)
        if not entry.was_ready:
            ready.insert(0, PoolEvent(ext_hash, "future"))
        return [*ready, *replaced]

    def ready(self) -> Iterable[bytes]:
        """Yield what the next block may hold: best tip per weight first, then arrival, each account in nonce order."""
        heap = []
        for account, entries in self._accounts.items():
            first = entries.get(self._nonces[account])
            if first is not None:
                heap.append((-first.priority, first.arrival, first))
        heapq.heapify(heap)
        while heap:
            _, _, entry = heapq.heappop(heap)
            yield entry.data
            following = self._accounts[entry.validity.signer].get(entry.validity.nonce + 1)
            if following is not None:
                heapq.heappush(heap, (-following.priority, following.arrival, following))

    def pending(self) -> list[bytes]:
        """Return all that waits, ready or not, in order of arrival."""
        return [entry.data for entry in self._entries.values()]

    def hashes(self) -> frozenset[bytes]:
        """Return the hashes of all that waits: their signatures were checked when they came."""
        return frozenset(self._entries)

    def contains(self, ext_hash: bytes) -> bool:
        """Return whether these very bytes wait."""
        return ext_hash in self._entries

    def next_nonce(self, account: bytes, account_nonce: int) -> int:
        """Return the first nonce from ``account_nonce`` on that nothing here uses."""
        entries = self._accounts.get(account, {})
        while account_nonce in entries:
            account_nonce += 1
        return account_nonce

    def after_block(
        self, *, height: int, included: Iterable[Receipt], nonces: Mapping[bytes, int], validate: Validate
    ) -> list[PoolEvent]:
        """Follow a new head: forget what it holds, what its age killed, and what can no longer be paid.

        ``nonces`` are the new counters of all accounts that the block touched; only those, and the dead, are looked at
        again.
        """
        events: list[PoolEvent] = []
        for receipt in included:
            entry = self._entries.get(receipt.hash)
            if entry is not None:
                self._remove(entry)
                continue
            rival = self._accounts.get(receipt.signer or b"", {}).get(receipt.nonce)
            if rival is not None:
                self._remove(rival)
                events.append(PoolEvent(rival.validity.hash, "usurped", receipt.hash))
        dead = [
            entry
            for entry in self._entries.values()
            if entry.validity.valid_until is not None and entry.validity.valid_until <= height + 1
        ]
        for entry in dead:
            self._remove(entry)
            events.append(PoolEvent(entry.validity.hash, "invalid"))
        for account in sorted(set(nonces) & set(self._accounts)):
            self._nonces[account] = nonces[account]
            events += self._recheck(account, height, validate)
            events += self._promote(account)
        while self._bans and next(iter(self._bans.values())) <= height:
            self._bans.popitem(last=False)
        return events

    def reject(self, ext_hash: bytes, *, height: int) -> list[PoolEvent]:
        """Throw out what a block could not hold, and refuse it for a while."""
        entry = self._entries.get(ext_hash)
        if entry is None:
            return []
        self._remove(entry)
        self._ban(ext_hash, height)
        return [PoolEvent(ext_hash, "invalid")]

    def _recheck(self, account: bytes, height: int, validate: Validate) -> list[PoolEvent]:
        events = []
        for _, entry in sorted(self._accounts.get(account, {}).items()):
            try:
                validity = validate(entry.data, True)
            except Inadmissible:
                self._remove(entry)
                self._ban(entry.validity.hash, height)
                events.append(PoolEvent(entry.validity.hash, "invalid"))
            else:
                entry.validity = validity
        return events

    def _promote(self, account: bytes) -> list[PoolEvent]:
        """Tell of entries that have nothing left to wait for but a block."""
        events = []
        nonce = self._nonces.get(account, 0)
        entries = self._accounts.get(account, {})
        while nonce in entries:
            entry = entries[nonce]
            if not entry.was_ready:
                entry.was_ready = True
                events.append(PoolEvent(entry.validity.hash, "ready"))
            nonce += 1
        return events

    def _make_room(self, validity: Validity) -> list[PoolEvent]:
        """Remove what the newcomer replaces or outbids; raises ``Inadmissible`` where it has no better claim."""
        if validity.nonce - validity.account_nonce >= self.limits.nonce_window:
            raise Inadmissible(FUTURE)
        entries = self._accounts.get(validity.signer, {})
        old = entries.get(validity.nonce)
        if old is not None:
            floor = max(old.validity.tip_rao * 11 // 10, old.validity.tip_rao + 1)
            if validity.tip_rao < floor:
                message = f"Priority is too low: ({old.validity.tip_rao} vs {validity.tip_rao})"
                raise Inadmissible(_TOO_LOW, TOO_LOW_PRIORITY, message)
            self._remove(old)
            return [PoolEvent(old.validity.hash, "usurped", validity.hash)]
        own_bytes = sum(entry.validity.length for entry in entries.values())
        if len(entries) >= self.limits.account_count or own_bytes + validity.length > self.limits.account_bytes:
            raise _full()
        events = []
        while self._is_full(validity.length):
            worst = self._worst()
            newcomer = (validity.tip_rao << _PRIORITY_SHIFT) // max(validity.weight, 1)
            if worst is None or worst.validity.signer == validity.signer or newcomer <= worst.priority:
                raise _full()
            self._remove(worst)
            events.append(PoolEvent(worst.validity.hash, "dropped"))
        return events

    def _is_full(self, length: int) -> bool:
        return len(self._entries) >= self.limits.count or self._bytes + length > self.limits.total_bytes

    def _worst(self) -> _Entry | None:
        """Return the lowest tip per weight among the accounts' last nonces, the youngest of equals: no gap is torn."""
        last = (entries[max(entries)] for entries in self._accounts.values())
        return min(last, key=lambda entry: (entry.priority, -entry.arrival), default=None)

    def _insert(self, entry: _Entry) -> None:
        validity = entry.validity
        self._entries[validity.hash] = entry
        self._by_intent[validity.intent_id] = validity.hash
        self._accounts.setdefault(validity.signer, {})[validity.nonce] = entry
        self._bytes += validity.length

    def _remove(self, entry: _Entry) -> None:
        validity = entry.validity
        del self._entries[validity.hash]
        del self._by_intent[validity.intent_id]
        entries = self._accounts[validity.signer]
        del entries[validity.nonce]
        self._bytes -= validity.length
        if not entries:
            del self._accounts[validity.signer]
            self._forget_nonce(validity.signer)

    def _forget_nonce(self, account: bytes) -> None:
        if account not in self._accounts:
            self._nonces.pop(account, None)

    def _ban(self, ext_hash: bytes, height: int) -> None:
        self._bans.pop(ext_hash, None)
        self._bans[ext_hash] = height + self.limits.ban_blocks
        if len(self._bans) > self.limits.banned:
            self._bans.popitem(last=False)


def _already(ext_hash: bytes) -> Inadmissible:
    return Inadmissible("0x" + ext_hash.hex(), ALREADY_IMPORTED, "Transaction Already Imported")


def _full() -> Inadmissible:
    return Inadmissible(_NO_ROOM, DROPPED, "Immediately Dropped")
