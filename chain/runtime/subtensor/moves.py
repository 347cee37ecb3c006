"""Stake that changes its place: to another hotkey, another coldkey, another subnet (``economics`` section 4.5).

Within a subnet shares are booked anew, without swap and fee. Between subnets it is a sale and a purchase, and the fee
is charged once: on the sale, or, when the stake comes from root, on the purchase.
"""

from dataclasses import dataclass
from typing import Any, Final

from amm import reference as amm
from amm.reference import MAX_PRICE_RAO, MIN_PRICE_RAO, Side
from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import failed
from chain.runtime.fixed_point import U64_MAX, div_q64
from chain.runtime.state import Overlay
from chain.runtime.subtensor import locks, pools, positions
from chain.runtime.subtensor.pools import RAO_PER_WHOLE, ROOT_NETUID
from chain.runtime.subtensor.staking import MIN_STAKE, buy_into, clear_small_nomination, require_enabled, sell_out

_MODULE: Final = "SubtensorModule"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a position is: whose, under which hotkey, on which subnet."""

    coldkey: bytes
    hotkey: bytes
    netuid: int


def call_move_stake(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Move stake to another hotkey, and to another subnet if asked."""
    coldkey = signed(origin)
    source = Place(coldkey, args["origin_hotkey"], args["origin_netuid"])
    target = Place(coldkey, args["destination_hotkey"], args["destination_netuid"])
    tao = _move(context, source, target, args["alpha_amount"])
    fields = (coldkey, source.hotkey, source.netuid, target.hotkey, target.netuid, tao)
    context.emit(_MODULE, "StakeMoved", fields)


def call_transfer_stake(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Give stake to another coldkey; both subnets have to allow it."""
    coldkey = signed(origin)
    source = Place(coldkey, args["hotkey"], args["origin_netuid"])
    target = Place(args["destination_coldkey"], args["hotkey"], args["destination_netuid"])
    for netuid in (source.netuid, target.netuid):
        if not context.overlay.get("SubtensorModule.TransferToggle", netuid):
            raise failed(_MODULE, "TransferDisallowed")
    tao = _move(context, source, target, args["alpha_amount"])
    fields = (coldkey, target.coldkey, source.hotkey, source.netuid, target.netuid, tao)
    context.emit(_MODULE, "StakeTransferred", fields)


def call_swap_stake(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Swap one subnet's alpha for another's at any price."""
    _swap(context, signed(origin), args, max_amount=U64_MAX, allow_partial=False)


def call_swap_stake_limit(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Swap one subnet's alpha for another's while origin price / destination price x 10^9 stays above a limit."""
    overlay, limit = context.overlay, args["limit_price"]
    max_amount = _max_amount(overlay, args["origin_netuid"], args["destination_netuid"], limit)
    _swap(context, signed(origin), args, max_amount=max_amount, allow_partial=args["allow_partial"])


def _swap(context: Context, coldkey: bytes, args: dict[str, Any], *, max_amount: int, allow_partial: bool) -> None:
    source = Place(coldkey, args["hotkey"], args["origin_netuid"])
    target = Place(coldkey, args["hotkey"], args["destination_netuid"])
    if source == target:
        raise failed(_MODULE, "SameNetuid")
    amount = args["alpha_amount"]
    tao = _move(context, source, target, amount, max_amount=max_amount, allow_partial=allow_partial)
    context.emit(_MODULE, "StakeSwapped", (coldkey, source.hotkey, source.netuid, target.netuid, tao))


def _move(
    context: Context,
    source: Place,
    target: Place,
    amount: int,
    *,
    max_amount: int = U64_MAX,
    allow_partial: bool = False,
) -> int:
    """Check and carry out a move and return the TAO it was worth, or brought; raises ``DispatchFailed``."""
    overlay = context.overlay
    amount = min(amount, positions.stake_of(overlay, source.hotkey, source.coldkey, source.netuid))
    _check(overlay, source, target, amount)
    if max_amount == 0 or (not allow_partial and amount > max_amount):
        raise failed(_MODULE, "SlippageTooHigh")
    amount = min(amount, max_amount)
    if source.netuid == target.netuid:
        return _rebook(context, source, target, amount)
    if pools.quote(overlay, source.netuid, Side.SELL, amount).amount_out <= MIN_STAKE:
        raise failed(_MODULE, "AmountTooLow")
    locks.require_available(overlay, source.coldkey, source.netuid, amount)
    return _exchange(context, source, target, amount)


def _check(overlay: Overlay, source: Place, target: Place, amount: int) -> None:
    if source == target:
        raise failed(_MODULE, "SameNetuid")
    for place in (source, target):
        if not pools.exists(overlay, place.netuid):
            raise failed(_MODULE, "SubnetNotExists")
        require_enabled(overlay, place.netuid)
    for place in (source, target):
        if not positions.hotkey_exists(overlay, place.hotkey):
            raise failed(_MODULE, "HotKeyAccountNotExists")
    if amount == 0:
        raise failed(_MODULE, "NotEnoughStakeToWithdraw")


def _rebook(context: Context, source: Place, target: Place, amount: int) -> int:
    """Move shares within one subnet; rounding may leave a rao with the pools."""
    overlay, netuid = context.overlay, source.netuid
    tao = pools.tao_worth(overlay, netuid, amount)
    if tao < MIN_STAKE:
        raise failed(_MODULE, "AmountTooLow")
    if not positions.is_exact_enough(overlay, target.hotkey, netuid, amount):
        raise failed(_MODULE, "InsufficientLiquidity")
    locks.carry(overlay, source.coldkey, target.coldkey, netuid, amount)
    positions.decrease(overlay, source.hotkey, source.coldkey, netuid, amount)
    positions.increase(overlay, target.hotkey, target.coldkey, netuid, amount)
    context.emit(_MODULE, "StakeRemoved", (source.coldkey, source.hotkey, tao, amount, netuid, 0))
    context.emit(_MODULE, "StakeAdded", (target.coldkey, target.hotkey, tao, amount, netuid, 0))
    clear_small_nomination(context, source.coldkey, source.hotkey, netuid)
    return tao


def _exchange(context: Context, source: Place, target: Place, amount: int) -> int:
    """Sell and buy; TAO below the smallest stake stays with the coldkey that sold."""
    from_root = source.netuid == ROOT_NETUID
    sold = sell_out(
        context,
        source.coldkey,
        source.hotkey,
        source.netuid,
        amount,
        limit_rao=MIN_PRICE_RAO,
        drop_fees=from_root,
    )
    clear_small_nomination(context, source.coldkey, source.hotkey, source.netuid)
    if sold.tao >= MIN_STAKE:
        buy_into(
            context,
            source.coldkey,
            target.hotkey,
            target.coldkey,
            target.netuid,
            sold.tao,
            limit_rao=MAX_PRICE_RAO,
            drop_fees=not from_root,
        )
    return sold.tao


def _max_amount(overlay: Overlay, origin: int, destination: int, limit_rao: int) -> int:
    """Return the most that may be swapped within a limit on the ratio of prices; raises ``DispatchFailed``."""
    for netuid in (origin, destination):
        if not pools.exists(overlay, netuid):
            raise failed(_MODULE, "SubnetNotExists")
    from_pool, to_pool = pools.is_dynamic(overlay, origin), pools.is_dynamic(overlay, destination)
    if from_pool and to_pool:
        a, b = pools.pool_of(overlay, origin), pools.pool_of(overlay, destination)
        return amm.max_amount_move(a, b, limit_rao=limit_rao)
    if from_pool:
        return pools.max_input(overlay, origin, Side.SELL, limit_rao)
    if to_pool:
        buy_limit = div_q64(RAO_PER_WHOLE**2 << 64, limit_rao << 64) >> 64 if limit_rao else U64_MAX
        return pools.max_input(overlay, destination, Side.BUY, min(buy_limit, U64_MAX))
    return amm.max_input_one_to_one(Side.SELL, limit_rao=limit_rao)


CALLS: Final = {
    (_MODULE, "move_stake"): call_move_stake,
    (_MODULE, "transfer_stake"): call_transfer_stake,
    (_MODULE, "swap_stake"): call_swap_stake,
    (_MODULE, "swap_stake_limit"): call_swap_stake_limit,
}
