"""Builds commands and requests by the names of ``meanings.py`` and tells events by them; hash words and client ids.

Nothing here decides: it is how shells, tests and the link speak to the engine.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ledger.engine.api import Request
from ledger.engine.command_fields import COMMAND_FIELDS
from ledger.engine.event_fields import EVENT_FIELDS
from ledger.engine.layout import COMMAND, CommandKind, EventKind, Records
from ledger.engine.meanings import Meaning
from ledger.errors import UnknownMeaning

WORD = 8
WORDS = 4
AMOUNTS = frozenset({"amount", "tao", "fee", "limit", "hold", "pool_tao", "pool_alpha"})
"""Fields that are told as decimal strings, since a reader's JSON may round large numbers."""


def _names(meaning: Meaning) -> dict[str, str]:
    return {text.partition(",")[0]: field for field, text in meaning.items() if field != "flags"}


COMMAND_NAMES = {kind: _names(meaning) for kind, meaning in COMMAND_FIELDS.items()}
EVENT_NAMES = {kind: _names(meaning) for kind, meaning in EVENT_FIELDS.items()}


def command(kind: CommandKind, *, flags: int = 0, **meanings: int) -> Records:
    """Return ``COMMAND[1]`` with fields given by meaning or by physical name; raises ``UnknownMeaning``."""
    record = np.zeros(1, COMMAND)
    record["kind"] = kind
    record["flags"] = flags
    names = COMMAND_NAMES[kind]
    for name, value in meanings.items():
        field = names.get(name, name)
        if field not in COMMAND_FIELDS[kind]:
            raise UnknownMeaning(kind.name, name)
        record[field] = value
    return record


def request(*commands: Records, payloads: Sequence[bytes] = ()) -> Request:
    """Return a request of one command, or of the records of one head group."""
    return Request(commands[0] if len(commands) == 1 else np.concatenate(commands), tuple(payloads))


def head_group(commands: Sequence[Records], payloads: Sequence[bytes] = ()) -> Request:
    """Return a head group closed with ``HEAD_END``: the count, and the digest of all that stands before it."""
    body = np.concatenate(list(commands)) if commands else np.zeros(0, COMMAND)
    words = hash_words(group_digest(body, payloads))
    end = command(CommandKind.HEAD_END, count=len(body) + 1, **words)
    return Request(np.concatenate([body, end]), tuple(payloads))


def group_digest(body: Records, payloads: Sequence[bytes]) -> bytes:
    """Return blake2b-256 over the records before ``HEAD_END`` and the payloads, each after its length (u32)."""
    digest = hashlib.blake2b(body.tobytes(), digest_size=WORD * WORDS)
    for payload in payloads:
        digest.update(len(payload).to_bytes(4, "little"))
        digest.update(payload)
    return digest.digest()


def client_id(text: str) -> tuple[int, int]:
    """Return a client's own command id as ``(client_id_hi, client_id_lo)``; never both 0."""
    digest = hashlib.blake2b(text.encode(), digest_size=2 * WORD).digest()
    high, low = to_words(digest)
    return (high, low) if (high, low) != (0, 0) else (0, 1)


def body_digest(body: bytes) -> int:
    """Return the word by which two request bodies under one client id are told apart."""
    return to_words(hashlib.blake2b(body, digest_size=WORD).digest())[0]


def to_words(data: bytes) -> tuple[int, ...]:
    """Return bytes as signed little-endian words; the length is a multiple of 8."""
    return tuple(int.from_bytes(data[i : i + WORD], "little", signed=True) for i in range(0, len(data), WORD))


def from_words(words: Sequence[int]) -> bytes:
    """Return the bytes of signed little-endian words."""
    return b"".join(int(word).to_bytes(WORD, "little", signed=True) for word in words)


def hash_words(digest: bytes, name: str = "hash") -> dict[str, int]:
    """Return a 32-byte hash as the keyword arguments ``hash_0`` to ``hash_3`` (or ``parent_0`` ...) of a builder."""
    return {f"{name}_{i}": word for i, word in enumerate(to_words(digest))}


def hash_of(record: Any) -> bytes:
    """Return the hash that a ``HEAD_BEGIN``, ``HEAD_BEGAN``, ``HEAD_END`` or ``HEAD_ENDED`` record carries."""
    return from_words([record["id_hi"], record["id_lo"], record["digest"], record["hold"]])


def describe(event: Any) -> dict[str, Any]:
    """Return an event by the names of its kind: amounts as decimal strings of rao, other figures as integers."""
    kind = EventKind(int(event["kind"]))
    told: dict[str, Any] = {"seq": int(event["seq"]), "kind": kind.name, "flags": int(event["flags"])}
    for name, field in EVENT_NAMES[kind].items():
        value = int(event[field])
        told[name] = str(value) if field in AMOUNTS else value
    return told
