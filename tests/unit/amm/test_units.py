"""Decimal text and integer amounts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amm.errors import AmountOutOfRange, MalformedAmount, TooManyDecimals
from amm.units import (
    AMOUNT_MAX,
    NETUID_MAX,
    RAO_PER_TAO,
    format_decimal,
    parse_alpha,
    parse_decimal,
    parse_tao,
    to_netuid,
)


@pytest.mark.parametrize(
    ("text", "rao"),
    [
        ("0", 0),
        ("1", RAO_PER_TAO),
        ("0.000000001", 1),
        ("1.500000000000", 3 * RAO_PER_TAO // 2),
        ("9223372036.854775807", AMOUNT_MAX),
        ("007", 7 * RAO_PER_TAO),
    ],
)
def test_plain_decimals_become_exact_rao(text: str, rao: int) -> None:
    assert parse_tao(text) == rao
    assert parse_alpha(text) == rao


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "1e9",
        "1E9",
        ".5",
        "5.",
        "1.2.3",
        "1,5",
        " 1",
        "1 ",
        "1\n",
        "0x10",
        "1_000",
        "nan",
        "inf",
        "٣",
        "0" * 65,
    ],
)
def test_anything_but_plain_digits_is_malformed(text: str) -> None:
    with pytest.raises(MalformedAmount) as caught:
        parse_decimal(text)
    assert caught.value.code == "malformed_amount"


def test_a_tenth_decimal_is_refused_unless_it_is_zero() -> None:
    assert parse_decimal("0.0000000010") == 1
    with pytest.raises(TooManyDecimals) as caught:
        parse_decimal("0.0000000001")
    assert (caught.value.code, caught.value.decimals_max) == ("too_many_decimals", 9)


@pytest.mark.parametrize(
    ("text", "smallest", "largest"), [("9223372036.854775808", 0, AMOUNT_MAX), ("0", 1, 5), ("6", 1, 5)]
)
def test_amounts_outside_their_bounds_are_refused_with_the_bounds(text: str, smallest: int, largest: int) -> None:
    decimals = 9 if largest == AMOUNT_MAX else 0
    with pytest.raises(AmountOutOfRange) as caught:
        parse_decimal(text, decimals=decimals, smallest=smallest, largest=largest)
    assert (caught.value.smallest, caught.value.largest) == (smallest, largest)
    assert caught.value.code == "amount_out_of_range"


@given(amount=st.integers(0, AMOUNT_MAX), decimals=st.integers(0, 12), trim=st.booleans())
def test_formatting_and_parsing_are_inverses(amount: int, decimals: int, *, trim: bool) -> None:
    assert parse_decimal(format_decimal(amount, decimals=decimals, trim=trim), decimals=decimals) == amount


def test_formatted_amounts_carry_all_decimals_or_none_in_vain() -> None:
    assert format_decimal(1_500_000_000) == "1.500000000"
    assert format_decimal(1_500_000_000, trim=True) == "1.5"
    assert format_decimal(2 * RAO_PER_TAO, trim=True) == "2"
    assert format_decimal(-1) == "-0.000000001"
    assert format_decimal(12, decimals=0) == "12"


def test_a_netuid_is_a_16_bit_number() -> None:
    assert to_netuid(NETUID_MAX) == NETUID_MAX
    for value in (-1, NETUID_MAX + 1):
        with pytest.raises(AmountOutOfRange):
            to_netuid(value)
