from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.actors.scoring import CHARACTERS, ROW_MAX, SEASON_EPOCHS, U16_MAX, Character, draw, score_miners, skill_of

VALIDATOR = b"\x07" * 32
HOTKEYS = [bytes([number]) * 32 for number in range(1, 41)]
MINERS = list(enumerate(HOTKEYS, 4))
FAIR = Character(noise=0, lag=0, favour=0)


@given(st.integers(0, 2**64), st.lists(st.integers(0, 99), max_size=3), st.integers(1, 1 << 40))
def test_a_draw_depends_on_its_words_alone_and_stays_below_its_bound(seed: int, what: list[int], below: int) -> None:
    first = draw(seed, *what, below=below)

    assert first == draw(seed, *what, below=below)
    assert 0 <= first < below


def test_draws_are_spread_evenly() -> None:
    counts = Counter(draw(3, "dice", number, below=6) for number in range(6_000))

    assert all(850 < count < 1_150 for count in counts.values())
    assert len(counts) == 6


def test_form_lasts_a_season_and_talent_longer() -> None:
    skills = [skill_of(7, 1, 0, HOTKEYS[0], epoch) for epoch in range(4 * SEASON_EPOCHS)]

    assert len(set(skills[:SEASON_EPOCHS])) == 1
    assert len(set(skills)) > 1
    assert max(skills) < 2 * min(skills)


@pytest.mark.parametrize("character", CHARACTERS)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 40), epoch=st.integers(0, 10**6))
def test_a_row_is_one_that_the_chain_takes(character: Character, seed: int, count: int, epoch: int) -> None:
    row = score_miners(seed, 1, 0, MINERS[:count], epoch=epoch, validator=VALIDATOR, character=character)

    uids, values = [uid for uid, _ in row], [value for _, value in row]
    assert len(row) == min(count, ROW_MAX)
    assert uids == sorted(set(uids))
    assert set(uids) <= {uid for uid, _ in MINERS}
    assert all(1 <= value <= U16_MAX for value in values)
    assert not values or max(values) == U16_MAX


def test_who_sees_without_noise_ranks_by_skill() -> None:
    row = score_miners(7, 1, 0, MINERS, epoch=9, validator=VALIDATOR, character=FAIR)

    skills = {uid: skill_of(7, 1, 0, hotkey, 9) for uid, hotkey in MINERS}
    assert {uid for uid, _ in row} == set(sorted(skills, key=lambda uid: (-skills[uid], uid))[:ROW_MAX])
    by_weight = sorted(row, key=lambda entry: entry[1])
    assert [skills[uid] for uid, _ in by_weight] == sorted(skills[uid] for uid, _ in by_weight)


def test_a_late_validator_sees_what_was_and_a_favourite_is_lifted() -> None:
    late = Character(noise=0, lag=SEASON_EPOCHS, favour=0)
    biased = Character(noise=0, lag=0, favour=1_500)
    few = MINERS[:6]

    assert score_miners(7, 1, 0, few, epoch=9, validator=VALIDATOR, character=late) == score_miners(
        7, 1, 0, few, epoch=9 - SEASON_EPOCHS, validator=VALIDATOR, character=FAIR
    )
    assert score_miners(7, 1, 0, few, epoch=9, validator=VALIDATOR, character=biased) != score_miners(
        7, 1, 0, few, epoch=9, validator=VALIDATOR, character=FAIR
    )


def test_another_seed_finds_other_miners_good() -> None:
    rows = {tuple(score_miners(seed, 1, 0, MINERS, epoch=0, validator=VALIDATOR, character=FAIR)) for seed in range(10)}

    assert len(rows) == 10
