"""One block, from begin-block hooks to the check of the supply: the table of contents of the runtime."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from chain.errors import InvalidBlock, InvariantBroken
from chain.extrinsic import Extrinsic
from chain.runtime import balances, fees, invariants, system, weights
from chain.runtime.admission import (
    Frame,
    Validity,
    block_hash,
    check_extrinsic,
    decode,
    parameters_of,
    validate_extrinsic,
)
from chain.runtime.context import Context, Origin
from chain.runtime.dispatch import dispatch
from chain.runtime.errors import EXHAUSTS, FUTURE, DispatchFailed, Inadmissible
from chain.runtime.parameters import REWARD_PREFIX
from chain.runtime.state import RAW, Changes, Overlay, State, encode_changes
from chain.runtime.subtensor import coinbase, subnets

__all__ = [
    "BlockInputs",
    "BlockResult",
    "BuiltBlock",
    "Receipt",
    "Validity",
    "apply_block",
    "build_block",
    "replay_epochs",
    "validate_extrinsic",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockInputs:
    """Everything a block's effect depends on besides the state.

    ``extrinsics`` are whole byte strings with their length prefix; number 0 is the bare ``Timestamp.set(time_ms)``.
    ``verified`` names extrinsics (blake2b-256 of the whole bytes) whose signature this node has checked before for the
    era they are in: it saves work and changes no result.
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
    """Picoseconds of reference execution, the extrinsic's base included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockResult:
    """What a block does.

    ``changes`` is for ``State.commit``, ``delta`` the same as storage keys (ascending) and values for disk and state
    tree, ``None`` deletes. ``events`` are ``EventRecord`` values in order.
    """

    changes: Changes
    delta: dict[bytes, bytes | None]
    events: tuple[Any, ...]
    receipts: tuple[Receipt, ...]
    weight: int
    length: int
    """Bytes of all extrinsics."""
    epochs: tuple[Any, ...] = field(default=(), repr=False)
    """An ``EpochRecord`` of each mechanism whose epoch ran; no part of the chain's state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltBlock:
    """A block made of candidates: its inputs, its result (no need to apply it again), and what was left out.

    ``left_out`` are positions among the candidates, with the refusal.
    """

    inputs: BlockInputs
    result: BlockResult
    left_out: tuple[tuple[int, Inadmissible], ...]


def apply_block(state: State, inputs: BlockInputs) -> BlockResult:
    """Apply a whole block; raises ``InvalidBlock`` where it breaks a rule and ``InvariantBroken`` where we do."""
    block = _Block(state, inputs)
    block.begin()
    for index, raw in enumerate(inputs.extrinsics[1:], start=1):
        try:
            block.include(raw)
        except Inadmissible as refusal:
            raise InvalidBlock("extrinsic_not_includable", f"extrinsic {index}: {refusal}") from refusal
    return block.finish()


def build_block(
    state: State, inputs: BlockInputs, candidates: Iterable[bytes], *, fill_percent: int = 80
) -> BuiltBlock:
    """Return a block of those candidates, in their order, that can be included; ``fill_percent`` bounds its size.

    ``inputs.extrinsics`` holds the timestamp alone.
    """
    block = _Block(state, inputs, fill_percent=fill_percent)
    block.begin()
    chosen, left_out = list(inputs.extrinsics), list[tuple[int, Inadmissible]]()
    for position, raw in enumerate(candidates):
        try:
            block.include(raw)
        except Inadmissible as refusal:
            left_out.append((position, refusal))
        else:
            chosen.append(raw)
    return BuiltBlock(inputs=replace(inputs, extrinsics=tuple(chosen)), result=block.finish(), left_out=tuple(left_out))


def replay_epochs(state: State, inputs: BlockInputs) -> tuple[Any, ...]:
    """Return the ``EpochRecord`` of each epoch of a block, from the state before it; nothing of the block is kept.

    Epochs come before all extrinsics, so none of them is needed.
    """
    block = _Block(state, inputs)
    block.begin_hooks()
    return tuple(block.epochs)


class _Block:
    """A block in the making; either all of it is kept or nothing."""

    def __init__(self, state: State, inputs: BlockInputs, *, fill_percent: int = 100) -> None:
        self._inputs = inputs
        self._overlay = Overlay(state)
        self._receipts: list[Receipt] = []
        self._failed_free: set[bytes] = set()
        """Signers of calls without fee that have failed in this block."""
        self._weight = 0
        self._length = 0
        self._parameters = parameters_of(state)
        self._fill_percent = fill_percent
        self._context = Context(
            overlay=self._overlay,
            number=inputs.number,
            genesis_hash=inputs.genesis_hash,
            parent_hash=inputs.parent_hash,
            time_ms=inputs.time_ms,
            author=state.get(RAW, REWARD_PREFIX + inputs.proposer),
            dispatch=dispatch,
        )
        head = inputs.number - 1
        self._frame = Frame(
            height=inputs.number,
            genesis_hash=inputs.genesis_hash,
            block_hash_of=lambda number: block_hash(state, number, head=head, head_hash=inputs.parent_hash),
            parameters=self._parameters,
        )

    def begin(self) -> None:
        """Run what precedes all extrinsics, then the timestamp."""
        head = self._overlay.get("System.Number")
        if self._inputs.number != head + 1:
            raise InvalidBlock("block_number", f"{self._inputs.number} after {head}")
        if not self._inputs.extrinsics:
            raise InvalidBlock("timestamp_missing")
        with _our_fault("begin of block"):
            if head % self._parameters.epoch_blocks == 0:
                invariants.check_state(self._overlay.base)
            self.begin_hooks()
        self._include_timestamp(self._inputs.extrinsics[0])

    def begin_hooks(self) -> None:
        """Run what precedes all extrinsics without any check."""
        system.begin_block(self._context, self._parameters)
        if self._inputs.number > 1:
            subnets.decay_registration_prices(self._overlay)
        coinbase.run_coinbase(self._context)

    @property
    def epochs(self) -> list[Any]:
        """Records of the epochs that have run."""
        return self._context.epochs

    def include(self, raw: bytes) -> None:
        """Run a signed extrinsic; raises ``Inadmissible``, and then the block is as it was."""
        if len(raw) > self._parameters.max_tx_bytes or self._is_full(len(raw), weights.BASE):
            raise Inadmissible(EXHAUSTS)
        extrinsic = decode(raw)
        verified = extrinsic.ext_hash in self._inputs.verified
        validity = check_extrinsic(self._overlay, extrinsic, self._frame, verified=verified)
        if validity.nonce != validity.account_nonce:
            raise Inadmissible(FUTURE)
        # One failure for nothing in a block: a neuron that sends nonsense must not crowd out those who pay.
        has_failed = validity.signer in self._failed_free and fees.is_free(extrinsic.call)
        if has_failed or self._is_full(validity.length, validity.weight):
            raise Inadmissible(EXHAUSTS)
        with _our_fault("extrinsic " + validity.hash.hex()):
            self._run(extrinsic, validity)

    def finish(self) -> BlockResult:
        """Check the laws and return what the block did."""
        with _our_fault("end of block"):
            changes = self._overlay.changes()
            invariants.check_block(self._overlay, changes)
            delta = encode_changes(changes)
        return BlockResult(
            changes=changes,
            delta=delta,
            events=tuple(self._overlay.events),
            receipts=tuple(self._receipts),
            weight=self._weight,
            length=self._length,
            epochs=tuple(self.epochs),
        )

    def _is_full(self, length: int, weight: int) -> bool:
        # The first extrinsic may use the whole block: one that the pool admitted must not wait for ever.
        percent = self._fill_percent if len(self._receipts) > 1 else 100
        return (
            len(self._receipts) >= self._parameters.max_txs_per_block
            or self._length + length > self._parameters.max_block_bytes * percent // 100
            or self._weight + weight > self._parameters.max_block_weight * percent // 100
        )

    def _include_timestamp(self, raw: bytes) -> None:
        try:
            extrinsic = decode(raw)
        except Inadmissible as refusal:
            raise InvalidBlock("timestamp_missing", str(refusal)) from refusal
        if extrinsic.is_signed or (extrinsic.pallet, extrinsic.call_name) != ("Timestamp", "set"):
            raise InvalidBlock("timestamp_missing")
        now, before = extrinsic.args["now"], self._overlay.get("Timestamp.Now")
        if now != self._inputs.time_ms or now <= before:
            raise InvalidBlock("timestamp_wrong", f"{now}, header {self._inputs.time_ms}, parent {before}")
        self._context.phase = ("ApplyExtrinsic", 0)
        system.set_time(self._context)
        self._close(extrinsic, error=None, fee=0, weight=0, dispatch_class="Mandatory")

    def _run(self, extrinsic: Extrinsic, validity: Validity) -> None:
        context, signer = self._context, validity.signer
        context.phase = ("ApplyExtrinsic", len(self._receipts))
        charged = fees.take(context, extrinsic, validity.fee_rao + validity.tip_rao)
        balances.bump_nonce(self._overlay, signer)
        error = None
        try:
            dispatch(context, Origin(signer), extrinsic.call)
        except DispatchFailed as refusal:
            error = refusal.error
            if fees.is_free(extrinsic.call):
                self._failed_free.add(signer)
        fees.hand_over(context, charged, validity.tip_rao)
        self._close(extrinsic, error=error, fee=charged.amount, weight=validity.weight, dispatch_class="Normal")

    def _close(self, extrinsic: Extrinsic, *, error: Any, fee: int, weight: int, dispatch_class: str) -> None:
        """Say what became of an extrinsic, last of its events, and count it."""
        info = {
            "weight": {"ref_time": weight, "proof_size": 0},
            "class": dispatch_class,
            "pays_fee": "Yes" if extrinsic.is_signed and fee else "No",
        }
        if error is None:
            self._context.emit("System", "ExtrinsicSuccess", {"dispatch_info": info})
        else:
            self._context.emit("System", "ExtrinsicFailed", {"dispatch_error": error, "dispatch_info": info})
        self._receipts.append(
            Receipt(
                index=len(self._receipts),
                hash=extrinsic.ext_hash,
                signer=extrinsic.signer,
                nonce=extrinsic.nonce,
                success=error is None,
                error=error,
                fee_rao=fee,
                tip_rao=extrinsic.tip,
                weight=weight,
            )
        )
        self._weight += weight
        self._length += len(extrinsic.raw)


class _our_fault:  # noqa: N801 - reads as a statement
    """Turns whatever our own code lets through into ``InvariantBroken``: neither a call nor a hook may fail so."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, InvariantBroken):
            raise InvariantBroken(f"{self._where}: {type(error).__name__}: {error}") from error
