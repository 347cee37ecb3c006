"""Keys: ed25519 and sr25519 pairs, one rule of verification for each, key URIs, and accounts that nobody can sign for.

ed25519 is accepted exactly as libsodium's ``crypto_sign_verify_detached`` does (consensus section 2): canonical S and
public key, no points of small order, the equation without cofactor. sr25519 is accepted as ``py-sr25519-bindings``
does under the context ``substrate``; it never signs consensus objects. The ecdsa scheme is known by name and never
verifies.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

import sr25519
from nacl import bindings
from nacl.exceptions import CryptoError

from chain.errors import KeyInvalid
from chain.hashing import blake2b_256
from chain.scale.compact import encode_compact
from chain.ss58 import ACCOUNT_BYTES, ss58_decode, ss58_encode

__all__ = ["KeyPair", "Scheme", "module_account", "ss58_decode", "ss58_encode", "verify"]

SEED_BYTES = 32
PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64

_DEV_SEED = bytes.fromhex("fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e")
"""The seed behind the usual development phrase, known to everyone."""

_URI = re.compile(r"(0x[0-9a-fA-F]{64})?((?://[^/]+)*)")


class Scheme(StrEnum):
    """Signature schemes, with the names that addresses' owners use."""

    ED25519 = "ed25519"
    SR25519 = "sr25519"
    ECDSA = "ecdsa"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key that signs; its secret is never printed."""

    public: bytes
    scheme: Scheme
    _secret: bytes = field(repr=False)

    @classmethod
    def from_seed(cls, seed: bytes, scheme: str = Scheme.ED25519) -> "KeyPair":
        """Return the pair of a 32-byte seed; raise ``KeyInvalid`` for another length or scheme."""
        if len(seed) != SEED_BYTES:
            raise KeyInvalid("a seed has 32 bytes")
        if scheme == Scheme.ED25519:
            public, secret = bindings.crypto_sign_seed_keypair(seed)
            return cls(public, Scheme.ED25519, secret)
        if scheme == Scheme.SR25519:
            public, secret = sr25519.pair_from_seed(seed)
            return cls(public, Scheme.SR25519, secret)
        raise KeyInvalid(f"no key pairs of scheme {scheme}")

    @classmethod
    def from_uri(cls, uri: str, scheme: str = Scheme.SR25519) -> "KeyPair":
        """Return the pair of a key URI: ``//Alice``, ``//Alice//stash``, or ``0x<seed>//path``.

        Without a seed the development one is meant. Only hard steps (``//``) exist: soft ones would let a child's
        secret and the parent's public key reveal the parent. Raises ``KeyInvalid``.
        """
        match = _URI.fullmatch(uri)
        if match is None or not uri:
            raise KeyInvalid("a key URI is //name steps, behind an optional 0x seed")
        seed = bytes.fromhex(match[1][2:]) if match[1] else _DEV_SEED
        steps = match[2].split("//")[1:]
        if scheme == Scheme.ED25519:
            for step in steps:
                seed = blake2b_256(_ED25519_DERIVE + seed + _chain_code(step))
            return cls.from_seed(seed, scheme)
        pair = cls.from_seed(seed, scheme)
        public, secret = pair.public, pair._secret  # noqa: SLF001 - our own
        for step in steps:
            _, public, secret = sr25519.hard_derive_keypair((_chain_code(step), public, secret), b"")
        return cls(public, Scheme.SR25519, secret)

    @property
    def address(self) -> str:
        """The account's SS58 text."""
        return ss58_encode(self.public)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature; sr25519 gives another one each time, all valid."""
        if self.scheme is Scheme.ED25519:
            return bindings.crypto_sign(message, self._secret)[:SIGNATURE_BYTES]
        return bytes(sr25519.sign((self.public, self._secret), message))


def verify(scheme: str, public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a signature is good; garbage of any shape is simply not."""
    if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    if scheme == Scheme.ED25519:
        try:
            bindings.crypto_sign_open(signature + message, public)
        except CryptoError:
            return False
        return True
    if scheme == Scheme.SR25519:
        try:
            return bool(sr25519.verify(signature, message, public))
        except ValueError:
            return False
    return False


@lru_cache(maxsize=4096)
def module_account(pallet_id: bytes, sub_account: bytes = b"") -> bytes:
    """Return the account of a module: ``modl``, its id and sub-account, filled with zeros; nobody can sign for it.

    The pot of subnet n is ``module_account(b"subtensr", n as u16 little endian)``. Raises ``KeyInvalid`` above 32
    bytes.
    """
    account = b"modl" + pallet_id + sub_account
    if len(account) > ACCOUNT_BYTES:
        raise KeyInvalid("a module account has 32 bytes")
    return account.ljust(ACCOUNT_BYTES, b"\0")


def subnet_account(netuid: int) -> bytes:
    """Return the pot of a subnet."""
    return module_account(b"subtensr", netuid.to_bytes(2, "little"))


def _text(value: str) -> bytes:
    content = value.encode()
    return encode_compact(len(content)) + content


_ED25519_DERIVE = _text("Ed25519HDKD")


def _chain_code(step: str) -> bytes:
    """Return the 32 bytes of a step: a number as u64, else a text, filled with zeros or hashed when too long."""
    encoded = int(step).to_bytes(8, "little") if step.isdecimal() and int(step) < 1 << 64 else _text(step)
    return encoded.ljust(32, b"\0") if len(encoded) <= 32 else blake2b_256(encoded)
