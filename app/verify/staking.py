"""Runs ``staking.json``: the share pool's numbers and scripts against the runtime's own functions."""

from app.verify.family import Case, Family, expect, recognises_ops, sections_by_op
from chain.runtime import safe_float
from chain.runtime.safe_float import ZERO, SafeFloat
from chain.runtime.subtensor import share_pool
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
    },
)
