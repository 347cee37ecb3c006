"""What can go wrong with the embedded database; every code is public and never renamed."""

from dataclasses import dataclass
from pathlib import Path


class EmbeddedPostgresError(Exception):
    """The embedded database cannot be used; nothing was changed that a later start would not repair."""

    code: str = "embedded_postgres"


@dataclass(eq=False)
class DataFolderInUse(EmbeddedPostgresError):  # noqa: N818 - says what happened
    """Another live process holds this data folder."""

    data_dir: Path
    code: str = "data_folder_in_use"

    def __str__(self) -> str:
        """Return the code and the folder."""
        return f"{self.code}: another process runs on {self.data_dir}"


@dataclass(eq=False)
class ServerDidNotStart(EmbeddedPostgresError):  # noqa: N818 - says what happened
    """The server, or the making of a fresh cluster, ended or hung; ``detail`` is the end of its own log."""

    step: str
    detail: str
    code: str = "database_did_not_start"

    def __str__(self) -> str:
        """Return the code, the step and the end of the log."""
        return f"{self.code}: {self.step}: {self.detail}"


@dataclass(eq=False)
class FolderUnreachable(EmbeddedPostgresError):  # noqa: N818 - says what happened
    """The server's user cannot pass ``parent``, and this system has no way around it."""

    folder: Path
    parent: Path
    user: int
    code: str = "folder_unreachable"

    def __str__(self) -> str:
        """Return the folder and the parent that is closed."""
        return f"{self.code}: user {self.user} cannot reach {self.folder}, {self.parent} is closed to it"


@dataclass(eq=False)
class FolderTaken(EmbeddedPostgresError):  # noqa: N818 - says what happened
    """A folder that must be private exists with another owner or open to others."""

    folder: Path
    code: str = "folder_taken"

    def __str__(self) -> str:
        """Return the folder."""
        return f"{self.code}: {self.folder} exists and is not private to the server's user"


@dataclass(eq=False)
class LeftOverUnclear(EmbeddedPostgresError):  # noqa: N818 - says what happened
    """``postmaster.pid`` names a live process that could not be proved to be, or not to be, our server."""

    pid: int
    code: str = "left_over_unclear"

    def __str__(self) -> str:
        """Return the process id."""
        return f"{self.code}: process {self.pid} holds postmaster.pid but does not answer as our server"
