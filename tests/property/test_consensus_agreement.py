"""A small simulated network of machines: one seed fixes delays, losses, timeouts and what the liar sends."""

from collections.abc import Iterator, Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from chain.consensus.machine import (
    BlockReady,
    BuildBlock,
    Built,
    CommitIn,
    Decide,
    Effect,
    FetchBlock,
    Input,
    Machine,
    ProposalIn,
    Schedule,
    SignProposal,
    SignVote,
    TimeoutFired,
    VoteIn,
)
from chain.consensus.messages import NIL, Proposal, Vote, VoteType
from chain.consensus.validators import ValidatorSet, compute_proposer

COUNT = 4
STEPS_MAX = 4_000
LIAR = 3


class Network:
    """Four validators of equal power; with ``has_liar`` the last one votes for anything, to anyone."""

    def __init__(self, random: Random, *, has_liar: bool) -> None:
        self.random = random
        self.honest = range(LIAR if has_liar else COUNT)
        self.has_liar = has_liar
        validators = ValidatorSet(tuple((bytes([index]) * 32, 1) for index in range(COUNT)))
        self.machines = [
            Machine(height=1, validators=validators, priorities=(0,) * COUNT, me=index) for index in range(COUNT)
        ]
        self.pending: list[tuple[int, Input]] = []
        self.history: list[Input] = []
        self.decided: dict[int, bytes] = {}
        self.is_lossy = True

    def run(self) -> None:
        for index in self.honest:
            self._carry_out(index, self.machines[index].start())
        for _ in range(self.random.randrange(200)):
            self._step()
        self.is_lossy = False
        # From here on nothing is lost, and what was lost before is sent again, as gossip does.
        for message in list(self.history):
            self.pending += [(index, message) for index in self.honest]
        for _ in range(STEPS_MAX):
            if len(self.decided) == len(self.honest) or not self.pending:
                break
            self._step()

    def _step(self) -> None:
        if self.has_liar and self.is_lossy and self.random.random() < 0.3:
            self._lie()
        if not self.pending:
            return
        places: Sequence[int] = range(len(self.pending))
        if not self.is_lossy:
            # In good times the waits are longer than the journeys of all messages.
            places = [at for at in places if not isinstance(self.pending[at][1], TimeoutFired)] or places
        at = self.random.choice(places)
        index, message = self.pending.pop(at)
        if self.is_lossy and self.random.random() < 0.2 and not isinstance(message, TimeoutFired | BlockReady):
            return
        self._carry_out(index, self.machines[index].step(message))

    def _carry_out(self, index: int, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case BuildBlock(round_number):
                    value = bytes([index + 1, round_number + 1]) * 16
                    self._carry_out(index, self.machines[index].step(Built(round_number, value, 1)))
                case SignProposal(proposal, proof):
                    self._send(ProposalIn(proposal, proof=proof))
                case SignVote(vote):
                    self._send(VoteIn(vote, index, bytes(64)))
                case Schedule(timer, round_number):
                    self.pending.append((index, TimeoutFired(timer, round_number)))
                case FetchBlock(value):
                    self.pending.append((index, BlockReady(value, is_valid=True)))
                case Decide(commit):
                    self.decided[index] = commit.block_hash
                    self._send(CommitIn(commit))

    def _send(self, message: Input) -> None:
        self.history.append(message)
        self.pending += [(index, message) for index in self.honest]

    def _lie(self) -> None:
        machine = self.machines[0]
        round_number = self.random.randrange(machine.round + 2)
        values = [NIL, *self._seen_values(), b"\xee" * 32]
        value = self.random.choice(values)
        to = self.random.choice(self.honest)
        if (
            compute_proposer(machine.validators, machine.priorities, round_number) == LIAR
            and self.random.random() < 0.3
        ):
            proposal = Proposal(height=1, round=round_number, pol_round=-1, block_hash=b"\xee" * 32, time_ms=1)
            self.pending.append((to, ProposalIn(proposal)))
            return
        kind = self.random.choice((VoteType.PREVOTE, VoteType.PRECOMMIT))
        vote = VoteIn(Vote(type=kind, height=1, round=round_number, block_hash=value), LIAR, bytes(64))
        self.history.append(vote)
        self.pending.append((to, vote))

    def _seen_values(self) -> Iterator[bytes]:
        for message in self.history:
            if isinstance(message, ProposalIn):
                yield message.proposal.block_hash


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), has_liar=st.booleans())
def test_honest_validators_never_decide_differently_and_decide_once_messages_arrive(
    *, seed: int, has_liar: bool
) -> None:
    network = Network(Random(seed), has_liar=has_liar)

    network.run()

    assert len(set(network.decided.values())) <= 1
    assert sorted(network.decided) == list(network.honest)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_run_is_a_function_of_its_seed(seed: int) -> None:
    runs = []
    for _ in range(2):
        network = Network(Random(seed), has_liar=True)
        network.run()
        runs.append((network.decided, network.history))

    assert runs[0] == runs[1]
