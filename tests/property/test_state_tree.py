from hypothesis import given
from hypothesis import strategies as st

from chain.merkle import StateTree, compute_list_root, prove_list_item, verify_list_item, verify_state_proof

keys = st.integers(0, 40).map(lambda number: b"key" + bytes([number]))
values = st.one_of(st.none(), st.binary(max_size=3))
changes = st.dictionaries(keys, values, max_size=12)


@given(batches=st.lists(changes, max_size=8), probe=keys)
def test_the_root_depends_on_the_content_and_not_on_the_history(
    batches: list[dict[bytes, bytes | None]], probe: bytes
) -> None:
    """A node that synced a snapshot and one that replayed every block must agree."""
    tree, content = StateTree(), {}
    for batch in batches:
        tree = tree.update(batch)
        content.update(batch)
    content = {key: value for key, value in content.items() if value}

    assert tree.root == StateTree(content).root
    assert verify_state_proof(tree.root, probe, content.get(probe), tree.prove(probe))


@given(items=st.lists(st.binary(max_size=8), min_size=1, max_size=40), data=st.data())
def test_every_item_of_every_list_can_be_proven(items: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(items) - 1))

    assert verify_list_item(compute_list_root(items), items[index], prove_list_item(items, index))
