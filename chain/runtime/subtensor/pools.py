"""The pools in the state: reading them for the pool arithmetic, and booking what a swap moved (``economics`` 1.11).

The TAO of a pool lies in the subnet's own account; ``SubnetTAO`` says how much of that account is reserve. Networks of
mechanism 0, root among them, trade one to one without fee.
"""

from typing import Final

from amm import errors as amm_errors
from amm import reference as amm
from amm.reference import Pool, Side, Swapped
from chain.runtime.errors import DispatchFailed, failed
from chain.runtime.fixed_point import ONE_Q64, U128_MAX, add_u64, sub_u64
from chain.runtime.state import Overlay, State

ROOT_NETUID: Final = 0
DYNAMIC: Final = 1
RAO_PER_WHOLE: Final = 10**9

_TAO: Final = "SubtensorModule.SubnetTAO"
_ALPHA: Final = "SubtensorModule.SubnetAlphaIn"
_ALPHA_OUT: Final = "SubtensorModule.SubnetAlphaOut"
_VOLUME: Final = "SubtensorModule.SubnetVolume"
_TOTAL_STAKE: Final = "SubtensorModule.TotalStake"
_WEIGHT: Final = "Swap.SwapBalancer"
_FEE_RATE: Final = "Swap.FeeRate"

_SWAP_ERRORS: Final = {
    amm_errors.SwapInputTooLarge: "SwapInputTooLarge",
    amm_errors.ReservesTooLow: "ReservesTooLow",
    amm_errors.PriceLimitExceeded: "PriceLimitExceeded",
    amm_errors.InsufficientLiquidity: "InsufficientLiquidity",
}


def exists(view: Overlay | State, netuid: int) -> bool:
    """Tell whether there is a subnet of this number."""
    return bool(view.get("SubtensorModule.NetworksAdded", netuid))


def is_dynamic(view: Overlay | State, netuid: int) -> bool:
    """Tell whether a network has a pool of its own; the others trade one to one."""
    return bool(view.get("SubtensorModule.SubnetMechanism", netuid) == DYNAMIC)


def is_enabled(view: Overlay | State, netuid: int) -> bool:
    """Tell whether a network's token may be traded."""
    return bool(view.get("SubtensorModule.SubtokenEnabled", netuid))


def pool_of(view: Overlay | State, netuid: int) -> Pool:
    """Return a subnet's pool as it is now."""
    return Pool(
        tao=view.get(_TAO, netuid),
        alpha=view.get(_ALPHA, netuid),
        weight=view.get(_WEIGHT, netuid)["quote"],
        fee_rate=view.get(_FEE_RATE, netuid),
    )


def alpha_issuance(view: Overlay | State, netuid: int) -> int:
    """Return all alpha of a subnet, reserve and outstanding, in rao."""
    total: int = view.get(_ALPHA, netuid) + view.get(_ALPHA_OUT, netuid)
    return total


def price_q64(view: Overlay | State, netuid: int) -> int:
    """Return a network's price, TAO per alpha, as Q64; one where it trades one to one."""
    return amm.price_bits(pool_of(view, netuid)) if is_dynamic(view, netuid) else ONE_Q64


def tao_worth(view: Overlay | State, netuid: int, alpha: int) -> int:
    """Return what alpha is worth at the present price in rao of TAO, rounded down."""
    return price_q64(view, netuid) * alpha >> 64


def quote(
    view: Overlay | State,
    netuid: int,
    side: Side,
    amount: int,
    *,
    limit_rao: int | None = None,
    drop_fees: bool = False,
) -> Swapped:
    """Simulate a swap; raises ``DispatchFailed`` with the reason of the Swap pallet."""
    return _swap(view, netuid, side, amount, limit_rao=limit_rao, drop_fees=drop_fees, simulate=True)


def buy(overlay: Overlay, netuid: int, tao: int, *, limit_rao: int | None = None, drop_fees: bool = False) -> Swapped:
    """Swap TAO, already in the subnet's account, for alpha, and book it; raises ``DispatchFailed``."""
    swapped = _swap(overlay, netuid, Side.BUY, tao, limit_rao=limit_rao, drop_fees=drop_fees, simulate=False)
    _book(overlay, netuid, tao=swapped.amount_in, alpha=-swapped.amount_out)
    overlay.put(_TOTAL_STAKE, add_u64(overlay.get(_TOTAL_STAKE), tao))
    _count(overlay, netuid, tao)
    return swapped


def sell(
    overlay: Overlay, netuid: int, alpha: int, *, limit_rao: int | None = None, drop_fees: bool = False
) -> Swapped:
    """Swap alpha that no stake holds any more for TAO, and book it; raises ``DispatchFailed``."""
    swapped = _swap(overlay, netuid, Side.SELL, alpha, limit_rao=limit_rao, drop_fees=drop_fees, simulate=False)
    _book(overlay, netuid, tao=-swapped.amount_out, alpha=swapped.amount_in)
    overlay.put(_TOTAL_STAKE, sub_u64(overlay.get(_TOTAL_STAKE), swapped.amount_out))
    _count(overlay, netuid, swapped.amount_out)
    return swapped


def max_input(view: Overlay | State, netuid: int, side: Side, limit_rao: int) -> int:
    """Return the largest input, its fee included, that a limit price lets in; raises ``DispatchFailed``."""
    if not is_dynamic(view, netuid):
        return amm.max_input_one_to_one(side, limit_rao=limit_rao)
    try:
        return amm.max_input_for_limit(pool_of(view, netuid), side, limit_rao=limit_rao)
    except amm_errors.SwapRefused as refusal:
        raise swap_failed(refusal) from refusal


def add_reserves(overlay: Overlay, netuid: int, *, tao: int = 0, alpha: int = 0) -> None:
    """Add to the reserves what the protocol emitted."""
    if tao:
        overlay.put(_TAO, netuid, add_u64(overlay.get(_TAO, netuid), tao))
    if alpha:
        overlay.put(_ALPHA, netuid, add_u64(overlay.get(_ALPHA, netuid), alpha))


def change_alpha_out(overlay: Overlay, netuid: int, change: int) -> None:
    """Add to or take from the alpha that is outstanding."""
    overlay.put(_ALPHA_OUT, netuid, add_u64(sub_u64(overlay.get(_ALPHA_OUT, netuid), max(-change, 0)), max(change, 0)))


def set_weight(overlay: Overlay, netuid: int, weight: int) -> None:
    """Store the weight of TAO in a pool, in parts of 10^18."""
    overlay.put(_WEIGHT, netuid, {"quote": weight})


def swap_failed(refusal: amm_errors.SwapRefused) -> DispatchFailed:
    """Return the Swap pallet's error for a refusal of the pool arithmetic."""
    return failed("Swap", _SWAP_ERRORS[type(refusal)])


def _swap(
    view: Overlay | State,
    netuid: int,
    side: Side,
    amount: int,
    *,
    limit_rao: int | None,
    drop_fees: bool,
    simulate: bool,
) -> Swapped:
    pool = pool_of(view, netuid)
    if not is_dynamic(view, netuid):
        return Swapped(amount_in=amount, amount_out=amount, fee=0, full=True, pool=pool)
    limit_bits = None if limit_rao is None else amm.limit_bits_of(limit_rao)
    try:
        return amm.swap(pool, side, amount, limit_bits=limit_bits, drop_fees=drop_fees, simulate=simulate)
    except amm_errors.SwapRefused as refusal:
        raise swap_failed(refusal) from refusal


def _book(overlay: Overlay, netuid: int, *, tao: int, alpha: int) -> None:
    """Change the reserves, and the outstanding alpha the other way; saturating at 0, as root's alpha does."""
    overlay.put(_TAO, netuid, add_u64(sub_u64(overlay.get(_TAO, netuid), max(-tao, 0)), max(tao, 0)))
    overlay.put(_ALPHA, netuid, add_u64(sub_u64(overlay.get(_ALPHA, netuid), max(-alpha, 0)), max(alpha, 0)))
    change_alpha_out(overlay, netuid, -alpha)


def _count(overlay: Overlay, netuid: int, tao: int) -> None:
    overlay.put(_VOLUME, netuid, min(overlay.get(_VOLUME, netuid) + tao, U128_MAX))
