import pytest

from chain.errors import NotDeclared
from chain.runtime.state import DELETED, RAW, Overlay, State

ITEM = "SubtensorModule.SubnetTAO"
KEY = b":bft:params"


def committed(base: State, **values: int) -> State:
    overlay = Overlay(base)
    for netuid, value in values.items():
        overlay.put(ITEM, int(netuid[1:]), value)
    return base.commit(overlay.changes())


def test_a_value_that_is_not_stored_reads_as_the_default_of_its_item() -> None:
    state = State()

    assert state.get(ITEM, 1) == 0
    assert state.get("SubtensorModule.FirstEmissionBlockNumber", 1) is None
    assert state.get(RAW, KEY) is None


def test_an_old_version_reads_as_before_however_many_blocks_follow() -> None:
    first = committed(State(), n1=1, n2=2)
    second = committed(first, n1=10, n3=3)
    overlay = Overlay(second)
    overlay.delete(ITEM, 2)
    third = second.commit(overlay.changes())

    assert dict(first.iter_prefix(ITEM)) == {(1,): 1, (2,): 2}
    assert dict(second.iter_prefix(ITEM)) == {(1,): 10, (2,): 2, (3,): 3}
    assert dict(third.iter_prefix(ITEM)) == {(1,): 10, (3,): 3}
    assert [first.get(ITEM, netuid) for netuid in (1, 2, 3)] == [1, 2, 0]


def test_a_version_has_one_successor() -> None:
    state = State()
    committed(state, n1=1)

    with pytest.raises(RuntimeError, match="successor"):
        state.commit({})


def write_and_fail(overlay: Overlay) -> None:
    with overlay.transaction():
        overlay.put(ITEM, 1, 5)
        overlay.events.append("inside")
        with overlay.transaction():
            overlay.put(ITEM, 2, 6)
        assert overlay.get(ITEM, 2) == 6
        raise ZeroDivisionError


def test_a_transaction_that_raises_leaves_no_write_and_no_event() -> None:
    overlay = Overlay(committed(State(), n1=1))
    overlay.events.append("before")

    with pytest.raises(ZeroDivisionError):
        write_and_fail(overlay)

    assert overlay.get(ITEM, 1) == 1
    assert overlay.get(ITEM, 2) == 0
    assert overlay.events == ["before"]
    assert overlay.changes() == {}


def test_an_inner_transaction_can_fail_while_the_outer_one_goes_on() -> None:
    overlay = Overlay(State())

    with overlay.transaction():
        overlay.put(ITEM, 3, 5)
        with pytest.raises(ZeroDivisionError):
            write_and_fail(overlay)

    assert overlay.changes() == {(ITEM, (3,)): 5}


def test_a_write_of_what_is_there_already_is_no_change_but_a_stored_default_is_one() -> None:
    overlay = Overlay(committed(State(), n1=1))
    overlay.put(ITEM, 1, 1)
    overlay.put(ITEM, 2, 0)
    overlay.delete(ITEM, 3)

    assert overlay.changes() == {(ITEM, (2,)): 0}


def test_a_delta_is_storage_keys_in_order_with_none_for_what_is_gone() -> None:
    overlay = Overlay(committed(State(), n1=1))
    overlay.delete(ITEM, 1)
    overlay.put(ITEM, 2, 7)
    overlay.put(RAW, KEY, b"abc")

    delta = overlay.delta()

    assert list(delta) == sorted(delta)
    assert list(delta.values()) == [b"abc", None, (7).to_bytes(8, "little")]


def test_pairs_build_the_same_state_again() -> None:
    overlay = Overlay(State())
    overlay.put(ITEM, 3, 9)
    overlay.put("SubtensorModule.AlphaV2", b"\1" * 32, b"\2" * 32, 4, {"mantissa": 5, "exponent": -3})
    overlay.put("Chain.Subnets", [0, 1])
    overlay.put(RAW, KEY, b"abc")
    state = State().commit(overlay.changes())

    pairs = list(state.pairs())
    again = State.from_pairs(pairs)

    assert list(again.pairs()) == pairs
    assert again.get("SubtensorModule.AlphaV2", b"\1" * 32, b"\2" * 32, 4) == {"mantissa": 5, "exponent": -3}
    assert again.read(KEY) == b"abc"


def test_keys_are_listed_by_prefix_in_byte_order_also_for_an_old_version() -> None:
    first = committed(State(), n1=1, n256=2, n2=3)
    overlay = Overlay(first)
    for netuid in (1, 2, 256):
        overlay.delete(ITEM, netuid)
    last = first.commit(overlay.changes())

    keys = first.keys_with_prefix(next(iter(first.pairs()))[0][:32])

    assert keys == sorted(keys)
    assert [first.read(key) for key in keys] == [(2).to_bytes(8, "little"), *[n.to_bytes(8, "little") for n in (1, 3)]]
    assert last.keys_with_prefix(b"") == []


def test_a_key_of_no_item_reads_as_nothing_and_cannot_be_loaded() -> None:
    assert State().read(b"\0" * 40) is None
    with pytest.raises(NotDeclared):
        State.from_pairs([(b"\0" * 40, b"")])


def test_the_markers_name_themselves() -> None:
    assert repr(DELETED) == "DELETED"
