"""The known answers of the pool arithmetic, through the command's own runner."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.verify.amm_swap import FAMILY
from app.verify.family import Mismatch
from app.verify.vectors import verify_files

VECTORS = Path(__file__).parents[3] / "vectors" / "amm_swap.json"


def test_all_known_answers_pass() -> None:
    lines: list[str] = []
    count = verify_files([VECTORS], show=5, write=lines.append)
    assert str(count) == "1169 passed, 0 failed", lines


def moved(answer: Any) -> Any:
    """Return another answer of the same shape."""
    if isinstance(answer, dict):
        name = next((name for name, value in answer.items() if type(value) is int), "error")
        return answer | {name: moved(answer[name])}
    if isinstance(answer, bool):
        return not answer
    return answer + 1 if isinstance(answer, int | float) else f"no {answer}"


@pytest.mark.parametrize("op", sorted(FAMILY.runners))
def test_a_changed_answer_is_noticed(op: str) -> None:
    """A runner that cannot fail proves nothing."""
    case = next(case for case in json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"] if case["op"] == op)
    FAMILY.runners[op](case)
    name = next((name for name in case if name.startswith("exact") and case[name] is not None), "expected")
    case[name] = moved(case[name])
    with pytest.raises(Mismatch):
        FAMILY.runners[op](case)
