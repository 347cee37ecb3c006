"""Runs ``registration.json``: prices of registration, new pools and payouts against the runtime's own functions."""

from fractions import Fraction

from app.verify.family import Case, Family, expect, recognises_ops, sections_by_op
from chain.runtime.subtensor import payout as payouts
from chain.runtime.subtensor import prices


def _decayed(inputs: Case, blocks: int) -> int:
    factor = prices.decay_factor(inputs["half_life"])
    price: int = inputs["burn"]
    for _ in range(blocks):
        price = prices.decayed(price, factor, low=inputs["min"], high=inputs["max"])
    return price


def _decay_factor(case: Case) -> None:
    expect(prices.decay_factor(case["inputs"]["half_life"]), case["expected"])


def _burn_decay(case: Case) -> None:
    expect(_decayed(case["inputs"], case["inputs"]["blocks"]), case["expected"])


def _burn_decay_series(case: Case) -> None:
    for blocks, expected in case["expected"].items():
        expect(_decayed(case["inputs"], int(blocks)), expected, f"after {blocks} blocks")


def _bump(inputs: Case, price: int) -> int:
    return prices.bumped(price, inputs["mult_q64"], low=inputs["min"], high=inputs["max"])


def _burn_bump(case: Case) -> None:
    expect(_bump(case["inputs"], case["inputs"]["burn"]), case["expected"])


def _burn_bump_series(case: Case) -> None:
    """Compare the price before the first registration, then after each."""
    price = case["inputs"]["burn"]
    for registrations, expected in enumerate(case["expected"]):
        price = _bump(case["inputs"], price) if registrations else price
        expect(price, expected, f"after {registrations} registrations")


def _lock_cost(case: Case) -> None:
    expect(prices.lock_cost(**case["inputs"]), case["expected"])


def _median_price(case: Case) -> None:
    spot = [(tao << 64) // alpha if alpha else 0 for tao, alpha in case["inputs"]["pools_tao_alpha"]]
    median = prices.median_price(spot)
    for key in ("exact", "exact_q64"):
        if key in case:
            expect(median, case[key], "bits")
    expected = Fraction(str(case["expected"]))
    # A fraction is printed with as many digits as a float has; a whole number is exact.
    allowed = Fraction(case["tolerance"]) + (0 if expected.denominator == 1 else abs(expected) / 2**50)
    if abs(Fraction(median, 1 << 64) - expected) > allowed:
        expect(median / (1 << 64), case["expected"], "median")


def _seed_pool(case: Case) -> None:
    tao, alpha = prices.seed_pool(**case["inputs"])
    expect({"tao_reserve": tao, "alpha_reserve": alpha, "alpha_out": 0}, case.get("exact", case["expected"]))


def _dissolve(case: Case) -> None:
    inputs = case["inputs"]
    payout = payouts.share_pot(inputs["pot"], inputs["stakes"], inputs["protocol_alpha"])
    got = {"paid": payout.paid, "protocol": payout.protocol}
    for expected in (case["expected"], case.get("exact", {})):
        for name, amount in expected.items():
            expect(got[name], amount, name)


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
        "burn_bump": _burn_bump,
        "burn_bump_series": _burn_bump_series,
        "lock_cost": _lock_cost,
        "median_price": _median_price,
        "seed_pool": _seed_pool,
        "dissolve": _dissolve,
    },
)
