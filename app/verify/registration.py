"""Runs ``registration.json``: the decay of registration prices against the runtime's own functions."""

from app.verify.family import Case, Family, expect, recognises_ops, sections_by_op
from chain.runtime.subtensor import subnets


def _decayed(inputs: Case, blocks: int) -> int:
    factor = subnets.decay_factor(inputs["half_life"])
    price: int = inputs["burn"]
    for _ in range(blocks):
        price = subnets.decayed(price, factor, low=inputs["min"], high=inputs["max"])
    return price


def _decay_factor(case: Case) -> None:
    expect(subnets.decay_factor(case["inputs"]["half_life"]), case["expected"])


def _burn_decay(case: Case) -> None:
    expect(_decayed(case["inputs"], case["inputs"]["blocks"]), case["expected"])


def _burn_decay_series(case: Case) -> None:
    for blocks, expected in case["expected"].items():
        expect(_decayed(case["inputs"], int(blocks)), expected, f"after {blocks} blocks")


FAMILY = Family(
    name="registration",
    recognises=recognises_ops(
        "decay_factor",
        "burn_bump",
        "burn_decay",
        "burn_decay_series",
        "burn_bump_series",
        "lock_cost",
        "median_price",
        "seed_pool",
        "dissolve",
    ),
    sections=sections_by_op,
    runners={
        "decay_factor": _decay_factor,
        "burn_decay": _burn_decay,
        "burn_decay_series": _burn_decay_series,
    },
)
