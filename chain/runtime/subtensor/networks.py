"""The beginning of a subnet: what its number costs, its first pool, and the call that opens it for trading.

Source: ``economics`` section 5.2.
"""

from typing import Any, Final

from chain.keys import subnet_account
from chain.runtime import balances, items
from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import BAD_ORIGIN, DispatchFailed, failed
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import children, coinbase, dissolve, neurons, pools, prices, subnets
from chain.runtime.subtensor.pools import DYNAMIC, ROOT_NETUID
from chain.runtime.subtensor.registration import claim_hotkey
from chain.runtime.subtensor.symbols import symbol_of

TEMPO: Final = 360
"""Blocks between the epochs of a new subnet."""
_MODULE: Final = "SubtensorModule"
_LAST_LOCK: Final = f"{items.PRIVATE}.LastLock"
_LAST_BLOCK: Final = f"{items.PRIVATE}.LastLockBlock"
_HALF: Final = 10**18 // 2
_NEW: Final = {
    "NetworksAdded": True,
    "SubnetMechanism": DYNAMIC,
    "NetworkRegistrationAllowed": True,
    "SubtokenEnabled": False,
    "TransferToggle": True,
    "Tempo": TEMPO,
    "Burn": 10**9,
    "MaxAllowedUids": 256,
    "ImmunityPeriod": 5_000,
    "MaxAllowedValidators": 64,
    "MinAllowedWeights": 1,
    "WeightsSetRateLimit": 100,
    "CommitRevealWeightsEnabled": True,
    "Yuma3On": True,
    "SubnetworkN": 0,
    "SubnetAlphaOut": 0,
    "BlocksSinceLastStep": 0,
}


def current_lock_cost(overlay: Overlay | State, block: int) -> int:
    """Return the rao that a subnet costs in this block."""
    return prices.lock_cost(
        last_lock=overlay.get(_LAST_LOCK),
        last_lock_block=overlay.get(_LAST_BLOCK),
        block=block,
        interval=prices.lock_interval(
            block_emission=coinbase.block_emission_of(overlay), interval=overlay.get(f"{items.PRIVATE}.LockInterval")
        ),
        min_lock=overlay.get(f"{items.PRIVATE}.LockMin"),
    )


def call_register_network(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Register a subnet; where all numbers are taken, the weakest subnet has to go."""
    coldkey, hotkey, overlay = signed(origin), args["hotkey"], context.overlay
    claim_hotkey(overlay, coldkey, hotkey)
    if is_too_early(overlay, context.number):
        raise failed(_MODULE, "NetworkTxRateLimitExceeded")
    others = [netuid for netuid in subnets.netuids(overlay) if netuid != ROOT_NETUID]
    pruned = None
    if len(others) >= overlay.get(f"{_MODULE}.SubnetLimit"):
        pruned = weakest(overlay, context.number)
        if pruned is None:
            raise failed(_MODULE, "SubnetLimitReached")
    cost = current_lock_cost(overlay, context.number)
    if cost > balances.spendable_rao(overlay, coldkey):
        raise failed(_MODULE, "CannotAffordLockCost")
    if pruned is None:
        netuid = min(set(range(1, len(others) + 2)) - set(others))
    else:
        netuid = pruned
        dissolve.dissolve(context, pruned)
    _create(context, coldkey, hotkey, netuid, cost)
    context.emit(_MODULE, "NetworkAdded", (netuid, DYNAMIC))


def call_start_call(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Open a subnet for staking and emission; its owner does so once."""
    owner, overlay, netuid = signed(origin), context.overlay, args["netuid"]
    if not pools.exists(overlay, netuid):
        raise failed(_MODULE, "SubnetNotExists")
    if overlay.get(f"{_MODULE}.SubnetOwner", netuid) != owner:
        raise DispatchFailed(BAD_ORIGIN)
    if overlay.get(f"{_MODULE}.FirstEmissionBlockNumber", netuid) is not None:
        raise failed(_MODULE, "FirstEmissionBlockNumberAlreadySet")
    registered = overlay.get(f"{_MODULE}.NetworkRegisteredAt", netuid)
    if context.number < registered + overlay.get(f"{_MODULE}.StartCallDelay"):
        raise failed(_MODULE, "NeedWaitingMoreBlocksToStarCall")
    overlay.put(f"{_MODULE}.FirstEmissionBlockNumber", netuid, context.number + 1)
    overlay.put(f"{_MODULE}.SubtokenEnabled", netuid, True)


def is_too_early(view: Overlay | State, block: int) -> bool:
    """Tell whether the last registration of a subnet is too recent for another."""
    last = view.get(_LAST_BLOCK)
    return bool(last and block - last < view.get(f"{items.PRIVATE}.NetworkRateLimit"))


def weakest(view: Overlay | State, block: int) -> int | None:
    """Return the subnet that has to go: of those not immune the cheapest by moving price, then the oldest."""
    immunity = view.get(f"{items.PRIVATE}.NetworkImmunity")
    ranked = []
    for netuid in subnets.netuids(view):
        registered = view.get(f"{_MODULE}.NetworkRegisteredAt", netuid)
        if netuid != ROOT_NETUID and block - registered >= immunity:
            ranked.append((view.get(f"{_MODULE}.SubnetMovingPrice", netuid)["bits"], registered, netuid))
    return min(ranked)[2] if ranked else None


def _create(context: Context, coldkey: bytes, hotkey: bytes, netuid: int, cost: int) -> None:
    overlay, block = context.overlay, context.number
    spot = [pools.price_q64(overlay, other) for other in subnets.netuids(overlay) if other != ROOT_NETUID]
    tao, alpha = prices.seed_pool(
        lock_paid=cost,
        min_lock=overlay.get(f"{items.PRIVATE}.LockMin"),
        median_price_q64=prices.median_price(spot),
    )
    balances.transfer(context, coldkey, subnet_account(netuid), cost, keep_alive=True)
    overlay.put(_LAST_LOCK, cost)
    overlay.put(_LAST_BLOCK, block)
    values = {
        **_NEW,
        "TokenSymbol": symbol_of(netuid).encode(),
        "NetworkRegisteredAt": block,
        "LastEpochBlock": max(block - netuid % TEMPO, 0),
        "SubnetOwner": coldkey,
        "SubnetOwnerHotkey": hotkey,
        "SubnetLocked": cost,
        "SubnetTAO": tao,
        "SubnetAlphaIn": alpha,
    }
    for name, value in values.items():
        overlay.put(f"{_MODULE}.{name}", netuid, value)
    pools.set_weight(overlay, netuid, _HALF)
    overlay.put(f"{_MODULE}.TotalStake", overlay.get(f"{_MODULE}.TotalStake") + tao)
    subnets.insert(overlay, netuid)
    neurons.add(overlay, netuid, hotkey, block)
    children.schedule_root_validators(context, netuid, hotkey)


CALLS: Final = {
    (_MODULE, "register_network"): call_register_network,
    (_MODULE, "start_call"): call_start_call,
}
