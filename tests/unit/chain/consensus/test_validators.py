import pytest

from chain.consensus.validators import (
    ValidatorSet,
    compute_proposer,
    decode_priorities,
    draw_proposer,
    encode_priorities,
)
from chain.errors import DecodeError
from chain.hashing import blake2b_256


def _set(*powers: int) -> ValidatorSet:
    return ValidatorSet(tuple((bytes([index]) * 32, power) for index, power in enumerate(powers)))


def test_a_set_reads_back_as_it_was_written_and_is_named_by_the_hash_of_its_bytes() -> None:
    validators = _set(5, 1 << 59)

    assert ValidatorSet.decode(validators.encode()) == validators
    assert validators.hash == blake2b_256(validators.encode())
    with pytest.raises(DecodeError):
        ValidatorSet.decode(validators.encode() + b"\x00")


@pytest.mark.parametrize(
    "members",
    [
        (),
        ((b"b" * 32, 1), (b"a" * 32, 1)),
        ((b"a" * 32, 1), (b"a" * 32, 1)),
        ((b"a" * 31, 1),),
        ((b"a" * 32, 0),),
        ((b"a" * 32, 1 << 60), (b"b" * 32, 1)),
    ],
    ids=["empty", "unordered", "duplicate", "short key", "no power", "too much power"],
)
def test_a_set_that_breaks_a_rule_is_refused(members: tuple[tuple[bytes, int], ...]) -> None:
    with pytest.raises(ValueError):
        ValidatorSet(members)


def test_a_quorum_is_more_than_two_thirds_and_a_blocking_minority_more_than_one() -> None:
    validators = _set(1, 1, 1)

    assert not validators.is_quorum(2)
    assert validators.is_quorum(3)
    assert not validators.is_blocking(1)
    assert validators.is_blocking(2)
    assert _set(7).is_quorum(7)


def test_validators_propose_exactly_in_proportion_to_their_power() -> None:
    validators = _set(1, 2, 5)
    priorities: tuple[int, ...] = (0, 0, 0)
    drawn = []
    for _ in range(80):
        index, priorities = draw_proposer(validators, priorities)
        drawn.append(index)

    assert [drawn.count(index) for index in range(3)] == [10, 20, 50]
    assert priorities == (0, 0, 0)


def test_a_single_validator_always_proposes_and_its_priority_never_moves() -> None:
    assert draw_proposer(_set(9), (0,)) == (0, (0,))
    assert compute_proposer(_set(9), (0,), 17) == 0


def test_a_later_round_is_a_later_draw_and_a_tie_goes_to_the_smaller_key() -> None:
    assert [compute_proposer(_set(1, 1, 1), (0, 0, 0), number) for number in range(4)] == [0, 1, 2, 0]


def test_priorities_read_back_as_they_were_written() -> None:
    assert decode_priorities(encode_priorities((-5, 0, 1 << 60)), 3) == (-5, 0, 1 << 60)
    with pytest.raises(DecodeError):
        decode_priorities(bytes(17), 2)
