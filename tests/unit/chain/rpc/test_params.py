from typing import Any

import pytest

from chain.rpc.jsonrpc import INVALID_PARAMS, RpcError
from chain.rpc.params import (
    param,
    read_account,
    read_bytes,
    read_count,
    read_hash,
    read_height,
    read_keys,
    read_text,
    to_hex,
    to_hex_or_none,
)

ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
ALICE_PUBLIC = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"


def test_values_are_read_in_the_forms_that_clients_use() -> None:
    assert read_bytes("0xABcd", "data") == b"\xab\xcd"
    assert read_bytes("0x", "data") == read_bytes("", "data") == b""
    assert read_bytes("abcd", "data") == b"\xab\xcd"
    assert read_hash("0x" + "11" * 32, "hash") == b"\x11" * 32
    assert read_height(12, "number") == read_height("0xc", "number") == 12
    assert read_count(3, "count", maximum=3) == 3
    assert read_text("x", "name") == "x"
    assert read_keys(["0x01", "0x"], "keys", maximum=2) == [b"\x01", b""]
    assert read_account(ALICE, "account") == read_account(ALICE_PUBLIC, "account") == bytes.fromhex(ALICE_PUBLIC[2:])
    assert (param([1], 0), param([1], 1)) == (1, None)
    assert (to_hex(b"\x01"), to_hex_or_none(None)) == ("0x01", None)


@pytest.mark.parametrize("value", [None, 5, "abc", "0xabc", "0xzz", "0x a b", "0xab cd", "0x0x", ["0x00"]])
def test_bytes_that_are_not_hex_are_invalid(value: Any) -> None:
    with pytest.raises(RpcError) as caught:
        read_bytes(value, "data")
    assert caught.value.rpc_code == INVALID_PARAMS


@pytest.mark.parametrize("value", [-1, True, 1.5, "7", "0x", "0xg", None, 2**63, "0x" + "f" * 40, []])
def test_what_is_no_block_number_is_invalid(value: Any) -> None:
    with pytest.raises(RpcError):
        read_height(value, "number")


@pytest.mark.parametrize("value", [0, 4, True, "1", None, 1.0])
def test_a_count_outside_its_range_is_invalid(value: Any) -> None:
    with pytest.raises(RpcError):
        read_count(value, "count", maximum=3)


@pytest.mark.parametrize("value", [None, 5, "not an address", ALICE[:-1] + "Z", "0x1234"])
def test_what_is_no_account_is_invalid(value: Any) -> None:
    with pytest.raises(RpcError):
        read_account(value, "account")


def test_other_shapes_are_invalid() -> None:
    for read in (
        lambda: read_hash("0x00", "hash"),
        lambda: read_text(5, "name"),
        lambda: read_keys("0x00", "keys", maximum=2),
        lambda: read_keys(["0x00"] * 3, "keys", maximum=2),
        lambda: read_keys([5], "keys", maximum=2),
    ):
        with pytest.raises(RpcError):
            read()
