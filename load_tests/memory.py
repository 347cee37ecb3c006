"""How much memory a process takes, as the system counts it."""

from pathlib import Path


def resident_mb(pid: int | None = None) -> float:
    """Return the resident memory of a process in megabytes of a million bytes, our own without an id."""
    return _field(pid, "VmRSS")


def peak_mb(pid: int | None = None) -> float:
    """Return the most that it has taken so far."""
    return _field(pid, "VmHWM")


def _field(pid: int | None, name: str) -> float:
    text = Path(f"/proc/{'self' if pid is None else pid}/status").read_text(encoding="ascii")
    line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1_024 / 1e6
