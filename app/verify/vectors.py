"""Runs vector files: find the family, run each section, count."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from app.verify.family import Case, Family, Runner

FAMILIES = (
    "amm_swap",
    "execution",
    "crypto",
    "substrate_wire",
    "substrate_declarations",
    "kraken_api",
    "staking",
    "emission",
    "registration",
    "yuma",
)


@dataclass(slots=True)
class Count:
    """How many cases passed, failed, and had no runner."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __str__(self) -> str:
        """Return the plain closing line."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"

    def add(self, other: "Count") -> None:
        """Add another count to this one."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def load_families() -> list[Family]:
    """Return the families that are built."""
    built = (name for name in FAMILIES if find_spec(f"app.verify.{name}") is not None)
    return [import_module(f"app.verify.{name}").FAMILY for name in built]


def verify_files(files: Iterable[Path], *, show: int, write: Callable[[str], None]) -> Count:
    """Run every case of the files, write a line per section, and return the total."""
    families = load_families()
    total = Count()
    for path in files:
        total.add(_verify_file(path, families, show=show, write=write))
    return total


def _verify_file(path: Path, families: list[Family], *, show: int, write: Callable[[str], None]) -> Count:
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        write(f"{path.name}: not JSON: {error}")
        return Count(failed=1)
    family = next((family for family in families if family.recognises(document)), None)
    if family is None:
        count = Count(skipped=count_cases(document))
        write(f"{path.name}: no runner for this kind: {count}")
        return count
    total = Count()
    for section, cases in family.sections(document):
        runner = family.runners.get(section)
        count = Count(skipped=len(cases)) if runner is None else _run(runner, cases, section, show=show, write=write)
        write(f"{path.name} {section}: {count}")
        total.add(count)
    return total


def _run(runner: Runner, cases: list[Case], section: str, *, show: int, write: Callable[[str], None]) -> Count:
    count = Count()
    for position, case in enumerate(cases):
        try:
            runner(case)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is this case's failure, and is shown
            count.failed += 1
            if count.failed <= show:
                name = case.get("id", position) if isinstance(case, dict) else position
                write(f"  {section} {name}: {type(error).__name__}: {error}")
        else:
            count.passed += 1
    return count


def count_cases(document: object) -> int:
    """Return how many cases an unknown document holds: entries of its lists, at least one."""
    if isinstance(document, dict):
        if isinstance(document.get("vectors"), list):
            return len(document["vectors"])
        lists = [value for value in document.values() if isinstance(value, list)]
        return sum(len(value) for value in lists) or 1
    return len(document) if isinstance(document, list) else 1
