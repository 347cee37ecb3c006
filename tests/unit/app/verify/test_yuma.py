import copy
import json
from pathlib import Path
from typing import Any

import pytest

from app.verify import yuma, yuma_asserted, yuma_recipe
from app.verify.family import Mismatch
from app.verify.vectors import verify_files

FILE = Path(__file__).parents[3] / "vectors" / "yuma.json"
DOCUMENT: dict[str, Any] = json.loads(FILE.read_bytes())
SECTIONS = [name for name in DOCUMENT if name != "format"]


def test_every_case_of_every_section_holds_and_none_is_skipped() -> None:
    lines: list[str] = []

    count = verify_files([FILE], show=3, write=lines.append)

    assert (count.failed, count.skipped) == (0, 0)
    assert count.passed == sum(len(DOCUMENT[name]) for name in SECTIONS)
    assert [line.split(":")[0].split()[-1] for line in lines] == SECTIONS


def spoil(value: Any) -> Any:
    """Return another answer of the same kind."""
    match value:
        case None:
            return 1
        case bool():
            return not value
        case int():
            return value + 1
        case str() if value.lstrip("-").isdecimal():
            return str(int(value) + 1)
        case str():
            return value + "0"
        case []:
            return [0]
        case _:
            return [*value[:-1], spoil(value[-1])]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_wrong_answer_is_noticed_in_every_section(section: str) -> None:
    runner = yuma.FAMILY.runners[section]
    for case in DOCUMENT[section][:: max(1, len(DOCUMENT[section]) // 25)]:
        spoiled = copy.deepcopy(case)
        match section:
            case "sequences":
                exact = spoiled["steps"][-1]["exact"]
                exact["consensus"] = spoil(exact["consensus"])
            case "epochs":
                spoiled["exact"]["bonds_u16"] = [*spoiled["exact"]["bonds_u16"], []]
            case "large":
                spoiled["sha256"]["bonds_u16"] = "00"
            case _:
                spoiled["out"] = spoil(spoiled["out"])
        with pytest.raises(Mismatch):
            runner(spoiled)


@pytest.mark.parametrize("name", sorted(DOCUMENT["epochs"][0]["exact"]))
def test_every_exact_figure_is_compared(name: str) -> None:
    case = copy.deepcopy(next(case for case in DOCUMENT["epochs"] if case["inputs"]["n"] > 4))
    case["exact"][name] = spoil(case["exact"][name])

    with pytest.raises(Mismatch, match=name):
        yuma.FAMILY.runners["epochs"](case)


def test_an_asserted_figure_is_compared_within_its_tolerance() -> None:
    figures = {"emission": [5, 7], "stake": [2**31], "bonds": [[[3, 9]]], "flags": [True]}

    def holds(path: str, value: Any, tolerance: float = 0) -> bool:
        try:
            yuma_asserted.expect_asserted(figures, {"path": path, "value": value, "tolerance": tolerance})
        except Mismatch:
            return False
        return True

    assert holds("emission", [5, 7])
    assert holds("emission", [6, 6], 1)
    assert not holds("emission", [5, 7, 0])
    assert not holds("emission", [7, 7], 1)
    assert holds("emission[1]", "> 6")
    assert not holds("emission[0]", "== emission[1]")
    assert holds("sum(emission)+sum(stake)", 12 + 2**31)
    assert holds("stake[0]/2^32", 0.5)
    assert holds("bonds[0][uid=3]", 9)
    assert holds("bonds[0][uid=4]", 0)
    assert holds("flags[0]", True)
    assert not holds("flags[0]", False)


def test_an_unreadable_path_or_comparison_is_no_success() -> None:
    for asserted in ({"path": "a b", "value": 1}, {"path": "x", "value": "about 3"}):
        with pytest.raises(ValueError, match="not a"):
            yuma_asserted.expect_asserted({"x": 3}, {**asserted, "tolerance": 0})


def test_a_recipe_draws_stakes_first_then_all_weights_then_all_bonds() -> None:
    recipe = {"seed": 1, "n": 3, "validators": 2, "density_percent": 100, "yuma3": True, "liquid_alpha": False}
    draw = yuma_recipe.draws(1)
    drawn = [next(draw) for _ in range(2 + 2 * 2 * 3 * 2)]

    inputs = yuma_recipe.inputs_of_recipe(recipe)

    assert inputs.alpha_stake == [1000 * drawn[0], 1000 * drawn[1], 0]
    assert inputs.weights[0] == [(0, drawn[3] % 65_535 + 1), (1, drawn[5] % 65_535 + 1), (2, drawn[7] % 65_535 + 1)]
    assert inputs.bonds[0][0] == (0, drawn[15] % 65_535 + 1)
    assert inputs.weights[2] == inputs.bonds[2] == []


def test_only_its_own_format_is_recognised() -> None:
    assert yuma.FAMILY.recognises(DOCUMENT)
    for section in SECTIONS:
        assert yuma.FAMILY.recognises({section: DOCUMENT[section]})
    for nothing in ({}, {"format": {}}, [], None, {"epochs": [], "stranger": []}, {"vectors": []}):
        assert not yuma.FAMILY.recognises(nothing)
