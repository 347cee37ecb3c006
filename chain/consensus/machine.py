"""The consensus state machine of one height: verified inputs in, effects out, nothing else.

The rules R1 to R10 and T1 to T3 are those of ``spec/consensus.md`` section 6.2. One validator runs the same rules: its
own vote is the quorum. The shell signs, executes, keeps time and sends; the machine never verifies, waits or writes.
"""

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Final, TypeAlias

from chain.consensus.messages import NIL, Commit, Proposal, Vote, VoteType
from chain.consensus.validators import ValidatorSet, compute_proposer
from chain.consensus.votes import Tally
from chain.errors import InvariantBroken

ROUND_WINDOW: Final = 8
"""Messages are kept for so many rounds ahead; of later ones only the round is remembered."""

PROPOSALS_PER_ROUND: Final = 2
_FRESH: Final = -1


class Step(IntEnum):
    """Where in a round the machine is; ``DECIDED`` ends the height."""

    NEW_HEIGHT = 0
    PROPOSE = 1
    PREVOTE = 2
    PRECOMMIT = 3
    DECIDED = 4


class Timer(Enum):
    """Which wait a timeout ends."""

    PROPOSE = "propose"
    PREVOTE = "prevote"
    PRECOMMIT = "precommit"


@dataclass(frozen=True, slots=True)
class ProposalIn:
    """A verified proposal of its round's proposer; ``is_timely`` is the shell's reading of the clock.

    A re-proposal carries the prevotes that prove its value, as ``(validator index, signature)``.
    """

    proposal: Proposal
    is_timely: bool = True
    proof: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class VoteIn:
    """A verified vote of the validator at ``index``."""

    vote: Vote
    index: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class ProofIn:
    """Verified prevotes by more than two thirds for one block; passed on so that no lock stays hidden."""

    round: int
    block_hash: bytes
    signatures: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class CommitIn:
    """A verified commit of this height."""

    commit: Commit


@dataclass(frozen=True, slots=True)
class BlockReady:
    """A block was executed; ``is_valid`` says whether every rule about it holds."""

    block_hash: bytes
    is_valid: bool


@dataclass(frozen=True, slots=True)
class Built:
    """The answer to ``BuildBlock``: a valid block of ours for that round, ready to be proposed."""

    round: int
    block_hash: bytes
    time_ms: int


@dataclass(frozen=True, slots=True)
class TimeoutFired:
    """The wait that ``Schedule`` asked for is over."""

    timer: Timer
    round: int


Input: TypeAlias = ProposalIn | VoteIn | ProofIn | CommitIn | BlockReady | Built | TimeoutFired


@dataclass(frozen=True, slots=True)
class SignProposal:
    """Sign and send this proposal with its proof, and feed it back."""

    proposal: Proposal
    proof: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class SignVote:
    """Sign and send this vote, and feed it back."""

    vote: Vote


@dataclass(frozen=True, slots=True)
class Schedule:
    """Feed ``TimeoutFired`` back after the wait of that kind and round."""

    timer: Timer
    round: int


@dataclass(frozen=True, slots=True)
class BuildBlock:
    """Build a block for this round and feed ``Built`` back."""

    round: int


@dataclass(frozen=True, slots=True)
class FetchBlock:
    """Get this block, execute it, and feed ``BlockReady`` back."""

    block_hash: bytes


@dataclass(frozen=True, slots=True)
class Decide:
    """This block is final; ``commit`` proves it."""

    commit: Commit


Effect: TypeAlias = SignProposal | SignVote | Schedule | BuildBlock | FetchBlock | Decide


@dataclass(slots=True)
class Machine:
    """One height. ``me`` is our index in ``validators``, ``None`` for a node that only follows.

    ``priorities`` are those stored for the height. Call ``start()`` first, then ``step(input)``; both return
    the effects in order.
    """

    height: int
    validators: ValidatorSet
    priorities: tuple[int, ...]
    me: int | None
    round: int = 0
    phase: Step = Step.NEW_HEIGHT
    locked: tuple[bytes, int] | None = None
    valid: tuple[bytes, int, int] | None = None
    """Value, round, and its block time in milliseconds: what a proposer offers again."""
    proposals: dict[int, list[ProposalIn]] = field(default_factory=dict)
    votes: dict[tuple[int, VoteType], Tally] = field(default_factory=dict)
    blocks: dict[bytes, bool | None] = field(default_factory=dict)
    """Blocks asked for: valid, not valid, or ``None`` while unknown."""
    seen_rounds: dict[int, int] = field(default_factory=dict)
    commit: Commit | None = None
    _once: set[tuple[str, int]] = field(default_factory=set)
    _effects: list[Effect] = field(default_factory=list)

    def start(self) -> tuple[Effect, ...]:
        """Enter round 0."""
        self._enter(0)
        return self._settle()

    def step(self, message: Input) -> tuple[Effect, ...]:
        """Take one input and return what is to be done; after the decision nothing is done any more."""
        if self.phase is Step.DECIDED:
            return ()
        match message:
            case ProposalIn():
                self._take_proposal(message)
            case VoteIn(vote, index, signature):
                self._take_vote(vote, index, signature)
            case CommitIn(commit):
                if commit.height == self.height and self.commit is None:
                    self.commit = commit
                    self._want(commit.block_hash)
            case ProofIn():
                self._take_proof(message)
            case BlockReady(block_hash, is_valid):
                self.blocks[block_hash] = is_valid
            case Built(round_number, block_hash, time_ms):
                self._take_built(round_number, block_hash, time_ms)
            case TimeoutFired(timer, round_number):
                self._take_timeout(timer, round_number)
        return self._settle()

    # Inputs.

    def _take_proposal(self, message: ProposalIn) -> None:
        proposal = message.proposal
        if proposal.height != self.height or not 0 <= proposal.round <= self.round + ROUND_WINDOW:
            return
        if proposal.pol_round != _FRESH:
            if not 0 <= proposal.pol_round < proposal.round or not message.proof:
                return
            if not self._take_proof(ProofIn(proposal.pol_round, proposal.block_hash, message.proof)):
                return
        kept = self.proposals.setdefault(proposal.round, [])
        if len(kept) < PROPOSALS_PER_ROUND and all(other.proposal != proposal for other in kept):
            kept.append(message)
            self._see(compute_proposer(self.validators, self.priorities, proposal.round), proposal.round)
            self._want(proposal.block_hash)

    def _take_proof(self, proof: ProofIn) -> bool:
        """Count the prevotes of a proof if they are a quorum by themselves; say whether they are."""
        voters = {index for index, _ in proof.signatures}
        if not voters <= set(range(len(self.validators.members))):
            return False
        if not self.validators.is_quorum(sum(self.validators.power(index) for index in voters)):
            return False
        if 0 <= proof.round <= self.round + ROUND_WINDOW:
            self._tally(proof.round, VoteType.PREVOTE).add_quorum(proof.block_hash, proof.signatures)
        return True

    def _take_vote(self, vote: Vote, index: int, signature: bytes) -> None:
        if vote.height != self.height or not 0 <= index < len(self.validators.members):
            return
        self._see(index, vote.round)
        if vote.round > self.round + ROUND_WINDOW:
            return
        is_known = vote.block_hash == NIL or vote.block_hash in self.blocks
        self._tally(vote.round, vote.type).add(index, vote.block_hash, signature, is_known=is_known)

    def _take_built(self, round_number: int, block_hash: bytes, time_ms: int) -> None:
        self.blocks[block_hash] = True
        if (round_number, self.phase) == (self.round, Step.PROPOSE):
            self._emit(SignProposal(self._proposal(_FRESH, block_hash, time_ms)))

    def _take_timeout(self, timer: Timer, round_number: int) -> None:
        if round_number != self.round:
            return
        if timer is Timer.PROPOSE and self.phase is Step.PROPOSE:  # T1
            self._prevote(NIL)
        elif timer is Timer.PREVOTE and self.phase is Step.PREVOTE:  # T2
            self._precommit(NIL)
        elif timer is Timer.PRECOMMIT:  # T3
            self._enter(round_number + 1)

    # Rules: the first that applies fires, until none does.

    def _settle(self) -> tuple[Effect, ...]:
        while self.phase is not Step.DECIDED and self._apply_one_rule():
            pass
        effects, self._effects = tuple(self._effects), []
        return effects

    def _apply_one_rule(self) -> bool:
        return (
            self._prevote_rules()
            or self._prevotes_counted_rules()
            or self._precommits_counted_rules()
            or self._skip_rule()
            or self._commit_rule()
        )

    def _prevote_rules(self) -> bool:
        """R2 and R3: answer the first proposal of this round once its block was executed."""
        if self.phase is not Step.PROPOSE or not self.proposals.get(self.round):
            return False
        first = self.proposals[self.round][0]
        value, pol_round = first.proposal.block_hash, first.proposal.pol_round
        is_valid = self.blocks.get(value)
        if is_valid is None:
            return False
        if pol_round == _FRESH:
            accepts = is_valid and first.is_timely and (self.locked is None or self.locked[0] == value)
        else:
            accepts = is_valid and (self.locked is None or self.locked[1] <= pol_round or self.locked[0] == value)
        self._prevote(value if accepts else NIL)
        return True

    def _prevotes_counted_rules(self) -> bool:
        """R4, R5 and R6: what the prevotes of this round allow."""
        tally = self._tally(self.round, VoteType.PREVOTE)
        if self.phase is Step.PREVOTE and tally.has_quorum_of_any() and self._first("R4"):
            self._emit(Schedule(Timer.PREVOTE, self.round))
            return True
        if self.phase >= Step.PREVOTE:
            for value in tally.quorum_values():
                if value == NIL:
                    continue
                if self.blocks.get(value) is None:
                    if self._want(value):
                        return True
                elif self.blocks[value] and self._first("R5"):
                    self.valid = (value, self.round, self._time_of(value))
                    if self.phase is Step.PREVOTE:
                        self.locked = (value, self.round)
                        self._precommit(value)
                    return True
        if self.phase is Step.PREVOTE and tally.has_quorum(NIL):
            self._precommit(NIL)
            return True
        return False

    def _precommits_counted_rules(self) -> bool:
        """R7 and R8: wait for the rest of this round's precommits, or decide by those of any round."""
        if self._tally(self.round, VoteType.PRECOMMIT).has_quorum_of_any() and self._first("R7"):
            self._emit(Schedule(Timer.PRECOMMIT, self.round))
            return True
        for round_number, kind in sorted(self.votes):
            if kind is not VoteType.PRECOMMIT:
                continue
            tally = self.votes[round_number, kind]
            for value in tally.quorum_values():
                if value == NIL:
                    continue
                if self._want(value):
                    return True
                if self.blocks[value] is None:
                    continue
                self._decide(
                    Commit(height=self.height, round=round_number, block_hash=value, signatures=tally.signatures(value))
                )
                return True
        return False

    def _skip_rule(self) -> bool:
        """R9: more than a third has gone on, so at least one honest validator has, and waiting here is pointless."""
        ahead = sorted({seen for seen in self.seen_rounds.values() if seen > self.round}, reverse=True)
        for round_number in ahead:
            power = sum(self.validators.power(at) for at, seen in self.seen_rounds.items() if seen >= round_number)
            if self.validators.is_blocking(power):
                self._enter(round_number)
                return True
        return False

    def _commit_rule(self) -> bool:
        """R10: others have decided."""
        if self.commit is None or self.blocks.get(self.commit.block_hash) is None:
            return False
        self._decide(self.commit)
        return True

    # What rules do.

    def _enter(self, round_number: int) -> None:
        """R1: begin a round; the proposer offers what it knows to be acceptable, or something new."""
        self.round, self.phase = round_number, Step.PROPOSE
        if compute_proposer(self.validators, self.priorities, round_number) != self.me:
            self._emit(Schedule(Timer.PROPOSE, round_number))
        elif self.valid is None:
            self._emit(BuildBlock(round_number))
        else:
            value, valid_round, time_ms = self.valid
            proof = self._tally(valid_round, VoteType.PREVOTE).signatures(value)
            self._emit(SignProposal(self._proposal(valid_round, value, time_ms), proof))

    def _prevote(self, value: bytes) -> None:
        self.phase = Step.PREVOTE
        self._vote(VoteType.PREVOTE, value)

    def _precommit(self, value: bytes) -> None:
        self.phase = Step.PRECOMMIT
        self._vote(VoteType.PRECOMMIT, value)

    def _vote(self, kind: VoteType, value: bytes) -> None:
        if self.me is not None:
            self._emit(SignVote(Vote(type=kind, height=self.height, round=self.round, block_hash=value)))

    def _decide(self, commit: Commit) -> None:
        if not self.blocks[commit.block_hash]:
            raise InvariantBroken(f"more than two thirds committed an invalid block at height {self.height}")
        self.phase = Step.DECIDED
        self._emit(Decide(commit))

    def _proposal(self, pol_round: int, value: bytes, time_ms: int) -> Proposal:
        return Proposal(height=self.height, round=self.round, pol_round=pol_round, block_hash=value, time_ms=time_ms)

    def _emit(self, effect: Effect) -> None:
        self._effects.append(effect)

    def _first(self, rule: str) -> bool:
        """Say whether ``rule`` fires for the first time in this round."""
        key = (rule, self.round)
        if key in self._once:
            return False
        self._once.add(key)
        return True

    def _want(self, value: bytes) -> bool:
        """Ask for a block that was never asked for; say whether that was so."""
        if value in self.blocks:
            return False
        self.blocks[value] = None
        self._emit(FetchBlock(value))
        return True

    def _see(self, index: int, round_number: int) -> None:
        self.seen_rounds[index] = max(round_number, self.seen_rounds.get(index, -1))

    def _tally(self, round_number: int, kind: VoteType) -> Tally:
        return self.votes.setdefault((round_number, kind), Tally(self.validators))

    def _time_of(self, value: bytes) -> int:
        """Return the block time that some proposal named for ``value``; it is part of the block, so all agree."""
        return next(
            (
                message.proposal.time_ms
                for messages in self.proposals.values()
                for message in messages
                if message.proposal.block_hash == value
            ),
            0,
        )
