"""Reading positional parameters: each reader refuses what is not exactly what the method needs."""

from typing import Any, Final

from chain.errors import Malformed
from chain.hashing import HASH_BYTES
from chain.rpc.jsonrpc import invalid_params
from chain.ss58 import ss58_decode

HEX_MAX: Final = 2 * 4 * 1024 * 1024
"""Longest byte string in hex digits: the largest extrinsic there is."""

_HEIGHT_MAX: Final = (1 << 63) - 1


def param(params: list[Any], index: int) -> Any:
    """Return a parameter; a missing one is ``None``, as trailing ones may be."""
    return params[index] if index < len(params) else None


def read_bytes(value: Any, name: str) -> bytes:
    """Return the bytes of hex digits; the leading ``0x`` may be missing, as some clients leave it out."""
    if not isinstance(value, str) or len(value) > HEX_MAX:
        raise invalid_params(f"{name} must be 0x followed by hex digits")
    digits = value.removeprefix("0x")
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        raise invalid_params(f"{name} must be 0x followed by hex digits") from None
    # fromhex forgives white space, which is not hex.
    if len(data) * 2 != len(digits):
        raise invalid_params(f"{name} must be 0x followed by hex digits")
    return data


def read_hash(value: Any, name: str) -> bytes:
    """Return a 32-byte hash."""
    data = read_bytes(value, name)
    if len(data) != HASH_BYTES:
        raise invalid_params(f"{name} must be {HASH_BYTES} bytes")
    return data


def read_height(value: Any, name: str) -> int:
    """Return a block number, given as a number or as ``0x`` hex."""
    if isinstance(value, str) and value.startswith("0x"):
        try:
            value = int(value, 0)
        except ValueError:
            raise invalid_params(f"{name} must be a block number") from None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _HEIGHT_MAX:
        raise invalid_params(f"{name} must be a block number")
    return value


def read_count(value: Any, name: str, *, maximum: int) -> int:
    """Return a whole number from 1 to ``maximum``."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= maximum:
        raise invalid_params(f"{name} must be a number from 1 to {maximum}")
    return value


def read_text(value: Any, name: str) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise invalid_params(f"{name} must be a text")
    return value


def read_keys(value: Any, name: str, *, maximum: int) -> list[bytes]:
    """Return a list of at most ``maximum`` storage keys."""
    if not isinstance(value, list) or len(value) > maximum:
        raise invalid_params(f"{name} must be a list of at most {maximum} keys")
    return [read_bytes(item, name) for item in value]


def read_account(value: Any, name: str) -> bytes:
    """Return the account of an SS58 address, or of its 32 bytes in hex."""
    if isinstance(value, str) and value.startswith("0x"):
        return read_hash(value, name)
    try:
        return ss58_decode(read_text(value, name))
    except Malformed as error:
        raise invalid_params(f"{name}: {error}") from None


def to_hex(data: bytes) -> str:
    """Return bytes as clients read them."""
    return "0x" + data.hex()


def to_hex_or_none(data: bytes | None) -> str | None:
    """Return bytes as clients read them, or null."""
    return None if data is None else to_hex(data)
