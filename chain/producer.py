"""How a single validator makes a block: from the pool, through the consensus machine, to a decided candidate."""

import logging
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from chain.consensus.machine import (
    BuildBlock,
    Built,
    Decide,
    FetchBlock,
    Input,
    Machine,
    ProposalIn,
    Schedule,
    SignProposal,
    SignVote,
    VoteIn,
)
from chain.consensus.messages import Commit
from chain.errors import InvariantBroken
from chain.executor import Candidate, Head, build_candidate
from chain.hashing import blake2b_256, sign_digest
from chain.keys import KeyPair
from chain.mempool import Mempool, PoolEvent
from chain.runtime.errors import EXHAUSTS, FUTURE

CANDIDATES_MAX: Final = 20_000
"""How many waiting extrinsics one block looks at."""

CULPRITS_MAX: Final = 8
"""How many extrinsics that break the building are thrown out of one block before it stays empty."""

_LATER: Final = frozenset({EXHAUSTS, FUTURE})
"""Why a block leaves an extrinsic out that a later one may hold."""

_log = logging.getLogger(__name__)

Build = Callable[[Sequence[bytes]], Candidate]


def decide_alone(head: Head, key: KeyPair, build: Callable[[int], Candidate]) -> tuple[Candidate, Commit]:
    """Run the consensus machine of the next height to its decision and return the block with its commit.

    ``build`` makes a block for a round. The rules are those of any number of validators; ours alone is the quorum.
    Raises ``InvariantBroken`` where that leads to no decision, as it would if our key were not the only validator.
    """
    index = head.validators.index_of(key.public)
    machine = Machine(height=head.height + 1, validators=head.validators, priorities=head.priorities, me=index)
    candidate: Candidate | None = None
    effects = list(machine.start())
    while effects:
        effect = effects.pop(0)
        answer: Input
        match effect:
            case BuildBlock(round_number):
                candidate = build(round_number)
                header = candidate.block.header
                answer = Built(round_number, header.hash, header.time_ms)
            case SignProposal(proposal, proof):
                answer = ProposalIn(proposal, proof=proof)
            case SignVote(vote):
                digest = sign_digest("vote", head.genesis_hash, vote.encode())
                answer = VoteIn(vote, index or 0, key.sign(digest))
            case Decide(commit):
                if candidate is None or commit.block_hash != candidate.block.hash:
                    break
                return candidate, commit
            case Schedule() | FetchBlock():
                # Our own messages are never late, and our own blocks never unknown.
                continue
        effects += machine.step(answer)
    raise InvariantBroken(f"no decision at height {head.height + 1}")


def build_from_pool(
    head: Head, pool: Mempool, *, time_ms: int, round_number: int, proposer: bytes
) -> tuple[Candidate, list[PoolEvent]]:
    """Build a block of what waits, and return it with what left the pool because no block can hold it.

    An extrinsic that breaks the building, which is a mistake of ours, is found by halving, thrown out and logged. The
    overlay it wrote to is gone with it, so the rest goes on.
    """
    verified = pool.hashes()

    def build(candidates: Sequence[bytes]) -> Candidate:
        return build_candidate(
            head, candidates, time_ms=time_ms, round_number=round_number, proposer=proposer, verified=verified
        )

    waiting = list(islice(pool.ready(), CANDIDATES_MAX))
    events: list[PoolEvent] = []
    for _ in range(CULPRITS_MAX):
        try:
            candidate = build(waiting)
            break
        except Exception:
            if not waiting:
                raise
            _log.exception("block %d cannot be built of %d extrinsics", head.height + 1, len(waiting))
            culprit = waiting.pop(_find_culprit(build, waiting))
            events += pool.reject(blake2b_256(culprit), height=head.height)
    else:
        _log.error("block %d stays empty", head.height + 1)
        candidate, waiting = build(()), []
    for position, reason in candidate.left_out:
        if reason.data not in _LATER:
            events += pool.reject(blake2b_256(waiting[position]), height=head.height)
    return candidate, events


def _find_culprit(build: Build, waiting: Sequence[bytes]) -> int:
    """Return the place of an extrinsic with which the building fails and before which it does not."""
    good, bad = 0, len(waiting)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            build(waiting[:middle])
        except Exception:  # noqa: BLE001 - the first failure was logged; here only where it begins matters
            bad = middle
        else:
            good = middle
    return bad - 1
