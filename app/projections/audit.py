"""The audit trail: what operators did, what was halted, what operators were refused, what reconciliation found.

``details`` holds the event by the names of ``ledger/engine/event_fields.py``; side payloads stay in the log, since some
are secrets under seal.
"""

import json
from typing import Any, Final

import numpy as np
from sqlalchemy import Table

from app.gateway.folds.rows import Row
from app.projections.base import Step, Store
from app.projections.tables import AUDIT
from ledger.engine.layout import EVENT, CommandKind, EventKind
from ledger.engine.records import describe

OPERATOR: Final = "operator"
HALT: Final = "halt"
REFUSAL: Final = "refusal"
RECONCILIATION: Final = "reconciliation"
CUSTODY: Final = "custody"

_CATEGORIES: Final = {
    int(kind): category
    for category, kinds in {
        OPERATOR: (
            EventKind.ACCOUNT_OPENED,
            EventKind.API_KEY_ADDED,
            EventKind.CHAIN_KEY_ADDED,
            EventKind.HOTKEY_ADDED,
            EventKind.MARKET_LISTED,
            EventKind.STAGE_CHANGED,
            EventKind.MARKET_CONFIGURED,
            EventKind.ADDRESS_ADDED,
            EventKind.FUNDING_ANNOUNCED,
            EventKind.SUSPENSE_RESOLVED,
            EventKind.TIER_SET,
        ),
        HALT: (EventKind.HALT_CHANGED, EventKind.HEAD_REFUSED),
        RECONCILIATION: (
            EventKind.RECONCILIATION_BROKEN,
            EventKind.STAKE_DRIFTED,
            EventKind.DEPOSIT_SUSPENDED,
        ),
        CUSTODY: (
            EventKind.HOUSE_FUNDED,
            EventKind.HOUSE_TAKEN,
            EventKind.MARKET_DISSOLVED,
            EventKind.STAKE_CLOSED,
            EventKind.HOUSE_CLAIM_PAID,
            EventKind.SETTLEMENT_ITEM_FAILED,
            EventKind.SETTLEMENT_CLOSED,
            EventKind.JOB_RELEASED,
            EventKind.EXTRINSIC_DIED,
        ),
    }.items()
    for kind in kinds
}
_OPERATORS_VERBS: Final = frozenset(
    int(kind)
    for kind in (
        *(kind for kind in CommandKind if kind <= CommandKind.SET_TIER),
        CommandKind.RELEASE_JOB,
        CommandKind.REFUSE_HEAD,
    )
)


class AuditFold:
    """The fold."""

    name = "audit"
    version = 1
    tables: tuple[Table, ...] = (AUDIT,)
    kinds = frozenset({*_CATEGORIES, int(EventKind.COMMAND_REJECTED), int(EventKind.HEAD_ENDED)})

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []

    async def load(self, store: Store) -> None:
        """Need nothing."""

    def fold(self, step: Step) -> None:
        """Gather what is worth keeping of a batch."""
        kinds = self.kinds
        for row in step.rows:
            category = category_of(row) if row.kind in kinds else ""
            if category:
                kind = EventKind(row.kind).name
                fields = (row.account, row.netuid, row.code, json.dumps(details_of(row)))
                self._rows.append((row.seq, category, kind, *fields, step.ts_ms))

    async def write(self, store: Store) -> None:
        """Append it."""
        rows, self._rows = self._rows, []
        await store.copy(AUDIT, rows)


def category_of(row: Row) -> str:
    """Return where an event belongs, empty for one that is not kept.

    A head's end is kept where reconciliation found differences; a refusal where the verb is an operator's.
    """
    if row.kind == EventKind.COMMAND_REJECTED:
        return REFUSAL if row.other in _OPERATORS_VERBS else ""
    if row.kind == EventKind.HEAD_ENDED:
        return RECONCILIATION if row.aux else ""
    return _CATEGORIES.get(row.kind, "")


def details_of(row: Row) -> dict[str, Any]:
    """Return the event by its meanings: amounts as decimal strings of rao, other figures as integers."""
    told = describe(np.array([tuple(row)], dtype=EVENT)[0])
    return {name: value for name, value in told.items() if name not in {"seq", "kind"}}
