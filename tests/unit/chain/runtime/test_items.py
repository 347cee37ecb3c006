import pytest

from chain.errors import NotDeclared
from chain.runtime import items
from chain.runtime.declarations import PALLETS
from chain.storage_keys import storage_key


def test_every_declared_item_has_a_default_that_encodes_to_itself() -> None:
    for pallet in PALLETS:
        for declared in pallet.storage:
            item = items.item(f"{pallet.name}.{declared.name}")
            if not declared.optional:
                assert item.encode(item.default) == declared.default


def test_keys_are_those_of_the_public_interface_and_split_again() -> None:
    account = b"\x07" * 32

    key = items.item("SubtensorModule.TotalHotkeyAlpha").key((account, 5))

    assert key == storage_key("SubtensorModule", "TotalHotkeyAlpha", account, 5)
    assert items.split(key) == ("SubtensorModule.TotalHotkeyAlpha", (account, 5))


@pytest.mark.parametrize(
    "spoil", [lambda key: key[:-1], lambda key: key + b"\0", lambda key: key[:32] + b"\1" + key[33:]]
)
def test_a_key_that_is_not_exactly_one_is_refused(spoil: object) -> None:
    key = items.item("System.Account").key((b"\x07" * 32,))

    with pytest.raises(NotDeclared):
        items.split(spoil(key))  # type: ignore[operator]


def test_an_unknown_item_and_a_wrong_number_of_keys_are_refused() -> None:
    with pytest.raises(NotDeclared):
        items.item("System.Nothing")
    with pytest.raises(NotDeclared):
        items.item("System.Account").key(())
