"""Commitments to lists and to the state: what a header's roots are computed from, and proofs against them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chain.hashing import HASH_BYTES, blake2b_256

MAX_DEPTH = 8 * HASH_BYTES
"""No path is longer than a key hash has bits; a verifier refuses a proof that claims more."""

EMPTY_STATE_ROOT = bytes(HASH_BYTES)
_LEAF, _NODE = b"\x00", b"\x01"


EMPTY_LIST_ROOT = blake2b_256(b"")


# Lists: the shape of RFC 6962, so that an item's place and the length are both fixed by the root.


def compute_list_root(items: Sequence[bytes]) -> bytes:
    """Return the root over ``items``: leaf ``H(00 || item)``, node ``H(01 || left || right)``, nothing ``H("")``."""
    if not items:
        return EMPTY_LIST_ROOT
    level = [blake2b_256(_LEAF + item) for item in items]
    # Pairing level by level and carrying an odd last node up unchanged gives the split at the largest power of two.
    while len(level) > 1:
        paired = [blake2b_256(_NODE + level[at] + level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0]


def prove_list_item(items: Sequence[bytes], index: int) -> list[tuple[str, bytes]]:
    """Return the siblings from the leaf up to the root as ``("L" or "R", hash)``, the side being the sibling's.

    Raises ``IndexError`` where ``index`` is not a position of ``items``.
    """
    if not 0 <= index < len(items):
        raise IndexError(f"item {index} of {len(items)}")
    path = []
    level = [blake2b_256(_LEAF + item) for item in items]
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(("L" if sibling < index else "R", level[sibling]))
        paired = [blake2b_256(_NODE + level[at] + level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) - len(level) % 2 :]
        index //= 2
    return path


def verify_list_item(root: bytes, item: bytes, path: Sequence[tuple[str, bytes]]) -> bool:
    """Say whether ``path`` leads from ``item`` to ``root``; a path with a malformed step leads nowhere."""
    if len(path) > MAX_DEPTH:
        return False
    node = blake2b_256(_LEAF + item)
    for side, sibling in path:
        if side not in {"L", "R"} or len(sibling) != HASH_BYTES:
            return False
        node = blake2b_256(_NODE + sibling + node) if side == "L" else blake2b_256(_NODE + node + sibling)
    return node == root


# The state: a compact sparse tree over the bits of H(key), most significant first.


class _Leaf:
    """A single entry; a subtree that holds one entry is this leaf, at whatever depth."""

    __slots__ = ("hash", "key_hash", "value_hash")
    hash: bytes

    def __init__(self, key_hash: bytes, value_hash: bytes) -> None:
        self.key_hash = key_hash
        self.value_hash = value_hash
        self.hash = blake2b_256(_LEAF + key_hash + value_hash)


class _Branch:
    """An inner node with at least two entries below it; it never changes, so versions of the tree share it."""

    __slots__ = ("hash", "left", "right")
    hash: bytes

    def __init__(self, left: "_Node", right: "_Node") -> None:
        self.left = left
        self.right = right
        self.hash = blake2b_256(
            _NODE
            + (EMPTY_STATE_ROOT if left is None else left.hash)
            + (EMPTY_STATE_ROOT if right is None else right.hash)
        )


_Node: TypeAlias = _Leaf | _Branch | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateProof:
    """Siblings from the root down, and the leaf met at the end of the path as ``(key_hash, value_hash)``, if any."""

    siblings: tuple[bytes, ...]
    terminal: tuple[bytes, bytes] | None


class StateTree:
    """One version of the state's tree; an update returns another one and shares every untouched node with it."""

    __slots__ = ("_node",)

    def __init__(self, entries: Mapping[bytes, bytes] | None = None) -> None:
        leaves = _hash_changes(entries.items()) if entries else []
        self._node = _build([(key, value) for key, value in leaves if value is not None], 0)

    @property
    def root(self) -> bytes:
        """The commitment, a function of the content alone and never of the history."""
        return EMPTY_STATE_ROOT if self._node is None else self._node.hash

    def update(self, changes: Mapping[bytes, bytes | None]) -> "StateTree":
        """Return the tree with ``changes`` applied in one pass; ``None`` and the empty value delete."""
        updated = StateTree()
        updated._node = _update(self._node, _hash_changes(changes.items()), 0)
        return updated

    def prove(self, key: bytes) -> StateProof:
        """Return the proof that ``key`` has its value, or that it has none."""
        key_hash = blake2b_256(key)
        siblings = []
        node, depth = self._node, 0
        while isinstance(node, _Branch):
            right = _bit(key_hash, depth)
            sibling = node.left if right else node.right
            siblings.append(EMPTY_STATE_ROOT if sibling is None else sibling.hash)
            node = node.right if right else node.left
            depth += 1
        return StateProof(siblings=tuple(siblings), terminal=None if node is None else (node.key_hash, node.value_hash))


def verify_state_proof(root: bytes, key: bytes, value: bytes | None, proof: StateProof) -> bool:
    """Say whether ``proof`` shows that under ``root`` ``key`` has ``value``; ``None`` asks for its absence.

    Absence is shown by an empty end of the path or by a leaf of another key that shares the path so far.
    """
    if len(proof.siblings) > MAX_DEPTH or any(len(sibling) != HASH_BYTES for sibling in proof.siblings):
        return False
    key_hash = blake2b_256(key)
    depth = len(proof.siblings)
    if proof.terminal is None:
        if value:
            return False
        node = EMPTY_STATE_ROOT
    else:
        met_key, met_value = proof.terminal
        if len(met_key) != HASH_BYTES or len(met_value) != HASH_BYTES:
            return False
        if value:
            if met_key != key_hash or met_value != blake2b_256(value):
                return False
        elif met_key == key_hash or not _share_path(met_key, key_hash, depth):
            return False
        node = blake2b_256(_LEAF + met_key + met_value)
    for sibling in reversed(proof.siblings):
        depth -= 1
        node = blake2b_256(_NODE + (sibling + node if _bit(key_hash, depth) else node + sibling))
    return node == root


def _hash_changes(changes: Iterable[tuple[bytes, bytes | None]]) -> list[tuple[bytes, bytes | None]]:
    """Return ``(key hash, value hash or None)`` ascending, so that each side of a split is one slice."""
    return sorted((blake2b_256(key), blake2b_256(value) if value else None) for key, value in changes)


def _update(node: _Node, changes: list[tuple[bytes, bytes | None]], depth: int) -> _Node:
    if not changes:
        return node
    if isinstance(node, _Branch):
        split = _split(changes, depth)
        return _join(_update(node.left, changes[:split], depth + 1), _update(node.right, changes[split:], depth + 1))
    if isinstance(node, _Leaf) and all(key_hash != node.key_hash for key_hash, _ in changes):
        changes = sorted([*changes, (node.key_hash, node.value_hash)])
    return _build([(key_hash, value_hash) for key_hash, value_hash in changes if value_hash is not None], depth)


def _build(leaves: list[tuple[bytes, bytes]], depth: int) -> _Node:
    if not leaves:
        return None
    if len(leaves) == 1:
        return _Leaf(*leaves[0])
    split = _split(leaves, depth)
    return _Branch(_build(leaves[:split], depth + 1), _build(leaves[split:], depth + 1))


def _join(left: _Node, right: _Node) -> _Node:
    """Return the node above two subtrees; a lone leaf moves up, which is what makes the tree compact."""
    if left is None and not isinstance(right, _Branch):
        return right
    if right is None and not isinstance(left, _Branch):
        return left
    return _Branch(left, right)


def _split(entries: Sequence[tuple[bytes, bytes | None]], depth: int) -> int:
    """Return how many of the ascending entries, equal in their first ``depth`` bits, have bit ``depth`` clear."""
    at, mask = depth >> 3, 0x80 >> (depth & 7)
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        if entries[middle][0][at] & mask:
            high = middle
        else:
            low = middle + 1
    return low


def _bit(key_hash: bytes, depth: int) -> int:
    return key_hash[depth >> 3] >> (7 - (depth & 7)) & 1


def _share_path(one: bytes, other: bytes, depth: int) -> bool:
    shift = MAX_DEPTH - depth
    return int.from_bytes(one, "big") >> shift == int.from_bytes(other, "big") >> shift
