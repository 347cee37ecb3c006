from chain.tree.arena import Arena
from chain.tree.nodes import NOTHING
from chain.tree.warm_up import warm_up


def test_rows_that_became_free_are_used_again() -> None:
    arena = Arena()
    node = arena.update(NOTHING, {number.to_bytes(2): b"1" for number in range(1_000)})
    rows = arena.rows
    for turn in range(100):
        following = arena.update(node, {number.to_bytes(2): bytes((turn,)) for number in range(0, 1_000, 100)})
        arena.release(node)
        node = following

    assert arena.rows == rows
    assert arena.leaves == 1_000
    arena.release(node)
    assert (arena.nodes, arena.leaves) == (0, 0)


def test_an_update_without_changes_is_another_reference_to_the_same_subtree() -> None:
    arena = Arena()
    node = arena.update(NOTHING, {b"one": b"1", b"two": b"2"})

    again = arena.update(node, {})
    arena.release(node)

    assert again == node
    assert arena.leaves == 2
    assert arena.update(NOTHING, {}) == NOTHING


def test_keys_whose_hashes_begin_alike_part_at_the_first_bit_that_differs() -> None:
    """Deep branches hold nothing on their other side; a deletion below lets the last leaf move up again."""
    arena = Arena()
    node = arena.update(NOTHING, {number.to_bytes(4): b"1" for number in range(20_000)})
    small = arena.update(node, {number.to_bytes(4): None for number in range(1, 20_000)})

    assert arena.hash_of(small) == arena.hash_of(arena.update(NOTHING, {bytes(4): b"1"}))


def test_the_kernels_compile_before_they_are_needed() -> None:
    warm_up()
