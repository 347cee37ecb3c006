"""What an extrinsic costs, who pays it, and who gets it (``economics`` section 6, ``consensus`` section 4).

A fee is paid in TAO. Where an account has too little of it, a call that gives up alpha of one subnet may pay with that
alpha, which is sold to the author at once; such a fee never comes back either.
"""

from dataclasses import dataclass
from typing import Any, Final

from amm import reference as amm
from amm.reference import MIN_PRICE_RAO, Side
from chain.extrinsic import Extrinsic, split_call
from chain.keys import subnet_account
from chain.runtime import balances, weights
from chain.runtime.context import Context
from chain.runtime.errors import DispatchFailed, token_failed
from chain.runtime.parameters import Parameters
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import locks, pools, positions

_GIVE_UP_ALPHA: Final = {
    "remove_stake": ("hotkey", "netuid"),
    "remove_stake_limit": ("hotkey", "netuid"),
    "remove_stake_full_limit": ("hotkey", "netuid"),
    "recycle_alpha": ("hotkey", "netuid"),
    "burn_alpha": ("hotkey", "netuid"),
    "move_stake": ("origin_hotkey", "origin_netuid"),
    "transfer_stake": ("hotkey", "origin_netuid"),
    "swap_stake": ("hotkey", "origin_netuid"),
    "swap_stake_limit": ("hotkey", "origin_netuid"),
}
"""Calls that may pay in alpha, with the arguments that say which."""


_FREE: Final = frozenset(
    {
        "increase_take",
        "decrease_take",
        "set_weights",
        "set_mechanism_weights",
        "batch_set_weights",
        "commit_weights",
        "commit_mechanism_weights",
        "batch_commit_weights",
        "reveal_weights",
        "reveal_mechanism_weights",
        "batch_reveal_weights",
        "commit_timelocked_weights",
        "commit_timelocked_mechanism_weights",
    }
)
"""Calls without fee; one that the pool would refuse by a number may not stand in a block either (``prechecks``)."""


@dataclass(frozen=True, slots=True)
class Fee:
    """The parts of a fee in rao, the tip not among them."""

    base: int
    length: int
    weight: int

    @property
    def total(self) -> int:
        """The whole fee without tip."""
        return self.base + self.length + self.weight


@dataclass(frozen=True, slots=True)
class AlphaPayment:
    """A fee in alpha: from which position, and how much."""

    hotkey: bytes
    netuid: int
    alpha: int


@dataclass(frozen=True, slots=True)
class Charged:
    """A fee that was taken: ``held`` rao of it wait to be handed over, the rest is with the author already."""

    payer: bytes
    amount: int
    held: int


def total_weight(call: Any) -> int:
    """Return what an extrinsic with this call adds to a block."""
    return weights.BASE + weights.weight_of(call)


def is_free(call: Any) -> bool:
    """Tell whether a call costs nothing but its tip."""
    pallet, name, _ = split_call(call)
    return pallet == "SubtensorModule" and name in _FREE


def fee_of(parameters: Parameters, call: Any, length: int) -> Fee:
    """Return the fee of a call in an extrinsic of so many bytes, rounded up once: the author gains."""
    if is_free(call):
        return Fee(base=0, length=0, weight=0)
    base = -(-weights.BASE // parameters.weight_per_rao)
    whole = -(-total_weight(call) // parameters.weight_per_rao)
    return Fee(base=base, length=parameters.byte_fee_rao * length, weight=whole - base)


def can_pay(view: Overlay | State, extrinsic: Extrinsic, amount: int) -> bool:
    """Tell whether the signer can pay fee and tip, in TAO or in alpha."""
    if extrinsic.signer is None:
        return False
    return balances.can_pay(view, extrinsic.signer, amount) or alpha_payment(view, extrinsic, amount) is not None


def alpha_payment(view: Overlay | State, extrinsic: Extrinsic, amount: int) -> AlphaPayment | None:
    """Return how a fee can be paid in alpha at the present price, rounded down, or ``None`` where it cannot."""
    pallet, name, args = split_call(extrinsic.call)
    fields = _GIVE_UP_ALPHA.get(name) if pallet == "SubtensorModule" else None
    if fields is None or extrinsic.signer is None:
        return None
    hotkey, netuid = args[fields[0]], args[fields[1]]
    if not pools.is_enabled(view, netuid):
        return None
    alpha = _alpha_for(view, netuid, amount)
    if not 0 < alpha <= positions.stake_of(view, hotkey, extrinsic.signer, netuid):
        return None
    if not locks.available(view, extrinsic.signer, netuid, alpha):
        return None
    try:
        pools.quote(view, netuid, Side.SELL, alpha, limit_rao=MIN_PRICE_RAO, drop_fees=True)
    except DispatchFailed:
        return None
    return AlphaPayment(hotkey, netuid, alpha)


def take(context: Context, extrinsic: Extrinsic, amount: int) -> Charged:
    """Take fee and tip before the call runs; raises ``DispatchFailed`` where the signer cannot pay."""
    payer = extrinsic.signer or b""
    if balances.can_pay(context.overlay, payer, amount):
        balances.withdraw(context, payer, amount)
        return Charged(payer, amount, held=amount)
    payment = alpha_payment(context.overlay, extrinsic, amount)
    if payment is None:
        raise token_failed("FundsUnavailable")
    _take_alpha(context, payer, payment)
    return Charged(payer, amount, held=0)


def hand_over(context: Context, charged: Charged, tip: int) -> None:
    """Give what was taken to the block's author, or destroy it where there is none, and tell of it."""
    held = charged.held
    if held and (context.author is None or not balances.deposit(context, context.author, held)):
        balances.change_issuance(context.overlay, -held)
    fields = {"who": charged.payer, "actual_fee": charged.amount, "tip": tip}
    context.emit("TransactionPayment", "TransactionFeePaid", fields)


def _take_alpha(context: Context, payer: bytes, payment: AlphaPayment) -> None:
    overlay, netuid = context.overlay, payment.netuid
    positions.decrease(overlay, payment.hotkey, payer, netuid, payment.alpha)
    sold = pools.sell(overlay, netuid, payment.alpha, limit_rao=MIN_PRICE_RAO, drop_fees=True)
    balances.pay_out(context, subnet_account(netuid), context.author, sold.amount_out)
    fields = {"who": payer, "netuid": netuid, "alpha_fee": payment.alpha, "tao_amount": sold.amount_out}
    context.emit("SubtensorModule", "TransactionFeePaidWithAlpha", fields)


def _alpha_for(view: Overlay | State, netuid: int, tao: int) -> int:
    if not pools.is_dynamic(view, netuid):
        return tao
    return amm.alpha_equivalent(pools.pool_of(view, netuid), tao)
