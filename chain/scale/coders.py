"""The parts that ``codec.py`` joins: one pair of closures for each shape of type.

A decoder takes ``(data, offset, depth)`` and returns ``(value, offset behind it)``; an encoder appends to a buffer.
``depth`` counts the calls around the value.
"""

import operator
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from chain.errors import DecodeError, EncodeError, TypeUnknown
from chain.scale.compact import decode_compact, encode_compact
from chain.scale.types import U8, Primitive, Tuple, Type, Variant

Decoder = Callable[[bytes, int, int], tuple[Any, int]]
Encoder = Callable[[Any, bytearray, int], None]

_STRUCT_FORMATS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i8": "b", "i16": "h", "i32": "i", "i64": "q"}
_WIDE_BITS = {"u128": 128, "u256": 256, "i128": 128, "i256": 256}


class Coder(NamedTuple):
    """A compiled type: its two closures and the fewest bytes a value takes."""

    decode: Decoder
    encode: Encoder
    size_min: int


def _truncated(offset: int) -> DecodeError:
    return DecodeError("truncated", offset)


def primitive_coder(name: str) -> Coder:
    """Compile a number, bool or text."""
    if name in _STRUCT_FORMATS:
        return _integer(struct.Struct("<" + _STRUCT_FORMATS[name]))
    if name in _WIDE_BITS:
        return _integer_wide(_WIDE_BITS[name] // 8, signed=name.startswith("i"))
    if name == "bool":
        return Coder(_decode_bool, _encode_bool, 1)
    if name == "str":
        return Coder(_decode_str, _encode_str, 1)
    raise TypeUnknown(name)


def _integer(layout: struct.Struct) -> Coder:
    unpack, pack, size = layout.unpack_from, layout.pack, layout.size

    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:  # noqa: ARG001 - one signature for all
        end = offset + size
        if end > len(data):
            raise _truncated(offset)
        return unpack(data, offset)[0], end

    def encode(value: Any, out: bytearray, depth: int) -> None:  # noqa: ARG001
        out += pack(value)

    return Coder(decode, encode, size)


def _integer_wide(size: int, *, signed: bool) -> Coder:
    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:  # noqa: ARG001
        end = offset + size
        if end > len(data):
            raise _truncated(offset)
        return int.from_bytes(data[offset:end], "little", signed=signed), end

    def encode(value: Any, out: bytearray, depth: int) -> None:  # noqa: ARG001
        out += operator.index(value).to_bytes(size, "little", signed=signed)

    return Coder(decode, encode, size)


def _decode_bool(data: bytes, offset: int, depth: int) -> tuple[Any, int]:  # noqa: ARG001
    if offset >= len(data):
        raise _truncated(offset)
    byte = data[offset]
    if byte > 1:
        raise DecodeError("bool_invalid", offset, str(byte))
    return byte == 1, offset + 1


def _encode_bool(value: Any, out: bytearray, depth: int) -> None:  # noqa: ARG001
    if value is not True and value is not False:
        raise EncodeError("bool", value)
    out.append(value)


def _decode_str(data: bytes, offset: int, depth: int) -> tuple[Any, int]:
    content, end = _decode_byte_vector(data, offset, depth)
    try:
        return content.decode(), end
    except UnicodeDecodeError as error:
        raise DecodeError("text_not_utf8", offset) from error


def _encode_str(value: Any, out: bytearray, depth: int) -> None:
    _encode_byte_vector(value.encode(), out, depth)


def _decode_byte_vector(data: bytes, offset: int, depth: int) -> tuple[Any, int]:  # noqa: ARG001
    length, start = decode_compact(data, offset)
    end = start + length
    if end > len(data):
        raise DecodeError("length_over_input", offset, str(length))
    return data[start:end], end


def _encode_byte_vector(value: Any, out: bytearray, depth: int) -> None:  # noqa: ARG001
    if not isinstance(value, bytes | bytearray):
        raise EncodeError("Vec<u8>", value)
    out += encode_compact(len(value))
    out += value


def bytes_coder(length: int) -> Coder:
    """Compile ``[u8;n]``, whose value is bytes."""

    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:  # noqa: ARG001
        end = offset + length
        if end > len(data):
            raise _truncated(offset)
        return data[offset:end], end

    def encode(value: Any, out: bytearray, depth: int) -> None:  # noqa: ARG001
        if not isinstance(value, bytes | bytearray) or len(value) != length:
            raise EncodeError(f"[u8;{length}]", value)
        out += value

    return Coder(decode, encode, length)


def compact_coder(inner: Type) -> Coder:
    """Compile a compact unsigned integer, bounded by its type."""
    if inner == Tuple(()):
        return tuple_coder([])
    if not isinstance(inner, Primitive) or not inner.name.startswith("u"):
        raise TypeUnknown(f"Compact of {inner}")
    limit = 1 << int(inner.name[1:])

    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:  # noqa: ARG001
        if offset < len(data) and not data[offset] & 3:
            return data[offset] >> 2, offset + 1
        value, end = decode_compact(data, offset)
        if value >= limit:
            raise DecodeError("compact_over_range", offset, str(value))
        return value, end

    def encode(value: Any, out: bytearray, depth: int) -> None:  # noqa: ARG001
        number = operator.index(value)
        if number >= limit:
            raise EncodeError(f"Compact<{inner.name}>", value)
        out += encode_compact(number)

    return Coder(decode, encode, 1)


def _decode_length(data: bytes, offset: int, size_min: int) -> tuple[int, int]:
    """Return a length that the bytes left could hold, before anything is allocated for it."""
    length, start = decode_compact(data, offset)
    if length * size_min > len(data) - start:
        raise DecodeError("length_over_input", offset, str(length))
    return length, start


def sequence_coder(inner: Type, coder: Coder) -> Coder:
    """Compile ``Vec<T>``; of u8 the value is bytes."""
    if inner == U8:
        return Coder(_decode_byte_vector, _encode_byte_vector, 1)
    if isinstance(inner, Primitive) and inner.name in _STRUCT_FORMATS:
        return _integers(_STRUCT_FORMATS[inner.name], coder)
    if isinstance(inner, Tuple) and (letters := _letters(inner)):
        return _integer_tuples(letters)
    decode_item, encode_item, size_min = coder
    if size_min == 0:
        raise TypeUnknown(f"a sequence of {inner}, whose length nothing would bound")

    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:
        length, offset = _decode_length(data, offset, size_min)
        items = []
        for _ in range(length):
            item, offset = decode_item(data, offset, depth)
            items.append(item)
        return items, offset

    def encode(value: Any, out: bytearray, depth: int) -> None:
        if not isinstance(value, list | tuple | bytes):
            raise EncodeError("Vec", value)
        out += encode_compact(len(value))
        for item in value:
            encode_item(item, out, depth)

    return Coder(decode, encode, 1)


def _integers(letter: str, coder: Coder) -> Coder:
    """Compile a sequence of fixed integers, read and written in one go."""
    size = coder.size_min

    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:  # noqa: ARG001
        length, offset = _decode_length(data, offset, size)
        return list(struct.unpack_from(f"<{length}{letter}", data, offset)), offset + length * size

    def encode(value: Any, out: bytearray, depth: int) -> None:  # noqa: ARG001
        if not isinstance(value, list | tuple):
            raise EncodeError("Vec", value)
        out += encode_compact(len(value))
        out += struct.pack(f"<{len(value)}{letter}", *value)

    return Coder(decode, encode, 1)


def _letters(inner: Tuple) -> str:
    """Return the layout of a tuple of fixed integers, or nothing for any other tuple."""
    names = [item.name if isinstance(item, Primitive) else "" for item in inner.items]
    return "".join(_STRUCT_FORMATS[name] for name in names) if all(name in _STRUCT_FORMATS for name in names) else ""


def _integer_tuples(letters: str) -> Coder:
    """Compile a sequence of tuples of fixed integers, such as weights, which are read and written in one go."""
    layout = struct.Struct("<" + letters)
    width = len(letters)

    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:  # noqa: ARG001
        length, offset = _decode_length(data, offset, layout.size)
        end = offset + length * layout.size
        return list(layout.iter_unpack(data[offset:end])), end

    def encode(value: Any, out: bytearray, depth: int) -> None:  # noqa: ARG001
        if not isinstance(value, list | tuple):
            raise EncodeError("Vec", value)
        out += encode_compact(len(value))
        for item in value:
            if not isinstance(item, list | tuple) or len(item) != width:
                raise EncodeError("tuple", item)
            out += layout.pack(*item)

    return Coder(decode, encode, 1)


def array_coder(coder: Coder, length: int) -> Coder:
    """Compile ``[T;n]``."""
    decode_item, encode_item, size_min = coder

    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:
        items = []
        for _ in range(length):
            item, offset = decode_item(data, offset, depth)
            items.append(item)
        return items, offset

    def encode(value: Any, out: bytearray, depth: int) -> None:
        if not isinstance(value, list | tuple) or len(value) != length:
            raise EncodeError(f"[T;{length}]", value)
        for item in value:
            encode_item(item, out, depth)

    return Coder(decode, encode, size_min * length)


def tuple_coder(coders: list[Coder]) -> Coder:
    """Compile a tuple; without items the unit."""
    decoders = [coder.decode for coder in coders]
    encoders = [coder.encode for coder in coders]

    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:
        items = []
        for decode_item in decoders:
            item, offset = decode_item(data, offset, depth)
            items.append(item)
        return tuple(items), offset

    def encode(value: Any, out: bytearray, depth: int) -> None:
        if not isinstance(value, list | tuple) or len(value) != len(encoders):
            raise EncodeError("tuple", value)
        for encode_item, item in zip(encoders, value, strict=True):
            encode_item(item, out, depth)

    return Coder(decode, encode, sum(coder.size_min for coder in coders))


def struct_coder(names: tuple[str, ...], coders: list[Coder]) -> Coder:
    """Compile a struct with named fields, whose value is a dict."""
    decoders = [(name, coder.decode) for name, coder in zip(names, coders, strict=True)]
    encoders = [(name, coder.encode) for name, coder in zip(names, coders, strict=True)]

    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:
        fields = {}
        for name, decode_field in decoders:
            fields[name], offset = decode_field(data, offset, depth)
        return fields, offset

    def encode(value: Any, out: bytearray, depth: int) -> None:
        if not isinstance(value, dict) or len(value) != len(encoders):
            raise EncodeError("struct {" + ", ".join(names) + "}", value)
        for name, encode_field in encoders:
            encode_field(value[name], out, depth)

    return Coder(decode, encode, sum(coder.size_min for coder in coders))


def option_coder(coder: Coder, *, nested: bool) -> Coder:
    """Compile ``Option<T>``; ``nested`` when T is an Option itself."""
    decode_inner, encode_inner, _ = coder

    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:
        if offset >= len(data):
            raise _truncated(offset)
        tag = data[offset]
        if tag == 0:
            return None, offset + 1
        if tag != 1:
            raise DecodeError("tag_unknown", offset, f"Option {tag}")
        value, end = decode_inner(data, offset + 1, depth)
        return ((value,) if nested else value), end

    def encode(value: Any, out: bytearray, depth: int) -> None:
        if value is None:
            out.append(0)
            return
        out.append(1)
        if nested:
            (value,) = value
        encode_inner(value, out, depth)

    return Coder(decode, encode, 1)


def result_coder(ok: Coder, err: Coder) -> Coder:
    """Compile ``Result<T, E>`` as an enum of Ok and Err."""
    return enum_coder("Result", [(Variant(0, "Ok"), ok), (Variant(1, "Err"), err)])


def enum_coder(name: str, variants: list[tuple[Variant, Coder | None]]) -> Coder:
    """Compile an enum from its variants, each with the coder of its payload or None."""
    by_tag = {variant.index: (variant.name, coder and coder.decode) for variant, coder in variants}
    by_name = {variant.name: (variant.index, coder and coder.encode) for variant, coder in variants}

    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:
        if offset >= len(data):
            raise _truncated(offset)
        found = by_tag.get(data[offset])
        if found is None:
            raise DecodeError("tag_unknown", offset, f"{name} {data[offset]}")
        label, decode_payload = found
        if decode_payload is None:
            return label, offset + 1
        payload, end = decode_payload(data, offset + 1, depth)
        return (label, payload), end

    def encode(value: Any, out: bytearray, depth: int) -> None:
        label, payload = (value, None) if isinstance(value, str) else value
        tag, encode_payload = by_name.get(label, (-1, None))
        if tag < 0 or isinstance(value, str) is not (encode_payload is None):
            raise EncodeError(name, value)
        out.append(tag)
        if encode_payload is not None:
            encode_payload(payload, out, depth)

    return Coder(decode, encode, 1)


def map_coder(key: Coder, item: Coder) -> Coder:
    """Compile ``BTreeMap<K, V>``, ascending by key."""

    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:
        length, offset = _decode_length(data, offset, key.size_min + item.size_min)
        entries: dict[Any, Any] = {}
        previous: Any = None
        for _ in range(length):
            start = offset
            name, offset = key.decode(data, offset, depth)
            if entries and not previous < name:
                raise DecodeError("keys_unsorted", start)
            entries[name], offset = item.decode(data, offset, depth)
            previous = name
        return entries, offset

    def encode(value: Any, out: bytearray, depth: int) -> None:
        if not isinstance(value, dict):
            raise EncodeError("BTreeMap", value)
        out += encode_compact(len(value))
        for name in sorted(value):
            key.encode(name, out, depth)
            item.encode(value[name], out, depth)

    return _bounded(Coder(decode, encode, 1), key.size_min + item.size_min)


def set_coder(coder: Coder) -> Coder:
    """Compile ``BTreeSet<T>``, ascending."""

    def decode(data: bytes, offset: int, depth: int) -> tuple[Any, int]:
        length, offset = _decode_length(data, offset, coder.size_min)
        items: list[Any] = []
        for _ in range(length):
            start = offset
            item, offset = coder.decode(data, offset, depth)
            if items and not items[-1] < item:
                raise DecodeError("keys_unsorted", start)
            items.append(item)
        return items, offset

    def encode(value: Any, out: bytearray, depth: int) -> None:
        if not isinstance(value, list | tuple | set | frozenset) or len(frozenset(value)) != len(value):
            raise EncodeError("BTreeSet", value)
        out += encode_compact(len(value))
        for item in sorted(value):
            coder.encode(item, out, depth)

    return _bounded(Coder(decode, encode, 1), coder.size_min)


def _bounded(coder: Coder, size_min: int) -> Coder:
    if size_min == 0:
        raise TypeUnknown("a collection of nothing, whose length nothing would bound")
    return coder
