"""Commitments to lists and to the state: what a header's roots are computed from, and proofs against them."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chain.hashing import HASH_BYTES, blake2b_256
from chain.tree.arena import Arena
from chain.tree.lists import fold_list
from chain.tree.nodes import NOTHING

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
    return fold_list(items)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StateProof:
    """Siblings from the root down, and the leaf met at the end of the path as ``(key_hash, value_hash)``, if any."""

    siblings: tuple[bytes, ...]
    terminal: tuple[bytes, bytes] | None


class StateTree:
    """One version of the state's tree; an update returns another one and shares every untouched node with it.

    All versions that come of one belong to the same thread, or to several that take turns.
    """

    __slots__ = ("_arena", "_node", "_root")

    def __init__(self, entries: Mapping[bytes, bytes] | None = None) -> None:
        self._arena = Arena()
        self._node = self._arena.update(NOTHING, entries) if entries else NOTHING
        self._root = self._arena.hash_of(self._node)

    @property
    def root(self) -> bytes:
        """The commitment, a function of the content alone and never of the history."""
        return self._root

    @property
    def size(self) -> tuple[int, int]:
        """How many nodes, and how many leaves among them, all living versions that come of one hold together."""
        return self._arena.nodes, self._arena.leaves

    def update(self, changes: Mapping[bytes, bytes | None]) -> "StateTree":
        """Return the tree with ``changes`` applied in one pass; ``None`` and the empty value delete."""
        updated = object.__new__(StateTree)
        updated._node = self._arena.update(self._node, changes)
        updated._arena = self._arena
        updated._root = self._arena.hash_of(updated._node)
        return updated

    def prove(self, key: bytes) -> StateProof:
        """Return the proof that ``key`` has its value, or that it has none."""
        siblings, terminal = self._arena.descend(self._node, blake2b_256(key))
        return StateProof(siblings=siblings, terminal=terminal)

    def __del__(self, _is_over: Callable[[], bool] = sys.is_finalizing) -> None:
        # Where making it failed there may be nothing to give back, and at the end of the process nobody who takes it.
        arena = getattr(self, "_arena", None)
        if arena is not None and not _is_over():
            arena.release(getattr(self, "_node", NOTHING))


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


def _bit(key_hash: bytes, depth: int) -> int:
    return key_hash[depth >> 3] >> (7 - (depth & 7)) & 1


def _share_path(one: bytes, other: bytes, depth: int) -> bool:
    shift = MAX_DEPTH - depth
    return int.from_bytes(one, "big") >> shift == int.from_bytes(other, "big") >> shift
