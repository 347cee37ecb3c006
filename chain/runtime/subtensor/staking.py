"""Buying and selling a subnet's alpha: the four stake calls, and the two legs that moves between subnets use too.

Checks stand in the order of the reference chain (``economics`` sections 4.3 and 4.4), so that of several reasons the
same one is told. The TAO legs are plain transfers between the coldkey and the subnet's account.
"""

from dataclasses import dataclass
from typing import Any, Final

from amm.reference import MAX_INPUT_MULTIPLE, MAX_PRICE_RAO, MIN_PRICE_RAO, Side
from chain.keys import subnet_account
from chain.runtime import balances
from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import DispatchFailed, failed
from chain.runtime.fixed_point import U64_MAX
from chain.runtime.state import Overlay
from chain.runtime.subtensor import locks, pools, positions, share_pool

MIN_STAKE: Final = 2_000_000
"""Rao of TAO below which no position is opened, nor partly closed."""
_MODULE: Final = "SubtensorModule"
_NOMINATION_SCALE: Final = 10**6


@dataclass(frozen=True, slots=True)
class Bought:
    """What a buy did: TAO that left the coldkey, alpha that became stake, and the author's fee in TAO."""

    tao: int
    alpha: int
    fee: int


@dataclass(frozen=True, slots=True)
class Sold:
    """What a sale did: alpha that left the stake with the fee in it, TAO that the coldkey got, the fee in alpha."""

    alpha: int
    tao: int
    fee: int


def call_add_stake(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Buy alpha with TAO at any price."""
    _add(context, signed(origin), args, max_amount=U64_MAX, limit_rao=MAX_PRICE_RAO, allow_partial=False)


def call_add_stake_limit(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Buy alpha with TAO up to a price, in rao of TAO per whole alpha."""
    _check_size(context.overlay, args["netuid"], Side.BUY, args["amount_staked"])
    limit = args["limit_price"]
    max_amount = pools.max_input(context.overlay, args["netuid"], Side.BUY, limit)
    _add(context, signed(origin), args, max_amount=max_amount, limit_rao=limit, allow_partial=args["allow_partial"])


def call_remove_stake(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Sell staked alpha at any price; more than the whole position means the whole."""
    coldkey, hotkey, netuid = signed(origin), args["hotkey"], args["netuid"]
    require_enabled(context.overlay, netuid)
    amount = min(args["amount_unstaked"], positions.stake_of(context.overlay, hotkey, coldkey, netuid))
    check_sale(context.overlay, coldkey, hotkey, netuid, amount, max_amount=U64_MAX, allow_partial=False)
    _remove(context, coldkey, hotkey, netuid, amount, limit_rao=MIN_PRICE_RAO)


def call_remove_stake_limit(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Sell staked alpha down to a price, in rao of TAO per whole alpha."""
    coldkey, hotkey, netuid = signed(origin), args["hotkey"], args["netuid"]
    amount, limit = args["amount_unstaked"], args["limit_price"]
    _check_size(context.overlay, netuid, Side.SELL, amount)
    max_amount = pools.max_input(context.overlay, netuid, Side.SELL, limit)
    check_sale(
        context.overlay, coldkey, hotkey, netuid, amount, max_amount=max_amount, allow_partial=args["allow_partial"]
    )
    _remove(context, coldkey, hotkey, netuid, min(amount, max_amount), limit_rao=limit)


def call_try_associate_hotkey(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Make the signer the owner of a hotkey that nobody owns."""
    positions.associate(context.overlay, signed(origin), args["hotkey"])


def require_enabled(overlay: Overlay, netuid: int) -> None:
    """Raise ``DispatchFailed`` unless a subnet's token may be traded."""
    if not pools.is_enabled(overlay, netuid):
        raise failed(_MODULE, "SubtokenDisabled")


def check_sale(
    overlay: Overlay,
    coldkey: bytes,
    hotkey: bytes,
    netuid: int,
    amount: int,
    *,
    max_amount: int,
    allow_partial: bool,
) -> None:
    """Raise ``DispatchFailed`` unless this much of a position may be sold; ``max_amount`` is what a limit lets in."""
    _check_size(overlay, netuid, Side.SELL, amount)
    if not pools.exists(overlay, netuid):
        raise failed(_MODULE, "SubnetNotExists")
    if amount == 0:
        raise failed(_MODULE, "AmountTooLow")
    stake = positions.stake_of(overlay, hotkey, coldkey, netuid)
    if stake < amount:
        raise failed(_MODULE, "NotEnoughStakeToWithdraw")
    brings = _simulated(overlay, netuid, Side.SELL, amount).amount_out
    if brings < MIN_STAKE and amount != stake:
        raise failed(_MODULE, "AmountTooLow")
    if max_amount == 0 or (not allow_partial and amount > max_amount):
        raise failed(_MODULE, "SlippageTooHigh")
    if not positions.hotkey_exists(overlay, hotkey):
        raise failed(_MODULE, "HotKeyAccountNotExists")
    locks.require_available(overlay, coldkey, netuid, amount)


def buy_into(
    context: Context,
    payer: bytes,
    hotkey: bytes,
    holder: bytes,
    netuid: int,
    tao: int,
    *,
    limit_rao: int,
    drop_fees: bool,
) -> Bought:
    """Pay TAO into a pool and credit the alpha as stake of ``holder``; raises ``DispatchFailed``.

    Unspent input, rounding dust of a limit, stays in the subnet's account.
    """
    overlay, pot = context.overlay, subnet_account(netuid)
    paid = min(tao, balances.spendable_rao(overlay, payer))
    balances.transfer(context, payer, pot, paid, keep_alive=True)
    swapped = pools.buy(overlay, netuid, paid, limit_rao=limit_rao, drop_fees=drop_fees)
    if swapped.amount_out > share_pool.CHANGE_MAX:
        raise failed(_MODULE, "InsufficientLiquidity")
    positions.increase(overlay, hotkey, holder, netuid, swapped.amount_out)
    balances.pay_out(context, pot, context.author, swapped.fee)
    event = (holder, hotkey, paid, swapped.amount_out, netuid, swapped.fee)
    context.emit(_MODULE, "StakeAdded", event)
    return Bought(tao=paid, alpha=swapped.amount_out, fee=swapped.fee)


def sell_out(
    context: Context, coldkey: bytes, hotkey: bytes, netuid: int, alpha: int, *, limit_rao: int, drop_fees: bool
) -> Sold:
    """Take stake out, sell it, and pay the TAO to the coldkey; what a limit left unsold becomes stake again.

    The author's part of the alpha is sold right after, free of fee. Raises ``DispatchFailed``.
    """
    overlay = context.overlay
    taken = positions.decrease(overlay, hotkey, coldkey, netuid, alpha)
    swapped = pools.sell(overlay, netuid, taken, limit_rao=limit_rao, drop_fees=drop_fees)
    sold = swapped.amount_in + swapped.fee
    if taken > sold:
        positions.increase(overlay, hotkey, coldkey, netuid, taken - sold)
    balances.transfer(context, subnet_account(netuid), coldkey, swapped.amount_out, keep_alive=False)
    if not drop_fees and pools.is_dynamic(overlay, netuid):
        _sell_for_author(context, netuid, swapped.fee)
    event = (coldkey, hotkey, swapped.amount_out, sold, netuid, swapped.fee)
    context.emit(_MODULE, "StakeRemoved", event)
    return Sold(alpha=sold, tao=swapped.amount_out, fee=swapped.fee)


def clear_small_nomination(context: Context, coldkey: bytes, hotkey: bytes, netuid: int) -> None:
    """Close a nomination that became too small; where even that fails it is wiped, and nobody gains."""
    overlay = context.overlay
    smallest = MIN_STAKE * overlay.get("SubtensorModule.NominatorMinRequiredStake") // _NOMINATION_SCALE
    if smallest == 0 or positions.owner_of(overlay, hotkey) == coldkey:
        return
    price = pools.price_q64(overlay, netuid)
    stake = positions.stake_of(overlay, hotkey, coldkey, netuid)
    if price == 0 or not 0 < stake < (smallest << 64) // price or not locks.available(overlay, coldkey, netuid, stake):
        return
    try:
        with overlay.transaction():
            sell_out(context, coldkey, hotkey, netuid, stake, limit_rao=MIN_PRICE_RAO, drop_fees=False)
    except DispatchFailed:
        positions.decrease(overlay, hotkey, coldkey, netuid, stake)


def _add(
    context: Context,
    coldkey: bytes,
    args: dict[str, Any],
    *,
    max_amount: int,
    limit_rao: int,
    allow_partial: bool,
) -> None:
    overlay, hotkey, netuid, tao = context.overlay, args["hotkey"], args["netuid"], args["amount_staked"]
    _check_size(overlay, netuid, Side.BUY, tao)
    if not pools.exists(overlay, netuid):
        raise failed(_MODULE, "SubnetNotExists")
    require_enabled(overlay, netuid)
    if tao < MIN_STAKE + _simulated(overlay, netuid, Side.BUY, MIN_STAKE).fee:
        raise failed(_MODULE, "AmountTooLow")
    if max_amount == 0 or (not allow_partial and tao > max_amount):
        raise failed(_MODULE, "SlippageTooHigh")
    amount = min(tao, max_amount)
    if amount > balances.free_rao(overlay, coldkey):
        raise failed(_MODULE, "NotEnoughBalanceToStake")
    if not positions.hotkey_exists(overlay, hotkey):
        raise failed(_MODULE, "HotKeyAccountNotExists")
    expected = _simulated(overlay, netuid, Side.BUY, amount)
    if expected.amount_in < MIN_STAKE:
        raise failed(_MODULE, "AmountTooLow")
    if expected.amount_out == 0 or not positions.is_exact_enough(overlay, hotkey, netuid, expected.amount_out):
        raise failed(_MODULE, "InsufficientLiquidity")
    buy_into(context, coldkey, hotkey, coldkey, netuid, amount, limit_rao=limit_rao, drop_fees=False)


def _remove(context: Context, coldkey: bytes, hotkey: bytes, netuid: int, amount: int, *, limit_rao: int) -> None:
    sell_out(context, coldkey, hotkey, netuid, amount, limit_rao=limit_rao, drop_fees=False)
    clear_small_nomination(context, coldkey, hotkey, netuid)


def _check_size(overlay: Overlay, netuid: int, side: Side, amount: int) -> None:
    """Raise ``DispatchFailed`` for an input that no pool could take."""
    if not pools.is_dynamic(overlay, netuid):
        return
    pool = pools.pool_of(overlay, netuid)
    reserve = pool.tao if side is Side.BUY else pool.alpha
    if amount > min(MAX_INPUT_MULTIPLE * reserve, U64_MAX):
        raise failed(_MODULE, "InsufficientLiquidity")


def _simulated(overlay: Overlay, netuid: int, side: Side, amount: int) -> Any:
    try:
        return pools.quote(overlay, netuid, side, amount)
    except DispatchFailed as refusal:
        raise failed(_MODULE, "InsufficientLiquidity") from refusal


def _sell_for_author(context: Context, netuid: int, alpha: int) -> None:
    """Sell the fee of a sale for the author; without one the alpha is burned: it stays outstanding and is nobody's."""
    if context.author is None:
        item = "AlphaAssets.AlphaBurned"
        context.overlay.put(item, netuid, context.overlay.get(item, netuid) + alpha)
        return
    swapped = pools.sell(context.overlay, netuid, alpha, limit_rao=MIN_PRICE_RAO, drop_fees=True)
    balances.pay_out(context, subnet_account(netuid), context.author, swapped.amount_out)


CALLS: Final = {
    (_MODULE, "add_stake"): call_add_stake,
    (_MODULE, "add_stake_limit"): call_add_stake_limit,
    (_MODULE, "remove_stake"): call_remove_stake,
    (_MODULE, "remove_stake_limit"): call_remove_stake_limit,
    (_MODULE, "try_associate_hotkey"): call_try_associate_hotkey,
}
