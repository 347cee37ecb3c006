"""The outer shape of an extrinsic: who signed it, with which nonce; of calls, remarks alone are read."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

CallSpec = dict[str, Any]
"""A call by names: ``{"call_module", "call_function", "call_args"}``, nested where an argument is a call."""

_SIGNED = 0x84
_REMARK = b"\x00\x00"
_REMARK_MAX = 256
_SIGNATURE_BYTES = {0: 64, 1: 64, 2: 65}


@dataclass(frozen=True, slots=True)
class Envelope:
    """Signer and nonce of an extrinsic; ``signer`` is ``None`` for a bare one or a form that no key of ours uses.

    ``remark`` is the text where the whole call is a short ``System.remark``, else empty.
    """

    signer: bytes | None
    nonce: int
    remark: bytes = b""


def to_hex(data: bytes) -> str:
    """Return bytes as the node writes them."""
    return "0x" + data.hex()


def extrinsic_hash(extrinsic: bytes) -> bytes:
    """Return the identity of an extrinsic: blake2b-256 of all its bytes, length prefix included."""
    return blake2b(extrinsic, digest_size=32).digest()


def open_envelope(extrinsic: bytes) -> Envelope:
    """Return who signed an extrinsic; bytes of an unknown form are nobody's, they cannot be ours.

    Layout: ``spec/substrate_rpc.md`` section 10: length, version, address, signature, era, nonce.
    """
    try:
        _, at = _compact(extrinsic, 0)
        if extrinsic[at] != _SIGNED or extrinsic[at + 1] != 0:
            return Envelope(None, 0)
        signer = extrinsic[at + 2 : at + 34]
        at += 35 + _SIGNATURE_BYTES[extrinsic[at + 34]]
        at += 1 if extrinsic[at] == 0 else 2
        nonce, at = _compact(extrinsic, at)
    except (IndexError, KeyError):
        return Envelope(None, 0)
    return Envelope(signer, nonce, _remark(extrinsic, at)) if len(signer) == 32 else Envelope(None, 0)


def _remark(extrinsic: bytes, at: int) -> bytes:
    """Return the text of a remark behind tip and mode of the metadata hash, which begin here; else nothing."""
    try:
        _, at = _compact(extrinsic, at)
        if extrinsic[at + 1 : at + 3] != _REMARK or len(extrinsic) - at > _REMARK_MAX:
            return b""
        length, at = _compact(extrinsic, at + 3)
    except IndexError:
        return b""
    return extrinsic[at:] if len(extrinsic) - at == length else b""


def _compact(data: bytes, at: int) -> tuple[int, int]:
    """Return a compact integer and the place behind it; raises ``IndexError`` where the bytes end too early."""
    mode = data[at] & 3
    size = (1, 2, 4, (data[at] >> 2) + 5)[mode]
    if at + size > len(data):
        raise IndexError
    if mode == 3:
        return int.from_bytes(data[at + 1 : at + size], "little"), at + size
    return int.from_bytes(data[at : at + size], "little") >> 2, at + size
