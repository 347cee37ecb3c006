"""From waiting extrinsics to a whole block, and from somebody's block to the proof that it is right. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from chain.block import (
    EMPTY_HASH,
    Block,
    ConsensusInfo,
    Header,
    compute_extrinsics_root,
    compute_slot,
    hash_commit,
)
from chain.consensus.messages import Commit, Vote, VoteType
from chain.consensus.validators import (
    ValidatorSet,
    compute_proposer,
    decode_priorities,
    draw_proposer,
    encode_priorities,
)
from chain.errors import InvalidBlock
from chain.extrinsic import call_value, encode_inherent
from chain.hashing import blake2b_256, sign_digest
from chain.keys import Scheme, verify
from chain.merkle import StateTree, compute_list_root
from chain.runtime.declarations import codec
from chain.runtime.errors import Inadmissible
from chain.runtime.parameters import PARAMS_KEY, PRIORITY_KEY, VALIDATORS_KEY, Parameters
from chain.runtime.state import RAW, Changes, State
from chain.runtime.transition import BlockInputs, BlockResult, apply_block, build_block
from chain.scale.compact import encode_compact


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last final block, as far as the next one depends on it; ``commit`` is its own, absent for genesis."""

    genesis_hash: bytes
    block_hash: bytes
    height: int
    time_ms: int
    commit: Commit | None
    state: State
    tree: StateTree

    @property
    def parameters(self) -> Parameters:
        """The chain's parameters, as they stand in the state."""
        return Parameters.decode(self.state.get(RAW, PARAMS_KEY))

    @property
    def validators(self) -> ValidatorSet:
        """Who decides the next height."""
        return ValidatorSet.decode(self.state.get(RAW, VALIDATORS_KEY))

    @property
    def priorities(self) -> tuple[int, ...]:
        """The proposers' priorities stored for the next height; all equal before there are any."""
        count = len(self.validators.members)
        stored = self.state.get(RAW, PRIORITY_KEY)
        return decode_priorities(stored, count) if stored else (0,) * count

    def earliest_time_ms(self) -> int:
        """Return the earliest block time that the next block may carry."""
        return self.time_ms + max(self.parameters.block_interval_ms, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A valid next block with everything that follows from it; nothing of it is durable or visible yet."""

    block: Block
    result: BlockResult
    changes: Changes
    delta: dict[bytes, bytes | None]
    events: bytes
    """The encoded ``Vec<EventRecord>``."""
    tree: StateTree
    left_out: tuple[tuple[int, Inadmissible], ...] = ()

    def commit_on(self, head: Head, commit: Commit) -> Head:
        """Return the head that this block becomes once ``commit`` is durable; ``head`` is what it was built on."""
        return Head(
            genesis_hash=head.genesis_hash,
            block_hash=commit.block_hash,
            height=self.block.number,
            time_ms=self.block.header.time_ms,
            commit=commit,
            state=head.state.commit(self.changes, self.delta),
            tree=self.tree,
        )


def encode_timestamp(time_ms: int) -> bytes:
    """Return the first extrinsic of every block: the bare ``Timestamp.set``."""
    return encode_inherent(call_value("Timestamp", "set", now=time_ms))


def build_candidate(
    head: Head,
    candidates: Iterable[bytes],
    *,
    time_ms: int,
    round_number: int,
    proposer: bytes,
    verified: frozenset[bytes] = frozenset(),
) -> Candidate:
    """Build the next block from those candidates, in their order, that can be included.

    ``verified`` are hashes of extrinsics whose signatures were checked before. Raises ``InvalidBlock`` for a time that
    is too early.
    """
    if time_ms < head.earliest_time_ms():
        raise InvalidBlock("time_too_early", f"{time_ms} before {head.earliest_time_ms()}")
    inputs = BlockInputs(
        number=head.height + 1,
        parent_hash=head.block_hash,
        genesis_hash=head.genesis_hash,
        time_ms=time_ms,
        proposer=proposer,
        extrinsics=(encode_timestamp(time_ms),),
        verified=verified,
    )
    built = build_block(head.state, inputs, candidates)
    candidate = _assemble(head, built.inputs, built.result, round_number=round_number, last_commit=head.commit)
    return replace(candidate, left_out=built.left_out)


def check_block(head: Head, block: Block, *, verified: frozenset[bytes] = frozenset()) -> Candidate:
    """Apply somebody's block to ``head`` and compare all that its header claims; raises ``InvalidBlock``."""
    info = block.header.info
    if info is None or block.number != head.height + 1 or block.header.parent != head.block_hash:
        raise InvalidBlock("not_a_successor", f"block {block.number} on {head.height}")
    if info.time_ms < head.earliest_time_ms():
        raise InvalidBlock("time_too_early", f"{info.time_ms} before {head.earliest_time_ms()}")
    validators = head.validators
    expected = validators.members[compute_proposer(validators, head.priorities, info.round)][0]
    if info.proposer != expected:
        raise InvalidBlock("wrong_proposer", f"round {info.round}")
    if head.height:
        if block.last_commit is None:
            raise InvalidBlock("commit_missing", f"of height {head.height}")
        verify_commit(head, block.last_commit)
    if block.evidence:
        raise InvalidBlock("evidence_unknown", "no kind of evidence exists yet")
    inputs = BlockInputs(
        number=block.number,
        parent_hash=head.block_hash,
        genesis_hash=head.genesis_hash,
        time_ms=info.time_ms,
        proposer=info.proposer,
        extrinsics=block.extrinsics,
        verified=verified,
    )
    if not block.extrinsics or block.extrinsics[0] != encode_timestamp(info.time_ms):
        raise InvalidBlock("wrong_timestamp", f"{info.time_ms}")
    result = apply_block(head.state, inputs)
    candidate = _assemble(head, inputs, result, round_number=info.round, last_commit=block.last_commit)
    if candidate.block.header != block.header:
        raise InvalidBlock("header_differs", f"block {block.number}")
    return candidate


def verify_commit(head: Head, commit: Commit) -> None:
    """Check that ``commit`` makes the head final; raises ``InvalidBlock``.

    The set of validators is the one that decided the head, which is also the next height's: sets do not change yet.
    """
    validators = head.validators
    if (commit.height, commit.block_hash) != (head.height, head.block_hash):
        raise InvalidBlock("wrong_commit", f"of height {commit.height} at {head.height}")
    vote = Vote(type=VoteType.PRECOMMIT, height=commit.height, round=commit.round, block_hash=commit.block_hash)
    digest = sign_digest("vote", head.genesis_hash, vote.encode())
    power = 0
    for index, signature in commit.signatures:
        if index >= len(validators.members):
            raise InvalidBlock("wrong_commit", f"validator {index} is unknown")
        public, weight = validators.members[index]
        if not verify(Scheme.ED25519, public, digest, signature):
            raise InvalidBlock("wrong_commit", f"signature of validator {index}")
        power += weight
    if not validators.is_quorum(power):
        raise InvalidBlock("wrong_commit", f"power {power} of {validators.total}")


def _assemble(
    head: Head, inputs: BlockInputs, result: BlockResult, *, round_number: int, last_commit: Commit | None
) -> Candidate:
    validators = head.validators
    changes, delta = dict(result.changes), dict(result.delta)
    # Each height advances the stored priorities by exactly one draw, whatever round decides it.
    _, drawn = draw_proposer(validators, head.priorities)
    if drawn != head.priorities:
        changes[RAW, (PRIORITY_KEY,)] = delta[PRIORITY_KEY] = encode_priorities(drawn)
    tree = head.tree.update(delta)
    encode = codec().encoder("EventRecord")
    records = [encode(event) for event in result.events]
    parameters = head.parameters
    info = ConsensusInfo(
        time_ms=inputs.time_ms,
        round=round_number,
        proposer=inputs.proposer,
        last_commit_hash=hash_commit(last_commit),
        event_root=compute_list_root(records),
        evidence_root=EMPTY_HASH,
        validators_hash=validators.hash,
        next_validators_hash=validators.hash,
        params_hash=blake2b_256(parameters.encode()),
    )
    header = Header.build(
        parent=head.block_hash,
        number=inputs.number,
        state_root=tree.root,
        extrinsics_root=compute_extrinsics_root(inputs.extrinsics),
        slot=compute_slot(inputs.time_ms, parameters.block_interval_ms),
        info=info,
    )
    return Candidate(
        block=Block(header=header, extrinsics=inputs.extrinsics, last_commit=last_commit),
        result=result,
        changes=changes,
        delta=delta,
        events=encode_compact(len(records)) + b"".join(records),
        tree=tree,
    )
