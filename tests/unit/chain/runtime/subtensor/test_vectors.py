import json
from pathlib import Path
from typing import Any

import pytest

from app.verify.emission import FAMILY as EMISSION
from app.verify.family import Family, Mismatch
from app.verify.registration import FAMILY as REGISTRATION
from app.verify.staking import FAMILY as STAKING

VECTORS = Path(__file__).resolve().parents[4] / "vectors"


def sections(family: Family) -> list[tuple[Family, str, list[Any]]]:
    document = json.loads((VECTORS / f"{family.name}.json").read_bytes())
    assert family.recognises(document)
    return [(family, name, cases) for name, cases in family.sections(document) if name in family.runners]


SECTIONS = sections(STAKING) + sections(EMISSION) + sections(REGISTRATION)


@pytest.mark.parametrize(("family", "section", "cases"), SECTIONS, ids=[name for _, name, _ in SECTIONS])
def test_the_runtime_gives_the_known_answers(family: Family, section: str, cases: list[Any]) -> None:
    for case in cases:
        family.runners[section](case)


@pytest.mark.parametrize(("family", "section", "cases"), SECTIONS, ids=[name for _, name, _ in SECTIONS])
def test_a_wrong_answer_would_be_noticed(family: Family, section: str, cases: list[Any]) -> None:
    spoiled = json.loads(json.dumps(cases[-1]))
    for key in ("expected", "exact", "exact_q32", "exact_q64"):
        if key in spoiled:
            spoiled[key] = spoil(spoiled[key])

    with pytest.raises((Mismatch, KeyError, AttributeError)):
        family.runners[section](spoiled)


def spoil(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: spoil(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [spoil(inner) for inner in value] or [77]
    return 77 if value is None else value + 10**6
