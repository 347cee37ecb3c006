"""Epochs: which subnets run one in a block, and what Yuma's answer leaves in the state (``yuma`` sections 7, 9, 10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chain.runtime import items
from chain.runtime.context import Context
from chain.runtime.state import Overlay
from chain.runtime.subtensor import commits, distribution, epoch_inputs, mechanisms, neurons, subnets, tempo
from chain.runtime.subtensor.distribution import Pending
from chain.runtime.subtensor.pools import ROOT_NETUID
from chain.runtime.yuma import schedule
from chain.runtime.yuma.epoch import run_epoch
from chain.runtime.yuma.interface import EpochInputs, EpochOutputs, SubnetResult
from chain.runtime.yuma.mechanisms import aggregate_mechanisms

PENDING_OWNER: Final = "SubtensorModule.PendingOwnerCut"
PENDING_SERVER: Final = "SubtensorModule.PendingServerEmission"
PENDING_VALIDATOR: Final = "SubtensorModule.PendingValidatorEmission"
PENDING_ROOT: Final = "SubtensorModule.PendingRootAlphaDivs"
_LAST_STEP: Final = "SubtensorModule.LastMechansimStepBlock"
_MODULE: Final = "SubtensorModule"


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """What one mechanism's epoch was told: enough to run it again and see every intermediate of it."""

    netuid: int
    mecid: int
    block: int
    hotkeys: tuple[bytes, ...]
    inputs: EpochInputs


def run_due_epochs(context: Context) -> None:
    """Count a block for every subnet and run the epochs that are due, two at most; others wait for the next block."""
    overlay, block, due = context.overlay, context.number, list[int]()
    for netuid in subnets.netuids(overlay):
        if netuid == ROOT_NETUID:
            continue
        overlay.put(tempo.SINCE_STEP, netuid, overlay.get(tempo.SINCE_STEP, netuid) + 1)
        if tempo.is_due(overlay, netuid, block):
            due.append(netuid)
    now, later = schedule.share_slots(due)
    for netuid in later:
        overlay.put(tempo.PENDING_AT, netuid, block + 1)
        context.emit(_MODULE, "EpochDeferred", {"netuid": netuid, "from_block": block, "to_block": block + 1})
    ran = [netuid for netuid in now if _run(context, netuid)]
    item = f"{items.PRIVATE}.Epochs"
    if overlay.get(item) != ran:
        overlay.put(item, ran)


def _run(context: Context, netuid: int) -> bool:
    """Run a subnet's epoch and tell whether it ran: never while two numbers share a hotkey, which keeps all pending."""
    overlay, block = context.overlay, context.number
    tempo.consume_slot(overlay, netuid, block)
    commits.drop_expired_seals(overlay, netuid, block)
    hotkeys = [neurons.hotkey_at(overlay, netuid, uid) for uid in range(neurons.count(overlay, netuid))]
    if len(set(hotkeys)) != len(hotkeys):
        context.emit(_MODULE, "EpochSkipped", {"netuid": netuid, "block": block})
        return False
    overlay.put(tempo.SINCE_STEP, netuid, 0)
    pending = Pending(
        owner_cut=_drain(overlay, PENDING_OWNER, netuid),
        server=_drain(overlay, PENDING_SERVER, netuid),
        validator=_drain(overlay, PENDING_VALIDATOR, netuid),
        root=_drain(overlay, PENDING_ROOT, netuid),
    )
    inputs = epoch_inputs.gather(overlay, netuid, hotkeys, block=block, emission=pending.shared_by_yuma)
    outputs = [run_epoch(each) for each in inputs]
    result = aggregate_mechanisms(outputs, emissions=[each.emission for each in inputs])
    _store(overlay, netuid, result)
    for index, output in zip(mechanisms.indices(overlay, netuid), outputs, strict=True):
        _store_mechanism(overlay, index, output)
    distribution.distribute(
        overlay,
        netuid,
        hotkeys,
        pending=pending,
        servers=result.server_emission,
        validators=result.validator_emission,
    )
    overlay.put(_LAST_STEP, netuid, block)
    context.epochs.extend(
        EpochRecord(netuid=netuid, mecid=mecid, block=block, hotkeys=tuple(hotkeys), inputs=each)
        for mecid, each in enumerate(inputs)
    )
    return True


def _store(overlay: Overlay, netuid: int, result: SubnetResult) -> None:
    vectors: dict[str, Sequence[int]] = {
        "Active": result.active,
        "Emission": result.emission,
        "Consensus": result.consensus,
        "Dividends": result.dividends,
        "ValidatorTrust": result.validator_trust,
        "ValidatorPermit": result.permits,
        "StakeWeight": result.stake_weight,
    }
    for name, vector in vectors.items():
        overlay.put(f"{_MODULE}.{name}", netuid, vector)


def _store_mechanism(overlay: Overlay, index: int, output: EpochOutputs) -> None:
    overlay.put(f"{_MODULE}.Incentive", index, output.incentive)
    for uid, row in enumerate(output.bonds):
        if row:
            overlay.put(f"{_MODULE}.Bonds", index, uid, row)
        else:
            overlay.delete(f"{_MODULE}.Bonds", index, uid)


def in_proportion(parts: Sequence[int], pot: int) -> list[int]:
    """Share a pot by parts, each rounded down; what is left over is nobody's."""
    total = sum(parts)
    return [pot * part // total for part in parts] if total else [0 for _ in parts]


def _drain(overlay: Overlay, item: str, netuid: int) -> int:
    amount: int = overlay.get(item, netuid)
    if amount:
        overlay.put(item, netuid, 0)
    return amount
