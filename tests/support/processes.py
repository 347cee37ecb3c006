"""Processes as the operating system lists them."""

from contextlib import suppress

from app.postgres.process import PROC


def children_of(pid: int) -> list[int]:
    """Return the children of a process, ascending."""
    found = []
    for entry in PROC.iterdir():
        with suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if entry.name.isdigit() and int(fields[1]) == pid:
                found.append(int(entry.name))
    return sorted(found)
