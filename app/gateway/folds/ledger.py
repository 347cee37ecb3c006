"""Ledger entries by account: what changed what a customer owns of an asset, each with the balance after it.

Amounts on orders are the customer's still, so a hold and its release are no entries. A fill makes two with one
reference, the base's first. The newest entries are kept up to a bound; balances go on from forgotten ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.gateway.folds.funding import asset_of
from app.gateway.folds.recent import Recent
from app.gateway.folds.rows import Row
from ledger.engine.layout import TAO_ASSET, EventKind, Flag

PER_ACCOUNT_MAX: Final = 50_000
TOTAL_MAX: Final = 500_000


class EntryType(Enum):
    """Why an entry was written, in the words of the interface."""

    TRADE = "trade"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: ``balance`` after = balance before + ``amount`` - ``fee``; rao of the asset.

    ``number`` identifies it: twice the seq of its event, plus 1 for the second of two. ``reference`` is the seq of the
    fill, of the deposit, or of the withdrawal's hold.
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


def entry_numbers(fill_seq: int) -> tuple[int, int]:
    """Return the numbers of a fill's two entries, base and quote."""
    return 2 * fill_seq, 2 * fill_seq + 1


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
                return self._filled(row, ts_ms)
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

    def _filled(self, row: Row, ts_ms: int) -> list[Entry]:
        sign = -1 if row.flags & Flag.SELL else 1
        kind, seq = EntryType.TRADE, row.seq
        return [
            self._add(row, 0, kind, seq, sign * row.amount, 0, ts_ms, asset=row.netuid + 1),
            self._add(row, 1, kind, seq, -sign * row.tao, row.fee, ts_ms, asset=TAO_ASSET),
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
        entry = Entry(2 * row.seq + part, reference, row.account, owned, kind, amount, fee, balance, ts_ms)
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
