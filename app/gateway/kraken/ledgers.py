"""Private methods that tell what moved the account's money: Ledgers and QueryLedgers (``kraken_api`` section 8)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.gateway.auth import Permission
from app.gateway.kraken.calls import Method, PrivateCall
from app.gateway.kraken.envelope import seconds, tao_text
from app.gateway.kraken.errors import invalid_argument
from app.gateway.kraken.ids import DEPOSIT, LEDGER, TRADE, WITHDRAWAL, decode_id, encode_id
from app.gateway.kraken.names import TAO
from app.gateway.kraken.paging import asked_ids, asked_skip, asked_span, is_counted
from app.projections import entries
from app.projections.rows import EntryRow

QUERY_MAX: Final = 20
ADJUSTMENT: Final = "A"
_LETTERS: Final = {
    entries.TRADE: TRADE,
    entries.DEPOSIT: DEPOSIT,
    entries.WITHDRAWAL: WITHDRAWAL,
    entries.ADJUSTMENT: ADJUSTMENT,
}
TYPES: Final = frozenset(
    {
        *("all", "trade", "deposit", "withdrawal", "transfer", "margin", "rollover", "staking", "earn", "reward"),
        *("adjustment", "credit", "settled", "conversion", "sale", "dividend", "spend", "receive", "nft_rebate"),
    }
)
"""Types that clients may ask for; those that never happen here find nothing."""


def methods() -> Mapping[str, Method]:
    """Return every method by name."""
    return {
        "Ledgers": Method(ledgers, Permission.QUERY_LEDGER, cost=2),
        "QueryLedgers": Method(query_ledgers, Permission.QUERY_LEDGER, cost=2),
    }


def ledger_id(number: int) -> str:
    """Return the id of a ledger entry."""
    return encode_id(LEDGER, number)


def reference_id(entry: EntryRow) -> str:
    """Return the id of what made an entry: a trade, a deposit, a withdrawal."""
    return encode_id(_LETTERS.get(entry.kind, ADJUSTMENT), entry.reference)


def entry_object(call: PrivateCall, entry: EntryRow) -> dict[str, Any]:
    """Return an entry as clients see it."""
    asset = call.names.asset_numbered(entry.asset) or TAO
    return {
        "refid": reference_id(entry),
        "time": seconds(entry.ts_ms),
        "type": entry.kind,
        "subtype": "",
        "aclass": "currency",
        "asset": asset.id,
        "amount": tao_text(entry.amount),
        "fee": tao_text(entry.fee),
        "balance": tao_text(entry.balance),
    }


async def ledgers(call: PrivateCall) -> dict[str, Any]:
    """Return a page of entries, newest first; ``count`` is how many match in all."""
    span, kind, assets = asked_span(call, LEDGER), _asked_kind(call), _asked_assets(call)
    window = span.window(skip=asked_skip(call))
    reads = await call.history("entries")
    rows = (await reads.entries(call.account, window, assets=assets, kind=kind)).rows
    count = {}
    if is_counted(call):
        count["count"] = await reads.count_entries(call.account, window, assets=assets, kind=kind)
    return {"ledger": _told(call, rows), **count}


def _asked_kind(call: PrivateCall) -> str | None:
    wanted = call.fields.text("type", "all").lower()
    if wanted not in TYPES:
        raise invalid_argument("type", wanted, bound=", ".join(sorted(TYPES)))
    return None if wanted == "all" else wanted


def _asked_assets(call: PrivateCall) -> list[int] | None:
    texts = call.fields.words("asset")
    assets = {call.asset(text).number for text in texts if text.lower() != "all"}
    is_any = not texts or any(text.lower() == "all" for text in texts)
    return None if is_any else sorted(assets)


async def query_ledgers(call: PrivateCall) -> dict[str, Any]:
    """Return up to 20 entries by id; any unknown id refuses all."""
    texts = asked_ids(call, "id", QUERY_MAX)
    numbers = [decode_id(LEDGER, text) or 0 for text in texts]
    reads = await call.history("entries")
    known = {row.number: row for row in await reads.entries_by_number(call.account, numbers)}
    for text, number in zip(texts, numbers, strict=True):
        if number not in known:
            raise invalid_argument("id", text, code="unknown_entry", bound="an id of Ledgers")
    return _told(call, (known[number] for number in numbers))


def _told(call: PrivateCall, entries: Iterable[EntryRow]) -> dict[str, Any]:
    return {ledger_id(entry.number): entry_object(call, entry) for entry in entries}
