"""Laws of the codec over every declared type."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.errors import DecodeError
from chain.extrinsic import decode_extrinsic
from chain.runtime.declarations import TYPES, codec
from chain.scale.compact import decode_compact, encode_compact
from chain.scale.era import decode_era, mortal_era
from chain.storage_keys import split_key
from tests.support.scale_values import declared_values

relaxed = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
pairs = declared_values(TYPES)


@relaxed
@given(pairs)
def test_what_is_encoded_decodes_to_itself(pair: tuple[str, Any]) -> None:
    name, value = pair

    data = codec().encode(name, value)

    assert codec().decode(name, data) == value


@relaxed
@given(pairs, st.data())
def test_changed_bytes_are_refused_or_are_the_one_encoding_of_another_value(pair: tuple[str, Any], data: Any) -> None:
    """``encode(decode(b)) == b`` for each accepted ``b``: no value has two encodings."""
    name, value = pair
    content = bytearray(codec().encode(name, value))
    for _ in range(data.draw(st.integers(1, 3))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    with suppress(DecodeError):
        assert codec().encode(name, codec().decode(name, bytes(content))) == content


@relaxed
@given(pairs, st.data())
def test_a_cut_or_extended_encoding_is_refused(pair: tuple[str, Any], data: Any) -> None:
    name, value = pair
    content = codec().encode(name, value)
    cut = data.draw(st.integers(0, max(len(content) - 1, 0)))

    with pytest.raises(DecodeError, match="trailing_bytes"):
        codec().decode(name, content + data.draw(st.binary(min_size=1, max_size=3)))
    if content:
        with pytest.raises(DecodeError):
            codec().decode(name, content[:cut])


@relaxed
@given(st.sampled_from([definition.name for definition in TYPES]), st.binary(max_size=200))
def test_any_bytes_are_refused_or_written_back_unchanged(name: str, content: bytes) -> None:
    with suppress(DecodeError):
        assert codec().encode(name, codec().decode(name, content)) == content


@given(st.integers(0, 2**536 - 1), st.binary(max_size=4))
def test_a_compact_number_is_read_back_before_anything(value: int, rest: bytes) -> None:
    data = encode_compact(value)

    assert decode_compact(data + rest) == (value, len(data))


@given(st.binary(min_size=1, max_size=70))
def test_a_compact_number_has_one_form(content: bytes) -> None:
    with suppress(DecodeError):
        value, end = decode_compact(content)

        assert encode_compact(value) == content[:end]


@given(st.integers(1, 70_000), st.integers(0, 2**32))
def test_a_mortal_era_is_alive_where_it_was_made(period: int, current: int) -> None:
    era = mortal_era(period, current)

    assert decode_era(era.encode()) == (era, 2)
    assert era.birth(current) <= current < (era.death(current) or 0)


@given(st.integers(1, 65_535))
def test_every_two_bytes_are_one_era_or_none(number: int) -> None:
    content = number.to_bytes(2, "little")
    with suppress(DecodeError):
        era, end = decode_era(content)

        assert era.encode() == content[:end]


@relaxed
@given(st.binary(max_size=300))
def test_any_bytes_are_no_extrinsic_or_one(content: bytes) -> None:
    for raw in (content, encode_compact(len(content)) + content, b"\x84\x00" + content):
        with suppress(DecodeError):
            assert decode_extrinsic(raw).raw == raw


@given(st.binary(max_size=120))
def test_any_bytes_are_no_storage_key_or_one(content: bytes) -> None:
    with suppress(DecodeError):
        split_key(content)
