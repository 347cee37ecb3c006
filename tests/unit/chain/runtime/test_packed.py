import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import NotDeclared
from chain.runtime import items, packed
from chain.runtime.invariants import check_state
from chain.runtime.packed import PACKED, PackedEntries
from chain.runtime.state import DELETED, Overlay, State
from tests.support.dev_chain import ALICE, TAO, DevChain, transfer

SHARE = "SubtensorModule.AlphaV2"
ACCOUNTS = [bytes((number,)) * 32 for number in range(1, 5)]

entries = st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS), st.integers(0, 300))
values = st.one_of(st.just(DELETED), st.builds(lambda number: {"mantissa": number, "exponent": -3}, st.integers(0, 9)))
batches = st.lists(st.dictionaries(entries, values, max_size=8), max_size=6)


@pytest.mark.parametrize("name", sorted(PACKED))
def test_every_packed_item_has_keys_of_fixed_length_that_come_back_from_its_storage_keys(name: str) -> None:
    """A key of an unknown length would be cut at the wrong place."""
    item = items.item(name)
    keys = tuple(ACCOUNTS[0] if key.type == "AccountId32" else 7 for key in item.declared.keys)
    data = b"any bytes"
    stored = PackedEntries(item)

    stored.load(item.key(keys), data)

    assert list(stored.pairs()) == [(item.key(keys), data)]
    assert stored.keys_with(0, keys[0]) == [keys]
    with pytest.raises(NotDeclared):
        stored.load(item.key(keys) + b"\0", data)
    with pytest.raises(NotDeclared):
        stored.load(item.key(keys)[:-1] + b"\xff\xff", data)


@given(batches=batches, recent=st.integers(1, 5))
def test_packed_entries_read_like_a_dictionary_in_every_version(
    batches: list[dict[tuple[bytes, bytes, int], object]], recent: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "RECENT_MAX", recent)
        versions: list[tuple[State, dict[tuple[bytes, bytes, int], object]]] = [(State(), {})]
        for batch in batches:
            state, content = versions[-1]
            overlay = Overlay(state)
            for keys, value in batch.items():
                if value is DELETED:
                    overlay.delete(SHARE, *keys)
                else:
                    overlay.put(SHARE, *keys, value)
            after = {keys: value for keys, value in {**content, **batch}.items() if value is not DELETED}
            for place, key in ((0, ACCOUNTS[0]), (1, ACCOUNTS[1]), (2, 7)):
                assert set(overlay.keys_with(SHARE, place, key)) == {keys for keys in after if keys[place] == key}
            delta = overlay.delta()
            versions.append((state.commit(overlay.changes(), delta), after))
        for state, content in versions:
            assert state.entries(SHARE) == content
            assert {keys: state.get(SHARE, *keys) for keys in content} == content
            assert dict(state.pairs()) == dict(State.from_pairs(state.pairs()).pairs())
            begin = (ACCOUNTS[0], ACCOUNTS[1])
            assert state.entries(SHARE, begin) == {keys: value for keys, value in content.items() if keys[:2] == begin}
            assert len(list(state.encoded_values(SHARE))) == len(content)
            assert set(state.keys_with(SHARE, 2, 7)) == {keys for keys in content if keys[2] == 7}


def test_nothing_is_stored_under_keys_that_do_not_fit() -> None:
    state = DevChain().state

    assert state.get("System.Account", b"short") == state.get("System.Account", bytes(32))
    assert not state.contains(SHARE, ACCOUNTS[0], ACCOUNTS[1], 1 << 16)


def test_the_supply_is_summed_from_the_stored_bytes() -> None:
    chain = DevChain()
    chain.run((ALICE, transfer(ACCOUNTS[0], 5 * TAO)))
    state = chain.state
    held = [value["data"]["free"] + value["data"]["reserved"] for value in state.entries("System.Account").values()]

    check_state(state)

    assert sum(held) == state.get("Balances.TotalIssuance")
