"""The programs of docs/clients.md, run as they stand there."""

import re
from pathlib import Path

import pytest

from tests.support.served_exchange import ServedExchange
from tests.support.small_exchange import ALICE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "clients.md"
PROGRAMS = re.findall(r"## ([^\n]+)\n\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_there_is_a_program_for_each_client() -> None:
    assert [title for title, _ in PROGRAMS] == ["ccxt", "python-kraken-sdk"]


@pytest.mark.parametrize(("title", "program"), PROGRAMS, ids=[title for title, _ in PROGRAMS])
def test_a_program_of_the_page_trades(
    title: str,
    program: str,
    shop: ServedExchange,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = shop.new_key(ALICE), shop.new_key(ALICE)
    words = {"REST": shop.rest, "KEY": first.key, "SECRET": first.secret, "KEY2": second.key, "SECRET2": second.secret}
    for name, value in words.items():
        monkeypatch.setenv(name, value)

    exec(compile(program, f"{PAGE.name}: {title}", "exec"), {})

    told = capsys.readouterr().out.splitlines()
    assert told[0] == "2.0" if title == "ccxt" else len(told) == 3
