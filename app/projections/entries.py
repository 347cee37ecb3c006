"""Ledger entries: what changed what a customer owns of an asset, each with the balance after it.

An event's entries are its postings of ``ledger/accounts.py`` to the customer's free and held accounts taken together:
amounts on orders are the customer's still, so a hold and its release are no entries. A fill makes two with one
reference, the base's first.
"""

from typing import Any, Final, NamedTuple

from sqlalchemy import Table

from app.gateway.folds.rows import Row
from app.projections.base import SIDES, Step, Store
from app.projections.tables import BALANCES, ENTRIES
from app.projections.tape import paid
from ledger.engine.layout import NO_NETUID, TAO_ASSET, EventKind, Flag

PER_EVENT: Final = 2 * SIDES
TRADE: Final = "trade"
DEPOSIT: Final = "deposit"
WITHDRAWAL: Final = "withdrawal"
ADJUSTMENT: Final = "adjustment"
CONVERSION: Final = "conversion"
REWARD: Final = "reward"

BALANCES_OF: Final = """
    SELECT account, asset, balance FROM {history_balances}
    JOIN unnest($1::bigint[], $2::integer[]) AS asked (account, asset) USING (account, asset)
"""
SET_BALANCES: Final = """
    INSERT INTO {history_balances} (account, asset, balance)
    SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[])
    ON CONFLICT (account, asset) DO UPDATE SET balance = excluded.balance
"""

_SELL: Final = int(Flag.SELL)
_ALPHA: Final = int(Flag.ALPHA)
_FILLED: Final = int(EventKind.FILLED)
_QUOTE_TAKEN: Final = int(EventKind.QUOTE_TAKEN)
_CROSSED: Final = int(EventKind.CROSSED)
_DEPOSIT_CREDITED: Final = int(EventKind.DEPOSIT_CREDITED)
_WITHDRAWAL_HELD: Final = int(EventKind.WITHDRAWAL_HELD)
_WITHDRAWAL_REFUNDED: Final = int(EventKind.WITHDRAWAL_REFUNDED)
_SUSPENSE_RESOLVED: Final = int(EventKind.SUSPENSE_RESOLVED)
_CLAIM_PAID: Final = int(EventKind.CLAIM_PAID)
_REWARD_POSTED: Final = int(EventKind.REWARD_POSTED)


class Change(NamedTuple):
    """One entry but for its balance: what is owned grows by ``amount - fee``."""

    number: int
    reference: int
    account: int
    asset: int
    kind: str
    amount: int
    fee: int


def changes_of(row: Row) -> list[Change]:
    """Return what an event does to what customers own, from its fields alone; nothing for most kinds."""
    number, account = PER_EVENT * row.seq, row.account
    kind = row.kind
    if kind == _FILLED:
        return _traded(row, 0, account=account, sell=row.flags & _SELL, cost=paid(row), fee=row.fee)
    if kind == _QUOTE_TAKEN:
        return _traded(row, 0, account=account, sell=row.flags & _SELL, cost=row.tao, fee=row.fee)
    if kind == _CROSSED:
        sell = row.flags & _SELL
        return [
            *_traded(row, 0, account=account, sell=sell, cost=row.tao, fee=row.fee),
            *_traded(row, 1, account=row.other, sell=not sell, cost=row.tao, fee=row.limit),
        ]
    if kind == _DEPOSIT_CREDITED:
        return [Change(number, row.seq, account, asset_of(row), DEPOSIT, row.amount, 0)]
    if kind == _WITHDRAWAL_HELD:
        return [Change(number, row.order_id, account, asset_of(row), WITHDRAWAL, -row.amount, row.fee)]
    if kind == _WITHDRAWAL_REFUNDED:
        return [Change(number, row.order_id, account, asset_of(row), WITHDRAWAL, row.amount + row.fee, 0)]
    if kind == _SUSPENSE_RESOLVED and account:
        return [Change(number, row.seq, account, asset_of(row), ADJUSTMENT, row.amount, 0)]
    if kind == _CLAIM_PAID and account:
        return [
            Change(number, row.seq, account, row.netuid + 1, CONVERSION, -row.amount, 0),
            Change(number + 1, row.seq, account, TAO_ASSET, CONVERSION, row.tao, 0),
        ]
    if kind == _REWARD_POSTED:
        return [Change(number, row.seq, account, row.netuid + 1, REWARD, row.amount, 0)]
    return []


def _traded(row: Row, side: int, *, account: int, sell: int, cost: int, fee: int) -> list[Change]:
    """Return the two entries of one side of a trade: what was traded, and what was paid or got with its fee."""
    fill, sign = SIDES * row.seq + side, -1 if sell else 1
    return [
        Change(2 * fill, fill, account, row.netuid + 1, TRADE, sign * row.amount, 0),
        Change(2 * fill + 1, fill, account, TAO_ASSET, TRADE, -sign * cost, fee),
    ]


def asset_of(row: Row) -> int:
    """Return the asset number of an event that names a netuid and perhaps ALPHA."""
    return row.netuid + 1 if row.flags & _ALPHA and row.netuid != NO_NETUID else TAO_ASSET


class EntriesFold:
    """The fold."""

    name = "entries"
    version = 1
    tables: tuple[Table, ...] = (ENTRIES, BALANCES)
    kinds = frozenset(
        {
            _FILLED,
            _QUOTE_TAKEN,
            _CROSSED,
            _DEPOSIT_CREDITED,
            _WITHDRAWAL_HELD,
            _WITHDRAWAL_REFUNDED,
            _SUSPENSE_RESOLVED,
            _CLAIM_PAID,
            _REWARD_POSTED,
        }
    )

    def __init__(self) -> None:
        self._changes: list[tuple[Change, int]] = []

    async def load(self, store: Store) -> None:
        """Need nothing: balances are read for each write."""

    def fold(self, step: Step) -> None:
        """Gather what a batch changes."""
        ts_ms, kinds = step.ts_ms, self.kinds
        self._changes += [(change, ts_ms) for row in step.rows if row.kind in kinds for change in changes_of(row)]

    async def write(self, store: Store) -> None:
        """Append the entries, and keep the balances."""
        changes, self._changes = self._changes, []
        if not changes:
            return
        pairs = sorted({(change.account, change.asset) for change, _ in changes})
        accounts, assets = map(list, zip(*pairs, strict=True))
        balances = dict.fromkeys(pairs, 0)
        for row in await store.fetch(BALANCES_OF, accounts, assets):
            balances[row["account"], row["asset"]] = row["balance"]
        rows: list[tuple[Any, ...]] = []
        for change, ts_ms in changes:
            pair = (change.account, change.asset)
            balance = balances[pair] = balances[pair] + change.amount - change.fee
            rows.append((*change, balance, ts_ms))
        await store.copy(ENTRIES, rows)
        await store.execute(SET_BALANCES, accounts, assets, [balances[pair] for pair in pairs])
