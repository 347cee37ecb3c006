import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateway.kraken.errors import Refused
from app.gateway.kraken.fields import Fields, Malformed, parse_body, parse_flag, parse_form, parse_json

FORM = "application/x-www-form-urlencoded"
names = st.text(st.characters(codec="utf-8", exclude_characters="[]"), min_size=1, max_size=8)
values = st.text(st.characters(codec="utf-8"), max_size=12)


def test_form_and_json_give_the_same_fields() -> None:
    form = parse_body(b"pair=SN1%2FTAO&volume=2.50&validate=False&close[price]=0.02", FORM)
    sent = b'{"pair": "SN1/TAO", "volume": 2.50, "validate": false, "close": {"price": "0.02"}}'

    assert parse_body(sent, "application/json; charset=utf-8") | {"validate": "False"} == form


def test_a_json_number_keeps_the_text_that_was_sent() -> None:
    fields = parse_json(b'{"volume": 0.10000000000000000001, "price": 1e-8, "nonce": 1763776800126}')

    assert fields == {"volume": "0.10000000000000000001", "price": "1e-8", "nonce": "1763776800126"}


def test_arrays_get_positions_and_null_is_absent() -> None:
    fields = parse_json(b'{"orders": [{"price": "1"}, {"price": "2"}], "otp": null}')

    assert fields == {"orders[0][price]": "1", "orders[1][price]": "2"}


@given(members=st.dictionaries(names, values, max_size=6))
def test_any_flat_object_survives(members: dict[str, str]) -> None:
    assert parse_json(json.dumps(members).encode()) == members


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"{} {}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' + b'{"a":' * 50 + b"1" + b"}" * 50 + b"}",
        b'{"a": [' + b"1," * 1_000 + b"1]}",
        b'{"a": "\xff"}',
        b"",
    ],
)
def test_bytes_that_are_no_reasonable_object_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_body(body, "application/json")


@pytest.mark.parametrize("body", [b"a=\xff", b"&".join([b"a%d=1" % i for i in range(2_000)]), b"a=1&a=2", b"a=%ff"])
def test_bytes_that_are_no_reasonable_form_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_body(body, FORM)


def test_repeated_list_fields_are_joined() -> None:
    assert parse_form("lock_type[]=flex&lock_type[]=bonded") == {"lock_type[]": "flex,bonded"}


@pytest.mark.parametrize(("text", "flag"), [("True", True), ("false", False), ("", False), ("yes", None)])
def test_booleans_of_every_client_are_told_apart(text: str, flag: object) -> None:
    assert parse_flag(text) is flag


@pytest.mark.parametrize(
    "text", ["-1", "0", "0.0000000001", "1e3", "NaN", "inf", "9" * 70, "1,5", " 1.5.2", "٣", "1_0"]
)
def test_an_amount_that_is_none_is_refused_by_name_and_value(text: str) -> None:
    with pytest.raises(Refused) as refused:
        Fields({"volume": text}).amount("volume", decimals=8, largest=10**18)

    assert refused.value.error == "EGeneral:Invalid arguments:volume"
    assert refused.value.reason()["field"] == "volume"
    assert refused.value.reason()["value"] == text.strip()


def test_an_amount_is_exact() -> None:
    assert Fields({"volume": "90000000.00000001"}).amount("volume", decimals=8, largest=10**18) == 9_000_000_000_000_001


@pytest.mark.parametrize("text", ["1.5", "x", "--1", "1" * 30, "501"])
def test_an_integer_out_of_bounds_or_form_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        Fields({"count": text}).integer("count", 100, smallest=1, largest=500)

    assert refused.value.reason()["value"] == text
