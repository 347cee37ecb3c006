"""The share a delegate keeps of what its stake earns, and how often it may be raised (``economics`` section 4.2)."""

from typing import Any, Final

from chain.runtime import items
from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import failed
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import pools, positions

TAKE_INTERVAL: Final = 216_000
"""Blocks that have to pass between a change of a delegate's take and the next raise."""
CHILD_TAKE_MAX: Final = 11_796
"""Parts of 65 535 that a child may take of its parents' dividends: 18 %."""
CHILD_TAKE_INTERVAL: Final = 216_000
_MODULE: Final = "SubtensorModule"
_LAST_CHANGE: Final = f"{items.PRIVATE}.LastTakeChange"
_LAST_CHILD_CHANGE: Final = f"{items.PRIVATE}.LastChildkeyTakeChange"


def is_allowed(take: int, *, low: int, high: int) -> bool:
    """Tell whether a take lies within its bounds, both included."""
    return low <= take <= high


def is_too_early(*, last: int, block: int, interval: int) -> bool:
    """Tell whether a change comes too soon after the last; block 0 means that there was none."""
    return last > 0 and block - last <= interval


def is_raised_too_early(view: Overlay | State, hotkey: bytes, block: int) -> bool:
    """Tell whether a hotkey's take may not be raised yet."""
    return is_too_early(last=view.get(_LAST_CHANGE, hotkey), block=block, interval=TAKE_INTERVAL)


def call_increase_take(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Raise the take of one's hotkey."""
    coldkey, overlay = signed(origin), context.overlay
    hotkey, take = args["hotkey"], args["take"]
    require_owner(overlay, coldkey, hotkey)
    if overlay.contains(f"{_MODULE}.Delegates", hotkey) and take <= overlay.get(f"{_MODULE}.Delegates", hotkey):
        raise failed(_MODULE, "DelegateTakeTooLow")
    if take > overlay.get(f"{_MODULE}.MaxDelegateTake"):
        raise failed(_MODULE, "DelegateTakeTooHigh")
    if is_raised_too_early(overlay, hotkey, context.number):
        raise failed(_MODULE, "DelegateTxRateLimitExceeded")
    _set(context, hotkey, take)
    context.emit(_MODULE, "TakeIncreased", (coldkey, hotkey, take))


def call_decrease_take(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Lower the take of one's hotkey, at any time; the next raise has to wait from now on."""
    coldkey, overlay = signed(origin), context.overlay
    hotkey, take = args["hotkey"], args["take"]
    require_owner(overlay, coldkey, hotkey)
    if take >= overlay.get(f"{_MODULE}.Delegates", hotkey) or take < overlay.get(f"{_MODULE}.MinDelegateTake"):
        raise failed(_MODULE, "DelegateTakeTooLow")
    _set(context, hotkey, take)
    context.emit(_MODULE, "TakeDecreased", (coldkey, hotkey, take))


def call_set_childkey_take(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Set what one's hotkey takes as a child on a subnet; a raise has to wait for its interval."""
    coldkey, overlay = signed(origin), context.overlay
    hotkey, netuid, take = args["hotkey"], args["netuid"], args["take"]
    if not pools.exists(overlay, netuid):
        raise failed(_MODULE, "SubnetNotExists")
    require_owner(overlay, coldkey, hotkey)
    if not is_allowed(take, low=0, high=CHILD_TAKE_MAX):
        raise failed(_MODULE, "InvalidChildkeyTake")
    last = overlay.get(_LAST_CHILD_CHANGE, hotkey, netuid)
    raised = take > overlay.get(f"{_MODULE}.ChildkeyTake", hotkey, netuid)
    if raised and is_too_early(last=last, block=context.number, interval=CHILD_TAKE_INTERVAL):
        raise failed(_MODULE, "TxChildkeyTakeRateLimitExceeded")
    overlay.put(f"{_MODULE}.ChildkeyTake", hotkey, netuid, take)
    overlay.put(_LAST_CHILD_CHANGE, hotkey, netuid, context.number)


def require_owner(view: Overlay | State, coldkey: bytes, hotkey: bytes) -> None:
    """Raise ``DispatchFailed`` unless the hotkey is there and is the coldkey's."""
    if not positions.hotkey_exists(view, hotkey):
        raise failed(_MODULE, "HotKeyAccountNotExists")
    if positions.owner_of(view, hotkey) != coldkey:
        raise failed(_MODULE, "NonAssociatedColdKey")


def _set(context: Context, hotkey: bytes, take: int) -> None:
    context.overlay.put(f"{_MODULE}.Delegates", hotkey, take)
    context.overlay.put(_LAST_CHANGE, hotkey, context.number)


CALLS: Final = {
    (_MODULE, "increase_take"): call_increase_take,
    (_MODULE, "decrease_take"): call_decrease_take,
    (_MODULE, "set_childkey_take"): call_set_childkey_take,
}
