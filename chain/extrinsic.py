"""Extrinsics, version 4: signed calls with all 13 extensions, and the bare inherents of a block.

    Compact(length) || 84 || 00 signer || signature kind || signature || era || nonce || tip || mode || call
    Compact(length) || 04 || call

What is signed is ``call || extra || implicit``, or its blake2b-256 when longer than 256 bytes. ``ext_hash`` is not
unique per payment, since sr25519 signatures differ each time; ``intent_id`` and ``(signer, nonce)`` are.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from chain.errors import DecodeError, EncodeError
from chain.hashing import HASH_BYTES, blake2b_256
from chain.keys import KeyPair, Scheme, verify
from chain.runtime.declarations import SPEC_VERSION, TRANSACTION_VERSION, codec
from chain.scale.codec import split_variant
from chain.scale.compact import decode_compact, encode_compact
from chain.scale.era import IMMORTAL, Era, decode_era

NONCE_MAX = (1 << 32) - 1
TIP_MAX = (1 << 64) - 1
EXTRINSIC_BYTES_MAX = 1 << 22
"""No extrinsic is looked at beyond this length; the limit of a block is lower and a parameter."""

_SIGNED = 0x84
_BARE = 0x04
_ADDRESS_ID = 0x00
_HASHED_ABOVE = 256
_MODE_DISABLED = 0
_MODE_ENABLED = 1
_SIGNATURES = {0: (Scheme.ED25519, 64), 1: (Scheme.SR25519, 64), 2: (Scheme.ECDSA, 65)}
_SIGNATURE_KINDS = {scheme: kind for kind, (scheme, _) in _SIGNATURES.items()}


@dataclass(frozen=True, kw_only=True)
class Extrinsic:
    """A decoded extrinsic; ``signer`` is None for an inherent, whose other fields then mean nothing.

    ``raw`` has the length prefix. ``tip`` is in rao. ``metadata_hash`` says that the signer asked for the metadata
    check, which this chain refuses: such a signature never verifies.
    """

    raw: bytes
    call_bytes: bytes
    call: Any
    signer: bytes | None = None
    scheme: Scheme = Scheme.ED25519
    signature: bytes = b""
    era: Era = IMMORTAL
    nonce: int = 0
    tip: int = 0
    metadata_hash: bool = False

    @property
    def is_signed(self) -> bool:
        """Whether somebody signed it; false for inherents."""
        return self.signer is not None

    @cached_property
    def ext_hash(self) -> bytes:
        """blake2b-256 of all bytes with the length prefix: what RPC shows, a look-up aid only."""
        return blake2b_256(self.raw)

    @property
    def pallet(self) -> str:
        """The pallet that is called."""
        return split_call(self.call)[0]

    @property
    def call_name(self) -> str:
        """The call's name."""
        return split_call(self.call)[1]

    @property
    def args(self) -> dict[str, Any]:
        """The call's arguments by name."""
        return split_call(self.call)[2]

    def payload(
        self,
        *,
        genesis_hash: bytes,
        birth_hash: bytes,
        spec_version: int = SPEC_VERSION,
        transaction_version: int = TRANSACTION_VERSION,
    ) -> bytes:
        """Return ``call || extra || implicit``; ``birth_hash`` is the genesis hash when the era is immortal."""
        implicit = encode_implicit(
            genesis_hash, birth_hash, spec_version=spec_version, transaction_version=transaction_version
        )
        return self._call_and_extra + implicit

    @cached_property
    def _call_and_extra(self) -> bytes:
        return self.call_bytes + encode_extra(self.era, self.nonce, self.tip)

    def verify_signature(
        self,
        *,
        genesis_hash: bytes,
        birth_hash: bytes,
        spec_version: int = SPEC_VERSION,
        transaction_version: int = TRANSACTION_VERSION,
    ) -> bool:
        """Return whether the signer signed this call for this chain, era and version."""
        if self.signer is None or self.metadata_hash:
            return False
        payload = self.payload(
            genesis_hash=genesis_hash,
            birth_hash=birth_hash,
            spec_version=spec_version,
            transaction_version=transaction_version,
        )
        return verify(self.scheme, self.signer, message_to_sign(payload), self.signature)

    def intent_id(self, *, genesis_hash: bytes, birth_hash: bytes, spec_version: int = SPEC_VERSION) -> bytes:
        """Return the identity of the payment: the same for every signature of one payload."""
        if self.signer is None:
            raise EncodeError("intent of a signed extrinsic", self.call_bytes)
        known = self._intents.get((birth_hash, genesis_hash, spec_version))
        if known is None:
            payload = self.payload(genesis_hash=genesis_hash, birth_hash=birth_hash, spec_version=spec_version)
            self._intents.clear()
            known = self._intents[birth_hash, genesis_hash, spec_version] = intent_id(self.signer, payload)
        return known

    @cached_property
    def _intents(self) -> dict[tuple[bytes, bytes, int], bytes]:
        """The last identity asked for: the pool asks, then a block does."""
        return {}


def split_call(call: Any) -> tuple[str, str, dict[str, Any]]:
    """Return pallet, name and arguments of a ``RuntimeCall`` value; a call without arguments has ``{}``."""
    pallet, inner = call
    name, args = split_variant(inner)
    return pallet, name, args or {}


def call_value(pallet: str, name: str, **args: Any) -> Any:
    """Return the ``RuntimeCall`` value of a call."""
    return pallet, (name, args) if args else name


def encode_extra(era: Era, nonce: int, tip: int) -> bytes:
    """Return the extension bytes inside an extrinsic: era, compact nonce, compact tip in rao, mode 0."""
    if not 0 <= nonce <= NONCE_MAX:
        raise EncodeError("Compact<u32>", nonce)
    if not 0 <= tip <= TIP_MAX:
        raise EncodeError("Compact<u64>", tip)
    return era.encode() + encode_compact(nonce) + encode_compact(tip) + bytes((_MODE_DISABLED,))


@lru_cache(maxsize=64)
def encode_implicit(
    genesis_hash: bytes,
    birth_hash: bytes,
    *,
    spec_version: int = SPEC_VERSION,
    transaction_version: int = TRANSACTION_VERSION,
) -> bytes:
    """Return the extension bytes that are signed but not sent: versions, genesis, birth block, no metadata hash."""
    if len(genesis_hash) != HASH_BYTES or len(birth_hash) != HASH_BYTES:
        raise EncodeError("H256", (genesis_hash, birth_hash))
    versions = spec_version.to_bytes(4, "little") + transaction_version.to_bytes(4, "little")
    return versions + genesis_hash + birth_hash + b"\0"


def message_to_sign(payload: bytes) -> bytes:
    """Return the payload, or its blake2b-256 when it is longer than 256 bytes."""
    return payload if len(payload) <= _HASHED_ABOVE else blake2b_256(payload)


def intent_id(signer: bytes, payload: bytes) -> bytes:
    """Return ``H("chain/1/intent" || signer || call || extra || implicit)``: unique per payment, signature left out."""
    return blake2b_256(b"chain/1/intent" + signer + payload)


def sign_extrinsic(
    keypair: KeyPair,
    call: Any,
    *,
    nonce: int,
    era: Era = IMMORTAL,
    genesis_hash: bytes,
    birth_hash: bytes | None = None,
    spec_version: int = SPEC_VERSION,
    transaction_version: int = TRANSACTION_VERSION,
    tip: int = 0,
) -> bytes:
    """Return the bytes of a signed extrinsic.

    ``call`` is a ``RuntimeCall`` value or its bytes; ``birth_hash`` is the hash of the era's birth block and may only
    be left out when the era is immortal; ``tip`` is in rao. Raises ``EncodeError``.
    """
    if birth_hash is None:
        if not era.is_immortal:
            raise EncodeError("birth hash of a mortal era", era)
        birth_hash = genesis_hash
    call_bytes = call if isinstance(call, bytes) else codec().encode("RuntimeCall", call)
    extra = encode_extra(era, nonce, tip)
    implicit = encode_implicit(
        genesis_hash, birth_hash, spec_version=spec_version, transaction_version=transaction_version
    )
    signature = keypair.sign(message_to_sign(call_bytes + extra + implicit))
    return join_signed(keypair.public, keypair.scheme, signature, extra, call_bytes)


def join_signed(signer: bytes, scheme: Scheme, signature: bytes, extra: bytes, call_bytes: bytes) -> bytes:
    """Return the extrinsic of ready parts, with its length prefix."""
    body = b"".join(
        (bytes((_SIGNED, _ADDRESS_ID)), signer, bytes((_SIGNATURE_KINDS[scheme],)), signature, extra, call_bytes)
    )
    return encode_compact(len(body)) + body


def encode_inherent(call: Any) -> bytes:
    """Return a bare extrinsic of a ``RuntimeCall`` value, with its length prefix."""
    body = bytes((_BARE,)) + codec().encode("RuntimeCall", call)
    return encode_compact(len(body)) + body


def decode_extrinsic(raw: bytes) -> Extrinsic:
    """Return the extrinsic whose bytes with length prefix are exactly ``raw``.

    Raises ``DecodeError``: ``truncated``, ``trailing_bytes``, ``extrinsic_too_long``, ``extrinsic_version``,
    ``address_kind``, ``signature_kind``, ``era_invalid``, ``compact_over_range``, ``metadata_mode``, or what the
    codec says of the call.
    """
    length, start = decode_compact(raw, 0)
    if length > EXTRINSIC_BYTES_MAX:
        raise DecodeError("extrinsic_too_long", 0, str(length))
    if start + length > len(raw):
        raise DecodeError("truncated", len(raw))
    if start + length < len(raw):
        raise DecodeError("trailing_bytes", start + length)
    if length == 0:
        raise DecodeError("truncated", start)
    if raw[start] == _BARE:
        call_bytes = raw[start + 1 :]
        return Extrinsic(raw=raw, call_bytes=call_bytes, call=codec().decode("RuntimeCall", call_bytes))
    if raw[start] != _SIGNED:
        raise DecodeError("extrinsic_version", start, hex(raw[start]))
    return _decode_signed(raw, start + 1)


def _decode_signed(raw: bytes, start: int) -> Extrinsic:
    if raw[start : start + 1] != bytes((_ADDRESS_ID,)):
        raise DecodeError("address_kind", start)
    kind_at = start + 1 + HASH_BYTES
    kind = _SIGNATURES.get(raw[kind_at]) if kind_at < len(raw) else None
    if kind is None:
        raise DecodeError("signature_kind", kind_at)
    scheme, signature_bytes = kind
    signature_end = kind_at + 1 + signature_bytes
    era, offset = decode_era(raw, signature_end)
    nonce, offset = _decode_bounded(raw, offset, NONCE_MAX)
    tip, offset = _decode_bounded(raw, offset, TIP_MAX)
    mode = raw[offset] if offset < len(raw) else -1
    if mode not in {_MODE_DISABLED, _MODE_ENABLED}:
        raise DecodeError("metadata_mode", offset)
    call_bytes = raw[offset + 1 :]
    return Extrinsic(
        raw=raw,
        call_bytes=call_bytes,
        call=codec().decode("RuntimeCall", call_bytes),
        signer=raw[start + 1 : kind_at],
        scheme=scheme,
        signature=raw[kind_at + 1 : signature_end],
        era=era,
        nonce=nonce,
        tip=tip,
        metadata_hash=mode == _MODE_ENABLED,
    )


def _decode_bounded(raw: bytes, offset: int, maximum: int) -> tuple[int, int]:
    value, end = decode_compact(raw, offset)
    if value > maximum:
        raise DecodeError("compact_over_range", offset, str(value))
    return value, end
