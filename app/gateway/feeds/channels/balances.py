"""The balances channel: what an account owns, then every ledger entry with the balance after it."""

from collections.abc import Iterable
from typing import Any, Final

from app.gateway.kraken.envelope import number, rfc3339, tao_text
from app.gateway.kraken.ledgers import ledger_id, reference_id
from app.gateway.kraken.names import TAO, Names
from app.projections.rows import EntryRow
from ledger.engine.views import BalanceView

ASSET_CLASS: Final = "currency"
WALLET_TYPE: Final = "spot"
WALLET_ID: Final = "main"


def balances_data(rows: Iterable[BalanceView], names: Names) -> list[dict[str, Any]]:
    """Return the snapshot, holds included; TAO always, others unless they are zero."""
    owned = {TAO.number: 0} | {row.asset: row.free + row.held for row in rows}
    told = []
    for asset_number in sorted(owned):
        asset, amount = names.asset_numbered(asset_number), owned[asset_number]
        if asset is None or (not amount and asset is not TAO):
            continue
        balance = number(tao_text(amount))
        wallet = {"type": WALLET_TYPE, "id": WALLET_ID, "balance": balance}
        told.append({"asset": asset.id, "asset_class": ASSET_CLASS, "balance": balance, "wallets": [wallet]})
    return told


def entries_data(entries: Iterable[EntryRow], names: Names) -> list[dict[str, Any]]:
    """Return the data of an update, one element per ledger entry."""
    return [_entry_event(entry, asset.id) for entry in entries if (asset := names.asset_numbered(entry.asset))]


def _entry_event(entry: EntryRow, asset: str) -> dict[str, Any]:
    return {
        "ledger_id": ledger_id(entry.number),
        "ref_id": reference_id(entry),
        "timestamp": rfc3339(entry.ts_ms),
        "type": entry.kind,
        "subtype": "",
        "category": entry.kind,
        "asset": asset,
        "asset_class": ASSET_CLASS,
        "wallet_type": WALLET_TYPE,
        "wallet_id": WALLET_ID,
        "amount": number(tao_text(entry.amount)),
        "fee": number(tao_text(entry.fee)),
        "balance": number(tao_text(entry.balance)),
    }
