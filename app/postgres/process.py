"""Server processes as the operating system shows them: the pid file, whether one lives, whether it is ours."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

PROC = Path("/proc")
POLL_S = 0.004
FAST_STOP_S = 30.0
IMMEDIATE_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class PidFile:
    """What ``postmaster.pid`` says: who, through which socket folder, and whether it takes connections."""

    pid: int
    socket_dir: str
    is_ready: bool


def read_pid_file(cluster: Path) -> PidFile | None:
    """Return the content of ``postmaster.pid``, or None when it is missing or still being written."""
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").split("\n")
        return PidFile(
            pid=int(lines[0]),
            socket_dir=lines[4] if len(lines) > 4 else "",
            is_ready=len(lines) > 7 and lines[7].strip() == "ready",
        )
    except (FileNotFoundError, ValueError):
        return None


def is_running(pid: int) -> bool:
    """Return whether the process lives; a zombie nobody collects does not."""
    try:
        fields = (PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return fields[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        if PROC.joinpath("self/stat").exists():
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def works_in(pid: int, cluster: Path) -> bool | None:
    """Return whether the process works in the cluster's folder, as a server does; None when that cannot be seen."""
    try:
        return PROC.joinpath(str(pid), "cwd").samefile(cluster)
    except OSError:
        return None


async def stop_process(pid: int, child: Popen[bytes] | None = None) -> None:
    """End a server: first its fast shutdown, which writes a checkpoint; then without one; then SIGKILL.

    ``child`` when it is our own child, which must be collected.
    """
    for number, patience_s in (
        (signal.SIGINT, FAST_STOP_S),
        (signal.SIGQUIT, IMMEDIATE_STOP_S),
        (signal.SIGKILL, IMMEDIATE_STOP_S),
    ):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            break
        if await has_ended(pid, child, patience_s):
            break
    if child is not None:
        child.wait(timeout=IMMEDIATE_STOP_S)


async def has_ended(pid: int, child: Popen[bytes] | None, patience_s: float) -> bool:
    """Return whether the process ends within this many seconds."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if child.poll() is not None if child is not None else not is_running(pid):
            return True
        await asyncio.sleep(POLL_S)
    return False
