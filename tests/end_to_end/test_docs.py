"""What the documents tell a reader to type exists, takes these options, and names files that are there."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from amm.kernel_cache import INTERPRETED
from app.cli import app
from app.settings import PREFIX, ExchangeSettings, GatewaySettings
from ledger.failpoints import VARIABLE as FAIL_AT
from load_tests.driver import scenario_names

ROOT: Final = Path(__file__).resolve().parents[2]
DOCUMENTS: Final = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLE: Final = {"FILE...": "tests/vectors/amm_swap.json", "D": "folder", "NAME": "log_append"}


def _blocks() -> Iterator[str]:
    """Yield every shell block of every document."""
    for document in DOCUMENTS:
        yield from re.findall(r"```sh\n(.*?)```", document.read_text(), re.DOTALL)


def _commands() -> list[str]:
    """Return every command line: of shell blocks, and of inline code that starts like one."""
    lines = [line for block in _blocks() for line in block.splitlines() if line.strip()]
    for document in DOCUMENTS:
        inline = re.findall(r"`([^`\n]+)`", document.read_text())
        lines += [code for code in inline if re.match(r"(\.venv/bin/)?(taobourse|python -m \S+|make) ", code)]
    return sorted(set(lines))


def _words(command: str) -> list[str]:
    words = shlex.split(command.partition(" | ")[0])
    return [EXAMPLE.get(word, word) for word in words]


def _starting(*heads: str) -> list[str]:
    return [command for command in _commands() if _words(command)[0].removeprefix(".venv/bin/") in heads]


def test_the_documents_have_commands_of_every_kind() -> None:
    assert all(_starting(head) for head in ("make", "taobourse", "python", "curl"))


@pytest.mark.parametrize("block", list(_blocks()))
def test_a_shell_block_is_shell(block: str) -> None:
    assert subprocess.run(["sh", "-n"], input=block, text=True, check=False, timeout=10).returncode == 0


@pytest.mark.parametrize("command", _starting("make"))
def test_a_make_target_that_is_told_exists(command: str) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    told = [word for word in _words(command)[1:] if "=" not in word]

    assert told
    assert set(told) <= targets


@pytest.mark.parametrize("command", _starting("taobourse"))
def test_a_command_that_is_told_takes_these_words(command: str) -> None:
    words = _words(command)[1:]
    current: Any = typer.main.get_command(app)
    parent: Any = None
    while words and words[0] in getattr(current, "commands", {}):
        parent = current.context_class(current, parent=parent)
        current, words = current.commands[words[0]], words[1:]

    # Parsing refuses what is unknown, missing or of the wrong kind, and runs nothing.
    assert not hasattr(current, "commands"), f"{command} names no command"
    assert current.make_context(current.name, words, parent=parent).params


@pytest.mark.parametrize("command", _starting("python"))
def test_a_module_that_is_told_is_there(command: str) -> None:
    words = _words(command)

    assert words[1] == "-m"
    path = ROOT.joinpath(*words[2].split("."))
    assert path.with_suffix(".py").is_file() or path.joinpath("__main__.py").is_file()
    if words[2:4] == ["load_tests", "run"]:
        assert words[4] in scenario_names()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_files_that_are_named_are_there(document: Path) -> None:
    text = document.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    named = re.findall(r"`((?:app|amm|chain|ledger|tests|load_tests|docs|alembic)/[\w/.-]+\.(?:py|md|json))`", text)

    missing = [link for link in links if not (document.parent / link).exists()]
    missing += [name for name in named if not (ROOT / name).exists()]

    assert missing == []


def test_a_setting_that_is_told_is_read() -> None:
    fields = [*ExchangeSettings.model_fields, *GatewaySettings.model_fields]
    known = {PREFIX + name.upper() for name in fields} | {INTERPRETED, FAIL_AT}
    told = {name for document in DOCUMENTS for name in re.findall(rf"{PREFIX}[A-Z_]+", document.read_text())}

    assert told
    assert told <= known


def test_the_help_of_every_command_is_told() -> None:
    def walk(command: Any, names: list[str]) -> Iterator[tuple[list[str], Any]]:
        yield names, command
        for name, child in getattr(command, "commands", {}).items():
            yield from walk(child, [*names, name])

    silent = [names for names, command in walk(typer.main.get_command(app), []) if not (command.help or "").strip()]

    assert silent == []
