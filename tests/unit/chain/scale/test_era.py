import pytest

from chain.errors import DecodeError, EncodeError
from chain.scale.era import IMMORTAL, Era, decode_era, mortal_era


def test_the_immortal_era_is_one_byte_and_never_ends() -> None:
    assert IMMORTAL.encode() == b"\0"
    assert decode_era(b"\0\xff") == (IMMORTAL, 1)
    assert (IMMORTAL.birth(99), IMMORTAL.death(99)) == (0, None)


@pytest.mark.parametrize(
    ("asked", "given"), [(1, 4), (4, 4), (5, 8), (64, 64), (65, 128), (65_536, 65_536), (10**6, 65_536)]
)
def test_a_period_is_raised_to_a_power_of_two_within_bounds(asked: int, given: int) -> None:
    assert mortal_era(asked, 0).period == given


def test_an_era_is_alive_from_birth_to_the_block_before_death() -> None:
    era = mortal_era(64, 42)

    assert (era.birth(42), era.death(42)) == (42, 106)
    assert (era.birth(105), era.birth(106)) == (42, 106)


def test_a_long_era_says_its_phase_in_steps() -> None:
    assert mortal_era(65_536, 1_000_001) == Era(65_536, 1_000_001 % 65_536 // 16 * 16)


@pytest.mark.parametrize("data", ["10", "1000", "4100", "f100"])
def test_other_bytes_are_no_era(data: str) -> None:
    with pytest.raises(DecodeError):
        decode_era(bytes.fromhex(data))


@pytest.mark.parametrize("era", [Era(3, 0), Era(2, 0), Era(64, 64), Era(65_536, 1), Era(0, 1), Era(1 << 17, 0)])
def test_an_impossible_era_is_not_written(era: Era) -> None:
    with pytest.raises(EncodeError):
        era.encode()


@pytest.mark.parametrize(("period", "current"), [(0, 1), (64, -1)])
def test_no_era_is_made_of_nonsense(period: int, current: int) -> None:
    with pytest.raises(EncodeError):
        mortal_era(period, current)
