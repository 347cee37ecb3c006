"""The end of a subnet: its TAO is shared among all who hold its alpha, and everything about it is forgotten.

Source: ``economics`` section 5.3. A subnet ends when root dissolves it, or when its number is needed for a new one.
"""

from typing import Any, Final

from chain.keys import subnet_account
from chain.runtime import balances, items
from chain.runtime.context import Context, Origin, require_root
from chain.runtime.declarations import PALLETS
from chain.runtime.errors import failed
from chain.runtime.fixed_point import sub_u64
from chain.runtime.state import Overlay
from chain.runtime.subtensor import mechanisms, pools, positions, root_claims, subnets
from chain.runtime.subtensor.payout import share_pot
from chain.runtime.subtensor.pools import ROOT_NETUID

_MODULE: Final = "SubtensorModule"
_SHARES: Final = f"{_MODULE}.AlphaV2"
_RATES: Final = f"{_MODULE}.RootClaimable"
_RECORDED: Final = f"{_MODULE}.TotalIssuance"
_TOTAL_STAKE: Final = f"{_MODULE}.TotalStake"


def call_dissolve_network(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """End a subnet; only root may, and the coldkey that is named has to be its owner."""
    require_root(origin)
    netuid = args["netuid"]
    if netuid == ROOT_NETUID or not pools.exists(context.overlay, netuid):
        raise failed(_MODULE, "SubnetNotExists")
    if context.overlay.get(f"{_MODULE}.SubnetOwner", netuid) != args["coldkey"]:
        raise failed(_MODULE, "NotSubnetOwner")
    dissolve(context, netuid)


def dissolve(context: Context, netuid: int) -> None:
    """Pay out a subnet's TAO, recycle what is left of it, and clear its state."""
    overlay = context.overlay
    _forget_claims(overlay, netuid)
    paid = _pay_holders(context, netuid)
    pot, reserve = subnet_account(netuid), overlay.get(f"{_MODULE}.SubnetTAO", netuid)
    overlay.put(_TOTAL_STAKE, sub_u64(overlay.get(_TOTAL_STAKE), reserve))
    recycled = max(balances.free_rao(overlay, pot) - paid - balances.EXISTENTIAL_DEPOSIT, 0)
    balances.change_free(context, pot, -paid - recycled)
    balances.change_issuance(overlay, -recycled)
    overlay.put(_RECORDED, sub_u64(overlay.get(_RECORDED), recycled))
    mechanisms.clear_further(overlay, netuid)
    _clear(overlay, netuid)
    subnets.remove(overlay, netuid)
    context.emit(_MODULE, "NetworkRemoved", netuid)


def _forget_claims(overlay: Overlay, netuid: int) -> None:
    """Drop what root stake could have claimed: the alpha is worth nothing any more."""
    for (hotkey,), rates in sorted(overlay.entries(_RATES).items()):
        if netuid in rates:
            overlay.put(_RATES, hotkey, {other: rate for other, rate in rates.items() if other != netuid})
    overlay.delete(root_claims.UNCLAIMED, netuid)


def _pay_holders(context: Context, netuid: int) -> int:
    """Credit each holder's part of the pot and return the sum, which still has to leave the subnet's account.

    The account is charged once at the end, since it may not fall below the existential deposit in between. A part that
    is too small to bring a dead account to life is not paid, but recycled.
    """
    overlay, pot = context.overlay, subnet_account(netuid)
    held = [(keys[0], keys[1]) for keys in overlay.keys_with(_SHARES, 2, netuid)]
    held.sort(key=lambda place: items.storage_key(_SHARES, (*place, netuid)))
    stakes = [positions.stake_of(overlay, hotkey, coldkey, netuid) for hotkey, coldkey in held]
    protocol = overlay.get(f"{_MODULE}.SubnetProtocolAlpha", netuid) + overlay.get(f"{_MODULE}.SubnetAlphaIn", netuid)
    payout = share_pot(overlay.get(f"{_MODULE}.SubnetTAO", netuid), stakes, protocol)
    paid = 0
    for (_, coldkey), amount in zip(held, payout.paid, strict=True):
        if amount == 0 or coldkey == pot or not balances.can_deposit(overlay, coldkey, amount):
            continue
        balances.change_free(context, coldkey, amount)
        context.emit("Balances", "Transfer", {"from": pot, "to": coldkey, "amount": amount})
        paid += amount
    return paid


def _netuid_positions() -> dict[str, int]:
    """Return which key of each item names a subnet: the first ``u16`` among them."""
    found = {}
    for pallet in PALLETS:
        for declared in pallet.storage:
            types = [key.type for key in declared.keys]
            if pallet.name != "System" and "u16" in types:
                found[f"{pallet.name}.{declared.name}"] = types.index("u16")
    for name in items.private_names():
        types = [key.type for key in items.item(name).declared.keys]
        if "u16" in types:
            found[name] = types.index("u16")
    return found


BY_SUBNET: Final = _netuid_positions()
"""Items that tell of subnets, with the place of the number among their keys."""


def _clear(overlay: Overlay, netuid: int) -> None:
    """Remove every entry of a subnet; those that do not begin with its number are looked for one by one."""
    for name, place in BY_SUBNET.items():
        for keys in sorted(overlay.keys_with(name, place, netuid)):
            overlay.delete(name, *keys)


CALLS: Final = {(_MODULE, "dissolve_network"): call_dissolve_network}
