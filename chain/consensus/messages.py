"""What validators sign and pass on: votes, proposals, and the certificates made of votes."""

from dataclasses import dataclass
from enum import IntEnum

from chain.consensus.encoding import Reader
from chain.hashing import HASH_BYTES, ZERO_HASH
from chain.scale.compact import encode_compact

NIL = ZERO_HASH
"""What a vote names instead of a block to say: none in this round."""

SIGNATURE_BYTES = 64
MAX_VALIDATORS = 100
_UNPROVEN_ROUND = -1


class VoteType(IntEnum):
    """The two voting steps, with their numbers in a vote's body."""

    PREVOTE = 1
    PRECOMMIT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One validator's answer in one step of one round; ``block_hash`` is ``NIL`` for "none"."""

    type: VoteType
    height: int
    round: int
    block_hash: bytes

    def encode(self) -> bytes:
        """Return the body that is signed under the tag ``vote``."""
        return b"".join(
            (
                self.type.to_bytes(1, "little"),
                self.height.to_bytes(8, "little"),
                self.round.to_bytes(4, "little"),
                self.block_hash,
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> "Vote":
        """Read a body; raises ``DecodeError`` for an unknown type or another length."""
        reader = Reader(data)
        tag = reader.unsigned(1)
        if tag not in {VoteType.PREVOTE, VoteType.PRECOMMIT}:
            raise reader.malformed(f"unknown vote type {tag}")
        vote = cls(
            type=VoteType(tag),
            height=reader.unsigned(8),
            round=reader.unsigned(4),
            block_hash=reader.take(HASH_BYTES),
        )
        reader.finish()
        return vote


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposer's offer for one round; ``pol_round`` is -1 for a fresh block, else the round that proved it."""

    height: int
    round: int
    pol_round: int
    block_hash: bytes
    time_ms: int

    def encode(self) -> bytes:
        """Return the body that is signed under the tag ``proposal``."""
        return b"".join(
            (
                self.height.to_bytes(8, "little"),
                self.round.to_bytes(4, "little"),
                self.pol_round.to_bytes(4, "little", signed=True),
                self.block_hash,
                self.time_ms.to_bytes(8, "little"),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> "Proposal":
        """Read a body; raises ``DecodeError`` for a negative round other than -1 or another length."""
        reader = Reader(data)
        proposal = cls(
            height=reader.unsigned(8),
            round=reader.unsigned(4),
            pol_round=reader.signed(4),
            block_hash=reader.take(HASH_BYTES),
            time_ms=reader.unsigned(8),
        )
        reader.finish()
        if proposal.pol_round < _UNPROVEN_ROUND:
            raise reader.malformed(f"proof round {proposal.pol_round}")
        return proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Precommits of more than two thirds of the power for one block: the proof that it is final.

    ``signatures`` are ``(validator index, signature)``, ascending by index.
    """

    height: int
    round: int
    block_hash: bytes
    signatures: tuple[tuple[int, bytes], ...]

    def encode(self) -> bytes:
        """Return the bytes whose hash the next header carries."""
        return b"".join(
            (
                self.height.to_bytes(8, "little"),
                self.round.to_bytes(4, "little"),
                self.block_hash,
                encode_compact(len(self.signatures)),
                *(index.to_bytes(2, "little") + signature for index, signature in self.signatures),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> "Commit":
        """Read a commit; raises ``DecodeError`` for indices that do not ascend or anything trailing."""
        reader = Reader(data)
        commit = cls.read(reader)
        reader.finish()
        return commit

    @classmethod
    def read(cls, reader: Reader) -> "Commit":
        """Read a commit that may be followed by something else."""
        height, round_number = reader.unsigned(8), reader.unsigned(4)
        block_hash = reader.take(HASH_BYTES)
        signatures: list[tuple[int, bytes]] = []
        for _ in range(reader.compact(MAX_VALIDATORS)):
            index = reader.unsigned(2)
            if signatures and index <= signatures[-1][0]:
                raise reader.malformed(f"validator {index} does not follow {signatures[-1][0]}")
            signatures.append((index, reader.take(SIGNATURE_BYTES)))
        return cls(height=height, round=round_number, block_hash=block_hash, signatures=tuple(signatures))
