"""Small steps with private files."""

import os
import tempfile
from pathlib import Path


def private_descriptor(path: Path, flags: int) -> int:
    """Open a file that only its owner may read, making it if needed; the caller closes the descriptor."""
    return os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)


def write_private(path: Path, text: str) -> None:
    """Put a private file in place, whole and durable."""
    scratch = path.with_name(f"{path.name}.new")
    descriptor = private_descriptor(scratch, os.O_WRONLY | os.O_TRUNC)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    scratch.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_private_to(path: Path, *owners: int) -> bool:
    """Return whether ``path`` is a folder, not a link, of one of these users and closed to everybody else."""
    status = path.lstat()
    return status.st_uid in owners and status.st_mode & 0o170077 == 0o040000


def short_temporary_folder() -> Path:
    """Return a folder for everybody's temporary files whose name is short enough for a socket path."""
    shared = Path("/tmp")  # noqa: S108 - what is made in it is private, and its name is secret
    return shared if os.access(shared, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
