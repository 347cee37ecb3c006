"""Keys whose sr25519 signatures are repeatable: the same key and message give the same 64 bytes.

Blocks hold signatures and the state holds block hashes, so a chain can only be made twice if nobody draws a random
number for a signature. The one-time number is taken from a secret and the message instead, as ed25519 does; everything
else is the Schnorr signature over Ristretto with Merlin transcripts that ``verify`` checks (context ``substrate``).
Reference: the schnorrkel and Merlin papers' published constructions, STROBE-128 with Keccak-f[1600].
"""

from dataclasses import dataclass
from hashlib import sha512
from typing import Final

from nacl import bindings

from app.actors.transcript import Transcript
from chain.keys import KeyPair, Scheme

ORDER: Final = 2**252 + 27_742_317_777_372_353_535_851_937_790_883_648_493
"""Of the group."""
FIELD: Final = 2**255 - 19

_D: Final = -121_665 * pow(121_666, -1, FIELD) % FIELD
_ROOT: Final = pow(2, (FIELD - 1) // 4, FIELD)
"""A square root of minus one."""
_MARK: Final = 128
"""Set in the last byte: this is a signature of this kind and not one of ed25519."""


@dataclass(frozen=True, slots=True)
class RepeatableKey(KeyPair):
    """A key pair that signs without chance; for development chains."""

    @classmethod
    def of(cls, uri: str) -> "RepeatableKey":
        """Return the sr25519 pair of a key URI; raises ``KeyInvalid``."""
        pair = KeyPair.from_uri(uri)
        return cls(pair.public, pair.scheme, pair._secret)  # noqa: SLF001 - our own

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature, the same every time."""
        if self.scheme is not Scheme.SR25519:
            return KeyPair.sign(self, message)
        secret, seed = int.from_bytes(self._secret[:32], "little"), self._secret[32:]
        transcript = Transcript(b"SigningContext")
        transcript.append(b"", b"substrate")
        transcript.append(b"sign-bytes", message)
        transcript.append(b"proto-name", b"Schnorr-sig")
        transcript.append(b"sign:pk", self.public)
        once = int.from_bytes(sha512(b"sr25519 nonce" + seed + self.public + message).digest(), "little") % ORDER
        point = times_base(once)
        transcript.append(b"sign:R", point)
        challenge = int.from_bytes(transcript.challenge(b"sign:c", 64), "little") % ORDER
        answer = bytearray(((challenge * secret + once) % ORDER).to_bytes(32, "little"))
        answer[31] |= _MARK
        return point + bytes(answer)


def times_base(scalar: int) -> bytes:
    """Return a multiple of the base point as 32 bytes of Ristretto; ``scalar`` is between 1 and the order."""
    compressed = bindings.crypto_scalarmult_ed25519_base_noclamp(scalar.to_bytes(32, "little"))
    return _encode(*_decompress(compressed))


def _decompress(data: bytes) -> tuple[int, int]:
    """Return the coordinates of a valid point of ed25519."""
    number = int.from_bytes(data, "little")
    y, odd = number & (2**255 - 1), number >> 255
    x = _root_of_ratio((y * y - 1) % FIELD, (_D * y * y + 1) % FIELD)[1]
    return (-x % FIELD if x & 1 != odd else x), y


def _encode(x: int, y: int) -> bytes:
    """Return the Ristretto encoding of a point (RFC 9496 section 4.3.2), with Z = 1 and T = xy."""
    t = x * y % FIELD
    u1 = (1 + y) * (1 - y) % FIELD
    u2 = t
    inverse = _root_of_ratio(1, u1 * u2 * u2 % FIELD)[1]
    first, second = inverse * u1 % FIELD, inverse * u2 % FIELD
    z_inverse = first * second * t % FIELD
    if t * z_inverse % FIELD & 1:
        x, y, denominator = y * _ROOT % FIELD, x * _ROOT % FIELD, first * _INVERSE_ROOT_A_MINUS_D % FIELD
    else:
        denominator = second
    if x * z_inverse % FIELD & 1:
        y = -y % FIELD
    encoded = denominator * (1 - y) % FIELD
    return (-encoded % FIELD if encoded & 1 else encoded).to_bytes(32, "little")


def _root_of_ratio(u: int, v: int) -> tuple[bool, int]:
    """Return whether ``u / v`` is a square, and the even root of it, or of it times a root of -1 (RFC 9496)."""
    v3 = v * v * v % FIELD
    root = u * v3 * pow(u * v3 * v3 * v % FIELD, (FIELD - 5) // 8, FIELD) % FIELD
    check = v * root * root % FIELD
    is_square = check in {u % FIELD, -u % FIELD}
    if check in {-u % FIELD, -u * _ROOT % FIELD}:
        root = root * _ROOT % FIELD
    return is_square, (-root % FIELD if root & 1 else root)


_INVERSE_ROOT_A_MINUS_D: Final = _root_of_ratio(1, (-1 - _D) % FIELD)[1]
"""One over the root of a - d, where a is -1."""
