"""The outer shape of extrinsics, against the network's known answers and against garbage."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.link.wire import extrinsic_hash, open_envelope

WIRE: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "substrate_wire.json").read_text())


@pytest.mark.parametrize("vector", WIRE["signed_extrinsics"], ids=lambda vector: vector["name"])
def test_signer_nonce_and_hash_are_those_of_the_network(vector: dict[str, Any]) -> None:
    extrinsic = bytes.fromhex(vector["extrinsic"])
    envelope = open_envelope(extrinsic)

    assert envelope.signer is not None
    assert (envelope.signer.hex(), envelope.nonce) == (vector["public_key"], vector["nonce"])
    assert extrinsic_hash(extrinsic).hex() == vector["extrinsic_hash"].removeprefix("0x")


def test_an_inherent_is_nobodys() -> None:
    assert open_envelope(bytes.fromhex(WIRE["inherent"]["extrinsic"])).signer is None


@given(st.binary(max_size=200))
def test_garbage_never_raises_and_is_nobodys_unless_it_names_a_whole_account(data: bytes) -> None:
    envelope = open_envelope(data)

    assert envelope.signer is None or len(envelope.signer) == 32


@pytest.mark.parametrize("length", range(0, 140, 3))
def test_an_extrinsic_cut_short_before_its_call_is_nobodys(length: int) -> None:
    whole = bytes.fromhex(WIRE["signed_extrinsics"][1]["extrinsic"])
    envelope = open_envelope(whole[:length])

    assert envelope.signer is None or length > 104
