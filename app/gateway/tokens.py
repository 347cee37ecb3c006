"""Socket tokens that every gateway of one exchange understands: sealed with a key that all of them have, kept by none.

A client asks one gateway for its token and may open its socket at another.
"""

import base64
import hashlib
from collections.abc import Callable
from typing import Final

import msgspec
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from app.gateway.auth import TOKEN_SECONDS, TOKENS_MAX, ApiKey, Tokens

TOKEN_LENGTH_MAX: Final = 512
_PURPOSE: Final = b"tb/socket-tokens"


class _Told(msgspec.Struct, frozen=True, array_like=True):
    """What a token says: whose it is, and until when, ms."""

    key: str
    until_ms: int


class SealedTokens(Tokens):
    """Tokens sealed under the gateways' master key; ``find_key`` looks an API key up in the replica."""

    def __init__(
        self, master_key: bytes, find_key: Callable[[str], ApiKey | None], *, tokens_max: int = TOKENS_MAX
    ) -> None:
        super().__init__(tokens_max=tokens_max)
        self._find_key = find_key
        self._box = SecretBox(hashlib.blake2b(key=master_key, person=_PURPOSE, digest_size=SecretBox.KEY_SIZE).digest())

    def issue(self, api_key: ApiKey, now_ms: int) -> str:
        """Return a fresh token of a key."""
        told = _Told(api_key.key, now_ms + TOKEN_SECONDS * 1_000)
        token = base64.urlsafe_b64encode(bytes(self._box.encrypt(msgspec.msgpack.encode(told)))).decode()
        self._remember(token, api_key, told.until_ms)
        return token

    def find(self, token: str, now_ms: int) -> ApiKey | None:
        """Return the key of a token that has not expired, or is held; whoever issued it."""
        known = super().find(token, now_ms)
        if known is not None or token in self._tokens or len(token) > TOKEN_LENGTH_MAX:
            return known
        try:
            sealed = base64.urlsafe_b64decode(token)
            told = msgspec.msgpack.decode(self._box.decrypt(sealed), type=_Told)
        except (CryptoError, ValueError, msgspec.MsgspecError):
            return None
        api_key = self._find_key(told.key)
        if api_key is None or now_ms >= told.until_ms:
            return None
        self._remember(token, api_key, told.until_ms)
        return api_key

    def _remember(self, token: str, api_key: ApiKey, until_ms: int) -> None:
        self._tokens[token] = (api_key, until_ms)
        while len(self._tokens) > self._tokens_max:
            self._tokens.popitem(last=False)
