"""Ledger entries by account: what changed what a customer owns of an asset, each with the balance after it.

Amounts on orders are the customer's still, so a hold and its release are no entries. A fill makes two with one
reference, the base's first. The newest entries are kept up to a bound; balances go on from forgotten ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.gateway.folds.fills import SIDES, cost_of, fill_number
from app.gateway.folds.funding import asset_of
from app.gateway.folds.recent import Recent
from app.gateway.folds.rows import Row
from ledger.engine.layout import TAO_ASSET, EventKind, Flag

PER_ACCOUNT_MAX: Final = 50_000
TOTAL_MAX: Final = 500_000
_PER_EVENT: Final = 2 * SIDES


class EntryType(Enum):
    """Why an entry was written, in the words of the interface."""

    TRADE = "trade"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    ADJUSTMENT = "adjustment"
    CONVERSION = "conversion"
    REWARD = "reward"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: ``balance`` after = balance before + ``amount`` - ``fee``; rao of the asset.

    ``number`` identifies it: four times the seq of its event, plus its place among at most four. ``reference`` is the
    number of the fill, the seq of the deposit, of the withdrawal's hold, or of the event itself.
    """

    number: int
    reference: int
    account: int
    asset: int
    kind: EntryType
    amount: int
    fee: int
    balance: int
    ts_ms: int


def entry_numbers(fill: int) -> tuple[int, int]:
    """Return the numbers of a fill's two entries, base and quote; ``fill`` is the fill's own number."""
    return 2 * fill, 2 * fill + 1


class Ledger:
    """The read model of all accounts."""

    def __init__(self, *, per_account_max: int = PER_ACCOUNT_MAX, total_max: int = TOTAL_MAX) -> None:
        self._entries: Recent[Entry] = Recent(per_owner_max=per_account_max, total_max=total_max)
        self._by_number: dict[int, Entry] = {}
        self._balances: dict[tuple[int, int], int] = {}

    def fold(self, row: Row, ts_ms: int) -> list[Entry]:
        """Fold an event that moves a customer's money; return the entries it made, none for other events."""
        match row.kind:
            case EventKind.FILLED:
                return self._filled(row, fill_number(row.seq), cost_of(row), ts_ms)
            case EventKind.QUOTE_TAKEN:
                return self._filled(row, fill_number(row.seq), row.tao, ts_ms)
            case EventKind.CROSSED:
                other = row._replace(account=row.other, fee=row.limit, flags=row.flags ^ int(Flag.SELL))
                return [
                    *self._filled(row, fill_number(row.seq), row.tao, ts_ms),
                    *self._filled(other, fill_number(row.seq, is_second=True), row.tao, ts_ms),
                ]
            case EventKind.CLAIM_PAID if row.account:
                kind, alpha = EntryType.CONVERSION, row.netuid + 1
                return [
                    self._add(row, 0, kind, row.seq, -row.amount, 0, ts_ms, asset=alpha),
                    self._add(row, 1, kind, row.seq, row.tao, 0, ts_ms, asset=TAO_ASSET),
                ]
            case EventKind.REWARD_POSTED:
                return [self._add(row, 0, EntryType.REWARD, row.seq, row.amount, 0, ts_ms, asset=row.netuid + 1)]
            case EventKind.DEPOSIT_CREDITED:
                return [self._add(row, 0, EntryType.DEPOSIT, row.seq, row.amount, 0, ts_ms)]
            case EventKind.WITHDRAWAL_HELD:
                return [self._add(row, 0, EntryType.WITHDRAWAL, row.order_id, -row.amount, row.fee, ts_ms)]
            case EventKind.WITHDRAWAL_REFUNDED:
                back = row.amount + row.fee
                return [self._add(row, 0, EntryType.WITHDRAWAL, row.order_id, back, 0, ts_ms)]
            case EventKind.SUSPENSE_RESOLVED if row.account:
                return [self._add(row, 0, EntryType.ADJUSTMENT, row.seq, row.amount, 0, ts_ms)]
        return []

    def _filled(self, row: Row, fill: int, cost: int, ts_ms: int) -> list[Entry]:
        """Write the two entries of a fill, given by its number and its cost or proceeds before the fee."""
        sign = -1 if row.flags & Flag.SELL else 1
        kind, part = EntryType.TRADE, 2 * (fill % SIDES)
        return [
            self._add(row, part, kind, fill, sign * row.amount, 0, ts_ms, asset=row.netuid + 1),
            self._add(row, part + 1, kind, fill, -sign * cost, row.fee, ts_ms, asset=TAO_ASSET),
        ]

    def _add(
        self,
        row: Row,
        part: int,
        kind: EntryType,
        reference: int,
        amount: int,
        fee: int,
        ts_ms: int,
        *,
        asset: int | None = None,
    ) -> Entry:
        owned = asset_of(row) if asset is None else asset
        balance = self._balances.get((row.account, owned), 0) + amount - fee
        self._balances[row.account, owned] = balance
        entry = Entry(_PER_EVENT * row.seq + part, reference, row.account, owned, kind, amount, fee, balance, ts_ms)
        self._by_number[entry.number] = entry
        for forgotten in self._entries.add(row.account, entry):
            del self._by_number[forgotten.number]
        return entry

    def entries_of(self, account: int) -> Iterator[Entry]:
        """Yield the entries of an account that are remembered, newest first."""
        return self._entries.of(account)

    def find(self, account: int, number: int) -> Entry | None:
        """Return an entry of this account."""
        entry = self._by_number.get(number)
        return entry if entry is not None and entry.account == account else None
