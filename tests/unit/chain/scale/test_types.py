import pytest

from chain.errors import TypeUnknown
from chain.scale.types import (
    UNIT,
    Array,
    Compact,
    Map,
    Named,
    Option,
    Primitive,
    Registry,
    Result,
    Sequence,
    Struct,
    Tuple,
    Variant,
    parse_type,
    split_top,
)
from chain.scale.types import Enum as EnumType

U16 = Primitive("u16")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("u16", U16),
        ("Compact<u16>", Compact(U16)),
        ("Vec<(u16, AccountId32)>", Sequence(Tuple((U16, Named("AccountId32"))))),
        ("[u16;3]", Array(U16, 3)),
        ("[[u16;2];3]", Array(Array(U16, 2), 3)),
        ("()", UNIT),
        ("Option<Option<u16>>", Option(Option(U16))),
        ("Result<(), DispatchError>", Result(UNIT, Named("DispatchError"))),
        ("BTreeMap<u16, BTreeMap<u16, u16>>", Map(U16, Map(U16, U16))),
        ("IdAmount<RuntimeFreezeReason>", Named("IdAmount<RuntimeFreezeReason>")),
        ("Balances::Call", Named("Balances::Call")),
    ],
)
def test_a_type_text_has_one_tree(text: str, tree: object) -> None:
    assert parse_type(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Vec",
        "Vec<>",
        "Vec<u8",
        "Vec<u8, u8>",
        "Result<u8>",
        "[u8]",
        "[u8;x]",
        "[u8;-1]",
        "[u8;99999]",
        "(u8",
        "a b",
    ],
)
def test_a_text_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(TypeUnknown):
        parse_type(text)


def test_a_name_that_nothing_declares_is_refused_when_the_registry_is_made() -> None:
    with pytest.raises(TypeUnknown, match="Nowhere"):
        Registry([Struct("A", "", (("b", "Vec<Nowhere>"),))])


def test_a_name_that_is_declared_twice_is_refused() -> None:
    with pytest.raises(TypeUnknown, match="A declared twice"):
        Registry([Struct("A", "", (("", "u8"),)), EnumType("A", "", (Variant(0, "B"),))])


def test_a_registry_lists_its_types_in_order() -> None:
    registry = Registry([Struct("B", "", (("", "u8"),)), Struct("A", "", (("", "B"),))])

    assert [definition.name for definition in registry] == ["B", "A"]
    assert "A" in registry
    assert "C" not in registry


def test_parts_are_split_outside_of_brackets_only() -> None:
    assert split_top("a: (u8, u8), b: BTreeMap<u8, u8>") == ["a: (u8, u8)", "b: BTreeMap<u8, u8>"]
    assert split_top("") == []
