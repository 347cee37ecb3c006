from typing import Any

import pytest

from chain.errors import EncodeError
from chain.keys import KeyPair
from chain.runtime.declarations import TYPES
from chain.scale.plain import from_plain, to_plain

BOB = KeyPair.from_uri("//Bob")


@pytest.mark.parametrize(
    ("type_text", "plain", "value"),
    [
        ("AccountId32", BOB.address, BOB.public),
        ("H256", "0x" + "11" * 32, b"\x11" * 32),
        ("Vec<u8>", "0x6162", b"ab"),
        ("Option<u16>", None, None),
        ("Option<Option<u16>>", 5, (5,)),
        ("(u16, bool)", [1, True], (1, True)),
        ("Result<(), DispatchError>", {"Err": {"Token": "Frozen"}}, ("Err", ("Token", "Frozen"))),
        ("BTreeMap<u16, u8>", [[1, 2]], {1: 2}),
        ("BTreeSet<u16>", [1, 2], [1, 2]),
        ("RootClaimTypeEnum", {"KeepSubnets": {"subnets": [1]}}, ("KeepSubnets", {"subnets": [1]})),
        ("Phase", {"ApplyExtrinsic": 3}, ("ApplyExtrinsic", 3)),
        ("DigestItem", {"Seal": ["0x61757261", "0x00"]}, ("Seal", (b"aura", b"\0"))),
        ("FixedU128", {"bits": 7}, {"bits": 7}),
        ("MultiAddress", {"Id": BOB.address}, ("Id", BOB.public)),
    ],
)
def test_a_plain_form_and_a_value_are_each_others_image(type_text: str, plain: Any, value: Any) -> None:
    assert from_plain(TYPES, type_text, plain) == value
    assert to_plain(TYPES, type_text, value) == plain


@pytest.mark.parametrize(
    ("type_text", "plain", "value"),
    [
        ("MultiAddress", BOB.address, ("Id", BOB.public)),
        ("AccountId32", "0x" + BOB.public.hex(), BOB.public),
        ("u128", "340282366920938463463374607431768211455", 2**128 - 1),
        ("Vec<u8>", "text", b"text"),
        ("[u8;2]", [1, 2], b"\1\2"),
        ("Compact<u64>", "5", 5),
        ("DispatchClass", {"Normal": []}, "Normal"),
        ("BTreeMap<u16, u8>", {1: 2}, {1: 2}),
    ],
)
def test_friendlier_forms_are_read_too(type_text: str, plain: Any, value: Any) -> None:
    assert from_plain(TYPES, type_text, plain) == value


@pytest.mark.parametrize(
    ("type_text", "plain"),
    [
        ("AccountId32", "5Grw"),
        ("u16", "x"),
        ("(u16, u16)", [1]),
        ("Phase", {"Nowhere": 1}),
        ("Phase", {"ApplyExtrinsic": 1, "Finalization": 1}),
        ("AccountData", {"free": 1}),
        ("Vec<u8>", "0xzz"),
        ("Vec<u16>", 5),
    ],
)
def test_a_plain_form_of_another_type_is_refused(type_text: str, plain: Any) -> None:
    with pytest.raises(EncodeError):
        from_plain(TYPES, type_text, plain)
