"""What can go wrong between the processes of one exchange; every code is public and never renamed."""

from dataclasses import dataclass
from pathlib import Path

from ledger.sequencer import Unavailable


class ServeError(Exception):
    """Whatever this package raises on purpose."""

    code: str = "serve"


@dataclass(eq=False)
class FrameBroken(ServeError):  # noqa: N818 - says what is wrong
    """Bytes of a peer that are no frame, or one that is too large or does not belong here; the connection ends."""

    detail: str
    code: str = "frame_broken"

    def __str__(self) -> str:
        """Return code and detail."""
        return f"{self.code}: {self.detail}"


@dataclass(eq=False)
class PeerRefused(ServeError):  # noqa: N818 - an answer
    """The other process does not speak with this one.

    ``code``: ``version_differs``, ``layout_differs``, ``log_differs`` or ``too_many_peers``.
    """

    code: str
    detail: str = ""

    def __str__(self) -> str:
        """Return code and detail."""
        return f"{self.code}: {self.detail}"


@dataclass(eq=False)
class AlreadyServed(ServeError):  # noqa: N818 - what was found
    """Another live process does this part's work on this folder."""

    part: str
    path: Path
    code: str = "already_served"

    def __str__(self) -> str:
        """Return code, part and file."""
        return f"{self.code}: another {self.part} holds {self.path}"


@dataclass(eq=False)
class EngineAway(Unavailable):
    """The engine's process cannot be reached now; the request was not sent. Ask again after ``retry_after_ms``."""

    retry_after_ms: int = 1_000
    code: str = "engine_unavailable"

    def __str__(self) -> str:
        """Return the code and when to ask again."""
        return f"{self.code}: retry after {self.retry_after_ms} ms"


@dataclass(eq=False)
class RequestTooLarge(Unavailable):
    """A request does not fit into one frame between processes; it was not sent."""

    size: int
    bound: int
    code: str = "request_too_large"

    def __str__(self) -> str:
        """Return code and figures."""
        return f"{self.code}: {self.size} bytes, at most {self.bound}"
