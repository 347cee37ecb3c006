from typing import Any

import pytest

from chain.errors import DecodeError, EncodeError, TypeUnknown
from chain.runtime.declarations import codec
from chain.scale.codec import CALL_DEPTH_MAX, Codec, split_variant
from chain.scale.types import Registry, Struct

PLAIN = Codec(Registry([]))


@pytest.mark.parametrize(
    ("type_text", "value", "data"),
    [
        ("u8", 255, "ff"),
        ("u32", 1, "01000000"),
        ("u128", 1 << 127, "00" * 15 + "80"),
        ("i64", -1, "ff" * 8),
        ("i128", -2, "fe" + "ff" * 15),
        ("bool", True, "01"),
        ("str", "τ", "08cf84"),
        ("Compact<u16>", 16_384, "02000100"),
        ("Compact<()>", (), ""),
        ("()", (), ""),
        ("Vec<u8>", b"ab", "086162"),
        ("[u8;2]", b"ab", "6162"),
        ("Vec<u16>", [1, 256], "0801000001"),
        ("Vec<bool>", [True, False], "080100"),
        ("Vec<(u16, u8)>", [(1, 2), (256, 3)], "08010002000103"),
        ("Vec<(u16, i8)>", [], "00"),
        ("Vec<Compact<u8>>", [97, 255], "088501fd03"),
        ("[u16;2]", [1, 2], "01000200"),
        ("(u8, bool)", (7, False), "0700"),
        ("Option<u8>", None, "00"),
        ("Option<u8>", 0, "0100"),
        ("Option<()>", (), "01"),
        ("Option<Option<u8>>", (None,), "0100"),
        ("Option<Option<u8>>", (5,), "010105"),
        ("Result<(), u8>", ("Ok", ()), "00"),
        ("Result<(), u8>", ("Err", 3), "0103"),
        ("BTreeMap<u16, u8>", {1: 9, 256: 8}, "080100090001" + "08"),
        ("BTreeSet<u16>", [1, 256], "0801000001"),
    ],
)
def test_a_value_has_these_bytes_and_comes_back_from_them(type_text: str, value: Any, data: str) -> None:
    assert PLAIN.encode(type_text, value).hex() == data
    assert PLAIN.decode(type_text, bytes.fromhex(data)) == value


@pytest.mark.parametrize(
    ("type_text", "data", "code"),
    [
        ("u32", "010000", "truncated"),
        ("u128", "00", "truncated"),
        ("u8", "0000", "trailing_bytes"),
        ("bool", "02", "bool_invalid"),
        ("bool", "", "truncated"),
        ("str", "04ff", "text_not_utf8"),
        ("Vec<u8>", "1000", "length_over_input"),
        ("Vec<u64>", "feffffff", "length_over_input"),
        ("Vec<(u64, u64)>", "13ffffffffffffffff", "length_over_input"),
        ("Vec<Option<u8>>", "13ffffffffffffffff", "length_over_input"),
        ("Compact<u8>", "0104", "compact_over_range"),
        ("Compact<u32>", "0100", "compact_not_shortest"),
        ("Option<u8>", "02", "tag_unknown"),
        ("Option<u8>", "", "truncated"),
        ("Result<u8, u8>", "0200", "tag_unknown"),
        ("BTreeMap<u16, u8>", "080200090100" + "08", "keys_unsorted"),
        ("BTreeMap<u16, u8>", "080100090100" + "08", "keys_unsorted"),
        ("BTreeSet<u16>", "0801000100", "keys_unsorted"),
        ("BTreeSet<u16>", "0800010100", "keys_unsorted"),
    ],
)
def test_bytes_that_are_no_encoding_are_refused_with_a_code(type_text: str, data: str, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        PLAIN.decode(type_text, bytes.fromhex(data))

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("type_text", "value"),
    [
        ("u8", 256),
        ("u8", -1),
        ("u8", 1.0),
        ("u8", "1"),
        ("u128", 1 << 128),
        ("u128", 1.5),
        ("bool", 1),
        ("str", b"a"),
        ("Compact<u8>", 256),
        ("Compact<u64>", -1),
        ("Vec<u8>", "ab"),
        ("Vec<u16>", {1, 2}),
        ("Vec<u16>", [70_000]),
        ("Vec<(u16, u16)>", [(1, 2, 3)]),
        ("Vec<(u16, u16)>", [(1, 70_000)]),
        ("Vec<(u16, u16)>", {(1, 2)}),
        ("Vec<str>", "ab"),
        ("[u8;2]", b"abc"),
        ("[u16;2]", [1]),
        ("(u8, u8)", (1,)),
        ("(u8, u8)", 5),
        ("Option<Option<u8>>", 5),
        ("Result<u8, u8>", ("No", 1)),
        ("Result<u8, u8>", "Ok"),
        ("BTreeSet<u16>", [1, 1]),
        ("BTreeMap<u16, u8>", [(1, 1)]),
    ],
)
def test_a_value_that_does_not_fit_is_refused(type_text: str, value: Any) -> None:
    with pytest.raises(EncodeError):
        PLAIN.encode(type_text, value)


@pytest.mark.parametrize(
    ("type_text", "value"),
    [
        ("AccountData", {"free": 1, "reserved": 0, "frozen": 0}),
        ("AccountData", {"free": 1, "reserved": 0, "frozen": 0, "flags": 0, "more": 0}),
        ("AccountData", (1, 0, 0, 0)),
        ("AccountId32", b"short"),
        ("Phase", "ApplyExtrinsic"),
        ("Phase", ("Finalization", 0)),
        ("Phase", ("Nowhere", 0)),
        ("RuntimeCall", ("Balances", ("transfer_keep_alive", {"value": 1}))),
    ],
)
def test_a_struct_or_enum_takes_exactly_its_fields(type_text: str, value: Any) -> None:
    with pytest.raises(EncodeError):
        codec().encode(type_text, value)


def test_maps_are_written_in_ascending_order_of_their_keys() -> None:
    assert PLAIN.encode("BTreeMap<u16, u8>", {256: 8, 1: 9}) == PLAIN.encode("BTreeMap<u16, u8>", {1: 9, 256: 8})


def nested(depth: int) -> Any:
    call: Any = ("System", ("remark", {"remark": b""}))
    for _ in range(depth - 1):
        call = ("Utility", ("batch", {"calls": [call]}))
    return call


def test_calls_nest_up_to_the_limit() -> None:
    call = nested(CALL_DEPTH_MAX)

    assert codec().decode("RuntimeCall", codec().encode("RuntimeCall", call)) == call


def test_calls_nested_deeper_are_refused_in_both_directions() -> None:
    data = b"\x0b\x00\x04" * CALL_DEPTH_MAX + codec().encode("RuntimeCall", nested(1))

    with pytest.raises(EncodeError) as refused:
        codec().encode("RuntimeCall", nested(CALL_DEPTH_MAX + 1))
    with pytest.raises(DecodeError) as caught:
        codec().decode("RuntimeCall", data)

    assert refused.value.code == caught.value.code == "nesting_too_deep"


def test_calls_side_by_side_are_not_nested() -> None:
    calls = ("Utility", ("batch", {"calls": [nested(1)] * 50}))

    assert codec().decode("RuntimeCall", codec().encode("RuntimeCall", calls)) == calls


@pytest.mark.parametrize("data", ["0a00", "00ff", "07ff", ""])
def test_an_undeclared_call_is_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        codec().decode("RuntimeCall", bytes.fromhex(data))


def test_an_enum_without_variants_has_no_values() -> None:
    with pytest.raises(DecodeError, match="tag_unknown"):
        codec().decode("RuntimeHoldReason", b"\0")
    assert codec().decode("Vec<IdAmount>", b"\0") == []


def test_a_prefix_is_read_up_to_its_end() -> None:
    assert PLAIN.decode_prefix("u16", b"\xff\x01\x00\xff", 1) == (1, 3)
    assert PLAIN.decode_prefix("u16", bytearray(b"\x01\x00")) == (1, 2)


def test_a_collection_whose_length_nothing_bounds_is_no_type() -> None:
    for text in ("Vec<()>", "BTreeSet<()>", "Vec<[u16;0]>"):
        with pytest.raises(TypeUnknown):
            PLAIN.decode(text, b"\xfe\xff\xff\xff")


def test_a_struct_that_contains_itself_is_no_type() -> None:
    looped = Codec(Registry([Struct("A", "", (("a", "Vec<A>"),))]))

    with pytest.raises(TypeUnknown, match="contains itself"):
        looped.encode("A", {})


def test_a_variant_splits_into_name_and_payload() -> None:
    assert split_variant("Normal") == ("Normal", ())
    assert split_variant(("Module", 5)) == ("Module", 5)
