"""What a family of vectors is: how its files look and which runner answers each section."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Case = Any
Runner = Callable[[Case], None]


class Mismatch(Exception):  # noqa: N818 - a difference, not an error of ours
    """The project's answer differs from the known one."""


def expect(actual: object, expected: object, what: str = "result") -> None:
    """Raise ``Mismatch`` unless both are equal."""
    if actual != expected:
        raise Mismatch(f"{what}: expected {expected!r}, got {actual!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One format of vector file.

    ``recognises`` looks at a parsed document; ``sections`` yields ``(section, cases)``; a runner returns when its case
    holds and raises ``Mismatch`` when not (anything else it raises is a failure too). A section without a runner is
    skipped and counted as such.
    """

    name: str
    recognises: Callable[[Any], bool]
    sections: Callable[[Any], Iterator[tuple[str, list[Case]]]]
    runners: Mapping[str, Runner]


def sections_by_op(document: Any) -> Iterator[tuple[str, list[Case]]]:
    """Group the ``vectors`` of a document by their ``op``, in order of first appearance."""
    groups: dict[str, list[Case]] = {}
    for vector in document["vectors"]:
        groups.setdefault(vector["op"], []).append(vector)
    yield from groups.items()


def recognises_ops(*ops: str) -> Callable[[Any], bool]:
    """Recognise documents whose ``vectors`` use only these ops."""
    known = frozenset(ops)

    def recognises(document: Any) -> bool:
        if not isinstance(document, dict) or not isinstance(document.get("vectors"), list):
            return False
        return {vector.get("op") for vector in document["vectors"]} <= known

    return recognises
