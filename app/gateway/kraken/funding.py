"""Private methods that move money in and out (``kraken_api`` section 10)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from amm.errors import AmmError
from amm.units import parse_decimal
from app.gateway.auth import Permission
from app.gateway.folds.customers import Address
from app.gateway.kraken import errors
from app.gateway.kraken.calls import Method, PrivateCall
from app.gateway.kraken.envelope import tao_text
from app.gateway.kraken.errors import Refused, invalid_argument
from app.gateway.kraken.ids import DEPOSIT, WITHDRAWAL, decode_id, encode_id
from app.gateway.kraken.names import TAO, Asset
from app.gateway.kraken.paging import asked_span
from app.gateway.kraken.refusals import refused_by
from app.projections.pages import Window
from app.projections.rows import TransferRow
from chain.ss58 import ss58_encode
from ledger.engine.layout import MAX_AMOUNT, NO_NETUID, CommandKind, Flag
from ledger.engine.parameters import (
    MIN_DEPOSIT_ALPHA_VALUE,
    MIN_DEPOSIT_TAO,
    MIN_WITHDRAWAL_ALPHA_VALUE,
    MIN_WITHDRAWAL_TAO,
)
from ledger.engine.records import body_digest, client_id, command
from ledger.errors import Refusal

NETWORK: Final = "Bittensor"
PAGE: Final = 100
LIMIT_MAX: Final = 500
_RAO: Final = 10**9
_STATUS: Final = {"initial": "Initial", "pending": "Pending", "success": "Success", "failure": "Failure"}


def methods() -> Mapping[str, Method]:
    """Return every method by name."""
    read_in, read_out = Permission.QUERY_FUNDS, Permission.QUERY_FUNDS
    return {
        "DepositMethods": Method(deposit_methods, read_in),
        "DepositAddresses": Method(deposit_addresses, Permission.DEPOSIT_FUNDS),
        "DepositStatus": Method(deposit_status, read_in),
        "WithdrawMethods": Method(withdraw_methods, read_out),
        "WithdrawAddresses": Method(withdraw_addresses, read_out),
        "WithdrawInfo": Method(withdraw_info, read_out),
        "Withdraw": Method(withdraw, Permission.WITHDRAW_FUNDS),
        "WithdrawStatus": Method(withdraw_status, read_out),
        "WithdrawCancel": Method(withdraw_cancel, Permission.WITHDRAW_FUNDS),
        "WalletTransfer": Method(wallet_transfer, Permission.WITHDRAW_FUNDS),
    }


def method_of(asset: Asset) -> str:
    """Return the one funding method of an asset."""
    return NETWORK if asset.netuid is None else f"{NETWORK} {asset.id}"


def _asked_asset(call: PrivateCall) -> Asset:
    asset = call.asset(call.fields.required("asset"), funding=True)
    method = call.fields.text("method")
    if method and method.lower() != method_of(asset).lower():
        raise Refused(errors.NO_FUNDING_METHOD, "unknown_method", name="method", value=method, bound=method_of(asset))
    return asset


async def deposit_methods(call: PrivateCall) -> list[dict[str, Any]]:
    """Return how an asset is deposited."""
    asset = _asked_asset(call)
    minimum = tao_text(MIN_DEPOSIT_TAO if asset is TAO else _smallest_alpha(call, asset, MIN_DEPOSIT_ALPHA_VALUE))
    return [{"method": method_of(asset), "limit": False, "fee": "0.000000000", "gen-address": True, "minimum": minimum}]


async def deposit_addresses(call: PrivateCall) -> list[dict[str, Any]]:
    """Return the account's deposit address, the same one for TAO and every alpha, and the same on every call."""
    _asked_asset(call)
    fresh = call.fields.flag("new")
    address = await call.parts.assign_deposit_key(call.account)
    return [{"address": address, "expiretm": "0", "new": fresh}]


async def deposit_status(call: PrivateCall) -> list[dict[str, Any]] | dict[str, Any]:
    """Return deposits, newest first: the newest of them plainly, or by pages with a cursor."""
    return await _page(call, "deposits", _deposit_object, DEPOSIT)


def _chosen_number(call: PrivateCall) -> int | None:
    text = call.fields.text("asset")
    return _asked_asset(call).number if text else None


async def _page(
    call: PrivateCall, name: str, told: Callable[[PrivateCall, TransferRow], dict[str, Any]], letter: str
) -> list[dict[str, Any]] | dict[str, Any]:
    """Return transfers plainly, or as a page where the call asks for a cursor (``False`` means it does not).

    A cursor is the id of the last row of the page before.
    """
    asset, span = _chosen_number(call), asked_span(call, letter)
    limit = call.fields.integer("limit", PAGE, smallest=1, largest=LIMIT_MAX)
    cursor = call.fields.text("cursor", "false")
    is_paged, before = cursor.lower() not in {"false", "0"}, 0
    if is_paged and cursor.lower() not in {"true", "1"}:
        before = decode_id(letter, cursor) or 0
        if not before:
            raise invalid_argument("cursor", cursor, bound="true, or next_cursor of the page before")
    reads = await call.history("chain")
    window = span.window(limit=limit, before=before)
    page = await reads.transfers(call.account, window, is_deposit=letter == DEPOSIT, asset=asset)
    rows = [told(call, row) for row in page.rows]
    following = None if page.next_key is None else encode_id(letter, page.next_key)
    return {name: rows, "next_cursor": following} if is_paged else rows


def _deposit_object(call: PrivateCall, deposit: TransferRow) -> dict[str, Any]:
    asset = call.names.asset_numbered(deposit.asset) or TAO
    told = {
        "method": method_of(asset),
        "network": NETWORK,
        "aclass": "currency",
        "asset": asset.id,
        "refid": encode_id(DEPOSIT, deposit.seq),
        "txid": deposit.tx,
        "info": "",
        "amount": tao_text(deposit.amount),
        "fee": "0.000000000",
        "time": deposit.ts_ms // 1_000,
        "status": "Pending" if deposit.reason else "Success",
    }
    if deposit.reason:
        told["status-prop"] = "on-hold"
    return told


async def withdraw_methods(call: PrivateCall) -> list[dict[str, Any]]:
    """Return how assets are withdrawn."""
    assets = [_asked_asset(call)] if call.fields.text("asset") else call.names.assets
    return [
        {"asset": asset.id, "method": method_of(asset), "network": NETWORK, "minimum": _minimum(call, asset)}
        for asset in assets
    ]


def _minimum(call: PrivateCall, asset: Asset) -> str:
    """Return the smallest ``amount`` of a withdrawal, which contains the fee."""
    smallest = MIN_WITHDRAWAL_TAO if asset is TAO else _smallest_alpha(call, asset, MIN_WITHDRAWAL_ALPHA_VALUE)
    return tao_text(smallest + call.replica.reads.withdrawal_fee(asset.netuid))


def _smallest_alpha(call: PrivateCall, asset: Asset, value: int) -> int:
    """Return the least alpha that is worth so much TAO at the last head's price, rao; one rao before a price."""
    market = call.replica.market(asset.number - 1, call.now_ms)
    return -(-value * _RAO // market.spot_rao) if market is not None and market.spot_rao else 1


async def withdraw_addresses(call: PrivateCall) -> list[dict[str, Any]]:
    """Return the address book."""
    chosen, key = _chosen_number(call), call.fields.text("key")
    told = []
    for address in call.replica.customers.addresses_of(call.account):
        asset = call.names.asset_numbered(address.asset)
        if asset is None or chosen not in {None, address.asset} or key not in {"", address.name}:
            continue
        told.append(
            {
                "address": ss58_encode(address.public),
                "asset": asset.id,
                "method": method_of(asset),
                "key": address.name,
                "memo": "",
                "verified": address.usable_from_ms <= call.now_ms,
            }
        )
    return told


def _asked_withdrawal(call: PrivateCall) -> tuple[Asset, Address, int, int]:
    """Return asset, address, the amount that shall arrive and the fee; the amount asked for contains the fee."""
    asset = _asked_asset(call)
    key = call.fields.required("key")
    address = call.replica.customers.find_address(call.account, asset.number, key)
    if address is None:
        raise Refused(errors.UNKNOWN_WITHDRAW_KEY, "unknown_address", name="key", value=key)
    stated = call.fields.text("address")
    if stated and stated != ss58_encode(address.public):
        raise invalid_argument("address", stated, code="address_differs", bound=ss58_encode(address.public))
    amount = _amount(call, "amount")
    fee = call.replica.reads.withdrawal_fee(asset.netuid)
    if amount <= fee:
        raise Refused(
            errors.FUNDING_INVALID_AMOUNT,
            "below_fee",
            name="amount",
            value=call.fields.text("amount"),
            bound=tao_text(fee),
        )
    return asset, address, amount - fee, fee


def _amount(call: PrivateCall, name: str) -> int:
    text = call.fields.required(name)
    try:
        return parse_decimal(text, smallest=1, largest=MAX_AMOUNT)
    except AmmError as error:
        raise Refused(errors.FUNDING_INVALID_AMOUNT, error.code, name=name, value=text) from error


async def withdraw_info(call: PrivateCall) -> dict[str, Any]:
    """Return what would arrive and what it costs."""
    asset, _, net, fee = _asked_withdrawal(call)
    limit = call.replica.reads.balance(call.account, asset.number).withdrawable
    return {"method": method_of(asset), "limit": tao_text(limit), "amount": tao_text(net), "fee": tao_text(fee)}


async def withdraw(call: PrivateCall) -> dict[str, str]:
    """Withdraw to a registered address; ``amount`` contains the fee, as shown by WithdrawInfo."""
    asset, address, net, _ = _asked_withdrawal(call)
    max_fee = _max_fee(call)
    high, low = client_id(f"w:{call.caller.api_key.key}:{call.caller.nonce}")
    figures = (asset.number, address.address_id, net, max_fee)
    record = command(
        CommandKind.REQUEST_WITHDRAWAL,
        flags=0 if asset.netuid is None else int(Flag.ALPHA),
        account=call.account,
        netuid=NO_NETUID if asset.netuid is None else asset.netuid,
        amount=net,
        aux=max_fee,
        order_id=address.address_id,
        id_hi=high,
        id_lo=low,
        digest=body_digest(repr(figures).encode()),
    )
    answer = await call.submit(record)
    if answer.code:
        name = "max_fee" if answer.code == Refusal.FEE_ABOVE_MAXIMUM else "amount"
        raise refused_by(answer, funding=True, name=name, shown=call.fields.text(name))
    return {"refid": encode_id(WITHDRAWAL, answer.reference)}


def _max_fee(call: PrivateCall) -> int:
    """Return the largest fee the caller accepts, rao; -1 for any."""
    text = call.fields.text("max_fee")
    if not text:
        return -1
    try:
        return parse_decimal(text, largest=MAX_AMOUNT)
    except AmmError as error:
        raise invalid_argument("max_fee", text, code=error.code) from error


async def withdraw_status(call: PrivateCall) -> list[dict[str, Any]] | dict[str, Any]:
    """Return withdrawals, newest first: the newest of them plainly, or by pages with a cursor."""
    return await _page(call, "withdrawals", _withdrawal_object, WITHDRAWAL)


async def withdraw_cancel(call: PrivateCall) -> bool:
    """Refuse: a withdrawal is given to the chain at once and cannot be called back.

    One that the chain never takes up is refunded by itself.
    """
    text = call.fields.required("refid")
    seq = decode_id(WITHDRAWAL, text) or 0
    reads = await call.history("chain")
    window = Window(after=seq - 1, limit=1, oldest_first=True)
    rows = (await reads.transfers(call.account, window, is_deposit=False)).rows
    if not any(row.seq == seq for row in rows):
        raise Refused(errors.UNKNOWN_REFERENCE, "unknown_withdrawal", name="refid", value=text)
    bound = "a withdrawal that is not with the chain yet"
    raise Refused(errors.INVALID_REFERENCE, "withdrawal_not_cancellable", name="refid", value=text, bound=bound)


async def wallet_transfer(call: PrivateCall) -> dict[str, str]:
    """Refuse: there is one wallet."""
    bound = "there is no other wallet"
    raise Refused(errors.PERMISSION_DENIED, "no_such_wallet", name="to", value=call.fields.text("to"), bound=bound)


def _withdrawal_object(call: PrivateCall, withdrawal: TransferRow) -> dict[str, Any]:
    asset = call.names.asset_numbered(withdrawal.asset) or TAO
    address = call.replica.customers.address_numbered(withdrawal.address_id)
    return {
        "method": method_of(asset),
        "network": NETWORK,
        "aclass": "currency",
        "asset": asset.id,
        "refid": encode_id(WITHDRAWAL, withdrawal.seq),
        "txid": withdrawal.tx,
        "info": ss58_encode(address.public) if address is not None else "",
        "amount": tao_text(withdrawal.amount),
        "fee": tao_text(withdrawal.fee),
        "time": withdrawal.ts_ms // 1_000,
        "status": _STATUS[withdrawal.state],
        "key": address.name if address is not None else "",
    }
