"""Known answers of the money flow: fills, mirror, windows, splits, the story and block mode."""

from typing import Any

import numpy as np

from amm import shares, steps
from amm.pool import OK
from app.verify.block_mode import block_mode
from app.verify.family import Case, Family, Runner, expect, recognises_ops, sections_by_op
from app.verify.story import LIMB, story
from ledger.engine.balances import uncovered_after
from ledger.engine.dissolution import share_of
from ledger.engine.heads import split_growth
from ledger.engine.tables import MARKET


def _figures(pool: Case) -> tuple[int, int, int, int]:
    return pool["tao"], pool["alpha"], pool["w"], pool["rate"]


def _after(pool: Case, tao: int, alpha: int) -> dict[str, int]:
    return {"tao": tao, "alpha": alpha, "w": pool["w"], "rate": pool["rate"]}


def _cost_within(case: Case) -> None:
    total, ppm = case["inputs"]["total"], case["inputs"]["fee_ppm"]
    cost = shares.cost_within(total, ppm)
    expect({"cost": cost, "fee": shares.trading_fee(cost, ppm)}, case["expected"])


def _cap(case: Case) -> None:
    given = case["inputs"]
    expect(shares.cap(given["k_ppm"], given["fee_rate"], given["tao_reserve"]), case["expected"])


def _jumped(case: Case) -> None:
    given = case["inputs"]
    old, new = int(given["old_bits"]), int(given["new_bits"])
    old_high, old_low, new_high, new_low = (np.uint64(part) for bits in (old, new) for part in divmod(bits, LIMB))
    expect(bool(shares.jumped(old_high, old_low, new_high, new_low, given["k_ppm"])), case["expected"])


def _buy_in(case: Case) -> None:
    pool = case["inputs"]["pool"]
    status, net, fee, out, tao, alpha = steps.buy_in(*_figures(pool), case["inputs"]["cost"])
    expect(status, OK, "status")
    answer = {"net": net, "pool_fee": fee, "alpha_out": out, "pool_after": _after(pool, tao, alpha)}
    expect(answer, case["expected"])


def _buy_out(case: Case) -> None:
    pool = case["inputs"]["pool"]
    status, cost, net, fee, tao, alpha = steps.buy_out(*_figures(pool), case["inputs"]["alpha"])
    expect(status, OK, "status")
    expect({"cost": cost, "net": net, "pool_fee": fee, "pool_after": _after(pool, tao, alpha)}, case["expected"])


def _sell_in(case: Case) -> None:
    pool = case["inputs"]["pool"]
    status, out, fee, author, tao, alpha = steps.sell_in(*_figures(pool), case["inputs"]["alpha"])
    expect(status, OK, "status")
    answer = {"tao_out": out, "pool_fee_alpha": fee, "author_tao": author, "pool_after": _after(pool, tao, alpha)}
    expect(answer, case["expected"])


def _mirror(case: Case) -> None:
    head = case["inputs"]["head"]
    status, tao, alpha = steps.mirror(head["tao"], head["alpha"], head["w"], case["inputs"]["pending"])
    expect(status, OK, "status")
    expect(_after(head, tao, alpha), case["expected"])


def _split(kernel: Any) -> Any:
    """Return a runner for one way to split a total by weights."""

    def run(case: Case) -> None:
        weights = np.array(case["inputs"]["weights"], np.int64)
        parts = np.zeros_like(weights)
        expect(kernel(case["inputs"]["total"], weights, parts), OK, "status")
        expect(parts.tolist(), case["expected"])

    return run


def _growth_split(case: Case) -> None:
    given = case["inputs"]
    customers, commission, house = split_growth(
        given["growth"], given["customer_claims"], given["stake_before"], given["commission_ppm"]
    )
    expect({"customers": customers, "commission": commission, "house": house}, case["expected"])


def _covered_alpha(case: Case) -> None:
    uncovered, cut = 0, 0
    for step in case["expected"]:
        final = step["final_cut"]
        if step["op"] == "read":
            told = uncovered if cut > final else 0
        else:
            change = step["amount"] if step["op"] == "buy" else -step["amount"]
            told = uncovered = uncovered_after(uncovered, cut, final, change)
            cut = step["open_cut"] if step["op"] == "buy" else cut
        expect(told, step["uncovered"], f"after {step['op']} of {step['amount']}")


def _dissolve(case: Case) -> None:
    given = case["inputs"]
    market = np.zeros(1, MARKET)[0]
    market["payout"], market["claims"] = given["payout"], given["stake"]
    paid = {}
    for account, claim in given["claims"]:
        paid[account] = int(share_of(market, 0, claim))
        market["claimed"] += claim
    expect({"paid": paid, "house": given["payout"] - sum(paid.values())}, case["expected"])


def _attack(case: Case) -> None:
    """Push the chain, buy the cap at the stale mirror, sell it here in the next window, unwind on the chain.

    What the next window's cap leaves is sold on the chain with the rest. No trading fee, exact integers.
    """
    pool, k_ppm, push = case["inputs"]["pool"], case["inputs"]["k_ppm"], case["inputs"]["push"]
    tao, alpha, w, rate = _figures(pool)
    _, _, _, pushed, chain_tao, chain_alpha = steps.buy_in(tao, alpha, w, rate, push)
    cost = steps.gross_for_net(shares.cap(k_ppm, rate, tao), rate)
    bought = steps.buy_in(tao, alpha, w, rate, cost)[3]
    _, mirror_tao, mirror_alpha = steps.mirror(chain_tao, chain_alpha, w, bought)
    here = _largest_sale((mirror_tao, mirror_alpha, w, rate), bought, shares.cap(k_ppm, rate, chain_tao))
    profits = {}
    for name, sold_here in (("profit_next_window_capped", here), ("profit_next_window_uncapped", bought)):
        received = steps.sell_in(mirror_tao, mirror_alpha, w, rate, sold_here)[1]
        unwound = steps.sell_in(chain_tao, chain_alpha, w, rate, pushed + bought - sold_here)[1]
        profits[name] = received + unwound - push - cost
    expect(profits, case["expected"])


def _largest_sale(pool: tuple[int, int, int, int], alpha_most: int, tao_most: int) -> int:
    """Return the most alpha, up to ``alpha_most``, whose sale moves at most ``tao_most`` out of a pool."""
    low, high = 0, alpha_most
    while low < high:
        middle = (low + high + 1) // 2
        if steps.sell_in(*pool, middle)[1] <= tao_most:
            low = middle
        else:
            high = middle - 1
    return low


RUNNERS: dict[str, Runner] = {
    "cost_within": _cost_within,
    "cap": _cap,
    "jumped": _jumped,
    "buy_in": _buy_in,
    "buy_out": _buy_out,
    "sell_in": _sell_in,
    "mirror": _mirror,
    "largest_remainder": _split(shares.largest_remainder),
    "dissolve": _dissolve,
    "running_floor": _split(shares.running_floor),
    "growth_split": _growth_split,
    "covered_alpha": _covered_alpha,
    "attack": _attack,
    "story": story,
    "block_mode": block_mode,
}

NOT_BUILT = ("idle_rewards",)
"""Sections of the file whose rules the engine does not have yet."""

FAMILY = Family(
    name="execution",
    recognises=recognises_ops(*RUNNERS, *NOT_BUILT),
    sections=sections_by_op,
    runners=RUNNERS,
)
