"""Root's dividends: alpha that root stake has earned on subnets, and how it is claimed (``economics`` section 3.9).

A dividend raises what each rao of a hotkey's root stake may claim; nothing is paid until somebody claims. Until then
the alpha stands in ``RootUnclaimed`` of the subnet, so that a claim can never hand out more than was earned: the
watermarks of positions are rounded, and a rao may be missing in the end.
"""

from typing import Any, Final

from amm.reference import MIN_PRICE_RAO
from chain.keys import subnet_account
from chain.runtime import balances, items
from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import DispatchFailed, failed
from chain.runtime.fixed_point import ONE_Q32, add_u64, sub_u64
from chain.runtime.state import Overlay
from chain.runtime.subtensor import claim_rules, pools, positions
from chain.runtime.subtensor.pools import ROOT_NETUID

UNCLAIMED: Final = f"{items.PRIVATE}.RootUnclaimed"
"""Rao of alpha by subnet that root stake has earned and nobody has claimed."""
_MODULE: Final = "SubtensorModule"
_RATES: Final = f"{_MODULE}.RootClaimable"
_CLAIMED: Final = f"{_MODULE}.RootClaimed"
_TYPE: Final = f"{_MODULE}.RootClaimType"
_THRESHOLD: Final = f"{_MODULE}.RootClaimableThreshold"


def credit(overlay: Overlay, hotkey: bytes, netuid: int, dividend: int) -> int:
    """Let a hotkey's root stake claim a dividend; return it, or 0 where there is less stake than dividend."""
    root_total = positions.pool_value(overlay, hotkey, ROOT_NETUID)
    if dividend == 0 or dividend > root_total:
        return 0
    rates = overlay.get(_RATES, hotkey)
    rate = rates.get(netuid, {"bits": 0})["bits"] + claim_rules.rate_increase(dividend, root_total)
    overlay.put(_RATES, hotkey, {**rates, netuid: {"bits": rate}})
    overlay.put(UNCLAIMED, netuid, add_u64(overlay.get(UNCLAIMED, netuid), dividend))
    return dividend


def owed(overlay: Overlay, hotkey: bytes, coldkey: bytes, netuid: int) -> int:
    """Return the rao of alpha that a root position may claim on a subnet now, whatever the threshold."""
    rate = overlay.get(_RATES, hotkey).get(netuid)
    if rate is None:
        return 0
    stake = positions.stake_of(overlay, hotkey, coldkey, ROOT_NETUID)
    amount = claim_rules.owed(rate["bits"], stake, overlay.get(_CLAIMED, netuid, hotkey, coldkey))
    unclaimed: int = overlay.get(UNCLAIMED, netuid)
    return min(amount, unclaimed)


def claim_all(context: Context, coldkey: bytes, only: frozenset[int] | None = None) -> int:
    """Claim what a coldkey's root positions have earned, on all subnets or some; return how many claims were paid.

    Raises ``DispatchFailed`` where a pool would not take the alpha; the caller takes everything back then.
    """
    overlay, paid = context.overlay, 0
    kind = overlay.get(_TYPE, coldkey)
    for hotkey in positions.staking_hotkeys(overlay, coldkey):
        for netuid in sorted(overlay.get(_RATES, hotkey)):
            if only is None or netuid in only:
                paid += _claim(context, hotkey, coldkey, netuid, kind)
    return paid


def run_auto_claims(context: Context) -> None:
    """Claim for a few root stakers whose turn the parent block's hash says it is."""
    overlay = context.overlay
    total = overlay.get(f"{items.PRIVATE}.RootStakerCount")
    for index in claim_rules.auto_claim_indices(context.parent_hash, count=claim_rules.AUTO_CLAIMS, total=total):
        coldkey = overlay.get(f"{items.PRIVATE}.RootStakers", index)
        try:
            with overlay.transaction():
                if claim_all(context, coldkey):
                    context.emit(_MODULE, "RootClaimed", {"coldkey": coldkey})
        except DispatchFailed:
            continue


def call_claim_root(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Claim on one to five subnets."""
    coldkey, netuids = signed(origin), frozenset(args["subnets"])
    if not 1 <= len(netuids) <= claim_rules.SUBNETS_MAX:
        raise failed(_MODULE, "InvalidSubnetNumber")
    claim_all(context, coldkey, netuids)
    context.emit(_MODULE, "RootClaimed", {"coldkey": coldkey})


def call_set_root_claim_type(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Choose what becomes of claimed alpha: sold for root stake, kept, or kept on some subnets."""
    coldkey, kind = signed(origin), args["new_root_claim_type"]
    if isinstance(kind, tuple) and not _kept(kind):
        raise failed(_MODULE, "InvalidSubnetNumber")
    context.overlay.put(_TYPE, coldkey, kind)


def _claim(context: Context, hotkey: bytes, coldkey: bytes, netuid: int, kind: Any) -> int:
    overlay = context.overlay
    amount = owed(overlay, hotkey, coldkey, netuid)
    if amount == 0 or amount * ONE_Q32 < overlay.get(_THRESHOLD, netuid)["bits"]:
        return 0
    overlay.put(UNCLAIMED, netuid, sub_u64(overlay.get(UNCLAIMED, netuid), amount))
    if kind == "Keep" or netuid in _kept(kind):
        positions.increase(overlay, hotkey, coldkey, netuid, amount)
    else:
        _swap_to_root(context, hotkey, coldkey, netuid, amount)
    overlay.put(_CLAIMED, netuid, hotkey, coldkey, overlay.get(_CLAIMED, netuid, hotkey, coldkey) + amount)
    return 1


def _swap_to_root(context: Context, hotkey: bytes, coldkey: bytes, netuid: int, alpha: int) -> None:
    """Sell alpha free of fee and stake the TAO on root under the same hotkey."""
    overlay = context.overlay
    sold = pools.sell(overlay, netuid, alpha, limit_rao=MIN_PRICE_RAO, drop_fees=True)
    if sold.amount_out == 0:
        return
    pot, root_pot = subnet_account(netuid), subnet_account(ROOT_NETUID)
    balances.transfer(context, pot, root_pot, sold.amount_out, keep_alive=False)
    bought = pools.buy(overlay, ROOT_NETUID, sold.amount_out, drop_fees=True)
    positions.increase(overlay, hotkey, coldkey, ROOT_NETUID, bought.amount_out)


def _kept(kind: Any) -> frozenset[int]:
    """Return the subnets whose alpha is kept, of the type that names them."""
    if not isinstance(kind, tuple):
        return frozenset()
    named = kind[1]
    return frozenset(named["subnets"] if isinstance(named, dict) else named)


CALLS: Final = {
    (_MODULE, "claim_root"): call_claim_root,
    (_MODULE, "set_root_claim_type"): call_set_root_claim_type,
}
