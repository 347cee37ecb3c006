"""What link and gateways say to the signer's process and what it answers: msgpack behind a length (u32, little-endian).

Nothing here is secret: calls in, signed bytes and public keys out. Seeds never leave the signer's process.
"""

import struct
from typing import Any, Final

import msgspec

from app.custody.signer import Signed, SigningRequest
from app.serve.errors import FrameBroken
from ledger.engine.layout import Job, KeyRole

PROTOCOL: Final = 1
LENGTH: Final = struct.Struct("<I")
BYTES_MAX: Final = 4 * 2**20


class Greet(msgspec.Struct, frozen=True, tag="greet"):
    """The first message; the answer is ``Greeted``, or ``Refusal`` with ``version_differs``."""

    name: str
    protocol: int = PROTOCOL


class Sign(msgspec.Struct, frozen=True, tag="sign"):
    """``SigningRequest``, its job and role as numbers."""

    job: int | None
    job_id: int
    role: int
    key: int
    nonce: int
    call: bytes
    birth: int
    birth_hash: bytes
    period: int
    genesis_hash: bytes
    spec_version: int
    transaction_version: int


class Remember(msgspec.Struct, frozen=True, tag="remember"):
    """Asks for the last signature of a job."""

    job_id: int


class ShowKey(msgspec.Struct, frozen=True, tag="show"):
    """Asks for a public key of ours."""

    role: int
    number: int


class Greeted(msgspec.Struct, frozen=True, tag="greeted"):
    """The chain that the signer signs for."""

    genesis_hash: bytes


class Bytes(msgspec.Struct, frozen=True, tag="signed"):
    """``Signed``."""

    extrinsic: bytes
    hash: bytes
    nonce: int
    birth: int
    period: int


class Nothing(msgspec.Struct, frozen=True, tag="nothing"):
    """No signature of that job is remembered."""


class PublicKey(msgspec.Struct, frozen=True, tag="public"):
    """A public key, 32 bytes."""

    public: bytes


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """``SigningRefused``, or a word about the request itself."""

    code: str
    detail: str = ""
    value: int = 0
    bound: int = 0


Question = Greet | Sign | Remember | ShowKey
Reply = Greeted | Bytes | Nothing | PublicKey | Refusal

_questions = msgspec.msgpack.Decoder(Question)
_replies = msgspec.msgpack.Decoder(Reply)


def encode(message: Question | Reply) -> bytes:
    """Return a message with its length before it; raises ``FrameBroken`` for one above the bound."""
    body = msgspec.msgpack.encode(message)
    if len(body) > BYTES_MAX:
        raise FrameBroken(f"a message of {len(body)} bytes, at most {BYTES_MAX}")
    return LENGTH.pack(len(body)) + body


def decode_question(body: bytes) -> Question:
    """Return what was asked; raises ``FrameBroken``."""
    question: Question = _decode(_questions, body)
    return question


def decode_reply(body: bytes) -> Reply:
    """Return what was answered; raises ``FrameBroken``."""
    reply: Reply = _decode(_replies, body)
    return reply


def length_of(head: bytes) -> int:
    """Return the length that stands before a body; raises ``FrameBroken`` for one above the bound."""
    length: int = LENGTH.unpack(head)[0]
    if length > BYTES_MAX:
        raise FrameBroken(f"a message of {length} bytes, at most {BYTES_MAX}")
    return length


def sign_of(request: SigningRequest) -> Sign:
    """Return a request as it travels."""
    return Sign(
        None if request.job is None else int(request.job),
        request.job_id,
        int(request.role),
        request.key,
        request.nonce,
        request.call,
        request.birth,
        request.birth_hash,
        request.period,
        request.genesis_hash,
        request.spec_version,
        request.transaction_version,
    )


def request_of(asked: Sign) -> SigningRequest:
    """Return the request that travelled; raises ``ValueError`` for a job or role that is none."""
    return SigningRequest(
        job=None if asked.job is None else Job(asked.job),
        job_id=asked.job_id,
        role=KeyRole(asked.role),
        key=asked.key,
        nonce=asked.nonce,
        call=asked.call,
        birth=asked.birth,
        birth_hash=asked.birth_hash,
        period=asked.period,
        genesis_hash=asked.genesis_hash,
        spec_version=asked.spec_version,
        transaction_version=asked.transaction_version,
    )


def bytes_of(signed: Signed) -> Bytes:
    """Return signed bytes as they travel."""
    return Bytes(signed.extrinsic, signed.hash, signed.nonce, signed.birth, signed.period)


def signed_of(told: Bytes) -> Signed:
    """Return the signed bytes that travelled."""
    return Signed(extrinsic=told.extrinsic, hash=told.hash, nonce=told.nonce, birth=told.birth, period=told.period)


def _decode(decoder: Any, body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FrameBroken(f"a message: {error}") from error
