"""States of a subnet for measuring epochs, as the kernels' arrays: stake, weights and bonds at a density."""

from dataclasses import dataclass, replace

import numpy as np

from chain.runtime.yuma.arrays import EpochArrays, Sparse, pack
from chain.runtime.yuma.interface import EpochInputs


@dataclass(frozen=True, slots=True)
class Size:
    """What is measured: ``validators`` rows of ``density`` times ``uids`` entries, and the kind of bonds."""

    uids: int
    validators: int
    density: float = 1.0
    yuma3: bool = False
    liquid_alpha: bool = False

    def __str__(self) -> str:
        kind = ("liquid alpha" if self.liquid_alpha else "Yuma3") if self.yuma3 else "Yuma2"
        rows = "" if self.density == 1.0 else f", rows of {self.density:.0%}"
        return f"{self.validators} x {self.uids} {kind}{rows}"


def state_of(size: Size, seed: int) -> EpochArrays:
    """Return a random state: stakes of 31 bits times 1 000 rao, values from 1 to 65 535, parameters as usual."""
    draw = np.random.default_rng(seed)
    n, stake = size.uids, np.zeros(size.uids, np.uint64)
    stake[: size.validators] = draw.integers(1, 2**31, size.validators) * 1000
    packed = pack(_inputs(size, stake.tolist()))
    return replace(packed, weights=_rows(draw, size, n), bonds=_rows(draw, size, n))


def _rows(draw: np.random.Generator, size: Size, n: int) -> Sparse:
    present = draw.random((size.validators, n)) < size.density
    starts = np.zeros(n + 1, np.int64)
    starts[1 : size.validators + 1] = np.cumsum(present.sum(axis=1))
    starts[size.validators + 1 :] = starts[size.validators]
    uids = np.nonzero(present)[1].astype(np.uint16)
    return Sparse(starts, uids, draw.integers(1, 2**16, len(uids), np.uint16))


def _inputs(size: Size, stake: list[int]) -> EpochInputs:
    n, block = size.uids, 1000
    return EpochInputs(
        n=n,
        weights=[],
        bonds=[],
        last_update=[block - 1] * n,
        registered_at=[0] * n,
        permits=[uid < size.validators for uid in range(n)],
        alpha_stake=stake,
        tao_stake=[0] * n,
        tao_weight=971_718_665_099_567_868,
        stake_threshold=0,
        owner_uid=None,
        max_validators=size.validators,
        tempo=360,
        activity_cutoff_factor_milli=13_889,
        kappa=32_767,
        bonds_penalty=65_535,
        bonds_moving_average=900_000,
        yuma3=size.yuma3,
        liquid_alpha=size.liquid_alpha,
        alpha_low=45_875,
        alpha_high=58_982,
        alpha_sigmoid_steepness=1000,
        commit_blocks=None,
        last_mechanism_step_block=0,
        emission=82 * 10**9,
        current_block=block,
    )


def inputs_of(size: Size, seed: int) -> EpochInputs:
    """Return the same state as plain lists."""
    state = state_of(size, seed)
    return replace(_inputs(size, state.alpha_stake.tolist()), weights=state.weights.lists(), bonds=state.bonds.lists())
