"""What an epoch is told, gathered from the state: stake with what children and parents lend, weights, bonds, commits.

Source: ``yuma`` sections 2, 3.2 and 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chain.runtime.fixed_point import U64_MAX, mul_q32, ratio_u64_q32
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import commits, mechanisms, neurons, positions
from chain.runtime.subtensor.pools import ROOT_NETUID
from chain.runtime.yuma.interface import EpochInputs

_MODULE: Final = "SubtensorModule"
NO_COMMIT: Final = U64_MAX
"""Stands for the commit block of a neuron that has no commit."""


@dataclass(frozen=True, slots=True)
class WorkingStake:
    """What a hotkey validates with, rao: alpha on the subnet and TAO on root, less what it lends, and what is lent."""

    alpha: int
    tao: int


def working_stake(view: Overlay | State, hotkey: bytes, netuid: int) -> WorkingStake:
    """Return a hotkey's inherited stake; each part is rounded down on its own, so fractions of a rao count nowhere."""
    own = [positions.pool_value(view, hotkey, place) for place in (netuid, ROOT_NETUID)]
    lent = view.get(f"{_MODULE}.ChildKeys", hotkey, netuid)
    borrowed = view.get(f"{_MODULE}.ParentKeys", hotkey, netuid)
    if not lent and not borrowed:
        return WorkingStake(own[0], own[1])
    found = []
    for place, amount in zip((netuid, ROOT_NETUID), own, strict=True):
        given = sum(mul_q32(amount << 32, ratio_u64_q32(part)) for part, _ in lent)
        taken = sum(
            mul_q32(positions.pool_value(view, parent, place) << 32, ratio_u64_q32(part)) for part, parent in borrowed
        )
        found.append(min(max((amount << 32) - given, 0) + taken >> 32, U64_MAX))
    return WorkingStake(found[0], found[1])


def stake_weight(view: Overlay | State, hotkey: bytes, netuid: int) -> int:
    """Return what a hotkey's stake counts on a subnet, rao rounded down; root's TAO counts by its weight."""
    held = working_stake(view, hotkey, netuid)
    return held.alpha + (held.tao * ratio_u64_q32(view.get(f"{_MODULE}.TaoWeight")) >> 32)


def gather(
    view: Overlay | State, netuid: int, hotkeys: Sequence[bytes], *, block: int, emission: int
) -> list[EpochInputs]:
    """Return the inputs of each mechanism's epoch in this block; together they may give away ``emission`` rao."""

    def read(name: str) -> int:
        number: int = view.get(f"{_MODULE}.{name}", netuid)
        return number

    uids = range(len(hotkeys))
    stakes = [working_stake(view, hotkey, netuid) for hotkey in hotkeys]
    alpha_stake, tao_stake = [stake.alpha for stake in stakes], [stake.tao for stake in stakes]
    registered_at = [view.get(f"{_MODULE}.BlockAtRegistration", netuid, uid) for uid in uids]
    hides = view.get(f"{_MODULE}.CommitRevealWeightsEnabled", netuid)
    low, high = view.get(f"{_MODULE}.AlphaValues", netuid)
    return [
        EpochInputs(
            n=len(hotkeys),
            weights=[view.get(f"{_MODULE}.Weights", index, uid) for uid in uids],
            bonds=[view.get(f"{_MODULE}.Bonds", index, uid) for uid in uids],
            last_update=view.get(f"{_MODULE}.LastUpdate", index),
            registered_at=registered_at,
            permits=view.get(f"{_MODULE}.ValidatorPermit", netuid),
            alpha_stake=alpha_stake,
            tao_stake=tao_stake,
            tao_weight=view.get(f"{_MODULE}.TaoWeight"),
            stake_threshold=view.get(f"{_MODULE}.StakeThreshold"),
            owner_uid=neurons.uid_of(view, netuid, view.get(f"{_MODULE}.SubnetOwnerHotkey", netuid)),
            max_validators=read("MaxAllowedValidators"),
            tempo=read("Tempo"),
            activity_cutoff_factor_milli=read("ActivityCutoffFactorMilli"),
            kappa=read("Kappa"),
            bonds_penalty=read("BondsPenalty"),
            bonds_moving_average=read("BondsMovingAverage"),
            yuma3=bool(read("Yuma3On")),
            liquid_alpha=bool(read("LiquidAlphaOn")),
            alpha_low=low,
            alpha_high=high,
            alpha_sigmoid_steepness=read("AlphaSigmoidSteepness"),
            commit_blocks=commits.earliest_blocks(view, netuid, index, hotkeys, block) if hides else None,
            last_mechanism_step_block=read("LastMechansimStepBlock"),
            emission=part,
            current_block=block,
        )
        for index, part in zip(
            mechanisms.indices(view, netuid), mechanisms.emissions(view, netuid, emission), strict=True
        )
    ]
