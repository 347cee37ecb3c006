"""Who may vote, how much each vote weighs, and whose turn it is to propose."""

from dataclasses import dataclass
from typing import Final

from chain.consensus.encoding import Reader
from chain.consensus.messages import MAX_VALIDATORS
from chain.hashing import HASH_BYTES, blake2b_256
from chain.scale.compact import encode_compact

MAX_TOTAL_POWER: Final = 1 << 60
_POWER_BYTES = 8


@dataclass(frozen=True, slots=True)
class ValidatorSet:
    """``(ed25519 public key, power)``, ascending by key; powers are positive and sum to at most 2^60.

    Raises ``ValueError`` for a set that breaks these rules or is empty: a chain without voters could never go on.
    """

    members: tuple[tuple[bytes, int], ...]

    def __post_init__(self) -> None:
        publics = [public for public, _ in self.members]
        if not 0 < len(self.members) <= MAX_VALIDATORS:
            raise ValueError(f"a set of {len(self.members)} validators")
        if publics != sorted(set(publics)) or any(len(public) != HASH_BYTES for public in publics):
            raise ValueError("validators are not ascending distinct keys")
        if any(power <= 0 for _, power in self.members) or self.total > MAX_TOTAL_POWER:
            raise ValueError("a validator without power, or too much power in all")

    @property
    def total(self) -> int:
        """All power together."""
        return sum(power for _, power in self.members)

    def power(self, index: int) -> int:
        """Return the power of the validator at ``index``."""
        return self.members[index][1]

    def index_of(self, public: bytes) -> int | None:
        """Return the place of a key, ``None`` for a stranger."""
        return next((index for index, (member, _) in enumerate(self.members) if member == public), None)

    def is_quorum(self, power: int) -> bool:
        """Say whether ``power`` is more than two thirds, counted in whole numbers."""
        return 3 * power > 2 * self.total

    def is_blocking(self, power: int) -> bool:
        """Say whether ``power`` is more than one third: at least one honest validator is in it."""
        return 3 * power > self.total

    def encode(self) -> bytes:
        """Return ``Vec<([u8;32], u64)>``, the value of ``:bft:validators``."""
        members = (public + power.to_bytes(_POWER_BYTES, "little") for public, power in self.members)
        return encode_compact(len(self.members)) + b"".join(members)

    @classmethod
    def decode(cls, data: bytes) -> "ValidatorSet":
        """Read a set; raises ``DecodeError`` for bytes that are none, or a set that breaks the rules."""
        reader = Reader(data)
        count = reader.compact(MAX_VALIDATORS)
        members = tuple((reader.take(HASH_BYTES), reader.unsigned(_POWER_BYTES)) for _ in range(count))
        reader.finish()
        try:
            return cls(members)
        except ValueError as error:
            raise reader.malformed(str(error)) from None

    @property
    def hash(self) -> bytes:
        """``validators_hash`` of a header."""
        return blake2b_256(self.encode())


def draw_proposer(validators: ValidatorSet, priorities: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Return whose turn it is, as an index, and the priorities after the draw.

    Smooth weighted round robin (``spec/consensus.md`` section 6.1): everyone gains its power, the largest proposes and
    loses the total, the smaller key wins a tie.
    """
    raised = [priority + power for priority, (_, power) in zip(priorities, validators.members, strict=True)]
    index = max(range(len(raised)), key=lambda at: (raised[at], -at))
    raised[index] -= validators.total
    return index, tuple(raised)


def compute_proposer(validators: ValidatorSet, priorities: tuple[int, ...], round_number: int) -> int:
    """Return the proposer of a round: draw number ``round + 1`` from the priorities stored for the height."""
    index = 0
    for _ in range(round_number + 1):
        index, priorities = draw_proposer(validators, priorities)
    return index


def encode_priorities(priorities: tuple[int, ...]) -> bytes:
    """Return the value of ``:bft:priority``: signed 64-bit integers in the set's order."""
    return b"".join(priority.to_bytes(_POWER_BYTES, "little", signed=True) for priority in priorities)


def decode_priorities(data: bytes, count: int) -> tuple[int, ...]:
    """Read the priorities of ``count`` validators; raises ``DecodeError`` for another length."""
    reader = Reader(data)
    priorities = tuple(reader.signed(_POWER_BYTES) for _ in range(count))
    reader.finish()
    return priorities
