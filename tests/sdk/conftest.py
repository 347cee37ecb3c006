"""A node for the public network's own client, which runs in an environment of its own: ``make sdk``."""

import json
import os
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK_MS = 250

# The client's requirements would meddle with those of the project, so the default suite does not have it.
collect_ignore_glob = [] if find_spec("bittensor") else ["test_*.py"]


@pytest.fixture(scope="session")
def node_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a development node with the project's own interpreter, and end it after the last test."""
    folder = tmp_path_factory.mktemp("node")
    with (folder / "messages").open("wb") as messages:
        process = subprocess.Popen(
            [
                *(os.environ["TAOBOURSE_PYTHON"], "-m", "chain", "--data-dir", str(folder / "chain")),
                *("--port", "0", "--block-ms", str(BLOCK_MS), "--with-parent"),
            ],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=messages,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "messages").read_text()
        yield json.loads(line)["ws"]
        process.terminate()
        assert process.wait(timeout=20) == 0
