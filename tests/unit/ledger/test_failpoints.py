import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.failpoints import POINTS, VARIABLE, FailPointRefused, arm, fail_point

ROOT = Path(__file__).resolve().parents[3]
PASSING = re.compile(r'\bfail_point\("([^"]*)"\)')
PASS_FOUR_TIMES = """
from ledger.failpoints import fail_point
for number in range(1, 5):
    fail_point("log.append.row")
    fail_point("sequencer.decided")
    print(number, flush=True)
"""


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    """Leave nothing armed in this process."""
    yield
    arm("")


def run(armed: str) -> "subprocess.CompletedProcess[str]":
    """Pass two points four times in a process of its own."""
    environment = os.environ | {VARIABLE: armed}
    return subprocess.run(
        [sys.executable, "-c", PASS_FOUR_TIMES],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_every_point_stands_in_the_code_once_and_every_point_of_the_code_has_a_name() -> None:
    sources = [path for package in ("ledger", "app") for path in (ROOT / package).rglob("*.py")]
    passed = [name for path in sources for name in PASSING.findall(path.read_text(encoding="utf-8"))]

    assert sorted(passed) == sorted(POINTS)


@pytest.mark.parametrize(
    ("armed", "printed", "told"),
    [
        ("sequencer.decided:3", "1\n2\n", "fail point sequencer.decided\n"),
        ("sequencer.decided", "", "fail point sequencer.decided\n"),
        ("snapshot.begun, log.append.row:2", "1\n", "fail point log.append.row\n"),
    ],
)
def test_a_process_dies_at_the_pass_it_was_told(armed: str, printed: str, told: str) -> None:
    ended = run(armed)

    assert ended.returncode == -signal.SIGKILL
    assert (ended.stdout, ended.stderr) == (printed, told)


@pytest.mark.parametrize("armed", ["", " ", "sequencer.decided:5", "snapshot.begun"])
def test_a_process_lives_through_points_that_are_not_reached(armed: str) -> None:
    ended = run(armed)

    assert (ended.returncode, ended.stdout) == (0, "1\n2\n3\n4\n")


def test_a_process_does_not_start_with_a_point_that_does_not_exist() -> None:
    ended = run("sequencer.dicided:3")

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "fail_point_refused: TAOBOURSE_FAIL_AT holds 'sequencer.dicided:3'" in ended.stderr
    assert "sequencer.decided" in ended.stderr


@pytest.mark.parametrize("text", ["nothing", "snapshot.begun:0", "snapshot.begun:-1", "snapshot.begun:x", ":3"])
def test_what_is_no_point_or_no_pass_is_refused_and_arms_nothing(text: str) -> None:
    with pytest.raises(FailPointRefused):
        arm(f"sequencer.decided:1,{text}")

    fail_point("sequencer.decided")


def test_an_armed_process_refuses_to_pass_a_point_without_a_name() -> None:
    arm("snapshot.begun:2")

    with pytest.raises(FailPointRefused):
        fail_point("nowhere")
