import asyncio
import sys
from pathlib import Path

import pytest

from app.demo.run import DemoOptions
from tests.end_to_end.kill_cycles import run_cycles


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_nothing_answered_is_lost_and_nothing_is_done_twice_through_kills(tmp_path: Path) -> None:
    options = DemoOptions(data_dir=tmp_path / "demo", port=0, chain_port=0, fast=True, rate_limits=False)
    told: list[str] = []

    memory = await run_cycles(options, cycles=2, seed=7, say=told.append)

    assert len(told) == 3
    assert memory.answered
    assert memory.withdrawals_sent == 2


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_story_is_kept_through_crashes(tmp_path: Path) -> None:
    """``taobourse demo --check``: every step of the story, two kills, and every balance on both sides."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli",
        "demo",
        "--data-dir",
        str(tmp_path / "demo"),
        "--port",
        "0",
        "--chain-port",
        "0",
        "--fast",
        "--check",
        stdout=asyncio.subprocess.PIPE,
    )

    output, _ = await process.communicate()

    lines = output.decode().splitlines()
    assert process.returncode == 0, lines
    assert lines[-1] == "all as promised"
    assert sum(line == "SIGKILL" for line in lines) == 2
