"""Becoming a neuron: paid registration on a subnet, and a seat on root for those with enough stake.

The price is paid into the subnet's pool and the alpha it buys is recycled, so a registration lifts the price of the
token; the registration price itself then rises and melts away block by block (``economics`` section 5.1).
"""

from typing import Any, Final

from amm.reference import MAX_PRICE_RAO
from chain.keys import subnet_account
from chain.runtime import balances, items
from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import failed
from chain.runtime.state import Overlay
from chain.runtime.subtensor import neurons, pools, positions, prices
from chain.runtime.subtensor.pools import ROOT_NETUID

_MODULE: Final = "SubtensorModule"
_ROOT_AT: Final = f"{items.PRIVATE}.RegisteredOnRootAt"
_DELEGATE_TAKE: Final = 11_796
_POT_PREFIX: Final = subnet_account(0)[:12]


def call_burned_register(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Register a hotkey on a subnet for the price of the moment."""
    _register(context, signed(origin), args["netuid"], args["hotkey"])


def call_register_limit(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Register a hotkey on a subnet unless the price is above a limit, in rao."""
    coldkey, netuid = signed(origin), args["netuid"]
    _require_open(context.overlay, netuid)
    if context.overlay.get(f"{_MODULE}.Burn", netuid) > args["limit_price"]:
        raise failed(_MODULE, "RegistrationPriceLimitExceeded")
    _register(context, coldkey, netuid, args["hotkey"])


def call_root_register(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Take a seat on root; when all are taken, that of the validator with the least stake, if one has more."""
    coldkey, hotkey, overlay = signed(origin), args["hotkey"], context.overlay
    if not pools.exists(overlay, ROOT_NETUID):
        raise failed(_MODULE, "RootNetworkDoesNotExist")
    if overlay.get(_ROOT_AT) == context.number:
        raise failed(_MODULE, "TooManyRegistrationsThisBlock")
    if neurons.uid_of(overlay, ROOT_NETUID, hotkey) is not None:
        raise failed(_MODULE, "HotKeyAlreadyRegisteredInSubNet")
    claim_hotkey(overlay, coldkey, hotkey)
    if neurons.is_full(overlay, ROOT_NETUID):
        uid = _weakest_on_root(overlay, hotkey)
        neurons.replace(overlay, ROOT_NETUID, uid, hotkey, context.number)
    else:
        uid = neurons.add(overlay, ROOT_NETUID, hotkey, context.number)
    if not overlay.contains(f"{_MODULE}.Delegates", hotkey):
        overlay.put(f"{_MODULE}.Delegates", hotkey, _DELEGATE_TAKE)
    overlay.put(_ROOT_AT, context.number)
    context.emit(_MODULE, "NeuronRegistered", (ROOT_NETUID, uid, hotkey))


def claim_hotkey(overlay: Overlay, coldkey: bytes, hotkey: bytes) -> None:
    """Make a hotkey that nobody owns the coldkey's; raises ``DispatchFailed`` where it is another's or a pot."""
    if hotkey.startswith(_POT_PREFIX):
        raise failed(_MODULE, "CannotUseSystemAccount")
    positions.associate(overlay, coldkey, hotkey)
    if positions.owner_of(overlay, hotkey) != coldkey:
        raise failed(_MODULE, "NonAssociatedColdKey")


def _register(context: Context, coldkey: bytes, netuid: int, hotkey: bytes) -> None:
    overlay = context.overlay
    _require_open(overlay, netuid)
    if neurons.uid_of(overlay, netuid, hotkey) is not None:
        raise failed(_MODULE, "HotKeyAlreadyRegisteredInSubNet")
    price = overlay.get(f"{_MODULE}.Burn", netuid)
    if price > balances.free_rao(overlay, coldkey):
        raise failed(_MODULE, "NotEnoughBalanceToStake")
    claim_hotkey(overlay, coldkey, hotkey)
    if overlay.get(f"{_MODULE}.MaxAllowedUids", netuid) == 0:
        raise failed(_MODULE, "NoNeuronIdAvailable")
    full = neurons.is_full(overlay, netuid)
    replaced = neurons.to_replace(overlay, netuid, context.number) if full else None
    if full and replaced is None:
        raise failed(_MODULE, "NoNeuronIdAvailable")
    _pay(context, coldkey, netuid, price)
    if replaced is None:
        uid = neurons.add(overlay, netuid, hotkey, context.number)
    else:
        uid = replaced
        neurons.replace(overlay, netuid, uid, hotkey, context.number)
    low, high = (overlay.get(f"{_MODULE}.{name}", netuid) for name in ("MinBurn", "MaxBurn"))
    overlay.put(f"{_MODULE}.Burn", netuid, prices.bumped(price, prices.INCREASE_Q64, low=low, high=high))
    context.emit(_MODULE, "NeuronRegistered", (netuid, uid, hotkey))


def _require_open(overlay: Overlay, netuid: int) -> None:
    if netuid == ROOT_NETUID:
        raise failed(_MODULE, "RegistrationNotPermittedOnRootSubnet")
    if not pools.exists(overlay, netuid):
        raise failed(_MODULE, "SubnetNotExists")
    if not overlay.get(f"{_MODULE}.NetworkRegistrationAllowed", netuid):
        raise failed(_MODULE, "SubNetRegistrationDisabled")


def _pay(context: Context, coldkey: bytes, netuid: int, price: int) -> None:
    """Buy alpha with the price, as anybody would, and take that alpha out of the world."""
    overlay, pot = context.overlay, subnet_account(netuid)
    paid = min(price, balances.spendable_rao(overlay, coldkey))
    balances.transfer(context, coldkey, pot, paid, keep_alive=True)
    bought = pools.buy(overlay, netuid, paid, limit_rao=MAX_PRICE_RAO)
    pools.change_alpha_out(overlay, netuid, -bought.amount_out)
    balances.pay_out(context, pot, context.author, bought.fee)


def _weakest_on_root(overlay: Overlay, newcomer: bytes) -> int:
    def stake(hotkey: bytes) -> int:
        return positions.pool_value(overlay, hotkey, ROOT_NETUID)

    if neurons.count(overlay, ROOT_NETUID) == 0:
        raise failed(_MODULE, "NoNeuronIdAvailable")
    lowest, uid = neurons.least(overlay, ROOT_NETUID, stake)
    if stake(newcomer) <= lowest:
        raise failed(_MODULE, "StakeTooLowForRoot")
    return uid


CALLS: Final = {
    (_MODULE, "burned_register"): call_burned_register,
    (_MODULE, "register_limit"): call_register_limit,
    (_MODULE, "root_register"): call_root_register,
}
