"""Room for the nodes of a state tree: grows with it, and takes keys, values and hashes as bytes."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chain.tree.blake2b import MESSAGE_WORDS, WORDS, hash_many
from chain.tree.nodes import (
    FRAME_FIELDS,
    FRAMES,
    FREE_LEAF,
    FREE_LEAVES,
    FREE_NODE,
    FREE_NODES,
    LEAF,
    NOTHING,
    RESULT,
    STATE_FIELDS,
    USED_LEAVES,
    USED_NODES,
    Changes,
    Nodes,
    Walk,
    release,
    sort_order,
    start,
    update,
)

_DIGEST_BYTES: Final = 8 * WORDS
_FIRST_ROWS: Final = 64
_GROWTH_SHARE: Final = 8
"""Rows grow by an eighth, at least: enough that growing is rare, and little memory lies idle."""


class Arena:
    """The nodes that all versions of one tree share; a subtree is named by its row, ``NOTHING`` for none.

    Not for several threads at once.
    """

    __slots__ = ("_nodes", "_waiting", "_walk")

    def __init__(self) -> None:
        heads = np.zeros(6, np.int64)
        heads[FREE_NODE] = heads[FREE_LEAF] = NOTHING
        self._nodes = Nodes(
            hashes=np.zeros((_FIRST_ROWS, WORDS), np.uint64),
            links=np.zeros((_FIRST_ROWS, 2), np.int32),
            refs=np.zeros(_FIRST_ROWS, np.int32),
            leaves=np.zeros((_FIRST_ROWS, 2 * WORDS), np.uint64),
            heads=heads,
            message=np.zeros(MESSAGE_WORDS, np.uint64),
        )
        # Not the walk's: a version may be given up by the collector while another is being made.
        self._waiting = np.zeros(FRAMES, np.int32)
        self._walk = Walk(frames=np.zeros((FRAMES, FRAME_FIELDS), np.int64), state=np.zeros(STATE_FIELDS, np.int64))

    @property
    def nodes(self) -> int:
        """How many nodes live, those of all versions together."""
        return int(self._nodes.heads[USED_NODES] - self._nodes.heads[FREE_NODES])

    @property
    def leaves(self) -> int:
        """How many leaves live, those of all versions together."""
        return int(self._nodes.heads[USED_LEAVES] - self._nodes.heads[FREE_LEAVES])

    @property
    def rows(self) -> tuple[int, int]:
        """How many nodes and how many leaves there is room for."""
        return len(self._nodes.refs), len(self._nodes.leaves)

    def update(self, node: int, changes: Mapping[bytes, bytes | None]) -> int:
        """Return a subtree with the changes applied, to be released once; ``None`` and the empty value delete."""
        count = len(changes)
        if not count:
            if node != NOTHING:
                self._nodes.refs[node] += 1
            return node
        keys = _hash(list(changes))
        values = _hash([value or b"" for value in changes.values()])
        gone = np.fromiter((not value for value in changes.values()), np.bool_, count)
        order = sort_order(keys)
        sorted_changes = Changes(keys=keys[order], values=values[order], gone=gone[order])
        start(self._walk, node, count)
        while not update(self._nodes, sorted_changes, self._walk):
            self._grow()
        return int(self._walk.state[RESULT])

    def release(self, node: int) -> None:
        """Give up one reference to a subtree."""
        if node != NOTHING:
            release(self._nodes, self._waiting, node)

    def hash_of(self, node: int) -> bytes:
        """Return the hash of a subtree, zeros for none."""
        return bytes(_DIGEST_BYTES) if node == NOTHING else self._nodes.hashes[node].tobytes()

    def descend(self, node: int, key_hash: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, bytes] | None]:
        """Return the siblings on the way to a key hash, from above, and the leaf met there as its two hashes."""
        siblings, links, depth = [], self._nodes.links, 0
        while node != NOTHING and links[node, 1] != LEAF:
            side = key_hash[depth >> 3] >> (7 - (depth & 7)) & 1
            siblings.append(self.hash_of(int(links[node, 1 - side])))
            node = int(links[node, side])
            depth += 1
        if node == NOTHING:
            return tuple(siblings), None
        entry = self._nodes.leaves[links[node, 0]].tobytes()
        return tuple(siblings), (entry[:_DIGEST_BYTES], entry[_DIGEST_BYTES:])

    def _grow(self) -> None:
        nodes = self._nodes
        for arrays, used in (
            ((nodes.hashes, nodes.links, nodes.refs), nodes.heads[USED_NODES]),
            ((nodes.leaves,), nodes.heads[USED_LEAVES]),
        ):
            rows = len(arrays[0])
            if used == rows:
                for array in arrays:
                    # In place: a copy would need the room of both for a moment. No view of them outlives a call.
                    array.resize((rows + rows // _GROWTH_SHARE, *array.shape[1:]), refcheck=False)


def _hash(pieces: list[bytes]) -> NDArray[np.uint64]:
    """Return the digests of pieces of bytes."""
    digests = np.empty((len(pieces), WORDS), np.uint64)
    ends = np.cumsum(np.fromiter(map(len, pieces), np.int64, len(pieces)))
    hash_many(np.frombuffer(b"".join(pieces), np.uint8), ends, digests)
    return digests
