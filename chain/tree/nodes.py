"""All nodes of all versions of one state tree, in rows of arrays: made, shared, counted and freed by compiled code.

A node never changes once it is made, so versions share every subtree they have in common; each row counts who refers
to it, and is used again when nobody does. A branch keeps its two children, a leaf the row of its key and value hash. A
subtree of one entry is that entry's leaf, at whatever depth.

Rows, one per node: ``hashes: uint64[n, 4]``, ``links: int32[n, 2]``, ``refs: int32[n]``. Rows of leaves:
``leaves: uint64[n, 8]``, the hash of the key and that of the value. ``heads: int64[6]``: the first free row, the rows
ever used, and how many of these are free, of nodes and then of leaves.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from amm.kernel_cache import allocating_kernel, kernel
from chain.tree.blake2b import WORDS, Words, hash_pair

NOTHING = -1
"""No node: the empty subtree, whose hash is all zeros."""
LEAF = -2
"""Stands as right child of a leaf, whose left one is the row of its entry."""

FREE_NODE, USED_NODES, FREE_NODES, FREE_LEAF, USED_LEAVES, FREE_LEAVES = range(6)
FRAMES = 8 * 8 * WORDS + 2
"""Levels of the deepest tree, and one for what waits beside the deepest."""
NODE, LOW, HIGH, STAGE, SPLIT, RIGHT, LEFT_FOUND, FRAME_FIELDS = range(8)
TOP, RESULT, STATE_FIELDS = range(3)
_ENTER, _LEFT_DONE, _BOTH_DONE = range(3)
_LEAF_TAG, _NODE_TAG = np.uint64(0), np.uint64(1)
_ONE, _SEVEN = np.uint64(1), np.uint64(7)


class Nodes(NamedTuple):
    """The arrays of one arena; ``message`` is room for hashing."""

    hashes: Words
    links: NDArray[np.int32]
    refs: NDArray[np.int32]
    leaves: Words
    heads: NDArray[np.int64]
    message: Words


class Changes(NamedTuple):
    """Changed entries, ascending by the bits of their key hash: ``keys, values: uint64[n, 4]``, ``gone: bool[n]``."""

    keys: Words
    values: Words
    gone: NDArray[np.bool_]


class Walk(NamedTuple):
    """Where an update stands: ``frames: int64[MAX_DEPTH + 2, 7]``, one for each level, ``state: int64[2]``."""

    frames: NDArray[np.int64]
    state: NDArray[np.int64]


@allocating_kernel
def sort_order(keys: Words) -> NDArray[np.int64]:
    """Return the order of key hashes by their bits, most significant first; no two are equal."""
    firsts = np.empty(len(keys), np.uint64)
    for row in range(len(keys)):
        firsts[row] = _swapped(keys[row, 0])
    order = np.argsort(firsts)
    # Hashes that share 64 bits hardly exist, so moving them one by one is enough.
    for place in range(1, len(order)):
        at = place
        while at > 0 and _is_below(keys, order[at], order[at - 1]):
            order[at], order[at - 1] = order[at - 1], order[at]
            at -= 1
    return order


@kernel
def update(nodes: Nodes, changes: Changes, walk: Walk) -> bool:
    """Apply changes to the subtree that ``start`` named, and return whether the walk is over.

    The result stands then in ``walk.state[RESULT]``, one reference to it being the caller's, and the subtree stays as
    it was. A walk that is not over wants room for one more node and leaf, and goes on when it is called again.
    """
    frames, state, links = walk.frames, walk.state, nodes.links
    while state[TOP] >= 0:
        if not _has_room(nodes):
            return False
        depth = state[TOP]
        node, low, high = frames[depth, NODE], frames[depth, LOW], frames[depth, HIGH]
        stage = frames[depth, STAGE]
        if stage == _ENTER:
            done, found = _settle(nodes, changes, node, low, high)
            if done:
                state[RESULT] = found
                state[TOP] -= 1
                continue
            # A branch parts the changes; several entries where there was one or none part at some bit below.
            left = right = NOTHING
            if node != NOTHING and links[node, 1] != LEAF:
                left, right = links[node, 0], links[node, 1]
            elif node != NOTHING and _bit(nodes.leaves, links[node, 0], depth):
                right = node
            else:
                left = node
            split = _split(changes.keys, low, high, depth)
            frames[depth, SPLIT], frames[depth, RIGHT], frames[depth, STAGE] = split, right, _LEFT_DONE
            _push(walk, left, low, split)
        elif stage == _LEFT_DONE:
            frames[depth, LEFT_FOUND], frames[depth, STAGE] = state[RESULT], _BOTH_DONE
            _push(walk, frames[depth, RIGHT], frames[depth, SPLIT], high)
        else:
            left, right = frames[depth, LEFT_FOUND], state[RESULT]
            if node != NOTHING and left == links[node, 0] and right == links[node, 1]:
                nodes.refs[left] -= 1 if left != NOTHING else 0
                nodes.refs[right] -= 1 if right != NOTHING else 0
                state[RESULT] = _share(nodes, node)
            else:
                state[RESULT] = _join(nodes, left, right)
            state[TOP] -= 1
    return True


@kernel
def start(walk: Walk, node: int, count: int) -> None:
    """Prepare a walk that applies so many changes to a subtree."""
    walk.state[TOP] = -1
    _push(walk, node, 0, count)


@kernel
def release(nodes: Nodes, waiting: NDArray[np.int32], node: int) -> None:
    """Give up one reference to a subtree, and free what nobody refers to any more.

    ``waiting: int32[FRAMES]`` is room for one node of each level above the one looked at.
    """
    waiting[0] = node
    count = 1
    while count:
        count -= 1
        node = waiting[count]
        if node == NOTHING:
            continue
        nodes.refs[node] -= 1
        if nodes.refs[node] > 0:
            continue
        if nodes.links[node, 1] == LEAF:
            entry = nodes.links[node, 0]
            nodes.leaves[entry, 0] = np.uint64(nodes.heads[FREE_LEAF] + 1)
            nodes.heads[FREE_LEAF] = entry
            nodes.heads[FREE_LEAVES] += 1
        else:
            waiting[count], waiting[count + 1] = nodes.links[node, 0], nodes.links[node, 1]
            count += 2
        nodes.links[node, 0] = nodes.heads[FREE_NODE]
        nodes.heads[FREE_NODE] = node
        nodes.heads[FREE_NODES] += 1


@kernel
def _settle(nodes: Nodes, changes: Changes, node: int, low: int, high: int) -> tuple[bool, int]:
    """Return whether a subtree needs no walk below, and then what becomes of it."""
    if low == high:
        return True, _share(nodes, node)
    if high - low > 1:
        return False, NOTHING
    if node == NOTHING:
        if changes.gone[low]:
            return True, NOTHING
        return True, _make_leaf(nodes, changes, low)
    if nodes.links[node, 1] != LEAF:
        return False, NOTHING
    entry = nodes.links[node, 0]
    if not _is_same(nodes.leaves, entry, 0, changes.keys, low):
        return (True, _share(nodes, node)) if changes.gone[low] else (False, NOTHING)
    if changes.gone[low]:
        return True, NOTHING
    if _is_same(nodes.leaves, entry, WORDS, changes.values, low):
        return True, _share(nodes, node)
    return True, _make_leaf(nodes, changes, low)


@kernel
def _push(walk: Walk, node: int, low: int, high: int) -> None:
    walk.state[TOP] += 1
    top = walk.state[TOP]
    walk.frames[top, NODE], walk.frames[top, LOW], walk.frames[top, HIGH] = node, low, high
    walk.frames[top, STAGE] = _ENTER


@kernel
def _has_room(nodes: Nodes) -> bool:
    heads = nodes.heads
    if heads[FREE_NODES] == 0 and heads[USED_NODES] == len(nodes.refs):
        return False
    return bool(heads[FREE_LEAVES] > 0 or heads[USED_LEAVES] < len(nodes.leaves))


@kernel
def _make_leaf(nodes: Nodes, changes: Changes, change: int) -> int:
    heads, leaves = nodes.heads, nodes.leaves
    entry = heads[FREE_LEAF]
    if entry == NOTHING:
        entry = heads[USED_LEAVES]
        heads[USED_LEAVES] += 1
    else:
        heads[FREE_LEAF] = np.int64(leaves[entry, 0]) - 1
        heads[FREE_LEAVES] -= 1
    for word in range(WORDS):
        leaves[entry, word] = changes.keys[change, word]
        leaves[entry, WORDS + word] = changes.values[change, word]
    node = _take(nodes, entry, LEAF)
    hash_pair(_LEAF_TAG, leaves, entry, leaves, entry, WORDS, nodes.hashes, node, nodes.message)
    return node


@kernel
def _join(nodes: Nodes, left: int, right: int) -> int:
    """Return the node above two subtrees; a lone leaf moves up, which is what makes the tree compact."""
    if left == NOTHING and (right == NOTHING or nodes.links[right, 1] == LEAF):
        return right
    if right == NOTHING and nodes.links[left, 1] == LEAF:
        return left
    node = _take(nodes, left, right)
    # ``NOTHING`` is a negative row: 32 zeros.
    hash_pair(_NODE_TAG, nodes.hashes, left, nodes.hashes, right, 0, nodes.hashes, node, nodes.message)
    return node


@kernel
def _take(nodes: Nodes, left: int, right: int) -> int:
    """Return a row for a new node with one reference."""
    heads = nodes.heads
    node = heads[FREE_NODE]
    if node == NOTHING:
        node = heads[USED_NODES]
        heads[USED_NODES] += 1
    else:
        heads[FREE_NODE] = nodes.links[node, 0]
        heads[FREE_NODES] -= 1
    nodes.links[node, 0], nodes.links[node, 1] = left, right
    nodes.refs[node] = 1
    return int(node)


@kernel
def _share(nodes: Nodes, node: int) -> int:
    if node != NOTHING:
        nodes.refs[node] += 1
    return node


@kernel
def _split(keys: Words, low: int, high: int, depth: int) -> int:
    """Return where, among ascending keys equal in their first ``depth`` bits, those with the next bit set begin."""
    while low < high:
        middle = (low + high) // 2
        if _bit(keys, middle, depth):
            high = middle
        else:
            low = middle + 1
    return low


@kernel
def _bit(keys: Words, row: int, depth: int) -> bool:
    place = np.uint64(depth)
    # Bytes from the lowest of a word up, bits within a byte from the highest down.
    shift = (place & np.uint64(0x38)) + (_SEVEN - (place & _SEVEN))
    return bool((keys[row, depth >> 6] >> shift) & _ONE)


@kernel
def _swapped(word: np.uint64) -> np.uint64:
    result = np.uint64(0)
    for at in range(8):
        result = (result << np.uint64(8)) | ((word >> np.uint64(8 * at)) & np.uint64(0xFF))
    return result


@kernel
def _is_below(keys: Words, one: int, other: int) -> bool:
    for word in range(WORDS):
        if keys[one, word] != keys[other, word]:
            return bool(_swapped(keys[one, word]) < _swapped(keys[other, word]))
    return False


@kernel
def _is_same(entries: Words, entry: int, at: int, digests: Words, row: int) -> bool:
    """Tell whether a leaf's row has that digest from word ``at`` on."""
    return bool(
        entries[entry, at] == digests[row, 0]
        and entries[entry, at + 1] == digests[row, 1]
        and entries[entry, at + 2] == digests[row, 2]
        and entries[entry, at + 3] == digests[row, 3]
    )
