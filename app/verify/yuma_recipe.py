"""Rebuilds the inputs of a large Yuma epoch from its recipe, draw by draw. Source: ``spec/yuma`` section 12."""

from collections.abc import Iterator
from typing import Final

from app.verify.family import Case
from chain.runtime.yuma.interface import Entry, EpochInputs

_FACTOR: Final = 6364136223846793005
_STEP: Final = 1442695040888963407
_MASK: Final = 2**64 - 1


def draws(seed: int) -> Iterator[int]:
    """Yield the numbers of the recipe's generator, 31 bits each, without end."""
    state = seed
    while True:
        state = (_FACTOR * state + _STEP) & _MASK
        yield state >> 33


def inputs_of_recipe(recipe: Case) -> EpochInputs:
    """Return the inputs that a recipe describes; what it does not name is the same for all of them."""
    n, validators = recipe["n"], recipe["validators"]
    draw = draws(recipe["seed"])
    stake = [1000 * next(draw) for _ in range(validators)]
    weights, bonds = (_rows(draw, n, validators, recipe["density_percent"]) for _ in range(2))
    return EpochInputs(
        n=n,
        weights=weights,
        bonds=bonds,
        last_update=[999] * n,
        registered_at=[0] * n,
        permits=[uid < validators for uid in range(n)],
        alpha_stake=stake + [0] * (n - validators),
        tao_stake=[0] * n,
        tao_weight=0,
        stake_threshold=0,
        owner_uid=None,
        max_validators=64,
        tempo=360,
        activity_cutoff_factor_milli=13_889,
        kappa=32_767,
        bonds_penalty=65_535,
        bonds_moving_average=900_000,
        yuma3=recipe["yuma3"],
        liquid_alpha=recipe["liquid_alpha"],
        alpha_low=45_875,
        alpha_high=58_982,
        alpha_sigmoid_steepness=1000,
        commit_blocks=None,
        last_mechanism_step_block=0,
        emission=10**9,
        current_block=1000,
    )


def _rows(draw: Iterator[int], n: int, validators: int, density_percent: int) -> list[list[Entry]]:
    rows: list[list[Entry]] = [[] for _ in range(n)]
    for row in rows[:validators]:
        for uid in range(n):
            if next(draw) % 100 < density_percent:
                row.append((uid, next(draw) % 65_535 + 1))
    return rows
