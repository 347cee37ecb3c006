"""What can go wrong with projections; none of it ever stops trading, and every code is public."""

from dataclasses import dataclass

from ledger.errors import LedgerError


class ProjectionError(LedgerError):
    """Whatever a projection raises on purpose."""

    code: str = "projection"


@dataclass(eq=False)
class CheckpointForeign(ProjectionError):  # noqa: N818 - says what is the matter
    """A checkpoint names a batch that this log does not have: rows of another log, to be rebuilt."""

    name: str
    batch: int
    code: str = "checkpoint_foreign"

    def __str__(self) -> str:
        """Return the code, the projection and the batch."""
        return f"{self.code}: {self.name} stands at batch {self.batch}, which is not of this log; rebuild it"


@dataclass(eq=False)
class ProjectionOutdated(ProjectionError):  # noqa: N818 - says what is the matter
    """The rows were folded by another version of the fold."""

    name: str
    stored: int
    wanted: int
    code: str = "projection_outdated"

    def __str__(self) -> str:
        """Return the code, the projection and both versions."""
        return f"{self.code}: {self.name} was folded by version {self.stored}, this is {self.wanted}; rebuild it"


@dataclass(eq=False)
class ProjectionDiffers(ProjectionError):  # noqa: N818 - says what is the matter
    """A row is not what the log folds to; ``stored`` or ``folded`` is empty where the row is on one side only."""

    name: str
    table: str
    key: str
    stored: str
    folded: str
    code: str = "projection_differs"

    def __str__(self) -> str:
        """Return the code and the row on both sides."""
        stored, folded = self.stored or "nothing", self.folded or "nothing"
        return f"{self.code}: {self.table} {self.key}: stored {stored}, folded {folded}"


@dataclass(eq=False)
class RebuildRunning(ProjectionError):  # noqa: N818 - says what is the matter
    """Somebody else rebuilds this projection now."""

    name: str
    code: str = "rebuild_running"

    def __str__(self) -> str:
        """Return the code and the projection."""
        return f"{self.code}: {self.name}"


@dataclass(eq=False)
class PageOutOfRange(ProjectionError):  # noqa: N818 - says what is the matter
    """A page was asked for with a size or a bound that no page has."""

    field: str
    value: int
    largest: int
    code: str = "page_out_of_range"

    def __str__(self) -> str:
        """Return the code, what was asked for and the bound."""
        return f"{self.code}: {self.field} {self.value}, from 1 to {self.largest}"


@dataclass(eq=False)
class HistoryUnavailable(ProjectionError):  # noqa: N818 - says what is the matter
    """History cannot be read now; trading goes on without it."""

    detail: str = ""
    code: str = "history_unavailable"

    def __str__(self) -> str:
        """Return the code and what the database said."""
        return f"{self.code}: {self.detail}"


@dataclass(eq=False)
class HistoryBehind(HistoryUnavailable):
    """History does not reflect a seq yet, and did not come to it in the time that a reader waits."""

    seq: int = 0
    code: str = "history_behind"

    def __str__(self) -> str:
        """Return the code and the seq that was waited for."""
        return f"{self.code}: seq {self.seq} is not folded yet"
