"""Firm quotes by account as this process saw them: those that live all, ended ones up to a bound."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.gateway.folds.recent import Recent
from app.gateway.folds.rows import Row
from app.projections.rows import QuoteRow
from ledger.engine.layout import EventKind, Flag

PER_ACCOUNT_MAX: Final = 1_000
TOTAL_MAX: Final = 100_000


@dataclass(slots=True)
class Quote:
    """One firm quote: exact amounts in rao, ``tao`` before the trading ``fee``; times in ms.

    ``state`` is live, taken or ended; ``reason`` the code that ended it, ``fill`` the number of its fill once taken.
    """

    seq: int
    account: int
    netuid: int
    is_sell: bool
    alpha: int
    tao: int
    fee: int
    issued_ms: int
    expires_ms: int
    state: str = "live"
    reason: int = 0
    fill: int = 0


def quote_of_row(row: QuoteRow) -> Quote:
    """Return a quote as history keeps it."""
    return Quote(*row[:9], state=row.state, reason=row.reason, fill=row.fill)


class Quotes:
    """The read model."""

    def __init__(self, *, per_account_max: int = PER_ACCOUNT_MAX, total_max: int = TOTAL_MAX) -> None:
        self._quotes: dict[int, Quote] = {}
        self._ended: Recent[Quote] = Recent(per_owner_max=per_account_max, total_max=total_max)

    def restore(self, rows: Iterable[QuoteRow]) -> None:
        """Take over quotes that live."""
        self._quotes.update((row.quote_id, quote_of_row(row)) for row in rows)

    def issued(self, row: Row, ts_ms: int) -> None:
        """Fold ``QUOTE_ISSUED``."""
        self._quotes[row.order_id] = Quote(
            seq=row.order_id,
            account=row.account,
            netuid=row.netuid,
            is_sell=bool(row.flags & Flag.SELL),
            alpha=row.amount,
            tao=row.tao,
            fee=row.fee,
            issued_ms=ts_ms,
            expires_ms=row.aux,
        )

    def ended(self, row: Row, fill: int = 0) -> None:
        """Fold ``QUOTE_TAKEN`` (with the number of its fill) and ``QUOTE_ENDED``."""
        quote = self._quotes.get(row.order_id)
        if quote is None:
            return
        taken = row.kind == EventKind.QUOTE_TAKEN
        quote.state, quote.reason, quote.fill = "taken" if taken else "ended", 0 if taken else row.code, fill
        for forgotten in self._ended.add(quote.account, quote):
            del self._quotes[forgotten.seq]

    def find(self, account: int, seq: int) -> Quote | None:
        """Return a quote of this account."""
        quote = self._quotes.get(seq)
        return quote if quote is not None and quote.account == account else None
