"""What one batch brought, gathered for those who tell it to others."""

from dataclasses import dataclass, field

from app.gateway.folds.fills import Fill
from app.gateway.folds.ledger import Entry
from app.gateway.folds.orders import Order, Step, step_of
from app.gateway.folds.trades import Trade
from ledger.engine.layout import EventKind


@dataclass(slots=True)
class Applied:
    """What one batch brought that feeds tell: trades, markets whose price or stage moved, fills, entries, steps."""

    seq: int
    ts_ms: int
    trades: list[Trade] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)
    restaged: set[int] = field(default_factory=set)
    fills: list[Fill] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def tell(self, kind: EventKind, order: Order | None, *, code: int = 0, fill: Fill | None = None) -> None:
        """Note a step of an order that is remembered."""
        if order is not None:
            self.steps.append(step_of(kind, order, self.ts_ms, code=code, fill=fill))
