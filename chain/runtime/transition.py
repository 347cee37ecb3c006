"""One block, from begin-block hooks to the check of the supply: the table of contents of the runtime."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chain.runtime.state import Changes, State


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockInputs:
    """Everything a block's effect depends on besides the state.

    ``extrinsics`` are whole byte strings with their length prefix; number 0 is the bare ``Timestamp.set(time_ms)``. ``verified`` names
    extrinsics (blake2b-256 of the whole bytes) whose signature this node has checked before: it saves work and changes no result.
    """

    number: int
    parent_hash: bytes
    genesis_hash: bytes
    time_ms: int
    proposer: bytes
    """Public key of the validator that built the block; its reward account stands in the state."""
    extrinsics: tuple[bytes, ...]
    verified: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one extrinsic; ``error`` is the declared ``DispatchError`` value or ``None``."""

    index: int
    hash: bytes
    signer: bytes | None
    nonce: int
    success: bool
    error: Any
    fee_rao: int
    """What was charged, tip included."""
    tip_rao: int
    weight: int
    """Picoseconds of reference execution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockResult:
    """What a block does.

    ``changes`` is for ``State.commit``, ``delta`` the same as storage keys (ascending) and values for disk and state tree, ``None`` deletes.
    ``events`` are ``EventRecord`` values in order.
    """

    changes: Changes
    delta: dict[bytes, bytes | None]
    events: tuple[Any, ...]
    receipts: tuple[Receipt, ...]
    weight: int
    length: int
    """Bytes of all extrinsics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltBlock:
    """A block made of candidates: its inputs, its result (no need to apply it again), and which candidates were left out, by their position, and why."""

    inputs: BlockInputs
    result: BlockResult
    left_out: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """An extrinsic that the pool may take.

    ``nonce`` equals ``account_nonce`` when it is ready, and is greater while it waits for others. ``valid_until`` is the first height at
    which its era is over, ``None`` for an immortal one. ``intent_id`` leaves the signature out (``spec/consensus.md`` section 4).
    """

    hash: bytes
    intent_id: bytes
    signer: bytes
    nonce: int
    account_nonce: int
    tip_rao: int
    fee_rao: int
    """Fee without tip."""
    weight: int
    length: int
    valid_until: int | None


def apply_block(state: State, inputs: BlockInputs) -> BlockResult:
    """Apply a whole block; raises ``InvalidBlock`` where it breaks a rule and ``InvariantBroken`` where we do."""
    raise InvalidBlock("not built yet")


def build_block(
    state: State, inputs: BlockInputs, candidates: Iterable[bytes], *, fill_percent: int = 80
) -> BuiltBlock:
    """Return a block with those candidates, in their order, that can be included after ``inputs.extrinsics`` (which holds the timestamp alone)."""
    raise InvalidBlock("not built yet")


def validate_extrinsic(
    state: State, data: bytes, *, genesis_hash: bytes, head_hash: bytes, verified: bool = False
) -> Validity:
    """Check an extrinsic for the block after ``state`` (whose block hash is ``head_hash``); raises ``Inadmissible``."""
    raise InvalidBlock("not built yet")
