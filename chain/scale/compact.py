"""Compact integers and their strict inverse: only the shortest form of a number is valid."""

from chain.errors import DecodeError, EncodeError

COMPACT_BITS_MAX = 536
"""The largest number that the four modes can carry: 67 bytes."""


def encode_compact(value: int) -> bytes:
    """Return the shortest form of ``value >= 0``; raise ``EncodeError`` outside 0..2^536-1."""
    if value < 0:
        raise EncodeError("Compact", value)
    if value < 1 << 6:
        return bytes((value << 2,))
    if value < 1 << 14:
        return (value << 2 | 1).to_bytes(2, "little")
    if value < 1 << 30:
        return (value << 2 | 2).to_bytes(4, "little")
    length = (value.bit_length() + 7) // 8
    if length > COMPACT_BITS_MAX // 8:
        raise EncodeError("Compact", value)
    return bytes(((length - 4) << 2 | 3,)) + value.to_bytes(length, "little")


def decode_compact(data: bytes, offset: int = 0) -> tuple[int, int]:
    """Return the number at ``offset`` and the offset behind it.

    Raises ``DecodeError``: ``truncated``, or ``compact_not_shortest`` for any longer form of the same number.
    """
    if offset >= len(data):
        raise DecodeError("truncated", offset)
    first = data[offset]
    mode = first & 3
    if mode == 0:
        return first >> 2, offset + 1
    if mode == 3:
        length = (first >> 2) + 4
        end = offset + 1 + length
        if end > len(data):
            raise DecodeError("truncated", offset)
        value = int.from_bytes(data[offset + 1 : end], "little")
        if data[end - 1] == 0 or value < 1 << 30:
            raise DecodeError("compact_not_shortest", offset)
        return value, end
    length, floor = (2, 1 << 6) if mode == 1 else (4, 1 << 14)
    end = offset + length
    if end > len(data):
        raise DecodeError("truncated", offset)
    value = int.from_bytes(data[offset:end], "little") >> 2
    if value < floor:
        raise DecodeError("compact_not_shortest", offset)
    return value, end
