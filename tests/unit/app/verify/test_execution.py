import json
from pathlib import Path

import pytest

from app.verify.execution import FAMILY, NOT_BUILT

VECTORS = Path(__file__).parents[3] / "vectors" / "execution.json"
DOCUMENT = json.loads(VECTORS.read_bytes())
SECTIONS = dict(FAMILY.sections(DOCUMENT))


def test_the_family_recognises_its_file() -> None:
    assert FAMILY.recognises(DOCUMENT)
    assert set(SECTIONS) == set(FAMILY.runners) | set(NOT_BUILT)


@pytest.mark.parametrize("section", sorted(FAMILY.runners))
def test_every_known_answer_of_a_section_holds(section: str) -> None:
    for case in SECTIONS[section]:
        FAMILY.runners[section](case)


def test_the_story_notices_a_balance_that_differs_by_one_rao() -> None:
    (story,) = SECTIONS["story"]
    changed = json.loads(json.dumps(story))
    changed["expected"][3]["after"]["balances"]["house:fees|TAO"] += 1

    with pytest.raises(Exception, match="carol would pass the cap: balances"):
        FAMILY.runners["story"](changed)
