"""SS58, the text form of accounts: base58 of format, 32 bytes and a checksum; one text for each account and format."""

from chain.errors import AddressInvalid
from chain.hashing import blake2b_512

SS58_FORMAT = 42
ACCOUNT_BYTES = 32

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_CHECKSUM_BYTES = 2
_TEXT_MAX = 64
_FORMAT_ONE_BYTE_END = 64
_FORMAT_END = 16_384
_FORMATS_RESERVED = (46, 47)


def ss58_encode(account: bytes, address_format: int = SS58_FORMAT) -> str:
    """Return the address of 32 bytes; raise ``AddressInvalid`` for another length or an impossible format."""
    if len(account) != ACCOUNT_BYTES:
        raise AddressInvalid("account_length")
    body = _format_bytes(address_format) + account
    return _base58_encode(body + _checksum(body))


def ss58_decode(address: str, address_format: int = SS58_FORMAT) -> bytes:
    """Return the 32 bytes behind an address of this very format.

    Raises ``AddressInvalid``: ``alphabet``, ``length``, ``format``, ``checksum``.
    """
    if not 0 < len(address) <= _TEXT_MAX:
        raise AddressInvalid("length")
    wanted = _format_bytes(address_format)
    data = _base58_decode(address)
    prefix_bytes = 1 if data[:1] < bytes((_FORMAT_ONE_BYTE_END,)) else 2
    if len(data) != prefix_bytes + ACCOUNT_BYTES + _CHECKSUM_BYTES:
        raise AddressInvalid("length")
    body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if _checksum(body) != checksum:
        raise AddressInvalid("checksum")
    if body[:prefix_bytes] != wanted:
        raise AddressInvalid("format")
    return body[prefix_bytes:]


def _format_bytes(address_format: int) -> bytes:
    if not 0 <= address_format < _FORMAT_END or address_format in _FORMATS_RESERVED:
        raise AddressInvalid("format")
    if address_format < _FORMAT_ONE_BYTE_END:
        return bytes((address_format,))
    return bytes(
        (
            (address_format & 0b1111_1100) >> 2 | 0b0100_0000,
            address_format >> 8 | (address_format & 0b11) << 6,
        )
    )


def _checksum(body: bytes) -> bytes:
    return blake2b_512(b"SS58PRE" + body)[:_CHECKSUM_BYTES]


def _base58_encode(data: bytes) -> str:
    number = int.from_bytes(data, "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = _ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def _base58_decode(text: str) -> bytes:
    number = 0
    for character in text:
        value = _VALUES.get(character)
        if value is None:
            raise AddressInvalid("alphabet")
        number = number * 58 + value
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
