"""After an epoch: how the alpha that has gathered since the last one becomes stake.

Miners get what Yuma computed for them; validators share their pot in the proportions that Yuma computed. What follows
from those two vectors, dividends of parents, the split into alpha and root dividends, takes, owner's cut and withheld
incentives, is the reference's (``economics`` section 3.7, ``yuma`` section 10). Positions grow nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chain.runtime import items
from chain.runtime.fixed_point import add_u64, div_q32, ratio_u64_q32
from chain.runtime.state import Overlay
from chain.runtime.subtensor import children, emission, pools, positions, root_claims
from chain.runtime.subtensor.family_split import split_dividend

_BURNED: Final = "AlphaAssets.AlphaBurned"
_ALPHA_NOTE: Final = "SubtensorModule.AlphaDividendsPerSubnet"
_ROOT_NOTE: Final = "SubtensorModule.RootAlphaDividendsPerSubnet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What has gathered for one epoch, rao of alpha."""

    owner_cut: int
    server: int
    validator: int
    root: int

    @property
    def shared_by_yuma(self) -> int:
        """What the epoch is told to give away; the owner's cut is not part of it."""
        return self.server + self.validator + self.root


@dataclass(frozen=True, slots=True, kw_only=True)
class Pots:
    """What validators share by their alpha and by their root stake, rao of alpha."""

    validator: int
    root: int


def pots_of(pending: Pending, incentives: int) -> Pots:
    """Return the validators' pots of an epoch whose miners get ``incentives`` rao together.

    Without any incentive the miners' part is the validators' too. Incentives are paid as computed, which can be some
    rao more than has gathered for miners (rounding), or all of it where no validator has a dividend: what is missing
    comes out of the validators' pot, then out of root's, so that no alpha is paid that was not emitted.
    """
    validator = pending.validator + (pending.server if incentives == 0 else 0)
    missing = max(incentives - pending.server, 0)
    from_validators = min(missing, validator)
    return Pots(validator=validator - from_validators, root=max(pending.root - (missing - from_validators), 0))


def distribute(
    overlay: Overlay,
    netuid: int,
    hotkeys: Sequence[bytes],
    *,
    pending: Pending,
    servers: Sequence[int],
    validators: Sequence[int],
) -> None:
    """Pay an epoch out; ``servers`` and ``validators`` are rao by neuron as Yuma computed them."""
    tao_weight_q32 = ratio_u64_q32(overlay.get("SubtensorModule.TaoWeight"))
    pots = pots_of(pending, sum(servers))
    everybody = _share_with_parents(overlay, netuid, hotkeys, validators, tao_weight_q32)
    shared = {hotkey: dividend for hotkey, dividend in everybody.items() if dividend}
    stakes = [children.stake_under(overlay, hotkey, netuid) for hotkey in shared]
    alpha_q32, root_q32 = emission.dividend_distribution(
        pending_validator=pots.validator,
        pending_root=pots.root,
        tao_weight_q32=tao_weight_q32,
        stakes=[(stake.alpha, stake.root) for stake in stakes],
        dividends=list(shared.values()),
    )
    _pay_owner_cut(overlay, netuid, pending.owner_cut)
    _pay_incentives(overlay, netuid, hotkeys, servers)
    for hotkey, dividend in everybody.items():
        if dividend == 0:
            overlay.delete(_ALPHA_NOTE, netuid, hotkey)
            overlay.delete(_ROOT_NOTE, netuid, hotkey)
    for hotkey, alpha, root_part in zip(shared, alpha_q32, root_q32, strict=True):
        overlay.put(_ALPHA_NOTE, netuid, hotkey, _pay_alpha_dividend(overlay, netuid, hotkey, alpha))
        overlay.put(_ROOT_NOTE, netuid, hotkey, _pay_root_dividend(overlay, netuid, hotkey, root_part))


def _share_with_parents(
    overlay: Overlay, netuid: int, hotkeys: Sequence[bytes], dividends: Sequence[int], tao_weight_q32: int
) -> dict[bytes, int]:
    """Return the dividend of every hotkey that gets one or has a slot, ascending by hotkey, rao."""
    shared: dict[bytes, int] = {}
    for hotkey, dividend in zip(hotkeys, dividends, strict=True):
        own, parents = dividend, list[tuple[bytes, int]]()
        backings = children.backings_of(overlay, hotkey, netuid) if dividend else []
        if backings:
            own, parents = split_dividend(
                dividend,
                own_q32=children.own_weight_q32(overlay, hotkey, netuid, tao_weight_q32),
                backings=backings,
                take=overlay.get("SubtensorModule.ChildkeyTake", hotkey, netuid),
                tao_weight_q32=tao_weight_q32,
            )
        for receiver, amount in [(hotkey, own), *parents]:
            shared[receiver] = shared.get(receiver, 0) + amount
    return dict(sorted(shared.items()))


def _pay_owner_cut(overlay: Overlay, netuid: int, amount: int) -> None:
    """Stake the owner's cut on the owner's hotkey; without one it stays outstanding and is nobody's."""
    hotkey = overlay.get("SubtensorModule.SubnetOwnerHotkey", netuid)
    if amount and positions.hotkey_exists(overlay, hotkey):
        coldkey = overlay.get("SubtensorModule.SubnetOwner", netuid)
        positions.increase(overlay, hotkey, coldkey, netuid, amount)


def _pay_incentives(overlay: Overlay, netuid: int, hotkeys: Sequence[bytes], incentives: Sequence[int]) -> None:
    """Stake each miner's incentive; what the subnet's owner would get as a miner is withheld, which costs emission.

    Withheld alpha is burned: it stays outstanding and is nobody's; or, where the subnet says so, recycled.
    """
    owner = overlay.get("SubtensorModule.SubnetOwner", netuid)
    owner_hotkey = overlay.get("SubtensorModule.SubnetOwnerHotkey", netuid)
    withheld = 0
    for hotkey, amount in zip(hotkeys, incentives, strict=True):
        if amount == 0:
            continue
        coldkey = positions.owner_of(overlay, hotkey)
        if coldkey == owner or hotkey == owner_hotkey:
            withheld += amount
            continue
        target = overlay.get("SubtensorModule.AutoStakeDestination", coldkey, netuid)
        if target is None or not positions.hotkey_exists(overlay, target):
            target = hotkey
        positions.increase(overlay, target, coldkey, netuid, amount)
    if withheld and overlay.get(f"{items.PRIVATE}.RecycleWithheld", netuid):
        pools.change_alpha_out(overlay, netuid, -withheld)
    elif withheld:
        overlay.put(_BURNED, netuid, add_u64(overlay.get(_BURNED, netuid), withheld))
    overlay.put(f"{items.PRIVATE}.MinerBurned", netuid, div_q32(withheld << 32, sum(incentives) << 32))


def _pay_alpha_dividend(overlay: Overlay, netuid: int, hotkey: bytes, dividend_q32: int) -> int:
    taken, rest = _take(overlay, hotkey, dividend_q32)
    if rest and positions.pool_of(overlay, hotkey, netuid).denominator[0] == 0:
        taken, rest = taken + rest, 0
    if taken:
        positions.increase(overlay, hotkey, positions.owner_of(overlay, hotkey), netuid, taken)
    if rest:
        positions.give_to_all(overlay, hotkey, netuid, rest)
    return taken + rest


def _pay_root_dividend(overlay: Overlay, netuid: int, hotkey: bytes, dividend_q32: int) -> int:
    """Stake the take, and let root's stake claim the rest; where there is too little stake, the owner gets it too."""
    taken, rest = _take(overlay, hotkey, dividend_q32)
    credited = root_claims.credit(overlay, hotkey, netuid, rest)
    taken += rest - credited
    if taken:
        positions.increase(overlay, hotkey, positions.owner_of(overlay, hotkey), netuid, taken)
    return taken + credited


def _take(overlay: Overlay, hotkey: bytes, dividend_q32: int) -> tuple[int, int]:
    return emission.hotkey_take(take=overlay.get("SubtensorModule.Delegates", hotkey), dividend_q32=dividend_q32)
