"""A new coldkey in the place of an old one: announced by its hash, carried out after five days, or disputed.

While a swap is announced its coldkey can do nothing else, so that a thief with the key has to show himself and wait.
"""

from typing import Any, Final

from chain.hashing import blake2b_256
from chain.runtime import balances
from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import failed
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import auto_stake, locks, positions, subnets
from chain.runtime.subtensor.hotkey_swap import COST, recycle
from chain.runtime.subtensor.pools import ROOT_NETUID

_MODULE: Final = "SubtensorModule"
_ANNOUNCED: Final = f"{_MODULE}.ColdkeySwapAnnouncements"
_DISPUTED: Final = f"{_MODULE}.ColdkeySwapDisputes"
_STAKING: Final = f"{_MODULE}.StakingHotkeys"
_OWNED: Final = f"{_MODULE}.OwnedHotkeys"
_IDENTITY: Final = f"{_MODULE}.IdentitiesV2"
_CLAIM_TYPE: Final = f"{_MODULE}.RootClaimType"
_ALLOWED: Final = frozenset({"announce_coldkey_swap", "swap_coldkey_announced", "dispute_coldkey_swap"})


def call_announce_coldkey_swap(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Announce the hash of the signer's successor; the first announcement costs TAO, a later one has to wait."""
    who, overlay = signed(origin), context.overlay
    announced = overlay.get(_ANNOUNCED, who)
    if announced is None:
        recycle(context, who, COST, "NotEnoughBalanceToPaySwapColdKey")
    elif context.number < announced[0] + overlay.get(f"{_MODULE}.ColdkeySwapReannouncementDelay"):
        raise failed(_MODULE, "ColdkeySwapReannouncedTooEarly")
    due = context.number + overlay.get(f"{_MODULE}.ColdkeySwapAnnouncementDelay")
    overlay.put(_ANNOUNCED, who, (due, args["new_coldkey_hash"]))
    fields = {"who": who, "new_coldkey_hash": args["new_coldkey_hash"]}
    context.emit(_MODULE, "ColdkeySwapAnnounced", fields)


def call_swap_coldkey_announced(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Give everything to the successor that was announced, once its time has come."""
    old, new, overlay = signed(origin), args["new_coldkey"], context.overlay
    announced = overlay.get(_ANNOUNCED, old)
    if announced is None:
        raise failed(_MODULE, "ColdkeySwapAnnouncementNotFound")
    due, digest = announced
    if blake2b_256(new) != digest:
        raise failed(_MODULE, "AnnouncedColdkeyHashDoesNotMatch")
    if context.number < due:
        raise failed(_MODULE, "ColdkeySwapTooEarly")
    if new == old or positions.staking_hotkeys(overlay, new):
        raise failed(_MODULE, "ColdKeyAlreadyAssociated")
    if positions.hotkey_exists(overlay, new):
        raise failed(_MODULE, "NewColdKeyIsHotkey")
    overlay.delete(_ANNOUNCED, old)
    _swap(context, old, new)
    context.emit(_MODULE, "ColdkeySwapped", {"old_coldkey": old, "new_coldkey": new})


def call_dispute_coldkey_swap(context: Context, origin: Origin, args: dict[str, Any]) -> None:  # noqa: ARG001 - as all
    """Stop an announced swap of the signer, and with it everything else this coldkey might do."""
    who, overlay = signed(origin), context.overlay
    if not overlay.contains(_ANNOUNCED, who):
        raise failed(_MODULE, "ColdkeySwapAnnouncementNotFound")
    if overlay.contains(_DISPUTED, who):
        raise failed(_MODULE, "ColdkeySwapAlreadyDisputed")
    overlay.put(_DISPUTED, who, context.number)


def barred_by(view: Overlay | State, who: bytes, pallet: str, name: str) -> str | None:
    """Return the error that a call meets because its signer's swap is announced or disputed, or ``None``."""
    if not view.contains(_ANNOUNCED, who):
        return None
    if view.contains(_DISPUTED, who):
        return None if (pallet, name) == (_MODULE, "dispute_coldkey_swap") else "ColdkeySwapDisputed"
    return None if pallet == _MODULE and name in _ALLOWED else "ColdkeySwapAnnounced"


def _swap(context: Context, old: bytes, new: bytes) -> None:
    overlay = context.overlay
    hotkeys, owned = overlay.get(_STAKING, old), overlay.get(_OWNED, old)
    for netuid in subnets.netuids(overlay):
        if overlay.get(f"{_MODULE}.SubnetOwner", netuid) == old and netuid != ROOT_NETUID:
            overlay.put(f"{_MODULE}.SubnetOwner", netuid, new)
        auto_stake.rename_coldkey(overlay, netuid, old, new)
        locks.rename_coldkey(overlay, netuid, old, new)
        for hotkey in hotkeys:
            positions.rename_holder(overlay, hotkey, old, new, netuid)
    for hotkey in owned:
        overlay.put(f"{_MODULE}.Owner", hotkey, new)
    for item in (_STAKING, _OWNED, _IDENTITY, _CLAIM_TYPE):
        if overlay.contains(item, old):
            overlay.put(item, new, overlay.get(item, old))
            overlay.delete(item, old)
    amount = balances.spendable_rao(overlay, old, keep_alive=False)
    if amount and balances.can_deposit(overlay, new, amount):
        balances.transfer(context, old, new, amount, keep_alive=False)


CALLS: Final = {
    (_MODULE, "announce_coldkey_swap"): call_announce_coldkey_swap,
    (_MODULE, "swap_coldkey_announced"): call_swap_coldkey_announced,
    (_MODULE, "dispute_coldkey_swap"): call_dispute_coldkey_swap,
}
