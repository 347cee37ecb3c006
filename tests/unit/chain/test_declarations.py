import pytest

from chain.errors import NotDeclared, TypeUnknown
from chain.runtime import declarations
from chain.runtime.declarations import PALLETS, RUNTIME_VERSION, TYPES, codec, notation
from chain.runtime.pallet import Hasher, Key


def test_pallets_stand_in_the_order_of_their_indices() -> None:
    indices = [pallet.index for pallet in PALLETS]

    assert indices == sorted(set(indices))


def test_names_and_indices_are_unique_within_a_pallet() -> None:
    for pallet in PALLETS:
        for listed in (pallet.storage, pallet.calls, pallet.events, pallet.constants):
            names = [entry.name for entry in listed]
            assert len(set(names)) == len(names)
        for indexed in (pallet.calls, pallet.events):
            indices = [entry.index for entry in indexed]
            assert len(set(indices)) == len(indices)
        assert len(set(pallet.errors)) == len(pallet.errors)


def test_every_type_that_is_mentioned_compiles() -> None:
    texts = {definition.name for definition in TYPES}
    for pallet in PALLETS:
        texts |= {item.value for item in pallet.storage} | {key.type for item in pallet.storage for key in item.keys}
        texts |= {text for call in pallet.calls for _, text in call.args}
        texts |= {text for event in pallet.events for _, text in event.fields}
        texts |= {constant.type for constant in pallet.constants}
    for method in declarations.RUNTIME_CALLS:
        texts |= {method.output} | {text for _, text in method.inputs}

    for text in sorted(texts):
        assert codec().coder(text).size_min >= 0


def test_defaults_and_constants_are_values_of_their_types() -> None:
    for pallet in PALLETS:
        for item in pallet.storage:
            if not item.optional:
                assert codec().encode(item.value, codec().decode(item.value, item.default)) == item.default
        for constant in pallet.constants:
            value = declarations.constant_value(pallet.name, constant.name)
            assert codec().encode(constant.type, value) == constant.value


def test_the_version_constant_is_the_version() -> None:
    assert declarations.constant_value("System", "Version") == RUNTIME_VERSION


def test_look_ups_find_by_name_and_index() -> None:
    balances = declarations.pallet("Balances")

    assert declarations.pallet_at(5) is balances
    assert declarations.call(5, 3) == (balances, declarations.call_named("Balances", "transfer_keep_alive"))
    assert declarations.event("Balances", "Transfer").index == 2
    assert declarations.storage("System", "Account").value == "AccountInfo"
    assert declarations.error_index("SubtensorModule", "AmountTooLow") == 82
    assert declarations.runtime_call("SwapRuntimeApi_current_alpha_price").output == "u64"
    assert declarations.constant_value("Balances", "ExistentialDeposit") == 500


def test_an_error_of_a_pallet_is_a_dispatch_error() -> None:
    error = declarations.module_error("SubtensorModule", "NotEnoughBalanceToStake")

    assert codec().encode("DispatchError", error).hex() == "03070c000000"


@pytest.mark.parametrize(
    "look_up",
    [
        lambda: declarations.pallet("Nowhere"),
        lambda: declarations.pallet_at(99),
        lambda: declarations.call(5, 99),
        lambda: declarations.call_named("Balances", "mint"),
        lambda: declarations.event("Balances", "Minted"),
        lambda: declarations.storage("Balances", "Mint"),
        lambda: declarations.error_index("Balances", "NoMint"),
        lambda: declarations.constant("Balances", "Mint"),
        lambda: declarations.runtime_call("Mint_mint"),
    ],
)
def test_what_is_not_declared_is_refused_by_name(look_up: object) -> None:
    assert callable(look_up)
    with pytest.raises(NotDeclared):
        look_up()


def test_the_notation_reads_keys_fields_and_variants() -> None:
    keys = notation.parse_keys("Identity(u16); Blake2_128Concat(AccountId32)")
    enum = notation.enum("E", "p::E", "0 A, 3 B (u8, [u8;2]), 4 C (d: Vec<(u8, u8)>)")

    assert keys == (Key(hasher=Hasher.IDENTITY, type="u16"), Key(hasher=Hasher.BLAKE2_128_CONCAT, type="AccountId32"))
    assert notation.parse_fields("a: u8, b: (u8, u8)") == (("a", "u8"), ("b", "(u8, u8)"))
    assert notation.parse_fields("u8, Vec<u8>") == (("", "u8"), ("", "Vec<u8>"))
    assert [(variant.index, variant.name, variant.fields) for variant in enum.variants] == [
        (0, "A", ()),
        (3, "B", (("", "u8"), ("", "[u8;2]"))),
        (4, "C", (("d", "Vec<(u8, u8)>"),)),
    ]


def test_the_notation_refuses_keys_without_a_type() -> None:
    with pytest.raises(TypeUnknown):
        notation.parse_keys("Identity")


def test_a_default_is_a_number_or_bytes() -> None:
    assert notation.stored("A", "", "u16", 360).default == b"\x68\x01"
    assert notation.stored("A", "", "Vec<u8>", "00").default == b"\0"
    with pytest.raises(OverflowError):
        notation.stored("A", "", "u16", 70_000)
