"""Reads the paths and expectations that the reference's own tests state about an epoch.

A path is a figure's name with ``[index]`` and ``[uid=column]``, ``/65535`` or ``/2^32`` behind it, or a sum of
``sum(name)``; an expectation is a number, a list, or a comparison such as ``> 0`` or ``== name[1]``.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.verify.family import Case, Mismatch

_PATH: Final = re.compile(r"(?P<name>\w+?)(?P<steps>(\[[^\]]+\])*)(/(?P<divisor>[\d^]+))?")
_SUM: Final = re.compile(r"sum\((?P<path>[^)]+)\)")
_COMPARISON: Final = re.compile(r"(?P<sign>==|!=|>=|<=|>|<)\s*(?P<right>.+)")
_SIGNS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def expect_asserted(figures: Mapping[str, Any], asserted: Case) -> None:
    """Raise ``Mismatch`` unless a stated figure holds within its tolerance; ``ValueError`` for an unknown path."""
    path, wanted, tolerance = asserted["path"], asserted["value"], asserted["tolerance"]
    actual = read(figures, path)
    if isinstance(wanted, str):
        comparison = _COMPARISON.fullmatch(wanted)
        if comparison is None:
            raise ValueError(f"not a comparison: {wanted}")
        right = comparison["right"]
        holds = _SIGNS[comparison["sign"]](actual, float(right) if _is_number(right) else read(figures, right))
    else:
        holds = is_close(actual, wanted, tolerance)
    if not holds:
        raise Mismatch(f"{path}: expected {wanted!r} within {tolerance}, got {actual!r}")


def read(figures: Mapping[str, Any], path: str) -> Any:
    """Return the value that a path leads to."""
    if path.startswith("sum("):
        return sum(sum(read(figures, _matched(_SUM, part)["path"])) for part in path.split("+"))
    match = _matched(_PATH, path)
    value = figures[match["name"]]
    for step in re.findall(r"\[([^\]]+)\]", match["steps"]):
        if step.startswith("uid="):
            value = dict(map(tuple, value)).get(int(step.removeprefix("uid=")), 0)
        else:
            value = value[int(step)]
    return value if match["divisor"] is None else _divided(value, _number(match["divisor"]))


def is_close(actual: Any, wanted: Any, tolerance: float) -> bool:
    """Compare numbers within the tolerance, and lists element by element."""
    if isinstance(wanted, list):
        return len(actual) == len(wanted) and all(map(is_close, actual, wanted, [tolerance] * len(wanted)))
    if isinstance(wanted, bool) or isinstance(actual, bool):
        return actual is wanted
    return bool(abs(actual - wanted) <= tolerance)


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a path: {text}")
    return match


def _divided(value: Any, divisor: int) -> Any:
    return [_divided(item, divisor) for item in value] if isinstance(value, list) else value / divisor


def _number(text: str) -> int:
    base, _, exponent = text.partition("^")
    number: int = int(base) ** int(exponent or 1)
    return number


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
