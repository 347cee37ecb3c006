"""What one batch brought, gathered for those who tell it to others."""

from dataclasses import dataclass, field

from app.gateway.folds.orders import Step
from app.gateway.folds.trades import Trade
from app.projections.rows import EntryRow


@dataclass(slots=True)
class Applied:
    """What one batch brought that feeds tell: trades, and markets whose price or stage moved.

    ``entries`` and ``steps`` are those of the accounts that somebody follows.
    """

    seq: int
    ts_ms: int
    trades: list[Trade] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)
    restaged: set[int] = field(default_factory=set)
    entries: list[EntryRow] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
