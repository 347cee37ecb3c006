"""Names, public keys and other texts of the log, which kernels never look into, and their checks.

A fold of the events and their payloads like the tables, kept beside them by the shell.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ledger.engine.layout import NO_NETUID, CommandKind, EventKind, Flag, KeyRole, Records
from ledger.errors import Refusal

NAME_MAX = 64
BODY_MAX = 4_096
SIGNED_MAX = 65_536
CLIENT_TEXT_MAX = 256
PUBLIC_KEY = 32

_CLOSING = np.zeros(2**16, np.bool_)
_CLOSING[
    [
        EventKind.SWEEP_CLOSED,
        EventKind.WITHDRAWAL_BOOKED,
        EventKind.WITHDRAWAL_REFUNDED,
        EventKind.SETTLEMENT_CLOSED,
    ]
] = True
"""By kind of event: whether signed bytes are no longer needed after it."""
_TEXTED = np.zeros(2**16, np.bool_)
_TEXTED[
    [
        EventKind.ACCOUNT_OPENED,
        EventKind.API_KEY_ADDED,
        EventKind.CHAIN_KEY_ADDED,
        EventKind.HOTKEY_ADDED,
        EventKind.MARKET_LISTED,
        EventKind.ADDRESS_ADDED,
        EventKind.EXTRINSIC_SIGNED,
    ]
] = True
"""By kind of event: whether its text is kept here."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One API key as it was added."""

    account: int
    permissions: int
    nonce_window: int
    body: bytes


@dataclass(slots=True)
class Directory:
    """All texts, by what they name. Numbers count from 1; lists hold number n at n - 1."""

    names: list[str] = field(default_factory=list)
    accounts: dict[str, int] = field(default_factory=dict)
    deposit_keys: dict[int, int] = field(default_factory=dict)
    api_keys: list[ApiKey] = field(default_factory=list)
    api_key_texts: set[str] = field(default_factory=set)
    key_publics: list[bytes] = field(default_factory=list)
    keys: dict[bytes, int] = field(default_factory=dict)
    hotkey_publics: list[bytes] = field(default_factory=list)
    hotkeys: dict[bytes, int] = field(default_factory=dict)
    markets: dict[int, bytes] = field(default_factory=dict)
    addresses: dict[int, bytes] = field(default_factory=dict)
    books: dict[int, list[int]] = field(default_factory=dict)
    address_names: set[tuple[int, int, str]] = field(default_factory=set)
    signed: dict[int, bytes] = field(default_factory=dict)

    def refusal(self, command: Any, payloads: Sequence[bytes]) -> int:
        """Return what is wrong with a command's payload, or 0."""
        kind, position = int(command["kind"]), int(command["payload"])
        if position > len(payloads):
            return Refusal.PAYLOAD_MALFORMED
        text = payloads[position - 1] if position else b""
        if kind == CommandKind.OPEN_ACCOUNT:
            return self._name_refusal(text)
        if kind == CommandKind.ADD_CHAIN_KEY:
            return _public_refusal(text, self.keys)
        if kind == CommandKind.ADD_HOTKEY:
            return _public_refusal(text, self.hotkeys)
        if kind == CommandKind.ADD_API_KEY:
            return self._api_key_refusal(text)
        if kind == CommandKind.ADD_ADDRESS:
            return self._address_refusal(command, text)
        if kind == CommandKind.LIST_MARKET:
            return 0 if _json_object(text) is not None else Refusal.PAYLOAD_MALFORMED
        if kind == CommandKind.ACCEPT_SIGNED:
            return 0 if 0 < len(text) <= SIGNED_MAX else Refusal.PAYLOAD_MALFORMED
        return 0 if len(text) <= CLIENT_TEXT_MAX else Refusal.PAYLOAD_MALFORMED

    def _name_refusal(self, text: bytes) -> int:
        name = _text(text)
        if name is None or not 0 < len(text) <= NAME_MAX or not name.isprintable():
            return Refusal.NAME_MALFORMED
        return Refusal.NAME_TAKEN if name in self.accounts else 0

    def _api_key_refusal(self, text: bytes) -> int:
        body = _json_object(text)
        if body is None or not all(isinstance(body.get(name), str) and body[name] for name in ("key", "sealed")):
            return Refusal.PAYLOAD_MALFORMED
        return Refusal.PUBLIC_KEY_TAKEN if body["key"] in self.api_key_texts else 0

    def _address_refusal(self, command: Any, text: bytes) -> int:
        body = _json_object(text)
        if body is None or not isinstance(body.get("name"), str) or not 0 < len(body["name"]) <= NAME_MAX:
            return Refusal.PAYLOAD_MALFORMED
        public = body.get("public")
        if not isinstance(public, str) or len(public) != 2 * PUBLIC_KEY or not _is_hex(public):
            return Refusal.PUBLIC_KEY_MALFORMED
        netuid = int(command["netuid"]) if int(command["flags"]) & Flag.ALPHA else NO_NETUID
        taken = (int(command["account"]), netuid, body["name"]) in self.address_names
        return Refusal.NAME_TAKEN if taken else 0

    def remember(self, events: Records, payloads: Sequence[bytes]) -> None:
        """Take over the texts of applied events."""
        kinds = events["kind"]
        wanted = _TEXTED[kinds]
        if self.signed or wanted.any():
            for event in events[wanted | _CLOSING[kinds]]:
                self._remember_one(event, payloads[int(event["payload"]) - 1] if event["payload"] else b"")

    def _remember_one(self, event: Any, text: bytes) -> None:
        kind = int(event["kind"])
        if kind == EventKind.ACCOUNT_OPENED:
            self.names.append(text.decode())
            self.accounts[text.decode()] = int(event["account"])
        elif kind == EventKind.API_KEY_ADDED:
            key = ApiKey(int(event["account"]), int(event["aux"]), int(event["limit"]), text)
            self.api_keys.append(key)
            self.api_key_texts.add(json.loads(text)["key"])
        elif kind == EventKind.CHAIN_KEY_ADDED:
            self.key_publics.append(text)
            self.keys[text] = int(event["key"])
            if int(event["code"]) == KeyRole.DEPOSIT:
                self.deposit_keys[int(event["account"])] = int(event["key"])
        elif kind == EventKind.HOTKEY_ADDED:
            self.hotkey_publics.append(text)
            self.hotkeys[text] = int(event["other"])
        elif kind == EventKind.MARKET_LISTED:
            self.markets[int(event["netuid"])] = text
        elif kind == EventKind.ADDRESS_ADDED:
            account, netuid = int(event["account"]), int(event["netuid"])
            self.addresses[int(event["seq"])] = text
            self.books.setdefault(account, []).append(int(event["seq"]))
            self.address_names.add((account, netuid, json.loads(text)["name"]))
        elif kind == EventKind.EXTRINSIC_SIGNED:
            self.signed[int(event["order_id"])] = text
        elif _CLOSING[kind]:
            self.signed.pop(int(event["order_id"]), None)

    def export(self) -> dict[str, Any]:
        """Return all texts in a canonical order."""
        return {
            "names": self.names,
            "deposit_keys": sorted(self.deposit_keys.items()),
            "api_keys": [[key.account, key.permissions, key.nonce_window, key.body.hex()] for key in self.api_keys],
            "keys": [public.hex() for public in self.key_publics],
            "hotkeys": [public.hex() for public in self.hotkey_publics],
            "markets": [[netuid, body.hex()] for netuid, body in sorted(self.markets.items())],
            "addresses": [[number, body.hex()] for number, body in sorted(self.addresses.items())],
            "signed": [[job, body.hex()] for job, body in sorted(self.signed.items())],
        }


def are_texts_refused(positions: Records, payloads: Sequence[bytes]) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Tell for each place of a client's own id, from 1, whether it is refused: beyond the payloads, or too long."""
    lengths = np.fromiter(map(len, payloads), np.int64, len(payloads))
    is_long = np.append(lengths > CLIENT_TEXT_MAX, True)
    refused: np.ndarray[Any, np.dtype[np.bool_]] = is_long[np.minimum(positions, len(payloads) + 1) - 1]
    return refused


def _public_refusal(text: bytes, known: dict[bytes, int]) -> int:
    if len(text) != PUBLIC_KEY:
        return Refusal.PUBLIC_KEY_MALFORMED
    return Refusal.PUBLIC_KEY_TAKEN if text in known else 0


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _json_object(data: bytes) -> dict[str, Any] | None:
    if not 0 < len(data) <= BODY_MAX:
        return None
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _is_hex(text: str) -> bool:
    return all(letter in "0123456789abcdef" for letter in text)
