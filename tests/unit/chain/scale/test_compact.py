import pytest

from chain.errors import EncodeError
from chain.scale.compact import COMPACT_BITS_MAX, decode_compact, encode_compact


@pytest.mark.parametrize(
    ("value", "length"),
    [(0, 1), (63, 1), (64, 2), (2**14 - 1, 2), (2**14, 4), (2**30 - 1, 4), (2**30, 5), (2**64 - 1, 9)],
)
def test_a_number_takes_as_few_bytes_as_its_size_allows(value: int, length: int) -> None:
    data = encode_compact(value)

    assert len(data) == length
    assert decode_compact(data) == (value, length)


@pytest.mark.parametrize("value", [-1, 1 << COMPACT_BITS_MAX])
def test_a_number_outside_the_form_is_refused(value: int) -> None:
    with pytest.raises(EncodeError):
        encode_compact(value)
