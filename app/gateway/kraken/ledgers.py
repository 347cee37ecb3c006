"""Private methods that tell what moved the account's money: Ledgers and QueryLedgers (``kraken_api`` section 8)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from app.gateway.auth import Permission
from app.gateway.folds.ledger import Entry, EntryType
from app.gateway.kraken.calls import Method, PrivateCall
from app.gateway.kraken.envelope import seconds, tao_text
from app.gateway.kraken.errors import invalid_argument
from app.gateway.kraken.ids import DEPOSIT, LEDGER, TRADE, WITHDRAWAL, decode_id, encode_id
from app.gateway.kraken.names import TAO
from app.gateway.kraken.paging import asked_ids, asked_span, take_page

QUERY_MAX: Final = 20
ADJUSTMENT: Final = "A"
_LETTERS: Final = {
    EntryType.TRADE: TRADE,
    EntryType.DEPOSIT: DEPOSIT,
    EntryType.WITHDRAWAL: WITHDRAWAL,
    EntryType.ADJUSTMENT: ADJUSTMENT,
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


def reference_id(entry: Entry) -> str:
    """Return the id of what made an entry: a trade, a deposit, a withdrawal."""
    return encode_id(_LETTERS[entry.kind], entry.reference)


def entry_object(call: PrivateCall, entry: Entry) -> dict[str, Any]:
    """Return an entry as clients see it."""
    asset = call.names.asset_numbered(entry.asset) or TAO
    return {
        "refid": reference_id(entry),
        "time": seconds(entry.ts_ms),
        "type": entry.kind.value,
        "subtype": "",
        "aclass": "currency",
        "asset": asset.id,
        "amount": tao_text(entry.amount),
        "fee": tao_text(entry.fee),
        "balance": tao_text(entry.balance),
    }


async def ledgers(call: PrivateCall) -> dict[str, Any]:
    """Return a page of entries, newest first; ``count`` is how many match in all."""
    span, keep = asked_span(call, LEDGER), _filter(call)
    mine = call.replica.ledger.entries_of(call.account)
    page, count = take_page(call, (row for row in mine if keep(row) and span.holds(row.ts_ms, row.number)))
    return {"ledger": _told(call, page), **count}


def _filter(call: PrivateCall) -> Callable[[Entry], bool]:
    wanted = call.fields.text("type", "all").lower()
    if wanted not in TYPES:
        raise invalid_argument("type", wanted, bound=", ".join(sorted(TYPES)))
    texts = call.fields.words("asset")
    assets = {call.asset(text).number for text in texts if text.lower() != "all"}
    is_any = not texts or any(text.lower() == "all" for text in texts)

    def keep(entry: Entry) -> bool:
        return (is_any or entry.asset in assets) and wanted in {"all", entry.kind.value}

    return keep


async def query_ledgers(call: PrivateCall) -> dict[str, Any]:
    """Return up to 20 entries by id; any unknown id refuses all."""
    found = []
    for text in asked_ids(call, "id", QUERY_MAX):
        entry = call.replica.ledger.find(call.account, decode_id(LEDGER, text) or 0)
        if entry is None:
            raise invalid_argument("id", text, code="unknown_entry", bound="an id of Ledgers")
        found.append(entry)
    return _told(call, found)


def _told(call: PrivateCall, entries: Iterable[Entry]) -> dict[str, Any]:
    return {ledger_id(entry.number): entry_object(call, entry) for entry in entries}
