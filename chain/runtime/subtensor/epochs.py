"""Epochs: when a subnet's is due, and how the alpha that has gathered since the last one becomes stake.

Which neuron earns how much is decided by plain proportion: miners by the scores that stand in ``Incentive``, validators
by the weight of the stake under them. What follows from those two vectors, the split into alpha and root dividends,
takes, owner's cut and withheld incentives, is the reference's (``economics`` section 3.7). Positions grow nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chain.runtime import items
from chain.runtime.context import Context
from chain.runtime.fixed_point import add_u64, div_q32, ratio_u64_q32
from chain.runtime.state import Overlay
from chain.runtime.subtensor import children, emission, pools, positions, root_claims, subnets
from chain.runtime.subtensor.emission import BLOCKS_WITHOUT_STEP_MAX, MAX_EPOCHS_PER_BLOCK, TAO_WEIGHT
from chain.runtime.subtensor.family_split import Backing, lent_q32, split_dividend
from chain.runtime.subtensor.pools import ROOT_NETUID

PENDING_OWNER: Final = "SubtensorModule.PendingOwnerCut"
PENDING_SERVER: Final = "SubtensorModule.PendingServerEmission"
PENDING_VALIDATOR: Final = "SubtensorModule.PendingValidatorEmission"
PENDING_ROOT: Final = "SubtensorModule.PendingRootAlphaDivs"
_BUCKETS: Final = (PENDING_OWNER, PENDING_SERVER, PENDING_VALIDATOR, PENDING_ROOT)

_SINCE_STEP: Final = "SubtensorModule.BlocksSinceLastStep"
_LAST_EPOCH: Final = "SubtensorModule.LastEpochBlock"
_PENDING_AT: Final = "SubtensorModule.PendingEpochAt"
_INDEX: Final = "SubtensorModule.SubnetEpochIndex"
_BURNED: Final = "AlphaAssets.AlphaBurned"
_U16_MAX: Final = 65_535
_TAO_WEIGHT_Q32: Final = ratio_u64_q32(TAO_WEIGHT)


@dataclass(frozen=True, slots=True)
class Neuron:
    """One slot of a subnet: its hotkey, what its own stake weighs, what parents lend it, and its score as a miner."""

    hotkey: bytes
    own_q32: int
    backings: list[Backing]
    score: int

    @property
    def weight(self) -> int:
        """What the stake it works with counts as a validator's, rao of alpha."""
        lent = sum(lent_q32(backing.stake, backing.proportion, _TAO_WEIGHT_Q32) for backing in self.backings)
        return self.own_q32 + lent >> 32


@dataclass(slots=True)
class Earned:
    """What one hotkey got in an epoch, rao of alpha."""

    incentive: int = 0
    dividend: int = 0
    root_dividend: int = 0

    @property
    def total(self) -> int:
        """What it got in alpha at once: root's dividend waits to be claimed."""
        return self.incentive + self.dividend


def run_due_epochs(context: Context) -> None:
    """Count a block for every subnet and run the epochs that are due, two at most; others wait for the next block."""
    overlay, ran = context.overlay, list[int]()
    for netuid in subnets.netuids(overlay):
        if netuid == ROOT_NETUID:
            continue
        since = overlay.get(_SINCE_STEP, netuid) + 1
        overlay.put(_SINCE_STEP, netuid, since)
        if not is_due(overlay, netuid, context.number):
            continue
        if len(ran) == MAX_EPOCHS_PER_BLOCK:
            overlay.put(_PENDING_AT, netuid, context.number + 1)
            continue
        _run_epoch(overlay, netuid, context.number)
        ran.append(netuid)
    item = f"{items.PRIVATE}.Epochs"
    if overlay.get(item) != ran:
        overlay.put(item, ran)


def is_due(overlay: Overlay, netuid: int, block: int) -> bool:
    """Tell whether a subnet's epoch runs in this block (``economics`` section 3.6)."""
    tempo = overlay.get("SubtensorModule.Tempo", netuid)
    if tempo == 0:
        return False
    pending_at = overlay.get(_PENDING_AT, netuid)
    if 0 < pending_at <= block or overlay.get(_SINCE_STEP, netuid) > BLOCKS_WITHOUT_STEP_MAX:
        return True
    return bool(block - overlay.get(_LAST_EPOCH, netuid) >= tempo)


def _run_epoch(overlay: Overlay, netuid: int, block: int) -> None:
    owner_cut, server, validator, root = (_drain(overlay, item, netuid) for item in _BUCKETS)
    overlay.put(_LAST_EPOCH, netuid, block)
    overlay.delete(_PENDING_AT, netuid)
    overlay.put(_SINCE_STEP, netuid, 0)
    overlay.put(_INDEX, netuid, overlay.get(_INDEX, netuid) + 1)

    neurons = neurons_of(overlay, netuid)
    incentives = in_proportion([neuron.score for neuron in neurons], server)
    if not any(incentives):
        validator += server
    weights = [neuron.weight for neuron in neurons]
    dividends = in_proportion(weights, validator + root)
    shared = _share_with_parents(overlay, netuid, neurons, dividends)
    stakes = [children.stake_under(overlay, hotkey, netuid) for hotkey in shared]
    alpha_q32, root_q32 = emission.dividend_distribution(
        pending_validator=validator,
        pending_root=root,
        tao_weight_q32=_TAO_WEIGHT_Q32,
        stakes=[(stake.alpha, stake.root) for stake in stakes],
        dividends=list(shared.values()),
    )

    _pay_owner_cut(overlay, netuid, owner_cut)
    earned = {hotkey: Earned() for hotkey in [*shared, *(neuron.hotkey for neuron in neurons)]}
    _pay_incentives(overlay, netuid, neurons, incentives, earned)
    for hotkey, alpha, root_part in zip(shared, alpha_q32, root_q32, strict=True):
        earned[hotkey].dividend = _pay_alpha_dividend(overlay, netuid, hotkey, alpha)
        earned[hotkey].root_dividend = _pay_root_dividend(overlay, netuid, hotkey, root_part)
    _record(overlay, netuid, neurons, earned, dividends)


def _share_with_parents(
    overlay: Overlay, netuid: int, neurons: Sequence[Neuron], dividends: Sequence[int]
) -> dict[bytes, int]:
    """Return the dividend of every hotkey that gets one or has a slot, ascending by hotkey, rao."""
    shared: dict[bytes, int] = {}
    for neuron, dividend in zip(neurons, dividends, strict=True):
        own, parents = dividend, list[tuple[bytes, int]]()
        if neuron.backings:
            own, parents = split_dividend(
                dividend,
                own_q32=neuron.own_q32,
                backings=neuron.backings,
                take=overlay.get("SubtensorModule.ChildkeyTake", neuron.hotkey, netuid),
                tao_weight_q32=_TAO_WEIGHT_Q32,
            )
        for hotkey, amount in [(neuron.hotkey, own), *parents]:
            shared[hotkey] = shared.get(hotkey, 0) + amount
    return dict(sorted(shared.items()))


def neurons_of(overlay: Overlay, netuid: int) -> list[Neuron]:
    """Return the neurons of a subnet in order of their numbers."""
    scores = overlay.get("SubtensorModule.Incentive", netuid)
    found = []
    for uid in range(overlay.get("SubtensorModule.SubnetworkN", netuid)):
        hotkey = overlay.get("SubtensorModule.Keys", netuid, uid)
        found.append(
            Neuron(
                hotkey=hotkey,
                own_q32=children.own_weight_q32(overlay, hotkey, netuid, _TAO_WEIGHT_Q32),
                backings=children.backings_of(overlay, hotkey, netuid),
                score=scores[uid] if uid < len(scores) else 0,
            )
        )
    return found


def _pay_owner_cut(overlay: Overlay, netuid: int, amount: int) -> None:
    """Stake the owner's cut on the owner's hotkey; without one it stays outstanding and is nobody's."""
    hotkey = overlay.get("SubtensorModule.SubnetOwnerHotkey", netuid)
    if amount and positions.hotkey_exists(overlay, hotkey):
        coldkey = overlay.get("SubtensorModule.SubnetOwner", netuid)
        positions.increase(overlay, hotkey, coldkey, netuid, amount)


def _pay_incentives(
    overlay: Overlay, netuid: int, neurons: Sequence[Neuron], incentives: Sequence[int], earned: dict[bytes, Earned]
) -> None:
    """Stake each miner's incentive; what the subnet's owner would get as a miner is withheld, which costs emission.

    Withheld alpha is burned: it stays outstanding and is nobody's; or, where the subnet says so, recycled.
    """
    owner = overlay.get("SubtensorModule.SubnetOwner", netuid)
    owner_hotkey = overlay.get("SubtensorModule.SubnetOwnerHotkey", netuid)
    withheld = 0
    for neuron, amount in zip(neurons, incentives, strict=True):
        if amount == 0:
            continue
        coldkey = positions.owner_of(overlay, neuron.hotkey)
        if coldkey == owner or neuron.hotkey == owner_hotkey:
            withheld += amount
            continue
        target = overlay.get("SubtensorModule.AutoStakeDestination", coldkey, netuid)
        if target is None or not positions.hotkey_exists(overlay, target):
            target = neuron.hotkey
        positions.increase(overlay, target, coldkey, netuid, amount)
        earned[neuron.hotkey].incentive = amount
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


def _record(
    overlay: Overlay, netuid: int, neurons: Sequence[Neuron], earned: dict[bytes, Earned], dividends: Sequence[int]
) -> None:
    if not neurons:
        return
    for hotkey, got in earned.items():
        overlay.put("SubtensorModule.AlphaDividendsPerSubnet", netuid, hotkey, got.dividend)
        overlay.put("SubtensorModule.RootAlphaDividendsPerSubnet", netuid, hotkey, got.root_dividend)
    total = sum(dividends)
    overlay.put("SubtensorModule.Emission", netuid, [earned[neuron.hotkey].total for neuron in neurons])
    shares = [dividend * _U16_MAX // total if total else 0 for dividend in dividends]
    overlay.put("SubtensorModule.Dividends", netuid, shares)


def in_proportion(parts: Sequence[int], pot: int) -> list[int]:
    """Share a pot by parts, each rounded down; what is left over is nobody's."""
    total = sum(parts)
    return [pot * part // total for part in parts] if total else [0 for _ in parts]


def _drain(overlay: Overlay, item: str, netuid: int) -> int:
    amount: int = overlay.get(item, netuid)
    if amount:
        overlay.put(item, netuid, 0)
    return amount
