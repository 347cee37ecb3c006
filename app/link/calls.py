"""Which call does what a job asks for, by the names of the chain's metadata. Pure."""

import json
from typing import Any

from app.link.keybook import KeyBook
from app.link.wire import CallSpec, to_hex
from ledger.engine.layout import KeyRole
from ledger.engine.views import AnyJob, ItemView, SettlementJob, SweepJob, WithdrawalJob

PROXY_TYPE = "Staking"


def calls_for(job: AnyJob, book: KeyBook) -> CallSpec:
    """Return the call of a job.

    Settlement: a ``force_batch`` of limit swaps proxied for the hot key, in the order of the items. Withdrawal and
    sweep: ``transfer_keep_alive`` of TAO, ``transfer_stake`` within the subnet of alpha. Raises ``LookupError`` for a
    job that names a key or hotkey which the book does not have.
    """
    if isinstance(job, SettlementJob):
        return batch([proxied(_hot(book), swap(item, book)) for item in job.items])
    if isinstance(job, WithdrawalJob):
        return _payment(job, book, recipient_of(job))
    return _payment(job, book, _hot(book))


def signer_of(job: AnyJob, book: KeyBook) -> tuple[KeyRole, int]:
    """Return role and number of the key that signs a job; raises ``LookupError`` before there is one."""
    if isinstance(job, SweepJob):
        return KeyRole.DEPOSIT, job.deposit_key
    key = book.trading if isinstance(job, SettlementJob) else book.hot
    if key is None:
        raise LookupError("no key to sign with")
    return key.role, key.number


def recipient_of(job: WithdrawalJob) -> bytes:
    """Return the account that a withdrawal pays; raises ``ValueError`` where the address holds none."""
    public = bytes.fromhex(json.loads(job.address.body)["public"])
    if len(public) != 32:
        raise ValueError("an account has 32 bytes")
    return public


def swap(item: ItemView, book: KeyBook) -> CallSpec:
    """Return the limit swap of a settlement's item; it may fill in part."""
    amount = "amount_unstaked" if item.sell else "amount_staked"
    return call(
        "SubtensorModule",
        "remove_stake_limit" if item.sell else "add_stake_limit",
        hotkey=to_hex(book.hotkeys[item.hotkey]),
        netuid=item.netuid,
        limit_price=item.limit,
        allow_partial=True,
        **{amount: item.amount},
    )


def proxied(real: bytes, inner: CallSpec) -> CallSpec:
    """Return a call made for ``real`` by its staking proxy."""
    return call("Proxy", "proxy", real=to_hex(real), force_proxy_type=PROXY_TYPE, call=inner)


def batch(calls: list[CallSpec]) -> CallSpec:
    """Return calls as one extrinsic in which each succeeds or fails alone."""
    return call("Utility", "force_batch", calls=calls)


def transfer(recipient: bytes, amount: int) -> CallSpec:
    """Return a payment of TAO, rao, that keeps the sender's account alive."""
    return call("Balances", "transfer_keep_alive", dest=to_hex(recipient), value=amount)


def transfer_stake(recipient: bytes, hotkey: bytes, netuid: int, amount: int) -> CallSpec:
    """Return a payment of alpha, alpha rao, under the same hotkey."""
    return call(
        "SubtensorModule",
        "transfer_stake",
        destination_coldkey=to_hex(recipient),
        hotkey=to_hex(hotkey),
        origin_netuid=netuid,
        destination_netuid=netuid,
        alpha_amount=amount,
    )


def add_staking_proxy(delegate: bytes) -> CallSpec:
    """Return the call by which the hot key lets the trading key swap, and only swap, for it."""
    return call("Proxy", "add_proxy", delegate=to_hex(delegate), proxy_type=PROXY_TYPE, delay=0)


def remark(text: bytes) -> CallSpec:
    """Return a call that does nothing but stand in a block."""
    return call("System", "remark", remark=to_hex(text))


def call(module: str, function: str, **arguments: Any) -> CallSpec:
    """Return a call by names."""
    return {"call_module": module, "call_function": function, "call_args": arguments}


def _payment(job: WithdrawalJob | SweepJob, book: KeyBook, recipient: bytes) -> CallSpec:
    if job.netuid is None:
        return transfer(recipient, job.amount)
    return transfer_stake(recipient, book.hotkeys[job.hotkey], job.netuid, job.amount)


def _hot(book: KeyBook) -> bytes:
    if book.hot is None:
        raise LookupError("no hot key")
    return book.hot.public
