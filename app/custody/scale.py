"""The few encodings that a signed extrinsic needs, strict both ways (``spec/substrate_rpc.md`` sections 4, 10, 11)."""

from hashlib import blake2b

from app.custody.errors import SigningRefused

ERA_MIN, ERA_MAX = 4, 65_536


def u16(value: int) -> bytes:
    """Return two little-endian bytes; raises ``SigningRefused`` outside the range, as the others do."""
    return _unsigned(value, 2)


def u32(value: int) -> bytes:
    """Return four little-endian bytes."""
    return _unsigned(value, 4)


def u64(value: int) -> bytes:
    """Return eight little-endian bytes."""
    return _unsigned(value, 8)


def compact(value: int) -> bytes:
    """Return the shortest compact form of 0 <= value < 2^64."""
    if not 0 <= value < 1 << 64:
        raise SigningRefused("value_range", "compact", value, (1 << 64) - 1)
    if value < 1 << 6:
        return bytes((value << 2,))
    if value < 1 << 14:
        return (value << 2 | 1).to_bytes(2, "little")
    if value < 1 << 30:
        return (value << 2 | 2).to_bytes(4, "little")
    size = max((value.bit_length() + 7) // 8, 4)
    return bytes(((size - 4) << 2 | 3,)) + value.to_bytes(size, "little")


def era(birth: int, period: int) -> bytes:
    """Return the two bytes of a mortal era whose birth block is exactly ``birth``.

    ``period``: a power of two from 4 to 65 536, blocks. Above 4 096 the phase is stored in steps of period / 4 096, so
    ``birth`` must lie on such a step; raises ``SigningRefused`` otherwise.
    """
    if not ERA_MIN <= period <= ERA_MAX or period & (period - 1):
        raise SigningRefused("era_period", "a power of two from 4 to 65536", period, 0)
    quantum = max(period // 4096, 1)
    phase = birth % period
    if phase % quantum:
        raise SigningRefused("era_birth", "not on a step of the phase", birth, quantum)
    return (min(max(period.bit_length() - 2, 1), 15) | (phase // quantum) << 4).to_bytes(2, "little")


def signing_payload(
    call: bytes, extra: bytes, *, spec_version: int, transaction_version: int, genesis_hash: bytes, birth_hash: bytes
) -> bytes:
    """Return the bytes that are signed: call, extra and implicit part, hashed where longer than 256 bytes."""
    implicit = u32(spec_version) + u32(transaction_version) + genesis_hash + birth_hash + b"\x00"
    payload = call + extra + implicit
    return blake2b(payload, digest_size=32).digest() if len(payload) > 256 else payload


def signed_extrinsic(public: bytes, signature: bytes, extra: bytes, call: bytes) -> bytes:
    """Return the whole extrinsic of an ed25519 key with its length prefix."""
    body = b"\x84\x00" + public + b"\x00" + signature + extra + call
    return compact(len(body)) + body


def extrinsic_hash(extrinsic: bytes) -> bytes:
    """Return the identity of an extrinsic: blake2b-256 of all its bytes."""
    return blake2b(extrinsic, digest_size=32).digest()


class Reader:
    """Takes values from the front of bytes; raises ``SigningRefused`` (``call_malformed``) when they do not suffice."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes were not taken yet."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        if count > self.left:
            raise SigningRefused("call_malformed", "ends too early", self.left, count)
        part = self._data[self._at : self._at + count]
        self._at += count
        return part

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def flag(self) -> bool:
        """Return a boolean; only 0 and 1 are valid."""
        value = self.byte()
        if value > 1:
            raise SigningRefused("call_malformed", "boolean", value, 1)
        return bool(value)

    def uint(self, size: int) -> int:
        """Return a little-endian unsigned integer of ``size`` bytes."""
        return int.from_bytes(self.take(size), "little")

    def compact(self) -> int:
        """Return a compact integer below 2^64."""
        first = self.byte()
        mode = first & 3
        if mode == 3:
            size = (first >> 2) + 4
            if size > 8:
                raise SigningRefused("call_malformed", "compact above 64 bits", size, 8)
            return self.uint(size)
        rest = self.take((0, 1, 3)[mode])
        return int.from_bytes(bytes((first,)) + rest, "little") >> 2

    def account(self) -> bytes:
        """Return the account of a ``MultiAddress``; only the form with 32 bytes is taken."""
        kind = self.byte()
        if kind != 0:
            raise SigningRefused("call_malformed", "address form", kind, 0)
        return self.take(32)


def _unsigned(value: int, size: int) -> bytes:
    if not 0 <= value < 1 << (8 * size):
        raise SigningRefused("value_range", f"u{8 * size}", value, (1 << (8 * size)) - 1)
    return value.to_bytes(size, "little")
