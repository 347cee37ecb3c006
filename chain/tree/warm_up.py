"""Compiles the kernels of the tree once, so that nobody waits for it later."""

from chain.tree.arena import Arena
from chain.tree.lists import fold_list
from chain.tree.nodes import NOTHING


def warm_up() -> None:
    """Make, change and free a few nodes, and fold a list."""
    arena = Arena()
    node = arena.update(NOTHING, {bytes((number,)): b"value" for number in range(4)})
    arena.release(arena.update(node, {b"\x00": None}))
    arena.release(node)
    fold_list([b"one", b"two"])
