"""The program of docs/clients.md for clients of the chain, run as it stands there."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "clients.md"


def test_the_program_of_the_page_reads_a_metagraph(
    node_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    section = PAGE.read_text(encoding="utf-8").split("## Clients of the chain")[1]
    (program,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    monkeypatch.setenv("CHAIN", node_url)
    monkeypatch.setenv("BITTENSOR_RUNTIME_CACHE_DIR", str(tmp_path))

    exec(compile(program, PAGE.name, "exec"), {})

    assert capsys.readouterr().out.count("(") == 7
