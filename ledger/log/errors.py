"""What can go wrong with the log; every code is public and never renamed."""

from dataclasses import dataclass

from ledger.errors import LedgerError


class LogError(LedgerError):
    """Whatever the log raises on purpose."""

    code: str = "log"


@dataclass(eq=False)
class BatchMalformed(LogError):  # noqa: N818 - says what is wrong
    """Bytes are not the one canonical encoding of a batch; ``offset`` is where that was noticed."""

    detail: str
    offset: int = 0
    code: str = "batch_malformed"

    def __str__(self) -> str:
        """Return the code, the place and the detail."""
        return f"{self.code} at byte {self.offset}: {self.detail}"


@dataclass(eq=False)
class ChainBroken(LogError):  # noqa: N818 - says what is wrong
    """The stored log contradicts itself at batch ``number``: damage, or a change by hand; never repaired or skipped."""

    number: int
    detail: str
    code: str = "log_chain_broken"

    def __str__(self) -> str:
        """Return the code, the batch and the detail."""
        return f"{self.code}: batch {self.number}: {self.detail}"


@dataclass(eq=False)
class LogFailed(LogError):  # noqa: N818 - says what happened
    """A write was refused, or its outcome is unknown: memory may be ahead of the truth, so the process must end."""

    detail: str
    code: str = "log_failed"

    def __str__(self) -> str:
        """Return the code and the detail."""
        return f"{self.code}: {self.detail}"


@dataclass(eq=False)
class WriterFenced(LogFailed):
    """Another writer began a newer epoch; this one may never append again."""

    code: str = "writer_fenced"


@dataclass(eq=False)
class LogHeld(LogError):  # noqa: N818 - says what happened
    """Another live writer holds the log."""

    waited_s: float
    code: str = "log_held"

    def __str__(self) -> str:
        """Return the code and how long was waited."""
        return f"{self.code}: another writer holds the log, waited {self.waited_s:g} s"


@dataclass(eq=False)
class SettingsRefused(LogError):  # noqa: N818 - says what happened
    """The database runs with settings under which a committed batch could be lost."""

    settings: tuple[tuple[str, str, str], ...]
    """Name, value found, value needed."""
    code: str = "database_settings_refused"

    def __str__(self) -> str:
        """Return every setting that must change."""
        return f"{self.code}: " + ", ".join(
            f"{name} is {found}, must be {needed}" for name, found, needed in self.settings
        )
