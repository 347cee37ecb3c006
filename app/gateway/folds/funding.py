"""Deposits and withdrawals by account, the newest of each up to a bound."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.gateway.folds.recent import Recent
from app.gateway.folds.rows import Row
from ledger.engine.layout import NO_NETUID, TAO_ASSET, Flag, Job

PER_ACCOUNT_MAX: Final = 1_000
TOTAL_MAX: Final = 200_000


@dataclass(slots=True)
class Deposit:
    """One deposit, credited or (``reason`` not 0) suspended; ``tx`` is head hash and event index."""

    seq: int
    account: int
    asset: int
    amount: int
    height: int
    tx: str
    ts_ms: int
    reason: int = 0


@dataclass(slots=True)
class Withdrawal:
    """One withdrawal; ``state`` is initial, pending, success or failure; ``tx`` the hash of the signed extrinsic."""

    seq: int
    account: int
    asset: int
    amount: int
    fee: int
    address_id: int
    ts_ms: int
    state: str = "initial"
    tx: str = ""


def asset_of(row: Row) -> int:
    """Return the asset number of an event that names a netuid and perhaps ALPHA."""
    return row.netuid + 1 if row.flags & Flag.ALPHA and row.netuid != NO_NETUID else TAO_ASSET


class Funding:
    """The read model of both directions."""

    def __init__(self, *, per_account_max: int = PER_ACCOUNT_MAX, total_max: int = TOTAL_MAX) -> None:
        self._deposits: Recent[Deposit] = Recent(per_owner_max=per_account_max, total_max=total_max)
        self._withdrawals: Recent[Withdrawal] = Recent(per_owner_max=per_account_max, total_max=total_max)
        self._by_id: dict[int, Withdrawal] = {}

    def deposit_seen(self, row: Row, head_hash: bytes, ts_ms: int) -> None:
        """Fold ``DEPOSIT_CREDITED`` and ``DEPOSIT_SUSPENDED``."""
        if row.account:
            tx = f"0x{head_hash.hex()}-{row.aux}"
            deposit = Deposit(row.seq, row.account, asset_of(row), row.amount, row.tao, tx, ts_ms, row.code)
            self._deposits.add(row.account, deposit)

    def withdrawal_held(self, row: Row, ts_ms: int) -> None:
        """Fold ``WITHDRAWAL_HELD``."""
        withdrawal = Withdrawal(row.order_id, row.account, asset_of(row), row.amount, row.fee, row.aux, ts_ms)
        self._by_id[withdrawal.seq] = withdrawal
        for forgotten in self._withdrawals.add(row.account, withdrawal):
            del self._by_id[forgotten.seq]

    def extrinsic_signed(self, row: Row, extrinsic_hash: bytes) -> None:
        """Fold ``EXTRINSIC_SIGNED`` of a withdrawal."""
        withdrawal = self._by_id.get(row.order_id) if row.code == Job.WITHDRAWAL else None
        if withdrawal is not None:
            withdrawal.state, withdrawal.tx = "pending", f"0x{extrinsic_hash.hex()}"

    def withdrawal_ended(self, row: Row, *, paid: bool) -> None:
        """Fold ``WITHDRAWAL_BOOKED`` and ``WITHDRAWAL_REFUNDED``."""
        withdrawal = self._by_id.get(row.order_id)
        if withdrawal is not None:
            withdrawal.state = "success" if paid else "failure"

    def find_withdrawal(self, account: int, seq: int) -> Withdrawal | None:
        """Return a withdrawal of this account that is remembered."""
        found = self._by_id.get(seq)
        return found if found is not None and found.account == account else None

    def deposits_of(self, account: int) -> Iterator[Deposit]:
        """Yield the deposits of an account, newest first."""
        return self._deposits.of(account)

    def withdrawals_of(self, account: int) -> Iterator[Withdrawal]:
        """Yield the withdrawals of an account, newest first."""
        return self._withdrawals.of(account)
