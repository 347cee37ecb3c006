"""API keys at rest: the secret of each is sealed with one master key (XSalsa20-Poly1305), and opened when it signs."""

import base64
import os
import secrets
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from app.postgres.files import sync_folder, write_private

MASTER_KEY_BYTES: Final = SecretBox.KEY_SIZE
SECRET_BYTES: Final = 64
OPENED_MAX: Final = 10_000
_KEY_BYTES: Final = 42


class SealBroken(Exception):  # noqa: N818 - says what is the matter
    """A sealed secret does not open with this master key."""


class SealedKey(msgspec.Struct, frozen=True):
    """The payload of ``ADD_API_KEY``: the public key text and the sealed secret, base64; a name to show, if any."""

    key: str
    sealed: str
    name: Any = ""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A freshly drawn API key: what its owner gets, and what the log keeps."""

    key: str
    secret: str
    payload: bytes


class Vault:
    """Seals and opens secrets; the most recently used ones stay open in memory."""

    def __init__(self, master_key: bytes) -> None:
        self._box = SecretBox(master_key)
        self._opened: OrderedDict[str, bytes] = OrderedDict()

    def new_key(self, name: str = "") -> NewKey:
        """Draw a key and a 64-byte secret, as Kraken's look."""
        key = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
        secret = secrets.token_bytes(SECRET_BYTES)
        return NewKey(key, base64.b64encode(secret).decode(), self.seal(key, secret, name=name))

    def seal(self, key: str, secret: bytes, *, name: str = "") -> bytes:
        """Return the payload that keeps a secret."""
        sealed = base64.b64encode(bytes(self._box.encrypt(secret))).decode()
        return msgspec.json.encode(SealedKey(key, sealed, name))

    def open(self, sealed: str) -> bytes:
        """Return the secret's bytes; raises ``SealBroken``."""
        known = self._opened.get(sealed)
        if known is not None:
            self._opened.move_to_end(sealed)
            return known
        try:
            secret = self._box.decrypt(base64.b64decode(sealed, validate=True))
        except (CryptoError, ValueError) as error:
            raise SealBroken from error
        self._opened[sealed] = secret
        while len(self._opened) > OPENED_MAX:
            self._opened.popitem(last=False)
        return secret


def load_or_create_master_key(path: Path) -> bytes:
    """Return the master key of a file only its owner can read, drawing it once, whoever comes first.

    The file appears whole or not at all: several gateways may start at one time.
    """
    if not path.exists():
        aside = path.with_name(f"{path.name}.{os.getpid()}")
        write_private(aside, secrets.token_bytes(MASTER_KEY_BYTES).hex())
        with suppress(FileExistsError):
            path.hardlink_to(aside)
        aside.unlink()
        sync_folder(path.parent)
    return bytes.fromhex(path.read_text(encoding="ascii").strip())
