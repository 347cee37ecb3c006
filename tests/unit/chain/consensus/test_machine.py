from chain.consensus.machine import (
    BlockReady,
    BuildBlock,
    Built,
    CommitIn,
    Decide,
    Effect,
    FetchBlock,
    Machine,
    ProofIn,
    ProposalIn,
    Schedule,
    SignProposal,
    SignVote,
    Step,
    TimeoutFired,
    Timer,
    VoteIn,
)
from chain.consensus.messages import NIL, Commit, Proposal, Vote, VoteType
from chain.consensus.validators import ValidatorSet, compute_proposer

V, W = b"v" * 32, b"w" * 32
SIGNATURE = bytes(64)


def _machine(count: int = 4, me: int | None = 0) -> Machine:
    validators = ValidatorSet(tuple((bytes([index]) * 32, 10) for index in range(count)))
    return Machine(height=5, validators=validators, priorities=(0,) * count, me=me)


def _propose(value: bytes, round_number: int = 0, pol_round: int = -1) -> Proposal:
    return Proposal(height=5, round=round_number, pol_round=pol_round, block_hash=value, time_ms=77)


def _vote(kind: VoteType, value: bytes, index: int, round_number: int = 0) -> VoteIn:
    return VoteIn(Vote(type=kind, height=5, round=round_number, block_hash=value), index, SIGNATURE)


def _prevote(value: bytes, index: int, round_number: int = 0) -> VoteIn:
    return _vote(VoteType.PREVOTE, value, index, round_number)


def _precommit(value: bytes, index: int, round_number: int = 0) -> VoteIn:
    return _vote(VoteType.PRECOMMIT, value, index, round_number)


def _signed(effects: tuple[Effect, ...]) -> list[tuple[VoteType, int, bytes]]:
    return [
        (effect.vote.type, effect.vote.round, effect.vote.block_hash)
        for effect in effects
        if isinstance(effect, SignVote)
    ]


def _locked_on_v(me: int = 1) -> Machine:
    """A follower of round 0 that has precommitted V."""
    machine = _machine(me=me)
    machine.start()
    machine.step(ProposalIn(_propose(V)))
    machine.step(BlockReady(V, is_valid=True))
    for index in (0, 1, 2):
        machine.step(_prevote(V, index))
    assert machine.locked == (V, 0)
    return machine


def test_one_validator_decides_by_its_own_proposal_and_votes() -> None:
    machine = _machine(count=1)

    assert machine.start() == (BuildBlock(0),)
    (propose,) = machine.step(Built(0, V, 77))
    assert propose == SignProposal(_propose(V))
    (prevote,) = machine.step(ProposalIn(propose.proposal))
    assert _signed((prevote,)) == [(VoteType.PREVOTE, 0, V)]
    effects = machine.step(_prevote(V, 0))
    assert _signed(effects) == [(VoteType.PRECOMMIT, 0, V)]
    *_, decide = machine.step(_precommit(V, 0))

    assert decide == Decide(Commit(height=5, round=0, block_hash=V, signatures=((0, SIGNATURE),)))
    assert machine.phase is Step.DECIDED
    assert machine.step(_precommit(W, 0)) == ()


def test_four_validators_decide_with_three_precommits_and_not_with_two() -> None:
    machine = _locked_on_v()

    assert not any(isinstance(effect, Decide) for effect in machine.step(_precommit(V, 0)))
    machine.step(_precommit(V, 1))
    assert machine.phase is Step.PRECOMMIT
    effects = machine.step(_precommit(V, 2))

    assert isinstance(effects[-1], Decide)
    assert [index for index, _ in effects[-1].commit.signatures] == [0, 1, 2]


def test_a_silent_proposer_costs_one_round_of_nil_votes() -> None:
    machine = _machine(me=1)

    assert machine.start() == (Schedule(Timer.PROPOSE, 0),)
    assert _signed(machine.step(TimeoutFired(Timer.PROPOSE, 0))) == [(VoteType.PREVOTE, 0, NIL)]
    for index in (0, 1):
        machine.step(_prevote(NIL, index))
    assert _signed(machine.step(_prevote(NIL, 2))) == [(VoteType.PRECOMMIT, 0, NIL)]
    for index in (0, 1):
        machine.step(_precommit(NIL, index))
    assert Schedule(Timer.PRECOMMIT, 0) in machine.step(_precommit(NIL, 2))
    effects = machine.step(TimeoutFired(Timer.PRECOMMIT, 0))

    assert machine.round == 1
    assert compute_proposer(machine.validators, machine.priorities, 1) == 1
    assert effects == (BuildBlock(1),)


def test_an_invalid_or_untimely_block_gets_a_nil_prevote() -> None:
    for is_valid, is_timely in ((False, True), (True, False)):
        machine = _machine(me=1)
        machine.start()
        assert machine.step(ProposalIn(_propose(V), is_timely)) == (FetchBlock(V),)

        assert _signed(machine.step(BlockReady(V, is_valid))) == [(VoteType.PREVOTE, 0, NIL)]


def test_a_locked_validator_refuses_a_fresh_block_in_a_later_round() -> None:
    """Forgetting the lock would let two blocks of one height be final."""
    machine = _locked_on_v(me=3)
    machine.step(TimeoutFired(Timer.PRECOMMIT, 0))
    machine.step(ProposalIn(_propose(W, 1)))

    assert _signed(machine.step(BlockReady(W, is_valid=True))) == [(VoteType.PREVOTE, 1, NIL)]


def test_a_lock_yields_to_a_proof_of_the_same_or_a_later_round_and_not_to_an_older_one() -> None:
    machine = _locked_on_v(me=3)
    machine.step(TimeoutFired(Timer.PRECOMMIT, 0))
    machine.step(TimeoutFired(Timer.PRECOMMIT, 1))
    proof = tuple((index, SIGNATURE) for index in (0, 1, 2))
    machine.step(ProposalIn(_propose(W, 2, pol_round=1), proof=proof))
    assert _signed(machine.step(BlockReady(W, is_valid=True))) == [(VoteType.PREVOTE, 2, W)]

    machine = _locked_on_v(me=3)
    machine.locked = (V, 1)
    machine.step(TimeoutFired(Timer.PRECOMMIT, 0))
    machine.step(TimeoutFired(Timer.PRECOMMIT, 1))
    machine.step(ProposalIn(_propose(W, 2, pol_round=0), proof=proof))
    assert _signed(machine.step(BlockReady(W, is_valid=True))) == [(VoteType.PREVOTE, 2, NIL)]


def test_a_re_proposal_without_enough_proof_is_dropped() -> None:
    machine = _machine(me=3)
    machine.start()
    machine.step(TimeoutFired(Timer.PRECOMMIT, 0))

    for proof in ((), ((0, SIGNATURE), (1, SIGNATURE))):
        assert machine.step(ProposalIn(_propose(W, 1, pol_round=0), proof=proof)) == ()
    assert machine.proposals == {}


def test_a_proposer_that_knows_a_valid_block_offers_it_again_with_its_proof() -> None:
    machine = _locked_on_v(me=1)

    (effect,) = machine.step(TimeoutFired(Timer.PRECOMMIT, 0))

    assert isinstance(effect, SignProposal)
    assert effect.proposal == _propose(V, 1, pol_round=0)
    assert [index for index, _ in effect.proof] == [0, 1, 2]


def test_a_proof_counts_a_voter_that_signed_too_many_values_to_be_heard_otherwise() -> None:
    """The liar's vote completed a quorum that locked somebody; others must be able to learn of that lock."""
    machine = _machine(me=1)
    machine.start()
    machine.step(ProposalIn(_propose(V)))
    machine.step(BlockReady(V, is_valid=True))
    for number in range(9):
        machine.step(_prevote(bytes([number + 1]) * 32, 3))

    assert machine.step(ProofIn(0, V, ((0, SIGNATURE), (3, SIGNATURE)))) == ()
    assert machine.step(ProofIn(0, V, ((0, SIGNATURE), (2, SIGNATURE), (9, SIGNATURE)))) == ()
    effects = machine.step(ProofIn(0, V, tuple((index, SIGNATURE) for index in (0, 2, 3))))

    assert _signed(effects) == [(VoteType.PRECOMMIT, 0, V)]
    assert machine.locked == (V, 0)


def test_an_equivocator_counts_for_each_value_it_signed() -> None:
    """With only its first vote counted, the two honest votes for V would never make a quorum here."""
    machine = _machine(me=1)
    machine.start()
    machine.step(ProposalIn(_propose(V)))
    machine.step(BlockReady(V, is_valid=True))
    machine.step(_prevote(W, 3))
    for index in (1, 2):
        machine.step(_prevote(V, index))

    assert _signed(machine.step(_prevote(V, 3))) == [(VoteType.PRECOMMIT, 0, V)]


def test_a_flood_of_values_by_one_validator_is_not_kept() -> None:
    machine = _machine(me=1)
    machine.start()

    for number in range(50):
        machine.step(_prevote(bytes([number + 1]) * 32, 3))
        machine.step(_prevote(V, 3, round_number=1_000 + number))

    assert len(machine.votes[0, VoteType.PREVOTE]._signatures) == 2
    assert all(round_number <= 8 for round_number, _ in machine.votes)


def test_more_than_a_third_in_a_later_round_takes_the_machine_there() -> None:
    machine = _machine(me=0)
    machine.start()

    machine.step(_prevote(NIL, 1, round_number=3))
    assert machine.round == 0
    machine.step(_precommit(NIL, 2, round_number=3))

    assert machine.round == 3


def test_a_commit_that_arrives_before_the_proposal_decides_once_the_block_is_there() -> None:
    machine = _machine(me=2)
    machine.start()
    commit = Commit(height=5, round=2, block_hash=V, signatures=tuple((index, SIGNATURE) for index in (0, 1, 3)))

    assert machine.step(CommitIn(commit)) == (FetchBlock(V),)

    assert Decide(commit) in machine.step(BlockReady(V, is_valid=True))


def test_precommits_of_a_past_round_still_decide() -> None:
    machine = _locked_on_v(me=3)
    machine.step(TimeoutFired(Timer.PRECOMMIT, 0))
    assert machine.round == 1

    effects = [effect for index in (0, 1, 2) for effect in machine.step(_precommit(V, index))]

    assert isinstance(effects[-1], Decide)
    assert effects[-1].commit.round == 0


def test_timeouts_of_a_step_that_is_over_and_messages_of_other_heights_do_nothing() -> None:
    machine = _locked_on_v()

    assert machine.step(TimeoutFired(Timer.PROPOSE, 0)) == ()
    assert machine.step(TimeoutFired(Timer.PREVOTE, 0)) == ()
    assert machine.step(TimeoutFired(Timer.PRECOMMIT, 4)) == ()
    other = Vote(type=VoteType.PRECOMMIT, height=6, round=0, block_hash=V)
    assert machine.step(VoteIn(other, 0, SIGNATURE)) == ()
    assert machine.step(VoteIn(_vote(VoteType.PREVOTE, V, 0).vote, 99, SIGNATURE)) == ()


def test_a_node_without_a_key_follows_and_signs_nothing() -> None:
    machine = _machine(me=None)
    effects = list(machine.start())
    for message in (
        ProposalIn(_propose(V)),
        BlockReady(V, is_valid=True),
        *(_prevote(V, index) for index in range(4)),
        *(_precommit(V, index) for index in range(3)),
    ):
        effects += machine.step(message)

    assert not any(isinstance(effect, SignVote | SignProposal | BuildBlock) for effect in effects)
    assert isinstance(effects[-1], Decide)
