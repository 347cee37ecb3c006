"""Who is who: our keys, the hotkeys we know, the listed subnets and the stake positions that the ledger has had."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.link.blocks import Position
from ledger.engine.layout import EventKind, Flag, KeyRole, Records
from ledger.engine.views import Views


@dataclass(frozen=True, slots=True, kw_only=True)
class OurKey:
    """One chain key of ours; ``account`` is the owner of a deposit key, else 0."""

    number: int
    role: KeyRole
    account: int
    public: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One listed subnet with the number of its idle hotkey."""

    netuid: int
    hotkey: int


Numbered = tuple[int, int, int]
"""A stake position by our numbers: key, hotkey, netuid."""

_WITH_POSITION = {
    EventKind.DEPOSIT_CREDITED: "key",
    EventKind.DEPOSIT_SUSPENDED: "key",
    EventKind.HOUSE_FUNDED: "key",
    EventKind.SETTLEMENT_BOOKED: "key",
    EventKind.SWEEP_BOOKED: "aux",
    EventKind.RECONCILIATION_BROKEN: "key",
    EventKind.STAKE_DRIFTED: "key",
}
"""Events after which the ledger may hold stake, and the field that names the key."""

_ALWAYS_ALPHA = {EventKind.SETTLEMENT_BOOKED, EventKind.STAKE_DRIFTED}


@dataclass(slots=True)
class KeyBook:
    """Read by translation; grows with the ledger's events and never forgets."""

    keys: dict[int, OurKey] = field(default_factory=dict)
    by_public: dict[bytes, OurKey] = field(default_factory=dict)
    hotkeys: dict[int, bytes] = field(default_factory=dict)
    hotkey_numbers: dict[bytes, int] = field(default_factory=dict)
    listed: dict[int, Listed] = field(default_factory=dict)
    positions: set[Numbered] = field(default_factory=set)

    @classmethod
    def of(cls, reads: Views) -> "KeyBook":
        """Return the book of an engine as it stands."""
        book = cls()
        for key in reads.keys():  # noqa: SIM118 - no dictionary
            book.add_key(OurKey(number=key.key, role=key.role, account=key.account, public=key.public))
            for stake in reads.custody(key.key).stakes:
                book.positions.add((stake.key, stake.hotkey, stake.netuid))
        for number, public in enumerate(reads.hotkeys(), start=1):
            book.add_hotkey(number, public)
        for market in reads.markets(0):
            book.add_listed(Listed(netuid=market.netuid, hotkey=market.hotkey))
        return book

    def apply(self, events: Records, payloads: Sequence[bytes]) -> None:
        """Take in the events of one batch."""
        for event in events:
            kind = int(event["kind"])
            payload = payloads[int(event["payload"]) - 1] if event["payload"] else b""
            if kind == EventKind.CHAIN_KEY_ADDED:
                role, account = KeyRole(int(event["code"])), int(event["account"])
                self.add_key(OurKey(number=int(event["key"]), role=role, account=account, public=payload))
            elif kind == EventKind.HOTKEY_ADDED:
                self.add_hotkey(int(event["other"]), payload)
            elif kind == EventKind.MARKET_LISTED:
                self.add_listed(Listed(netuid=int(event["netuid"]), hotkey=int(event["other"])))
            elif kind in _WITH_POSITION and (kind in _ALWAYS_ALPHA or int(event["flags"]) & Flag.ALPHA):
                key = int(event[_WITH_POSITION[EventKind(kind)]])
                self.positions.add((key, int(event["other"]), int(event["netuid"])))

    def add_key(self, key: OurKey) -> None:
        """Take in one key of ours."""
        self.keys[key.number] = key
        self.by_public[key.public] = key

    def add_hotkey(self, number: int, public: bytes) -> None:
        """Take in one hotkey."""
        self.hotkeys[number] = public
        self.hotkey_numbers[public] = number

    def add_listed(self, listed: Listed) -> None:
        """Take in one listed subnet."""
        self.listed[listed.netuid] = listed

    @property
    def hot(self) -> OurKey | None:
        """The hot key, or ``None`` before there is one."""
        return self._of_role(KeyRole.HOT)

    @property
    def trading(self) -> OurKey | None:
        """The trading key, or ``None`` before there is one."""
        return self._of_role(KeyRole.TRADING)

    def _of_role(self, role: KeyRole) -> OurKey | None:
        return next((key for key in self.keys.values() if key.role is role), None)

    def public_position(self, numbered: Numbered) -> Position:
        """Return a position by public keys."""
        key, hotkey, netuid = numbered
        return self.keys[key].public, self.hotkeys[hotkey], netuid

    def numbered(self, position: Position) -> Numbered | None:
        """Return a position by our numbers; ``None`` for a stranger's key or an unknown hotkey."""
        coldkey, hotkey, netuid = position
        key, number = self.by_public.get(coldkey), self.hotkey_numbers.get(hotkey)
        if key is None or number is None:
            return None
        return key.number, number, netuid
