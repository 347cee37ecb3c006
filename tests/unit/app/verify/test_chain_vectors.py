import copy
import json
from pathlib import Path
from typing import Any

import pytest

from app.verify import crypto, substrate_declarations, substrate_wire
from app.verify.family import Family

FOLDER = Path(__file__).parents[3] / "vectors"
FAMILIES = (crypto.FAMILY, substrate_wire.FAMILY, substrate_declarations.FAMILY)
ELSEWHERE = {"liability_sum_tree"}


def load(family: Family) -> Any:
    return json.loads((FOLDER / f"{family.name}.json").read_bytes())


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_case_of_every_section_holds(family: Family) -> None:
    for section, cases in family.sections(load(family)):
        runner = family.runners.get(section)
        assert cases
        if runner is None:
            assert section in ELSEWHERE
            continue
        for case in cases:
            runner(case)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_recognises_its_own_format_and_no_other(family: Family) -> None:
    for other in FAMILIES:
        assert family.recognises(load(other)) is (family is other)
    for nothing in ({}, {"about": ""}, [], None, {"vectors": []}, {"stranger": []}):
        assert not family.recognises(nothing)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_file_with_some_sections_only_is_recognised_too(family: Family) -> None:
    document = load(family)
    for name in document.keys() - {"about", "spec_name", "spec_version", "transaction_version"}:
        part = {"about": document.get("about"), name: document[name]}
        assert [found.name for found in FAMILIES if found.recognises(part)] == [family.name]


def spoil(value: Any) -> Any:
    """Return another answer of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str() if value.isdecimal():
            return str(int(value) + 1)
        case str():
            return ("1" if value[-1:] == "0" else "0").join((value[:-1], "")) if value else "00"
        case list():
            return [*value, value[-1] if value else 0]
        case dict():
            return {**value, "more": 0}
    return 0


ANSWERS = {
    "crypto": {
        "ed25519_rfc8032": "signature",
        "ed25519_wycheproof": "valid",
        "ed25519_strictness": "valid",
        "blake2b_512": "out",
        "blake2b_256": "out",
        "ss58": "address",
        "compact": "n",
        "era": "hex",
        "sign_digests": "of.signature",
        "merkle_list": "root",
        "state_tree": "final_root",
        "event_log_chain": "hash",
        "extrinsic_intent": "of.intent_id",
        "header": "block_hash",
    },
    "substrate_wire": {
        "accounts": "ss58",
        "storage_keys": "key",
        "compact": "value",
        "era": "encoded",
        "calls": "scale",
        "signed_extrinsics": "signature",
        "inherent": "extrinsic",
        "event_vectors": "scale",
        "runtime_api": "scale",
        "account_info": "scale",
        "header": "hash",
    },
    "substrate_declarations": {
        "version": "spec_version",
        "extrinsic": "extensions",
        "outer_enums": "path",
        "paths_required": "path",
        "types": "path",
        "pallets": "index",
        "storage": "value",
        "calls": "index",
        "events": "index",
        "constants": "value",
        "runtime_apis": "output",
    },
}


def spoiled(case: Any, answer: str) -> Any:
    changed = copy.deepcopy(case)
    *path, name = answer.split(".")
    place = changed
    for step in path:
        place = place[step]
    if name not in place or "why" in place:
        return None
    place[name] = spoil(place[name])
    return changed


@pytest.mark.parametrize(("family", "section"), [(name, section) for name in ANSWERS for section in ANSWERS[name]])
def test_a_changed_answer_is_noticed(family: str, section: str) -> None:
    """A runner that accepts whatever it is given would pass the first test above as well."""
    found = next(one for one in FAMILIES if one.name == family)
    cases = dict(found.sections(load(found)))[section]
    changed = [case for case in (spoiled(case, ANSWERS[family][section]) for case in cases) if case is not None]

    assert changed
    for case in changed:
        with pytest.raises(Exception):  # noqa: B017 - a crash counts as a failure as well
            found.runners[section](case)


def test_every_runner_is_tried_with_a_changed_answer() -> None:
    assert {family.name: set(family.runners) for family in FAMILIES} == {
        name: set(sections) for name, sections in ANSWERS.items()
    }
