"""A new hotkey in the place of an old one: slots, stake of everybody under it, children, and root's claims move along.

Positions are renamed and not revalued, so nobody's stake changes by a rao; only where the new hotkey has stake already
the old stakes are added to it one by one, and what rounding leaves over goes to all of them.
"""

from typing import Any, Final

from chain.runtime import balances, items
from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import failed
from chain.runtime.fixed_point import sub_u64
from chain.runtime.state import Overlay
from chain.runtime.subtensor import auto_stake, children, locks, neurons, pools, positions, subnets, takes
from chain.runtime.subtensor.identities import is_registered
from chain.runtime.subtensor.pools import ROOT_NETUID
from chain.runtime.subtensor.registration import claim_hotkey

COST: Final = 100_000_000
"""Rao for a swap on all subnets."""
COST_ON_ONE: Final = 1_000_000
INTERVAL_ON_ONE: Final = 7_200
"""Blocks between two swaps of one coldkey on one subnet."""
_MODULE: Final = "SubtensorModule"
_LAST: Final = f"{items.PRIVATE}.LastHotkeySwap"
_LAST_ON: Final = f"{items.PRIVATE}.LastHotkeySwapOn"
_LAST_TAKE: Final = f"{items.PRIVATE}.LastTakeChange"
_SHARES: Final = f"{_MODULE}.AlphaV2"
_CLAIMED: Final = f"{_MODULE}.RootClaimed"
_RATES: Final = f"{_MODULE}.RootClaimable"
_RECORDED: Final = f"{_MODULE}.TotalIssuance"


def call_swap_hotkey(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Swap one's hotkey for a new one, everywhere or on one subnet."""
    coldkey, overlay, netuid = signed(origin), context.overlay, args["netuid"]
    old, new = args["hotkey"], args["new_hotkey"]
    takes.require_owner(overlay, coldkey, old)
    _check(context, coldkey, old, new, netuid)
    if netuid is None:
        recycle(context, coldkey, COST, "NotEnoughBalanceToPaySwapHotKey")
    else:
        recycle(context, coldkey, COST_ON_ONE, "NotEnoughBalanceToPaySwapHotKey")
    claim_hotkey(overlay, coldkey, new)
    holders = _holders_of(overlay, old)
    for each in subnets.netuids(overlay) if netuid is None else [netuid]:
        _check_links(overlay, each, old, new)
        _swap_on(overlay, each, old, new, holders.get(each, []))
        overlay.put(_LAST_ON, each, coldkey, context.number)
    if overlay.contains(f"{_MODULE}.Delegates", old):
        overlay.put(f"{_MODULE}.Delegates", new, overlay.get(f"{_MODULE}.Delegates", old))
        overlay.put(_LAST_TAKE, new, overlay.get(_LAST_TAKE, old))
    if netuid is None:
        _forget(overlay, coldkey, old)
    overlay.put(_LAST, coldkey, context.number)


def recycle(context: Context, payer: bytes, amount: int, error: str) -> None:
    """Take TAO out of the world, to be emitted again; raises ``DispatchFailed`` with a named error."""
    overlay = context.overlay
    if amount > balances.spendable_rao(overlay, payer):
        raise failed(_MODULE, error)
    balances.change_free(context, payer, -amount)
    balances.change_issuance(overlay, -amount)
    overlay.put(_RECORDED, sub_u64(overlay.get(_RECORDED), amount))


def _check(context: Context, coldkey: bytes, old: bytes, new: bytes, netuid: int | None) -> None:
    overlay, block = context.overlay, context.number
    if old == new:
        raise failed(_MODULE, "NewHotKeyIsSameWithOld")
    if netuid is not None and not pools.exists(overlay, netuid):
        raise failed(_MODULE, "SubnetNotExists")
    taken = is_registered(overlay, new) if netuid is None else neurons.uid_of(overlay, netuid, new) is not None
    if taken:
        raise failed(_MODULE, "HotKeyAlreadyRegisteredInSubNet")
    last, interval = overlay.get(_LAST, coldkey), overlay.get(f"{_MODULE}.TxRateLimit")
    if last and interval and block - last <= interval:
        raise failed(_MODULE, "HotKeySetTxRateLimitExceeded")
    if netuid is not None:
        on_one = overlay.get(_LAST_ON, netuid, coldkey)
        if on_one and block - on_one <= INTERVAL_ON_ONE:
            raise failed(_MODULE, "HotKeySwapOnSubnetIntervalNotPassed")
    if netuid in {None, ROOT_NETUID} and (overlay.get(_RATES, new) or positions.pool_value(overlay, new, ROOT_NETUID)):
        raise failed(_MODULE, "NewHotKeyNotCleanForRootSwap")


def _check_links(overlay: Overlay, netuid: int, old: bytes, new: bytes) -> None:
    def links(hotkey: bytes) -> bool:
        return bool(
            overlay.get(f"{_MODULE}.ChildKeys", hotkey, netuid) or overlay.get(f"{_MODULE}.ParentKeys", hotkey, netuid)
        )

    if links(old) and links(new):
        raise failed(_MODULE, "ChildParentInconsistency")


def _holders_of(overlay: Overlay, hotkey: bytes) -> dict[int, list[bytes]]:
    """Return by subnet who has a position under a hotkey, ascending; looks through all positions there are."""
    found: dict[int, list[bytes]] = {}
    for _, coldkey, netuid in sorted(overlay.entries(_SHARES, (hotkey,))):
        found.setdefault(netuid, []).append(coldkey)
    return found


def _swap_on(overlay: Overlay, netuid: int, old: bytes, new: bytes, holders: list[bytes]) -> None:
    neurons.rename(overlay, netuid, old, new)
    children.rename(overlay, netuid, old, new)
    auto_stake.rename_hotkey(overlay, netuid, old, new)
    locks.rename_hotkey(overlay, netuid, old, new)
    _move_positions(overlay, netuid, old, new, holders)
    if overlay.get(f"{_MODULE}.SubnetOwnerHotkey", netuid) == old:
        overlay.put(f"{_MODULE}.SubnetOwnerHotkey", netuid, new)
    if overlay.contains(f"{_MODULE}.ChildkeyTake", old, netuid):
        overlay.put(f"{_MODULE}.ChildkeyTake", new, netuid, overlay.get(f"{_MODULE}.ChildkeyTake", old, netuid))
        overlay.delete(f"{_MODULE}.ChildkeyTake", old, netuid)
    for name in ("AlphaDividendsPerSubnet", "RootAlphaDividendsPerSubnet"):
        if overlay.contains(f"{_MODULE}.{name}", netuid, old):
            overlay.put(f"{_MODULE}.{name}", netuid, new, overlay.get(f"{_MODULE}.{name}", netuid, old))
            overlay.delete(f"{_MODULE}.{name}", netuid, old)


def _move_positions(overlay: Overlay, netuid: int, old: bytes, new: bytes, holders: list[bytes]) -> None:
    if netuid == ROOT_NETUID:
        _move_claims(overlay, old, new, holders)
    if positions.pool_value(overlay, new, netuid) == 0:
        positions.rename_pool(overlay, old, new, netuid, holders)
        return
    for coldkey in holders:
        stake = positions.stake_of(overlay, old, coldkey, netuid)
        if stake:
            positions.decrease(overlay, old, coldkey, netuid, stake)
            positions.increase(overlay, new, coldkey, netuid, stake)
    left = positions.close_pool(overlay, old, netuid, holders)
    if left:
        positions.give_to_all(overlay, new, netuid, left)


def _move_claims(overlay: Overlay, old: bytes, new: bytes, holders: list[bytes]) -> None:
    """Let the new hotkey's root stake claim what the old one's could; its own rates are known to be empty."""
    rates = overlay.get(_RATES, old)
    overlay.delete(_RATES, old)
    if rates:
        overlay.put(_RATES, new, rates)
    for netuid in sorted(rates):
        for coldkey in holders:
            if overlay.contains(_CLAIMED, netuid, old, coldkey):
                overlay.put(_CLAIMED, netuid, new, coldkey, overlay.get(_CLAIMED, netuid, old, coldkey))
                overlay.delete(_CLAIMED, netuid, old, coldkey)


def _forget(overlay: Overlay, coldkey: bytes, old: bytes) -> None:
    """Make an old hotkey nobody's."""
    overlay.delete(f"{_MODULE}.Owner", old)
    overlay.delete(f"{_MODULE}.Delegates", old)
    overlay.delete(_LAST_TAKE, old)
    owned = overlay.get(f"{_MODULE}.OwnedHotkeys", coldkey)
    overlay.put(f"{_MODULE}.OwnedHotkeys", coldkey, [hotkey for hotkey in owned if hotkey != old])
    staking = overlay.get(f"{_MODULE}.StakingHotkeys", coldkey)
    overlay.put(f"{_MODULE}.StakingHotkeys", coldkey, [hotkey for hotkey in staking if hotkey != old])


CALLS: Final = {(_MODULE, "swap_hotkey"): call_swap_hotkey}
