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
from chain.runtime.fixed_point import div_q32, mul_q32, ratio_u64_q32
from chain.runtime.state import Overlay
from chain.runtime.subtensor import emission, positions, subnets
from chain.runtime.subtensor.emission import BLOCKS_WITHOUT_STEP_MAX, MAX_EPOCHS_PER_BLOCK, TAO_WEIGHT
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
_U16_MAX: Final = 65_535
_TAO_WEIGHT_Q32: Final = ratio_u64_q32(TAO_WEIGHT)


@dataclass(frozen=True, slots=True)
class Neuron:
    """One slot of a subnet: its hotkey, the stake under it in rao, and its score as a miner."""

    hotkey: bytes
    alpha: int
    root: int
    score: int

    @property
    def weight(self) -> int:
        """What its stake counts as a validator's."""
        return self.alpha + (mul_q32(self.root << 32, _TAO_WEIGHT_Q32) >> 32)


@dataclass(slots=True)
class Earned:
    """What one hotkey got in an epoch, rao of alpha."""

    incentive: int = 0
    dividend: int = 0
    root_dividend: int = 0


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
    alpha_q32, root_q32 = emission.dividend_distribution(
        pending_validator=validator,
        pending_root=root,
        tao_weight_q32=_TAO_WEIGHT_Q32,
        stakes=[(neuron.alpha, neuron.root) for neuron in neurons],
        dividends=dividends,
    )

    _pay_owner_cut(overlay, netuid, owner_cut)
    earned = [Earned() for _ in neurons]
    _pay_incentives(overlay, netuid, neurons, incentives, earned)
    for neuron, alpha, root_part, got in zip(neurons, alpha_q32, root_q32, earned, strict=True):
        got.dividend = _pay_alpha_dividend(overlay, netuid, neuron.hotkey, alpha)
        got.root_dividend = _pay_root_dividend(overlay, netuid, neuron.hotkey, root_part)
    _record(overlay, netuid, neurons, earned, dividends)


def neurons_of(overlay: Overlay, netuid: int) -> list[Neuron]:
    """Return the neurons of a subnet in order of their numbers."""
    scores = overlay.get("SubtensorModule.Incentive", netuid)
    found = []
    for uid in range(overlay.get("SubtensorModule.SubnetworkN", netuid)):
        hotkey = overlay.get("SubtensorModule.Keys", netuid, uid)
        found.append(
            Neuron(
                hotkey=hotkey,
                alpha=positions.pool_value(overlay, hotkey, netuid),
                root=positions.pool_value(overlay, hotkey, ROOT_NETUID),
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
    overlay: Overlay, netuid: int, neurons: Sequence[Neuron], incentives: Sequence[int], earned: Sequence[Earned]
) -> None:
    """Stake each miner's incentive; what the subnet's owner would get as a miner is withheld and counted."""
    owner = overlay.get("SubtensorModule.SubnetOwner", netuid)
    withheld = 0
    for neuron, amount, got in zip(neurons, incentives, earned, strict=True):
        if amount == 0:
            continue
        coldkey = positions.owner_of(overlay, neuron.hotkey)
        if coldkey == owner:
            withheld += amount
            continue
        target = overlay.get("SubtensorModule.AutoStakeDestination", coldkey, netuid) or neuron.hotkey
        positions.increase(overlay, target, coldkey, netuid, amount)
        got.incentive = amount
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
    """Stake the take, and raise what each rao of root stake may claim (``economics`` section 3.9)."""
    taken, rest = _take(overlay, hotkey, dividend_q32)
    root_total = positions.pool_value(overlay, hotkey, ROOT_NETUID)
    if rest > root_total:
        taken, rest = taken + rest, 0
    if taken:
        positions.increase(overlay, hotkey, positions.owner_of(overlay, hotkey), netuid, taken)
    if rest:
        rates = overlay.get("SubtensorModule.RootClaimable", hotkey)
        rate = rates.get(netuid, {"bits": 0})["bits"] + div_q32(rest << 32, root_total << 32)
        overlay.put("SubtensorModule.RootClaimable", hotkey, {**rates, netuid: {"bits": rate}})
    return taken + rest


def _take(overlay: Overlay, hotkey: bytes, dividend_q32: int) -> tuple[int, int]:
    return emission.hotkey_take(take=overlay.get("SubtensorModule.Delegates", hotkey), dividend_q32=dividend_q32)


def _record(
    overlay: Overlay, netuid: int, neurons: Sequence[Neuron], earned: Sequence[Earned], dividends: Sequence[int]
) -> None:
    if not neurons:
        return
    for neuron, got in zip(neurons, earned, strict=True):
        overlay.put("SubtensorModule.AlphaDividendsPerSubnet", netuid, neuron.hotkey, got.dividend)
        overlay.put("SubtensorModule.RootAlphaDividendsPerSubnet", netuid, neuron.hotkey, got.root_dividend)
    total = sum(dividends)
    overlay.put("SubtensorModule.Emission", netuid, [got.incentive + got.dividend for got in earned])
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
