"""The strict, fixed-schema byte form of consensus objects: compatible with SCALE, one encoding for each value."""

from chain.errors import DecodeError
from chain.scale.compact import decode_compact, encode_compact


def encode_bytes(data: bytes) -> bytes:
    """Return ``data`` behind its compact length."""
    return encode_compact(len(data)) + data


class Reader:
    """Reads consensus objects from untrusted bytes; everything that is not canonical raises ``DecodeError``."""

    __slots__ = ("_data", "_offset")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    @property
    def remaining(self) -> int:
        """How many bytes are still unread."""
        return len(self._data) - self._offset

    @property
    def offset(self) -> int:
        """How many bytes have been read."""
        return self._offset

    def take(self, length: int) -> bytes:
        """Return the next ``length`` bytes, checked against what is there before anything is copied."""
        end = self._offset + length
        if end > len(self._data):
            raise self.malformed("truncated")
        taken = self._data[self._offset : end]
        self._offset = end
        return taken

    def unsigned(self, length: int) -> int:
        """Return a little-endian unsigned integer of ``length`` bytes."""
        return int.from_bytes(self.take(length), "little")

    def signed(self, length: int) -> int:
        """Return a little-endian two's complement integer of ``length`` bytes."""
        return int.from_bytes(self.take(length), "little", signed=True)

    def compact(self, maximum: int) -> int:
        """Return a compact integer of at most ``maximum``; longer forms than needed are refused."""
        value, self._offset = decode_compact(self._data, self._offset)
        if value > maximum:
            raise self.malformed(f"{value} is above the bound {maximum}")
        return value

    def bytes(self, maximum: int) -> bytes:
        """Return length-prefixed bytes, at most ``maximum`` of them."""
        return self.take(self.compact(maximum))

    def finish(self) -> None:
        """Refuse anything that was not read."""
        if self.remaining:
            raise self.malformed(f"{self.remaining} trailing bytes")

    def malformed(self, reason: str) -> DecodeError:
        """Return the error for ``reason`` at the place reached."""
        return DecodeError("not_canonical", self._offset, reason)
