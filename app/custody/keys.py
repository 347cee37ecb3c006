"""Custody's seed: sealed on disk, opened in memory, and every key of ours derived from it.

A sealed file is JSON ``{"format": "taobourse custody seed", "version": 1, "kdf": "argon2id", "passes", "memory_bytes",
"salt", "box"}``: the seed and its purpose in a secretbox whose key is argon2id of the passphrase. Keys are ed25519;
their seeds are keyed blake2b of role and number, so one sealed seed carries all keys and a number names a key for ever.
"""

import json
import os
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from nacl import bindings, pwhash, secret, utils
from nacl.exceptions import CryptoError

from app.custody.errors import SealBroken
from ledger.engine.layout import KeyRole

SEED_BYTES = 32
HOT_NUMBER, TRADING_NUMBER = 1, 2
"""The ledger's numbers of the two keys that every exchange has."""

FORMAT = "taobourse custody seed"
VERSION = 1

MODERATE_PASSES = 3
MODERATE_MEMORY_BYTES = 256 * 2**20
LEAST_PASSES = 1
LEAST_MEMORY_BYTES = 46 * 2**20
MOST_MEMORY_BYTES = 4 * 2**30
MOST_PASSES = 64
"""Bounds on what a file may ask of the machine that opens it."""

_PURPOSE = b"taobourse/custody-seed/1"
_KEY_PERSON = b"taobourse/key/1"


def new_seed() -> bytes:
    """Return 32 random bytes of the operating system."""
    return utils.random(SEED_BYTES)


def seal(
    seed: bytes, passphrase: bytes, *, passes: int = MODERATE_PASSES, memory_bytes: int = MODERATE_MEMORY_BYTES
) -> bytes:
    """Return the content of a sealed file.

    Raises ``SealBroken`` with ``seed_length``, ``passphrase_empty`` or ``kdf_bounds`` (below 46 MiB or one pass a
    stolen file would be too cheap to guess).
    """
    if len(seed) != SEED_BYTES:
        raise SealBroken("seed_length", f"{len(seed)} bytes instead of {SEED_BYTES}")
    if not passphrase:
        raise SealBroken("passphrase_empty")
    _check_cost(passes, memory_bytes)
    salt = utils.random(pwhash.argon2id.SALTBYTES)
    box = secret.SecretBox(_stretch(passphrase, salt, passes, memory_bytes)).encrypt(_PURPOSE + seed)
    record = {
        "format": FORMAT,
        "version": VERSION,
        "kdf": "argon2id",
        "passes": passes,
        "memory_bytes": memory_bytes,
        "salt": salt.hex(),
        "box": bytes(box).hex(),
    }
    return json.dumps(record, indent=1).encode() + b"\n"


def unseal(content: bytes, passphrase: bytes) -> bytes:
    """Return the seed of a sealed file.

    Raises ``SealBroken``: ``seal_format`` (not such a file), ``seal_version`` (a later one), ``kdf_bounds``, or
    ``seal_closed`` (wrong passphrase or changed bytes: the two cannot be told apart).
    """
    try:
        record: dict[str, Any] = json.loads(content)
        if record["format"] != FORMAT or record["kdf"] != "argon2id":
            raise SealBroken("seal_format", "another kind of file")
        version, passes, memory_bytes = int(record["version"]), int(record["passes"]), int(record["memory_bytes"])
        salt, box = bytes.fromhex(record["salt"]), bytes.fromhex(record["box"])
    except (ValueError, KeyError, TypeError) as error:
        raise SealBroken("seal_format", type(error).__name__) from error
    if version != VERSION:
        raise SealBroken("seal_version", str(version))
    if len(salt) != pwhash.argon2id.SALTBYTES:
        raise SealBroken("seal_format", "salt")
    _check_cost(passes, memory_bytes)
    try:
        plain = secret.SecretBox(_stretch(passphrase, salt, passes, memory_bytes)).decrypt(box)
    except (CryptoError, ValueError) as error:
        raise SealBroken("seal_closed", "another passphrase, or changed bytes") from error
    if plain[: len(_PURPOSE)] != _PURPOSE or len(plain) != len(_PURPOSE) + SEED_BYTES:
        raise SealBroken("seal_format", "another purpose")
    return plain[len(_PURPOSE) :]


def save_sealed(path: Path, content: bytes) -> None:
    """Write a sealed file for its owner alone, durably, and never over another one (``FileExistsError``).

    The file appears whole or not at all: half a seed after a crash would lock out whoever starts next.
    """
    aside = path.with_name(path.name + ".new")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        path.hardlink_to(aside)
    finally:
        aside.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load_or_create_seed(path: Path, passphrase: bytes, **cost: int) -> bytes:
    """Return the seed sealed at ``path``, making and sealing a new one where there is no file."""
    if not path.exists():
        seed = new_seed()
        save_sealed(path, seal(seed, passphrase, **cost))
        return seed
    return unseal(path.read_bytes(), passphrase)


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys of ours, by role and by the ledger's number of the key; the seed is never printed."""

    _seed: bytes = field(repr=False)

    def public(self, role: KeyRole, number: int) -> bytes:
        """Return the 32-byte public key, which is also the account."""
        public, _ = self._pair(role, number)
        return public

    def sign(self, role: KeyRole, number: int, message: bytes) -> bytes:
        """Return the 64-byte ed25519 signature, always the same for the same message."""
        _, private = self._pair(role, number)
        return bindings.crypto_sign(message, private)[: bindings.crypto_sign_BYTES]

    def _pair(self, role: KeyRole, number: int) -> tuple[bytes, bytes]:
        if not 0 < number < 1 << 32:
            raise SealBroken("key_number", str(number))
        domain = bytes((KeyRole(role),)) + number.to_bytes(4, "little")
        return bindings.crypto_sign_seed_keypair(
            blake2b(domain, digest_size=SEED_BYTES, key=self._seed, person=_KEY_PERSON).digest()
        )


def _check_cost(passes: int, memory_bytes: int) -> None:
    if not LEAST_PASSES <= passes <= MOST_PASSES or not LEAST_MEMORY_BYTES <= memory_bytes <= MOST_MEMORY_BYTES:
        raise SealBroken("kdf_bounds", f"{passes} passes over {memory_bytes} bytes")


def _stretch(passphrase: bytes, salt: bytes, passes: int, memory_bytes: int) -> bytes:
    return pwhash.argon2id.kdf(secret.SecretBox.KEY_SIZE, passphrase, salt, opslimit=passes, memlimit=memory_bytes)
