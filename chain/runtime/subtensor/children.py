"""Child keys: a hotkey lends its stake to others on a subnet, who validate with it for a share of what it earns.

A change waits 7 200 blocks and is made when the subnet's next epoch runs (``economics`` sections 3, 4.2 and 5.2).
"""

from collections.abc import Sequence
from typing import Any, Final

from chain.runtime import items
from chain.runtime.context import Context, Origin, signed
from chain.runtime.errors import failed
from chain.runtime.fixed_point import U64_MAX
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import neurons, pools, positions, takes
from chain.runtime.subtensor.family_split import Backing, Stake, kept_q32
from chain.runtime.subtensor.pools import ROOT_NETUID

CHILDREN_MAX: Final = 5
COOLDOWN: Final = 7_200
"""Blocks that a change waits."""
INTERVAL: Final = 150
"""Blocks between two changes by one hotkey on one subnet."""
_MODULE: Final = "SubtensorModule"
_PENDING: Final = f"{_MODULE}.PendingChildKeys"
_CHILDREN: Final = f"{_MODULE}.ChildKeys"
_PARENTS: Final = f"{_MODULE}.ParentKeys"
_LAST_CHANGE: Final = f"{items.PRIVATE}.LastChildrenChange"

Link = tuple[int, bytes]
"""Parts of 2^64 - 1 of a stake, and the hotkey on the other side."""


def call_set_children(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    """Name the children of one's hotkey on a subnet; they take the place of those it has."""
    coldkey, overlay = signed(origin), context.overlay
    hotkey, netuid, children = args["hotkey"], args["netuid"], args["children"]
    if netuid == ROOT_NETUID:
        raise failed(_MODULE, "RegistrationNotPermittedOnRootSubnet")
    if not pools.exists(overlay, netuid):
        raise failed(_MODULE, "SubnetNotExists")
    takes.require_owner(overlay, coldkey, hotkey)
    last = overlay.get(_LAST_CHANGE, hotkey, netuid)
    if last and context.number - last < INTERVAL:
        raise failed(_MODULE, "TxRateLimitExceeded")
    _check(overlay, hotkey, netuid, children)
    stake = positions.pool_value(overlay, hotkey, netuid)
    if children and stake < overlay.get(f"{_MODULE}.StakeThreshold"):
        raise failed(_MODULE, "NotEnoughStakeToSetChildkeys")
    schedule(context, hotkey, netuid, children)


def schedule(context: Context, hotkey: bytes, netuid: int, children: Sequence[Link]) -> None:
    """Write a change down for later."""
    context.overlay.put(_PENDING, netuid, hotkey, (list(children), context.number + COOLDOWN))
    context.overlay.put(_LAST_CHANGE, hotkey, netuid, context.number)


def schedule_root_validators(context: Context, netuid: int, owner_hotkey: bytes) -> None:
    """Let every root validator lend all of its stake to a new subnet's owner."""
    overlay = context.overlay
    for uid in range(neurons.count(overlay, ROOT_NETUID)):
        validator = neurons.hotkey_at(overlay, ROOT_NETUID, uid)
        if validator != owner_hotkey:
            schedule(context, validator, netuid, [(U64_MAX, owner_hotkey)])


def activate_pending(overlay: Overlay, netuid: int, block: int) -> None:
    """Make the changes of a subnet whose time has come; one that has become impossible meanwhile is dropped."""
    for (_, hotkey), (children, due) in list(overlay.iter_prefix(_PENDING, netuid)):
        if due > block:
            continue
        overlay.delete(_PENDING, netuid, hotkey)
        if not _is_circular(overlay, hotkey, netuid, children):
            _replace_children(overlay, hotkey, netuid, children)


def stake_under(view: Overlay | State, hotkey: bytes, netuid: int) -> Stake:
    """Return the alpha and the root TAO under a hotkey."""
    return Stake(alpha=positions.pool_value(view, hotkey, netuid), root=positions.pool_value(view, hotkey, ROOT_NETUID))


def own_weight_q32(view: Overlay | State, hotkey: bytes, netuid: int, tao_weight_q32: int) -> int:
    """Return what a hotkey's own stake weighs where it is, Q32: less what its children have."""
    lent = [proportion for proportion, _ in view.get(_CHILDREN, hotkey, netuid)]
    return kept_q32(stake_under(view, hotkey, netuid), lent, tao_weight_q32)


def backings_of(view: Overlay | State, hotkey: bytes, netuid: int) -> list[Backing]:
    """Return what each parent lends to a hotkey."""
    owner = positions.owner_of(view, hotkey)
    return [
        Backing(
            hotkey=parent,
            stake=stake_under(view, parent, netuid),
            proportion=proportion,
            is_same_owner=positions.owner_of(view, parent) == owner,
        )
        for proportion, parent in view.get(_PARENTS, hotkey, netuid)
    ]


def rename(overlay: Overlay, netuid: int, old: bytes, new: bytes) -> None:
    """Give all children and parents of a hotkey to its successor, and the change that waits."""
    for mine, theirs in ((_CHILDREN, _PARENTS), (_PARENTS, _CHILDREN)):
        links = overlay.get(mine, old, netuid)
        if not links:
            continue
        overlay.delete(mine, old, netuid)
        overlay.put(mine, new, netuid, links)
        for _, other in links:
            renamed = [(part, new if key == old else key) for part, key in overlay.get(theirs, other, netuid)]
            overlay.put(theirs, other, netuid, renamed)
    if overlay.contains(_PENDING, netuid, old):
        overlay.put(_PENDING, netuid, new, overlay.get(_PENDING, netuid, old))
        overlay.delete(_PENDING, netuid, old)


def _check(overlay: Overlay, hotkey: bytes, netuid: int, children: Sequence[Link]) -> None:
    if len(children) > CHILDREN_MAX:
        raise failed(_MODULE, "TooManyChildren")
    named = [child for _, child in children]
    if hotkey in named:
        raise failed(_MODULE, "InvalidChild")
    if len(set(named)) != len(named):
        raise failed(_MODULE, "DuplicateChild")
    if sum(proportion for proportion, _ in children) > U64_MAX:
        raise failed(_MODULE, "ProportionOverflow")
    if _is_circular(overlay, hotkey, netuid, children):
        raise failed(_MODULE, "ChildParentInconsistency")


def _is_circular(overlay: Overlay, hotkey: bytes, netuid: int, children: Sequence[Link]) -> bool:
    parents = {parent for _, parent in overlay.get(_PARENTS, hotkey, netuid)}
    return any(child in parents or child == hotkey for _, child in children)


def _replace_children(overlay: Overlay, hotkey: bytes, netuid: int, children: Sequence[Link]) -> None:
    for _, child in overlay.get(_CHILDREN, hotkey, netuid):
        rest = [link for link in overlay.get(_PARENTS, child, netuid) if link[1] != hotkey]
        _put(overlay, _PARENTS, child, netuid, rest)
    _put(overlay, _CHILDREN, hotkey, netuid, list(children))
    for proportion, child in children:
        _put(overlay, _PARENTS, child, netuid, [*overlay.get(_PARENTS, child, netuid), (proportion, hotkey)])


def _put(overlay: Overlay, item: str, hotkey: bytes, netuid: int, links: list[Link]) -> None:
    if links:
        overlay.put(item, hotkey, netuid, links)
    else:
        overlay.delete(item, hotkey, netuid)


CALLS: Final = {(_MODULE, "set_children"): call_set_children}
