"""Ways out of whole positions: at a limit or not at all, everywhere at once, or for nothing (recycling and burning)."""

from typing import Any, Final

from amm.reference import MAX_PRICE_RAO, MIN_PRICE_RAO, Side
from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import DispatchFailed, failed
from chain.runtime.fixed_point import U64_MAX
from chain.runtime.state import Overlay
from chain.runtime.subtensor import locks, pools, positions, subnets
from chain.runtime.subtensor.pools import ROOT_NETUID
from chain.runtime.subtensor.staking import MIN_STAKE, buy_into, check_sale, require_enabled, sell_out

_MODULE: Final = "SubtensorModule"


def call_remove_stake_full_limit(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Sell a whole position within a limit, if there is one, or not at all."""
    coldkey, hotkey, netuid, limit = signed(origin), args["hotkey"], args["netuid"], args["limit_price"]
    require_enabled(context.overlay, netuid)
    stake = positions.stake_of(context.overlay, hotkey, coldkey, netuid)
    most = U64_MAX if limit is None else pools.max_input(context.overlay, netuid, Side.SELL, limit)
    check_sale(context.overlay, coldkey, hotkey, netuid, stake, max_amount=most, allow_partial=False)
    sell_out(
        context,
        coldkey,
        hotkey,
        netuid,
        stake,
        limit_rao=MIN_PRICE_RAO if limit is None else limit,
        drop_fees=False,
    )


def call_unstake_all(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Sell all positions under a hotkey, root's too; those that cannot be sold are passed over."""
    _leave_all(context, signed(origin), args["hotkey"], with_root=True)


def call_unstake_all_alpha(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Sell all positions under a hotkey but root's, and stake what they bring on root under the same hotkey."""
    coldkey, hotkey = signed(origin), args["hotkey"]
    tao = _leave_all(context, coldkey, hotkey, with_root=False)
    if tao < MIN_STAKE:
        raise failed(_MODULE, "AmountTooLow")
    buy_into(context, coldkey, hotkey, coldkey, ROOT_NETUID, tao, limit_rao=MAX_PRICE_RAO, drop_fees=True)


def call_recycle_alpha(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Give alpha back to the subnet: it may be emitted again."""
    coldkey, hotkey, netuid, amount = signed(origin), args["hotkey"], args["netuid"], args["amount"]
    _give_up(context.overlay, coldkey, hotkey, netuid, amount)
    if context.overlay.get(f"{_MODULE}.SubnetAlphaOut", netuid) < amount:
        raise failed(_MODULE, "NotEnoughAlphaOutToRecycle")
    pools.change_alpha_out(context.overlay, netuid, -amount)
    context.emit(_MODULE, "AlphaRecycled", (coldkey, hotkey, amount, netuid))


def call_burn_alpha(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Destroy alpha: it stays outstanding for ever and is nobody's."""
    coldkey, hotkey, netuid, amount = signed(origin), args["hotkey"], args["netuid"], args["amount"]
    _give_up(context.overlay, coldkey, hotkey, netuid, amount)
    burned = context.overlay.get("AlphaAssets.AlphaBurned", netuid)
    context.overlay.put("AlphaAssets.AlphaBurned", netuid, burned + amount)
    context.emit(_MODULE, "AlphaBurned", (coldkey, hotkey, amount, netuid))


def _leave_all(context: Context, coldkey: bytes, hotkey: bytes, *, with_root: bool) -> int:
    overlay, tao = context.overlay, 0
    if not positions.hotkey_exists(overlay, hotkey):
        raise failed(_MODULE, "HotKeyAccountNotExists")
    for netuid in subnets.netuids(overlay):
        stake = positions.stake_of(overlay, hotkey, coldkey, netuid)
        if stake == 0 or (netuid == ROOT_NETUID and not with_root):
            continue
        try:
            with overlay.transaction():
                require_enabled(overlay, netuid)
                check_sale(overlay, coldkey, hotkey, netuid, stake, max_amount=U64_MAX, allow_partial=False)
                sold = sell_out(context, coldkey, hotkey, netuid, stake, limit_rao=MIN_PRICE_RAO, drop_fees=False)
                tao += sold.tao
        except DispatchFailed:
            continue
    return tao


def _give_up(overlay: Overlay, coldkey: bytes, hotkey: bytes, netuid: int, amount: int) -> None:
    if not pools.exists(overlay, netuid):
        raise failed(_MODULE, "SubnetNotExists")
    if netuid == ROOT_NETUID:
        raise failed(_MODULE, "CannotBurnOrRecycleOnRootSubnet")
    require_enabled(overlay, netuid)
    if not positions.hotkey_exists(overlay, hotkey):
        raise failed(_MODULE, "HotKeyAccountNotExists")
    if amount == 0:
        raise failed(_MODULE, "AmountTooLow")
    locks.require_available(overlay, coldkey, netuid, amount)
    if positions.decrease(overlay, hotkey, coldkey, netuid, amount) == 0:
        raise failed(_MODULE, "NotEnoughStakeToWithdraw")


CALLS: Final = {
    (_MODULE, "remove_stake_full_limit"): call_remove_stake_full_limit,
    (_MODULE, "unstake_all"): call_unstake_all,
    (_MODULE, "unstake_all_alpha"): call_unstake_all_alpha,
    (_MODULE, "recycle_alpha"): call_recycle_alpha,
    (_MODULE, "burn_alpha"): call_burn_alpha,
}
