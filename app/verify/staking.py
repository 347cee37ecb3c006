"""Runs ``staking.json``: the share pool's numbers and scripts against the runtime's own functions."""

import re

from app.verify.family import Case, Family, expect, recognises_ops, sections_by_op
from app.verify.keccak import keccak_256
from chain.runtime import safe_float
from chain.runtime.safe_float import ZERO, SafeFloat
from chain.runtime.subtensor import claim_rules, emission, share_pool, takes
from chain.runtime.subtensor.share_pool import Pool


def _as_list(value: SafeFloat | None) -> list[int] | None:
    return None if value is None else list(value)


def _number(value: int | list[int]) -> SafeFloat:
    return safe_float.from_int(value) if isinstance(value, int) else safe_float.normalise(*value)


def _sf_new(case: Case) -> None:
    expect(_as_list(safe_float.new(*case["inputs"])), case["expected"])


def _sf_add(case: Case) -> None:
    left, right = (_number(value) for value in case["inputs"])
    expect(list(safe_float.add(left, right)), case["expected"])
    expect(list(safe_float.add(right, left)), case["expected"], "the other way round")


def _sf_mul_div(case: Case) -> None:
    a, b, c = (_number(value) for value in case["inputs"])
    expect(list(safe_float.mul_div(a, b, c)), case["expected"])


def _sf_div(case: Case) -> None:
    a, b = (_number(value) for value in case["inputs"])
    expect(list(safe_float.div(a, b)), case["expected"])


def _shares_per_update(case: Case) -> None:
    inputs = case["inputs"]
    pool = Pool(inputs["shared_value"], _number(inputs["denominator"]))
    expect(list(share_pool.shares_for(pool, inputs["update"])), case["expected"])


def _pool_value(case: Case) -> None:
    inputs = case["inputs"]
    pool = Pool(inputs["shared_value"], _number(inputs["denominator"]))
    for key, expected in case.get("exact", case["expected"]).items():
        share = inputs["shares"].get(key)
        expect(share_pool.stake_of(pool, ZERO if share is None else _number(share)), expected, f"stake of {key}")


def _pool_script(case: Case) -> None:
    pool, shares = Pool(0, ZERO), dict[str, SafeFloat]()
    for step in case["inputs"]["steps"]:
        if step[0] == "all":
            pool = share_pool.with_emission(pool, step[1])
            continue
        key, change = str(step[1]), step[2]
        share = shares.get(key, ZERO)
        if change < 0 and share_pool.stake_of(pool, share) < -change:
            continue
        pool, shares[key] = share_pool.with_change(pool, share, change)
    values = {key: share_pool.stake_of(pool, share) for key, share in shares.items()}
    for key, expected in case["expected"].items():
        if abs(values.get(key, 0) - expected) > case["tolerance"]:
            expect(values.get(key, 0), expected, f"stake of {key}")
    exact = case["exact"]
    expect({key: values.get(key, 0) for key in exact["values"]}, exact["values"], "stakes")
    expect(pool.value, exact["shared_value"], "value of the pool")
    expect(list(pool.denominator), exact["denominator"], "denominator")
    kept = {key: list(share) if share != ZERO else None for key, share in shares.items()}
    expect({key: kept.get(key) for key in exact["shares"]}, exact["shares"], "shares")


def _root_claim(case: Case) -> None:
    """Dividends one after the other; after each, what all stakers have claimed so far."""
    inputs, tolerance = case["inputs"], case["tolerance"]
    stakes, rate = inputs["root_stakes"], 0
    claimed, steps = [0] * len(stakes), list[dict[str, object]]()
    for dividend in inputs["root_dividends"]:
        take, rest = emission.hotkey_take(take=inputs["take"], dividend_q32=dividend << 32)
        rate += claim_rules.rate_increase(rest, sum(stakes))
        owed = [claim_rules.owed(rate, stake, before) for stake, before in zip(stakes, claimed, strict=True)]
        claimed = [before + now for before, now in zip(claimed, owed, strict=True)]
        steps.append({"rate_q32": rate, "take": take, "claimed": claimed})
    exact = case.get("exact", case["expected"])
    if isinstance(exact, list):
        expect(steps, exact, "dividends")
    if isinstance(case["expected"], dict):
        for number, expected in enumerate(case["expected"]["claimed"]):
            if abs(claimed[number] - expected) > tolerance:
                expect(claimed[number], expected, f"claimed by staker {number}")


def _auto_claim_indices(case: Case) -> None:
    inputs = case["inputs"]
    digest = _block_hash(inputs["block_hash"])
    got = claim_rules.auto_claim_indices(digest, count=inputs["k"], total=inputs["n"])
    expect(got, case["expected"])


def _block_hash(text: str) -> bytes:
    """Return a block hash given in hex, or as the digest of a quoted word."""
    word = re.fullmatch(r"keccak256 of ascii '(.*)'", text)
    return keccak_256(word[1].encode()) if word else bytes.fromhex(text.removeprefix("0x"))


def _delegate_take_allowed(case: Case) -> None:
    inputs = case["inputs"]
    expect(takes.is_allowed(inputs["take"], low=inputs["min"], high=inputs["max"]), case["expected"])


FAMILY = Family(
    name="staking",
    recognises=recognises_ops(
        "sf_new",
        "sf_add",
        "sf_mul_div",
        "sf_div",
        "shares_per_update",
        "pool_value",
        "pool_script",
        "root_claim",
        "auto_claim_indices",
        "delegate_take_allowed",
    ),
    sections=sections_by_op,
    runners={
        "sf_new": _sf_new,
        "sf_add": _sf_add,
        "sf_mul_div": _sf_mul_div,
        "sf_div": _sf_div,
        "shares_per_update": _shares_per_update,
        "pool_value": _pool_value,
        "pool_script": _pool_script,
        "root_claim": _root_claim,
        "auto_claim_indices": _auto_claim_indices,
        "delegate_take_allowed": _delegate_take_allowed,
    },
)
