"""What came from the chain and goes to it: heads with what reconciliation found at them, deposits and withdrawals."""

from typing import Any, Final

from sqlalchemy import Table

from app.gateway.folds.rows import Row, payload_of
from app.projections.base import Step, Store
from app.projections.entries import asset_of
from app.projections.tables import DIFFERENCES, HEADS, TRANSFERS
from chain.hashing import blake2b_256
from ledger.engine.layout import EventKind, Flag, Job
from ledger.engine.records import from_words

LAST_HEAD: Final = "SELECT number, hash, block_ms FROM {history_heads} ORDER BY seq DESC LIMIT 1"
UPDATE: Final = """
    UPDATE {history_transfers} AS t SET state = coalesce(d.state, t.state), tx = coalesce(d.tx, t.tx)
    FROM unnest($1::bigint[], $2::text[], $3::text[]) AS d (seq, state, tx)
    WHERE t.seq = d.seq
"""

INITIAL: Final = "initial"
PENDING: Final = "pending"
SUCCESS: Final = "success"
FAILURE: Final = "failure"

_NO_HEAD: Final = (0, bytes(32), 0)
_HEAD_BEGAN: Final = int(EventKind.HEAD_BEGAN)
_HEAD_ENDED: Final = int(EventKind.HEAD_ENDED)
_BROKEN: Final = int(EventKind.RECONCILIATION_BROKEN)
_CREDITED: Final = int(EventKind.DEPOSIT_CREDITED)
_SUSPENDED: Final = int(EventKind.DEPOSIT_SUSPENDED)
_HELD: Final = int(EventKind.WITHDRAWAL_HELD)
_SIGNED: Final = int(EventKind.EXTRINSIC_SIGNED)
_BOOKED: Final = int(EventKind.WITHDRAWAL_BOOKED)
_REFUNDED: Final = int(EventKind.WITHDRAWAL_REFUNDED)
_WITHDRAWAL: Final = int(Job.WITHDRAWAL)
_ALPHA: Final = int(Flag.ALPHA)


class ChainFold:
    """The fold; holds the head whose group is being folded or was folded last."""

    name = "chain"
    version = 1
    tables: tuple[Table, ...] = (HEADS, DIFFERENCES, TRANSFERS)
    kinds = frozenset({_HEAD_BEGAN, _HEAD_ENDED, _BROKEN, _CREDITED, _SUSPENDED, _HELD, _SIGNED, _BOOKED, _REFUNDED})

    def __init__(self) -> None:
        self._head: tuple[int, bytes, int] = _NO_HEAD
        self._heads: list[tuple[Any, ...]] = []
        self._differences: list[tuple[Any, ...]] = []
        self._transfers: dict[int, tuple[Any, ...]] = {}
        self._changes: dict[int, tuple[str | None, str | None]] = {}

    async def load(self, store: Store) -> None:
        """Read the last head."""
        self._head = next((tuple(row) for row in await store.fetch(LAST_HEAD)), _NO_HEAD)

    def fold(self, step: Step) -> None:
        """Gather what a batch changes."""
        for row in step.rows:
            kind = row.kind
            if kind == _HEAD_BEGAN:
                self._head = (row.other, from_words([row.id_hi, row.id_lo, row.digest, row.hold]), row.aux)
            elif kind == _HEAD_ENDED:
                self._heads.append((row.seq, *self._head, row.aux, row.amount))
            elif kind == _BROKEN:
                position = (row.key, row.other, row.netuid, bool(row.flags & _ALPHA), row.amount)
                self._differences.append((row.seq, self._head[0], *position))
            elif kind in (_CREDITED, _SUSPENDED):
                self._deposited(row, step.ts_ms)
            elif kind == _HELD:
                figures = (row.account, False, asset_of(row), row.amount, row.fee, row.aux, 0, 0, step.ts_ms)
                self._transfers[row.order_id] = (row.order_id, *figures)
                self._changes[row.order_id] = (INITIAL, "")
            elif kind == _SIGNED and row.code == _WITHDRAWAL:
                digest = blake2b_256(payload_of(row, step.payloads)).hex()
                self._changes[row.order_id] = (PENDING, f"0x{digest}")
            elif kind in (_BOOKED, _REFUNDED):
                tx = self._changes.get(row.order_id, (None, None))[1]
                self._changes[row.order_id] = (SUCCESS if kind == _BOOKED else FAILURE, tx)

    async def write(self, store: Store) -> None:
        """Append what is new, and change the withdrawals that went on."""
        changes = self._changes
        await store.copy(HEADS, self._heads)
        await store.copy(DIFFERENCES, self._differences)
        await store.copy(TRANSFERS, [(*row, *changes.pop(seq)) for seq, row in self._transfers.items()])
        if changes:
            await store.execute(UPDATE, list(changes), *zip(*changes.values(), strict=True))
        self._heads, self._differences, self._transfers, self._changes = [], [], {}, {}

    def _deposited(self, row: Row, ts_ms: int) -> None:
        if row.account:
            figures = (row.account, True, asset_of(row), row.amount, 0, 0, row.tao, row.code, ts_ms)
            self._transfers[row.seq] = (row.seq, *figures)
            state = SUCCESS if row.kind == _CREDITED else PENDING
            self._changes[row.seq] = (state, f"0x{self._head[1].hex()}-{row.aux}")
