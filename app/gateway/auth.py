"""Who is asking: API-Key and API-Sign over the raw body, in the order of checks of ``kraken_api`` section 2."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from enum import IntFlag
from typing import Final, Protocol

from app.gateway.kraken import errors
from app.gateway.kraken.errors import Refused
from app.gateway.limits import Limits
from app.gateway.nonces import NonceStore, NoncesUnavailable, parse_nonce
from app.gateway.vault import Vault

TOKEN_SECONDS: Final = 900
TOKENS_MAX: Final = 100_000


class Permission(IntFlag):
    """What an API key may do; ``permissions`` of ``ADD_API_KEY``."""

    QUERY_FUNDS = 1
    DEPOSIT_FUNDS = 2
    WITHDRAW_FUNDS = 4
    EARN_FUNDS = 8
    QUERY_OPEN_ORDERS = 16
    QUERY_CLOSED_ORDERS = 32
    MODIFY_ORDERS = 64
    CANCEL_ORDERS = 128
    QUERY_LEDGER = 256
    EXPORT_DATA = 512
    WEBSOCKETS = 1024
    MANAGE_ADDRESSES = 2048


TRADER: Final = Permission(0xFFF)
"""Every permission of a customer."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One API key as the log knows it; ``sealed`` opens with the vault."""

    key: str
    account: int
    permissions: Permission
    nonce_window: int
    sealed: str
    name: str = ""


class KeyDirectory(Protocol):
    """Finds keys; the replica is one."""

    def find_key(self, key: str) -> ApiKey | None:
        """Return a key that is known and not revoked."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A call that passed: its key and the nonce it used up."""

    api_key: ApiKey
    nonce: int


def sign(path: str, nonce: str, raw_body: bytes, secret: bytes) -> str:
    """Return API-Sign: base64 of HMAC-SHA512 by the secret over path and SHA-256 of nonce and the very bytes sent."""
    message = path.encode() + hashlib.sha256(nonce.encode() + raw_body).digest()
    return base64.b64encode(hmac.digest(secret, message, "sha512")).decode()


def is_signed(path: str, nonce: str, raw_body: bytes, *, secret: bytes, signature: str) -> bool:
    """Tell, in constant time, whether a signature is the right one."""
    try:
        given = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        given = b""
    message = path.encode() + hashlib.sha256(nonce.encode("utf-8", "surrogatepass") + raw_body).digest()
    return hmac.compare_digest(hmac.digest(secret, message, "sha512"), given)


class Authenticator:
    """Checks a private call, step by step; each failure has its own string."""

    def __init__(self, keys: KeyDirectory, vault: Vault, nonces: NonceStore, limits: Limits) -> None:
        self._keys = keys
        self._vault = vault
        self._nonces = nonces
        self._limits = limits

    def find_key(self, key: str, address: str, now_ms: int) -> ApiKey:
        """Run step 1, the key is known; unknown ones in a row lock their address out."""
        found = self._keys.find_key(key) if key else None
        if found is not None:
            self._limits.lockout.succeeded(address)
            return found
        if self._limits.enabled and self._limits.lockout.is_locked(address, now_ms):
            raise Refused(errors.LOCKOUT, "temporary_lockout")
        self._limits.lockout.failed(address, now_ms)
        raise Refused(errors.INVALID_KEY, "invalid_key", name="API-Key", value=key)

    async def check(
        self, api_key: ApiKey, *, path: str, nonce: str, raw_body: bytes, signature: str, permission: Permission
    ) -> Caller:
        """Run steps 2 to 5: signature, nonce, permission. A bad signature burns no nonce, a missing permission does.

        ``nonce`` is the text of the field as it stands in the body.
        """
        secret = self._vault.open(api_key.sealed)
        if not is_signed(path, nonce, raw_body, secret=secret, signature=signature):
            raise Refused(errors.INVALID_SIGNATURE, "invalid_signature", name="API-Sign")
        number = parse_nonce(nonce)
        if number is None or not await self._accept(api_key, number):
            raise Refused(errors.INVALID_NONCE, "invalid_nonce", name="nonce", value=nonce)
        if permission not in api_key.permissions:
            raise Refused(
                errors.PERMISSION_DENIED, "permission_denied", name="permission", value=(permission.name or "").lower()
            )
        return Caller(api_key, number)

    async def _accept(self, api_key: ApiKey, nonce: int) -> bool:
        try:
            return await self._nonces.accept(api_key.key, nonce, api_key.nonce_window)
        except NoncesUnavailable as error:
            raise Refused(errors.UNAVAILABLE, "nonce_store_unavailable") from error


class Tokens:
    """Tokens of ``GetWebSocketsToken``: 900 s, one account each, the oldest forgotten when too many are out.

    A token that a private subscription was made with stays good as long as that is up.
    """

    def __init__(self, *, tokens_max: int = TOKENS_MAX) -> None:
        self._tokens: OrderedDict[str, tuple[ApiKey, int]] = OrderedDict()
        self._held: dict[str, tuple[ApiKey, int]] = {}
        self._tokens_max = tokens_max

    def issue(self, api_key: ApiKey, now_ms: int) -> str:
        """Return a fresh token of a key."""
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (api_key, now_ms + TOKEN_SECONDS * 1_000)
        while len(self._tokens) > self._tokens_max:
            self._tokens.popitem(last=False)
        return token

    def find(self, token: str, now_ms: int) -> ApiKey | None:
        """Return the key of a token that has not expired, or is held."""
        if token in self._held:
            return self._held[token][0]
        api_key, until = self._tokens.get(token, (None, 0))
        return api_key if now_ms < until else None

    def hold(self, token: str, api_key: ApiKey) -> None:
        """Keep a token of this key good until it is released as often as it was held."""
        count = self._held[token][1] if token in self._held else 0
        self._held[token] = (api_key, count + 1)

    def release(self, token: str) -> None:
        """End one hold."""
        api_key, count = self._held.pop(token)
        if count > 1:
            self._held[token] = (api_key, count - 1)
