from dataclasses import replace
from typing import Any

import pytest

from chain.errors import DecodeError, EncodeError
from chain.extrinsic import (
    Extrinsic,
    call_value,
    decode_extrinsic,
    encode_extra,
    encode_inherent,
    join_signed,
    sign_extrinsic,
    split_call,
)
from chain.keys import KeyPair, Scheme
from chain.runtime.declarations import codec
from chain.scale.compact import encode_compact
from chain.scale.era import mortal_era

GENESIS, BIRTH = b"\x11" * 32, b"\x22" * 32
ALICE, BOB = KeyPair.from_uri("//Alice"), KeyPair.from_uri("//Bob")
CALL = call_value("Balances", "transfer_keep_alive", dest=("Id", BOB.public), value=5)
ERA = mortal_era(64, 1000)


def signed(pair: KeyPair = ALICE, **changes: Any) -> bytes:
    options = {"nonce": 3, "era": ERA, "genesis_hash": GENESIS, "birth_hash": BIRTH, "tip": 9, **changes}
    return sign_extrinsic(pair, options.pop("call", CALL), **options)


@pytest.mark.parametrize("scheme", [Scheme.ED25519, Scheme.SR25519])
def test_a_signed_extrinsic_is_read_back_and_verifies(scheme: Scheme) -> None:
    pair = KeyPair.from_seed(b"\x07" * 32, scheme)

    extrinsic = decode_extrinsic(signed(pair))

    assert extrinsic.is_signed
    assert (extrinsic.signer, extrinsic.scheme, extrinsic.era) == (pair.public, scheme, ERA)
    assert (extrinsic.nonce, extrinsic.tip, extrinsic.call) == (3, 9, CALL)
    assert (extrinsic.pallet, extrinsic.call_name, extrinsic.args["value"]) == ("Balances", "transfer_keep_alive", 5)
    assert extrinsic.verify_signature(genesis_hash=GENESIS, birth_hash=BIRTH)


@pytest.mark.parametrize(
    "changes",
    [
        {"genesis_hash": BIRTH, "birth_hash": BIRTH},
        {"genesis_hash": GENESIS, "birth_hash": GENESIS},
        {"genesis_hash": GENESIS, "birth_hash": BIRTH, "spec_version": 425},
        {"genesis_hash": GENESIS, "birth_hash": BIRTH, "transaction_version": 2},
    ],
)
def test_a_signature_is_for_one_chain_birth_block_and_version(changes: dict[str, Any]) -> None:
    assert not decode_extrinsic(signed()).verify_signature(**changes)


@pytest.mark.parametrize(
    "change",
    [{"nonce": 4}, {"tip": 10}, {"era": mortal_era(64, 1001)}, {"signer": BOB.public}, {"call_bytes": b"\0\0\0"}],
)
def test_no_part_may_be_changed_after_signing(change: dict[str, Any]) -> None:
    changed = replace(decode_extrinsic(signed()), **change)

    assert not changed.verify_signature(genesis_hash=GENESIS, birth_hash=BIRTH)


def test_the_intent_is_the_same_for_every_signature_of_one_payment() -> None:
    first, second = decode_extrinsic(signed()), decode_extrinsic(signed())
    other = decode_extrinsic(signed(nonce=4))

    def intent(extrinsic: Extrinsic) -> bytes:
        return extrinsic.intent_id(genesis_hash=GENESIS, birth_hash=BIRTH)

    assert first.ext_hash != second.ext_hash
    assert intent(first) == intent(second)
    assert intent(first) != intent(other)


def test_an_immortal_extrinsic_is_anchored_at_genesis() -> None:
    raw = sign_extrinsic(ALICE, CALL, nonce=0, genesis_hash=GENESIS)

    assert decode_extrinsic(raw).verify_signature(genesis_hash=GENESIS, birth_hash=GENESIS)


def test_a_mortal_extrinsic_needs_its_birth_hash() -> None:
    with pytest.raises(EncodeError):
        signed(birth_hash=None)


def test_an_inherent_is_bare() -> None:
    call = call_value("Timestamp", "set", now=1_782_000_000_000)

    extrinsic = decode_extrinsic(encode_inherent(call))

    assert not extrinsic.is_signed
    assert extrinsic.call == call
    assert not extrinsic.verify_signature(genesis_hash=GENESIS, birth_hash=GENESIS)
    with pytest.raises(EncodeError):
        extrinsic.intent_id(genesis_hash=GENESIS, birth_hash=GENESIS)


def test_a_call_without_arguments_splits_into_none() -> None:
    call = call_value("SubtensorModule", "dispute_coldkey_swap")

    assert split_call(codec().decode("RuntimeCall", codec().encode("RuntimeCall", call))) == (
        "SubtensorModule",
        "dispute_coldkey_swap",
        {},
    )


def test_a_metadata_hash_is_read_and_never_verifies() -> None:
    raw = bytearray(signed(nonce=0, tip=0))
    mode_at = len(raw) - len(decode_extrinsic(bytes(raw)).call_bytes) - 1
    raw[mode_at] = 1

    extrinsic = decode_extrinsic(bytes(raw))

    assert extrinsic.metadata_hash
    assert not extrinsic.verify_signature(genesis_hash=GENESIS, birth_hash=BIRTH)


def test_an_ecdsa_signature_is_read_and_never_verifies() -> None:
    extra, call = encode_extra(ERA, 0, 0), codec().encode("RuntimeCall", CALL)

    extrinsic = decode_extrinsic(join_signed(ALICE.public, Scheme.ECDSA, bytes(65), extra, call))

    assert extrinsic.scheme is Scheme.ECDSA
    assert not extrinsic.verify_signature(genesis_hash=GENESIS, birth_hash=BIRTH)


@pytest.mark.parametrize(("nonce", "tip"), [(-1, 0), (2**32, 0), (0, -1), (0, 2**64)])
def test_nonce_and_tip_have_bounds(nonce: int, tip: int) -> None:
    with pytest.raises(EncodeError):
        signed(nonce=nonce, tip=tip)


def framed(body: bytes) -> bytes:
    return encode_compact(len(body)) + body


BODY = decode_extrinsic(signed(nonce=0, tip=0)).raw[2:]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "truncated"),
        (b"\0", "truncated"),
        (framed(BODY)[:-1], "truncated"),
        (framed(BODY) + b"\0", "trailing_bytes"),
        (framed(BODY + b"\0"), "trailing_bytes"),
        (framed(BODY[:50]), "truncated"),
        (framed(b"\x05" + BODY[1:]), "extrinsic_version"),
        (framed(BODY[:1] + b"\x01" + BODY[2:]), "address_kind"),
        (framed(BODY[:34] + b"\x03" + BODY[35:]), "signature_kind"),
        (framed(BODY[:20]), "signature_kind"),
        (framed(BODY[:99] + b"\x10" + BODY[100:]), "era_invalid"),
        (framed(BODY[:101] + b"\x07\x00\x00\x00\x00\x01" + BODY[102:]), "compact_over_range"),
        (framed(BODY[:103] + b"\x02" + BODY[104:]), "metadata_mode"),
        (framed(BODY[:104] + b"\xff" + BODY[105:]), "tag_unknown"),
        (b"\x02\x00\x00\x10" + bytes(100), "extrinsic_too_long"),
    ],
    # Signatures differ each time, and the processes of one run must name their tests alike.
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else value,
)
def test_bytes_that_are_no_extrinsic_are_refused_with_a_code(raw: bytes, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_extrinsic(raw)

    assert caught.value.code == code
