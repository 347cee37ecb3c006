import pytest

from chain.hashing import blake2b_256
from chain.tree.lists import fold_list


def _root(items: list[bytes]) -> bytes:
    """RFC 6962 as it is written: split at the largest power of two below the length."""
    if len(items) == 1:
        return blake2b_256(b"\x00" + items[0])
    split = 1 << ((len(items) - 1).bit_length() - 1)
    return blake2b_256(b"\x01" + _root(items[:split]) + _root(items[split:]))


@pytest.mark.parametrize("count", [*range(1, 20), 127, 128, 129])
def test_the_root_of_any_number_of_items_is_that_of_the_definition(count: int) -> None:
    items = [bytes((number % 256,)) * (number * 7 % 200) for number in range(count)]

    assert fold_list(items) == _root(items)
