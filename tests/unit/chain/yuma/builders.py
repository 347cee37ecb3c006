"""A small subnet for the epoch's tests: two validators, two miners, everything else as usual."""

from dataclasses import replace
from typing import Any

from chain.runtime.yuma.interface import EpochInputs

BLOCK = 1000
NEVER = 2**64 - 1


def epoch(**changes: Any) -> EpochInputs:
    """Validators 0 and 1 with 3 to 1 stake weigh miners 2 and 3."""
    usual = EpochInputs(
        n=4,
        weights=[[(2, 3), (3, 1)], [(2, 1), (3, 1)], [], []],
        bonds=[[], [], [], []],
        last_update=[BLOCK - 1] * 4,
        registered_at=[0] * 4,
        permits=[True, True, False, False],
        alpha_stake=[3 * 10**12, 10**12, 0, 0],
        tao_stake=[0] * 4,
        tao_weight=0,
        stake_threshold=0,
        owner_uid=None,
        max_validators=64,
        tempo=360,
        activity_cutoff_factor_milli=13_889,
        kappa=32_767,
        bonds_penalty=65_535,
        bonds_moving_average=900_000,
        yuma3=False,
        liquid_alpha=False,
        alpha_low=45_875,
        alpha_high=58_982,
        alpha_sigmoid_steepness=1000,
        commit_blocks=None,
        last_mechanism_step_block=0,
        emission=10**9,
        current_block=BLOCK,
    )
    return replace(usual, **changes)
