"""Private methods about the account itself: balances, and the token of private sockets (``kraken_api`` section 8)."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.gateway.auth import TOKEN_SECONDS, Permission
from app.gateway.kraken.calls import Method, PrivateCall
from app.gateway.kraken.envelope import tao_text
from app.gateway.kraken.names import TAO, Asset
from ledger.engine.views import BalanceView


def methods() -> Mapping[str, Method]:
    """Return every method by name."""
    return {
        "Balance": Method(balance, Permission.QUERY_FUNDS),
        "BalanceEx": Method(balance_ex, Permission.QUERY_FUNDS),
        "GetWebSocketsToken": Method(websockets_token, Permission.WEBSOCKETS),
    }


def rows_of(call: PrivateCall) -> Iterator[tuple[Asset, int, int]]:
    """Yield asset, free and held of the account; TAO always, others unless they are zero."""
    rows: dict[int, BalanceView] = {row.asset: row for row in call.replica.reads.balance_rows(call.account)}
    tao = rows.pop(TAO.number, None)
    yield TAO, tao.free if tao else 0, tao.held if tao else 0
    for number in sorted(rows):
        asset, row = call.names.asset_numbered(number), rows[number]
        if asset is not None and (row.free or row.held):
            yield asset, row.free, row.held


async def balance(call: PrivateCall) -> dict[str, str]:
    """Return what the account owns of each asset, what orders hold included."""
    return {asset.id: tao_text(free + held) for asset, free, held in rows_of(call)}


async def balance_ex(call: PrivateCall) -> dict[str, Any]:
    """Return what the account owns and what of it orders hold."""
    return {
        asset.id: {"balance": tao_text(free + held), "hold_trade": tao_text(held)}
        for asset, free, held in rows_of(call)
    }


async def websockets_token(call: PrivateCall) -> dict[str, Any]:
    """Return a token for private sockets, good for 900 s."""
    return {"token": call.parts.tokens.issue(call.caller.api_key, call.now_ms), "expires": TOKEN_SECONDS}
