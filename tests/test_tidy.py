"""House rules that no linter knows."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = ("amm", "app", "chain", "ledger", "load_tests", "tests", "alembic")


def tracked_files(*suffixes: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        files = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:  # an exported tree without history
        files = [path for folder in CODE for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in files if path.suffix in suffixes and path.exists()]


def lines_with(pattern: str, files: list[Path]) -> list[str]:
    matcher = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if matcher.search(line)
    ]


def test_no_unfinished_work_is_left_in_the_code() -> None:
    mine = Path(__file__).resolve()
    files = [path for path in tracked_files(".py") if path != mine]

    assert lines_with(r"\bTODO\b|\bFIXME\b|\bXXX\b|NotImplementedError|assert True\b|mark\.xfail", files) == []


def test_no_file_holds_a_path_of_one_machine() -> None:
    mine = Path(__file__).resolve()
    files = [path for path in tracked_files(".py", ".md", ".toml", ".json", ".cfg", ".ini", "") if path != mine]

    assert lines_with(r"(?<![\w.])/(work|root|home|farm)/\w", files) == []


def test_money_paths_hold_no_float() -> None:
    files = [
        path
        for folder in ("amm", "ledger/engine", "chain/runtime")
        for path in (ROOT / folder).rglob("*.py")
        if "__pycache__" not in path.parts
    ]

    assert lines_with(r"(?<![\w.])float\(|float64|float32", files) == []


@pytest.mark.parametrize("folder", ["amm", "app", "chain", "ledger", "load_tests"])
def test_no_module_is_longer_than_a_newcomer_can_hold(folder: str) -> None:
    long = [
        (str(path.relative_to(ROOT)), count)
        for path in tracked_files(".py")
        if path.is_relative_to(ROOT / folder) and (count := len(path.read_text(encoding="utf-8").splitlines())) > 500
    ]

    assert long == []


def test_the_readme_shows_both_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert "make demo" in readme
    assert "make test" in readme
