"""Balances: TAO of accounts, transfers, reserves, and the life and death of accounts at the existential deposit.

An account's record stays for ever once it has signed something: without its nonce an old immortal extrinsic could be
replayed after the account is filled again. An account that never signed leaves nothing.
"""

from typing import Any, Final

from chain.runtime.context import Context, Origin, account_of, signed
from chain.runtime.errors import DispatchFailed, failed, token_failed
from chain.runtime.fixed_point import U64_MAX
from chain.runtime.state import Overlay, State

EXISTENTIAL_DEPOSIT: Final = 500
"""Rao below which an account does not live."""

_FLAGS: Final = 1 << 127
_ACCOUNT: Final = "System.Account"
_ISSUANCE: Final = "Balances.TotalIssuance"


def free_rao(view: Overlay | State, who: bytes) -> int:
    """Return an account's free TAO in rao."""
    amount: int = view.get(_ACCOUNT, who)["data"]["free"]
    return amount


def reserved_rao(view: Overlay | State, who: bytes) -> int:
    """Return an account's reserved TAO in rao."""
    amount: int = view.get(_ACCOUNT, who)["data"]["reserved"]
    return amount


def spendable_rao(view: Overlay | State, who: bytes, *, keep_alive: bool = True) -> int:
    """Return what an account can give away; with a reserve it has to stay alive in any case."""
    account = view.get(_ACCOUNT, who)
    free: int = account["data"]["free"]
    kept = EXISTENTIAL_DEPOSIT if keep_alive or account["consumers"] else 0
    return max(free - kept, 0)


def nonce_of(view: Overlay | State, who: bytes) -> int:
    """Return the number of extrinsics an account has signed that were included."""
    nonce: int = view.get(_ACCOUNT, who)["nonce"]
    return nonce


def bump_nonce(overlay: Overlay, who: bytes) -> None:
    """Count one more extrinsic of an account."""
    account = overlay.get(_ACCOUNT, who)
    data = {**account["data"], "flags": _FLAGS}
    overlay.put(_ACCOUNT, who, {**account, "nonce": account["nonce"] + 1, "data": data})


def transfer(context: Context, source: bytes, dest: bytes, amount: int, *, keep_alive: bool) -> None:
    """Move free TAO and say so with ``Balances.Transfer``; raises ``DispatchFailed``.

    To itself an account moves nothing, and no event tells of it.
    """
    _check_withdrawal(context.overlay, source, amount, keep_alive=keep_alive)
    if source == dest:
        return
    _check_deposit(context.overlay, dest, amount)
    change_free(context, source, -amount)
    change_free(context, dest, amount)
    context.emit("Balances", "Transfer", {"from": source, "to": dest, "amount": amount})


def withdraw(context: Context, who: bytes, amount: int) -> None:
    """Take free TAO out of an account, which stays alive or is emptied exactly; raises ``DispatchFailed``."""
    if not can_pay(context.overlay, who, amount):
        raise token_failed("FundsUnavailable")
    change_free(context, who, -amount)
    context.emit("Balances", "Withdraw", {"who": who, "amount": amount})


def can_pay(view: Overlay | State, who: bytes, amount: int) -> bool:
    """Tell whether a fee can be taken: the account stays alive, or is left with exactly nothing."""
    if amount <= spendable_rao(view, who):
        return True
    account = view.get(_ACCOUNT, who)
    return bool(account["providers"]) and not account["consumers"] and account["data"]["free"] == amount


def deposit(context: Context, who: bytes, amount: int) -> bool:
    """Put TAO that was taken elsewhere into an account; tell whether it could be: a dead account needs 500 rao."""
    if amount == 0 or not can_deposit(context.overlay, who, amount):
        return False
    change_free(context, who, amount)
    context.emit("Balances", "Deposit", {"who": who, "amount": amount})
    return True


def pay_out(context: Context, source: bytes, dest: bytes | None, amount: int) -> None:
    """Transfer a fee to the block's author; where there is none, or it could not live of it, destroy it."""
    if amount == 0:
        return
    if dest is not None and can_deposit(context.overlay, dest, amount):
        transfer(context, source, dest, amount, keep_alive=False)
        return
    change_free(context, source, -amount)
    change_issuance(context.overlay, -amount)


def can_deposit(view: Overlay | State, who: bytes, amount: int) -> bool:
    """Tell whether an account lives or would by this amount."""
    account = view.get(_ACCOUNT, who)
    if account["data"]["free"] + amount > U64_MAX:
        return False
    return bool(account["providers"]) or amount >= EXISTENTIAL_DEPOSIT


def change_issuance(overlay: Overlay, change: int) -> None:
    """Record that TAO came into being or ceased to be."""
    overlay.put(_ISSUANCE, overlay.get(_ISSUANCE) + change)


def issuance_rao(view: Overlay | State) -> int:
    """Return all TAO there is, in rao."""
    amount: int = view.get(_ISSUANCE)
    return amount


def reserve(context: Context, who: bytes, amount: int) -> None:
    """Set free TAO aside; raises ``DispatchFailed`` when the account would not stay alive."""
    if amount == 0:
        return
    account = context.overlay.get(_ACCOUNT, who)
    data = account["data"]
    if data["free"] - amount < EXISTENTIAL_DEPOSIT:
        raise failed("Balances", "InsufficientBalance")
    consumers = account["consumers"] + (0 if data["reserved"] else 1)
    data = {**data, "free": data["free"] - amount, "reserved": data["reserved"] + amount}
    context.overlay.put(_ACCOUNT, who, {**account, "consumers": consumers, "data": data})
    context.emit("Balances", "Reserved", {"who": who, "amount": amount})


def unreserve(context: Context, who: bytes, amount: int) -> None:
    """Free TAO that was set aside, at most what there is."""
    account = context.overlay.get(_ACCOUNT, who)
    data = account["data"]
    amount = min(amount, data["reserved"])
    if amount == 0:
        return
    reserved = data["reserved"] - amount
    consumers = account["consumers"] - (0 if reserved else 1)
    data = {**data, "free": data["free"] + amount, "reserved": reserved}
    context.overlay.put(_ACCOUNT, who, {**account, "consumers": consumers, "data": data})
    context.emit("Balances", "Unreserved", {"who": who, "amount": amount})


def change_free(context: Context, who: bytes, change: int) -> None:
    """Add to or take from free TAO without any check but that of the account's life.

    A new account is announced. One that falls below the existential deposit dies, and what is left of it is destroyed:
    nobody gains.
    """
    overlay = context.overlay
    account = overlay.get(_ACCOUNT, who)
    data = account["data"]
    free = data["free"] + change
    alive = bool(account["providers"])
    if free < EXISTENTIAL_DEPOSIT and not data["reserved"]:
        _bury(context, who, account, free, was_alive=alive)
        return
    data = {**data, "free": free, "flags": _FLAGS}
    overlay.put(_ACCOUNT, who, {**account, "providers": 1, "data": data})
    if not alive:
        context.emit("System", "NewAccount", {"account": who})
        context.emit("Balances", "Endowed", {"account": who, "free_balance": free})


def _bury(context: Context, who: bytes, account: dict[str, Any], dust: int, *, was_alive: bool) -> None:
    data = {**account["data"], "free": 0}
    if account["nonce"]:
        context.overlay.put(_ACCOUNT, who, {**account, "providers": 0, "data": data})
    else:
        context.overlay.delete(_ACCOUNT, who)
    if was_alive:
        context.emit("System", "KilledAccount", {"account": who})
    if dust:
        change_issuance(context.overlay, -dust)
        context.emit("Balances", "DustLost", {"account": who, "amount": dust})


def _check_withdrawal(overlay: Overlay, source: bytes, amount: int, *, keep_alive: bool) -> None:
    if amount > free_rao(overlay, source):
        raise token_failed("FundsUnavailable")
    if amount > spendable_rao(overlay, source, keep_alive=keep_alive):
        raise token_failed("NotExpendable")


def _check_deposit(overlay: Overlay, dest: bytes, amount: int) -> None:
    if overlay.get(_ACCOUNT, dest)["data"]["free"] + amount > U64_MAX:
        raise DispatchFailed(("Arithmetic", "Overflow"))
    if not can_deposit(overlay, dest, amount):
        raise token_failed("BelowMinimum")


def call_transfer_allow_death(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Transfer; the sender may die of it."""
    transfer(context, signed(origin), account_of(args["dest"]), args["value"], keep_alive=False)


def call_transfer_keep_alive(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Transfer; the sender has to stay alive."""
    transfer(context, signed(origin), account_of(args["dest"]), args["value"], keep_alive=True)


def call_transfer_all(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Transfer all that can be given away."""
    source = signed(origin)
    amount = spendable_rao(context.overlay, source, keep_alive=args["keep_alive"])
    transfer(context, source, account_of(args["dest"]), amount, keep_alive=args["keep_alive"])


CALLS: Final = {
    ("Balances", "transfer_allow_death"): call_transfer_allow_death,
    ("Balances", "transfer_keep_alive"): call_transfer_keep_alive,
    ("Balances", "transfer_all"): call_transfer_all,
}
