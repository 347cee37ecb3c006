"""Compiles every kernel of the epoch once, so that nobody waits for it later."""

from dataclasses import replace
from typing import Final

from chain.runtime.yuma.epoch import run_epoch
from chain.runtime.yuma.interface import EpochInputs

_BLOCK: Final = 1000
_SMALL: Final = EpochInputs(
    n=3,
    weights=[[(2, 1), (1, 2)], [(2, 3), (0, 1)], []],
    bonds=[[(2, 1), (0, 5)], [(2, 7)], []],
    last_update=[_BLOCK - 1] * 3,
    registered_at=[0] * 3,
    permits=[True, True, False],
    alpha_stake=[5, 4, 3],
    tao_stake=[1, 2, 3],
    tao_weight=2**63,
    stake_threshold=0,
    owner_uid=None,
    max_validators=2,
    tempo=360,
    activity_cutoff_factor_milli=13_889,
    kappa=32_767,
    bonds_penalty=32_767,
    bonds_moving_average=900_000,
    yuma3=False,
    liquid_alpha=False,
    alpha_low=45_875,
    alpha_high=58_982,
    alpha_sigmoid_steepness=1000,
    commit_blocks=None,
    last_mechanism_step_block=0,
    emission=10**9,
    current_block=_BLOCK,
)


def warm_up() -> None:
    """Run small epochs through both ways and every kind of bonds."""
    for yuma3 in (False, True):
        for dense in (False, True):
            run_epoch(replace(_SMALL, yuma3=yuma3), dense=dense)
    # Without incentive there would be nothing to average with liquid alpha: a low kappa finds a consensus.
    run_epoch(replace(_SMALL, yuma3=True, liquid_alpha=True, kappa=1))
