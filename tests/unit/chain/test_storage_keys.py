import pytest

from chain.errors import DecodeError, EncodeError, NotDeclared
from chain.runtime.declarations import PALLETS
from chain.storage_keys import item_of, prefix, split_key, storage_key

ACCOUNT = b"\x11" * 32


def test_a_key_says_what_it_stands_for() -> None:
    key = storage_key("SubtensorModule", "Lock", ACCOUNT, 7, b"\x22" * 32)

    assert split_key(key) == ("SubtensorModule", "Lock", (ACCOUNT, 7, b"\x22" * 32))
    assert key.startswith(prefix("SubtensorModule", "Lock", ACCOUNT, 7))


def test_every_declared_item_has_its_own_prefix() -> None:
    prefixes = {prefix(pallet.name, item.name) for pallet in PALLETS for item in pallet.storage}

    assert len(prefixes) == sum(len(pallet.storage) for pallet in PALLETS)


def test_the_item_of_a_key_is_found_from_its_first_bytes() -> None:
    found = item_of(storage_key("System", "Number"))

    assert found is not None
    assert (found[0], found[1].name) == ("System", "Number")
    assert item_of(b":code") is None


@pytest.mark.parametrize("keys", [(), (ACCOUNT, 1)])
def test_a_full_key_needs_all_its_parts(keys: tuple[object, ...]) -> None:
    with pytest.raises(EncodeError):
        storage_key("System", "Account", *keys)


def test_a_part_must_fit_its_type() -> None:
    with pytest.raises(EncodeError):
        storage_key("SubtensorModule", "SubnetTAO", 65_536)
    with pytest.raises(EncodeError):
        storage_key("System", "Account", b"short")


@pytest.mark.parametrize(("pallet", "item"), [("System", "Nothing"), ("Nowhere", "Account")])
def test_what_is_not_declared_has_no_key(pallet: str, item: str) -> None:
    with pytest.raises(NotDeclared):
        storage_key(pallet, item)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (b":code", "storage_prefix_unknown"),
        (storage_key("System", "Number") + b"\0", "trailing_bytes"),
        (storage_key("System", "Account", ACCOUNT)[:-1], "truncated"),
        (storage_key("System", "Account", ACCOUNT)[:-1] + b"\0", "storage_hash_wrong"),
    ],
)
def test_bytes_that_are_no_key_are_refused_with_a_code(key: bytes, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        split_key(key)

    assert caught.value.code == code
