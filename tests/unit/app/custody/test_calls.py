"""The signer's own reading of calls and its own bytes of extrinsics, against the network's known answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from app.custody import scale
from app.custody.calls import (
    MAX_DEPTH,
    Call,
    ChangeProxy,
    ForceBatch,
    LimitSwap,
    MoveStake,
    Proxied,
    Remark,
    Transfer,
    TransferStake,
    encode_call,
    parse_call,
)
from app.custody.errors import SigningRefused

WIRE: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "substrate_wire.json").read_text())
CRYPTO: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "crypto.json").read_text())

accounts = st.binary(min_size=32, max_size=32)
u64s = st.integers(0, 2**64 - 1)
u16s = st.integers(0, 2**16 - 1)
leaves = st.one_of(
    st.builds(Transfer, accounts, u64s),
    st.builds(TransferStake, accounts, accounts, u16s, u16s, u64s),
    st.builds(MoveStake, accounts, accounts, u16s, u16s, u64s),
    st.builds(LimitSwap, st.booleans(), accounts, u16s, u64s, u64s, st.booleans()),
    st.builds(ChangeProxy, st.booleans(), accounts, st.integers(0, 17), st.integers(0, 2**32 - 1)),
    st.builds(Remark, st.binary(max_size=200)),
)
proxied = st.builds(Proxied, accounts, st.none() | st.integers(0, 17), leaves)
calls = leaves | proxied | st.builds(ForceBatch, st.lists(leaves | proxied, max_size=8).map(tuple))


@given(calls)
def test_reading_a_call_is_the_inverse_of_writing_it(call: Call) -> None:
    assert parse_call(encode_call(call)) == call


@given(st.binary(max_size=120))
def test_random_bytes_are_either_refused_or_the_one_encoding_of_a_call(data: bytes) -> None:
    try:
        call = parse_call(data)
    except SigningRefused as refused:
        assert refused.code in {"call_unknown", "call_malformed", "call_too_deep", "call_too_long"}  # noqa: PT017
    else:
        assert encode_call(call) == data


@given(calls, st.data())
def test_a_call_cut_short_or_made_longer_is_refused(call: Call, data: st.DataObject) -> None:
    encoded = encode_call(call)
    cut = data.draw(st.integers(0, len(encoded) - 1))

    with pytest.raises(SigningRefused):
        parse_call(encoded[:cut])
    with pytest.raises(SigningRefused):
        parse_call(encoded + b"\x00")


KNOWN = {
    "transfer_keep_alive": lambda a: Transfer(_account(a["dest"]), a["value"]),
    "add_stake_limit": lambda a: LimitSwap(
        False, _account(a["hotkey"]), a["netuid"], a["amount_staked"], a["limit_price"], a["allow_partial"]
    ),
    "remove_stake_limit": lambda a: LimitSwap(
        True, _account(a["hotkey"]), a["netuid"], a["amount_unstaked"], a["limit_price"], a["allow_partial"]
    ),
    "transfer_stake": lambda a: TransferStake(
        _account(a["destination_coldkey"]),
        _account(a["hotkey"]),
        a["origin_netuid"],
        a["destination_netuid"],
        a["alpha_amount"],
    ),
    "move_stake": lambda a: MoveStake(
        _account(a["origin_hotkey"]),
        _account(a["destination_hotkey"]),
        a["origin_netuid"],
        a["destination_netuid"],
        a["alpha_amount"],
    ),
}


def _account(address: str) -> bytes:
    return bytes.fromhex(next(known["public_key"] for known in WIRE["accounts"] if known["ss58"] == address))


@pytest.mark.parametrize("vector", WIRE["calls"], ids=lambda vector: vector["call"])
def test_calls_of_the_network_are_read_as_meant_or_refused(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["scale"])
    if vector["call"] in KNOWN:
        assert parse_call(data) == KNOWN[vector["call"]](vector["args"])
    elif vector["call"] == "add_proxy":
        assert isinstance(parse_call(data), ChangeProxy)
    else:
        with pytest.raises(SigningRefused, match="call_unknown"):
            parse_call(data)


def test_a_tower_of_proxies_is_refused() -> None:
    call: Call = Remark(b"")
    for _ in range(MAX_DEPTH + 1):
        call = Proxied(bytes(32), None, call)

    with pytest.raises(SigningRefused, match="call_too_deep"):
        parse_call(encode_call(call))


def test_a_batch_that_announces_too_many_calls_is_refused_before_any_is_read() -> None:
    with pytest.raises(SigningRefused, match="call_too_long"):
        parse_call(b"\x0b\x04" + scale.compact(10**6))


@pytest.mark.parametrize("vector", WIRE["compact"], ids=lambda vector: str(vector["value"]))
def test_compact_integers_are_those_of_the_network(vector: dict[str, Any]) -> None:
    assert scale.compact(vector["value"]).hex() == vector["scale"]
    assert scale.Reader(bytes.fromhex(vector["scale"])).compact() == vector["value"]


@pytest.mark.parametrize("vector", WIRE["era"], ids=lambda vector: vector["encoded"])
def test_eras_are_those_of_the_network(vector: dict[str, Any]) -> None:
    assert scale.era(vector["birth"], vector["period"]).hex() == vector["encoded"]


@pytest.mark.parametrize(("birth", "period"), [(5, 0), (5, 2), (5, 3), (5, 100), (5, 131_072), (5, 65_536)])
def test_an_era_that_cannot_be_written_is_refused(birth: int, period: int) -> None:
    with pytest.raises(SigningRefused):
        scale.era(birth, period)


@pytest.mark.parametrize(
    "vector",
    [vector for vector in WIRE["signed_extrinsics"] if vector["scheme"] == "ed25519"],
    ids=lambda vector: vector["name"],
)
def test_signed_extrinsics_are_those_of_the_network(vector: dict[str, Any]) -> None:
    call, extra = bytes.fromhex(vector["call"]), bytes.fromhex(vector["included_in_extrinsic"])
    payload = scale.signing_payload(
        call,
        extra,
        spec_version=vector["spec_version"],
        transaction_version=vector["transaction_version"],
        genesis_hash=bytes.fromhex(vector["genesis_hash"]),
        birth_hash=bytes.fromhex(vector["era_block_hash"]),
    )
    signature = SigningKey(b"\x07" * 32).sign(payload).signature
    extrinsic = scale.signed_extrinsic(bytes.fromhex(vector["public_key"]), signature, extra, call)

    assert signature.hex() == vector["signature"]
    assert extrinsic.hex() == vector["extrinsic"]
    assert scale.extrinsic_hash(extrinsic).hex() == vector["extrinsic_hash"].removeprefix("0x")


@pytest.mark.parametrize("vector", CRYPTO["extrinsic_intent"]["cases"], ids=lambda vector: vector["name"])
def test_payloads_longer_than_256_bytes_are_hashed(vector: dict[str, Any]) -> None:
    implicit = bytes.fromhex(vector["implicit"])
    payload = scale.signing_payload(
        bytes.fromhex(vector["call"]),
        bytes.fromhex(vector["extra"]),
        spec_version=424,
        transaction_version=1,
        genesis_hash=implicit[8:40],
        birth_hash=implicit[40:72],
    )

    assert payload.hex() == vector["signed_message"]
