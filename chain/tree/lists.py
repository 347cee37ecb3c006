"""The root of a list, compiled: what a header commits to for the extrinsics and the events of a block."""

from collections.abc import Sequence

import numpy as np

from amm.kernel_cache import kernel
from chain.tree.blake2b import MESSAGE_WORDS, WORDS, Words, hash_many, hash_pair

_LEAF = b"\x00"
_NODE_TAG = np.uint64(1)


def fold_list(items: Sequence[bytes]) -> bytes:
    """Return the root over at least one item: leaf ``H(00 || item)``, node ``H(01 || left || right)`` (RFC 6962)."""
    level = np.empty((len(items), WORDS), np.uint64)
    ends = np.cumsum(np.fromiter((len(item) + 1 for item in items), np.int64, len(items)))
    hash_many(np.frombuffer(_LEAF + _LEAF.join(items), np.uint8), ends, level)
    fold(level, np.empty(MESSAGE_WORDS, np.uint64))
    root: bytes = level[0].tobytes()
    return root


@kernel
def fold(level: Words, message: Words) -> None:
    """Pair digests ``level: uint64[n, 4]`` until the first row is the root; an odd last one moves up unchanged."""
    count = len(level)
    while count > 1:
        for at in range(count // 2):
            hash_pair(_NODE_TAG, level, 2 * at, level, 2 * at + 1, 0, level, at, message)
        if count & 1:
            for word in range(WORDS):
                level[count // 2, word] = level[count - 1, word]
        count = (count + 1) // 2
