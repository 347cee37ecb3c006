"""The exchange's own steps: the known answers, by the reference and by the kernels."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amm import exchange_reference, pool, shares, steps
from amm.errors import InsufficientLiquidity, ReservesTooLow, SwapInputTooLarge
from amm.exchange_reference import Pool, Side

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "execution.json").read_text(encoding="utf-8"))["vectors"]
DEEP = Pool(tao=20_000 * 10**9, alpha=600_000 * 10**9)


def of_op(op: str) -> Any:
    return pytest.mark.parametrize(
        "case", [case for case in VECTORS if case["op"] == op], ids=lambda case: str(case["id"])
    )


def pool_of(given: dict[str, int]) -> Pool:
    return Pool(given["tao"], given["alpha"], given["w"], given["rate"])


def limbs(value: str) -> tuple[np.uint64, np.uint64]:
    return np.uint64(int(value) >> 64), np.uint64(int(value) & (2**64 - 1))


@of_op("cost_within")
def test_the_largest_cost_within_a_total_is_known(case: dict[str, Any]) -> None:
    total, ppm = case["inputs"]["total"], case["inputs"]["fee_ppm"]
    for module in (exchange_reference, shares):
        cost = module.cost_within(total, ppm)
        assert {"cost": cost, "fee": module.trading_fee(cost, ppm)} == case["expected"]


@of_op("buy_in")
def test_a_buy_with_an_exact_cost_is_known(case: dict[str, Any]) -> None:
    given, cost, expected = pool_of(case["inputs"]["pool"]), case["inputs"]["cost"], case["expected"]
    bought = exchange_reference.buy_in(given, cost)
    assert (bought.net, bought.pool_fee, bought.alpha_out) == tuple(
        expected[k] for k in ("net", "pool_fee", "alpha_out")
    )
    assert bought.pool == pool_of(expected["pool_after"])
    assert steps.buy_in(given.tao, given.alpha, given.weight, given.fee_rate, cost) == (
        pool.OK,
        bought.net,
        bought.pool_fee,
        bought.alpha_out,
        bought.pool.tao,
        bought.pool.alpha,
    )


@of_op("buy_out")
def test_a_buy_of_an_exact_amount_is_known(case: dict[str, Any]) -> None:
    given, wanted, expected = pool_of(case["inputs"]["pool"]), case["inputs"]["alpha"], case["expected"]
    bought = exchange_reference.buy_out(given, wanted)
    assert (bought.cost, bought.net, bought.pool_fee) == tuple(expected[k] for k in ("cost", "net", "pool_fee"))
    assert bought.pool == pool_of(expected["pool_after"])
    assert steps.buy_out(given.tao, given.alpha, given.weight, given.fee_rate, wanted) == (
        pool.OK,
        bought.cost,
        bought.net,
        bought.pool_fee,
        bought.pool.tao,
        bought.pool.alpha,
    )


@of_op("sell_in")
def test_a_sale_of_an_exact_amount_is_known(case: dict[str, Any]) -> None:
    given, alpha, expected = pool_of(case["inputs"]["pool"]), case["inputs"]["alpha"], case["expected"]
    sold = exchange_reference.sell_in(given, alpha)
    answer = tuple(expected[name] for name in ("tao_out", "pool_fee_alpha", "author_tao"))
    assert (sold.tao_out, sold.pool_fee_alpha, sold.author_tao) == answer
    assert sold.pool == pool_of(expected["pool_after"])
    assert steps.sell_in(given.tao, given.alpha, given.weight, given.fee_rate, alpha) == (
        pool.OK,
        *answer,
        sold.pool.tao,
        sold.pool.alpha,
    )


@of_op("mirror")
def test_the_mirror_of_head_and_pending_is_known(case: dict[str, Any]) -> None:
    head, pending, expected = pool_of(case["inputs"]["head"]), case["inputs"]["pending"], pool_of(case["expected"])
    assert exchange_reference.mirror(head, pending) == expected
    assert steps.mirror(head.tao, head.alpha, head.weight, pending) == (pool.OK, expected.tao, expected.alpha)


@of_op("cap")
def test_the_cap_of_a_window_is_known(case: dict[str, Any]) -> None:
    given = case["inputs"]
    assert exchange_reference.cap(**given) == case["expected"]
    assert shares.cap(given["k_ppm"], given["fee_rate"], given["tao_reserve"]) == case["expected"]


@of_op("jumped")
def test_what_counts_as_a_jump_is_known(case: dict[str, Any]) -> None:
    given = case["inputs"]
    old, new, k_ppm = given["old_bits"], given["new_bits"], given["k_ppm"]
    assert exchange_reference.jumped(old=int(old), new=int(new), k_ppm=k_ppm) is case["expected"]
    assert shares.jumped(*limbs(old), *limbs(new), k_ppm) is case["expected"]


@pytest.mark.parametrize("op", ["largest_remainder", "running_floor"])
def test_fair_splits_are_known(op: str) -> None:
    cases = [case for case in VECTORS if case["op"] == op]
    assert cases
    for case in cases:
        given = case["inputs"]
        split: Callable[..., list[int]] = getattr(exchange_reference, op)
        assert split(given["total"], given["weights"]) == case["expected"]
        out = np.zeros(len(given["weights"]), np.int64)
        assert getattr(shares, op)(given["total"], np.array(given["weights"], np.int64), out) == pool.OK
        assert out.tolist() == case["expected"]


def test_an_amount_beyond_the_reserve_cannot_be_bought() -> None:
    for wanted in (DEEP.alpha, DEEP.alpha + 1):
        with pytest.raises(InsufficientLiquidity):
            exchange_reference.buy_out(DEEP, wanted)
    with pytest.raises(SwapInputTooLarge):
        exchange_reference.buy_out(DEEP, DEEP.alpha - 1)


def test_the_authors_sale_fails_the_whole_step() -> None:
    """A fee in alpha worth less than one rao cannot be sold, and the chain then undoes the sale that paid it."""
    worthless = Pool(tao=10**10, alpha=10**15)
    assert exchange_reference.step_out(worthless, Side.SELL, 200_000) == 2
    with pytest.raises(ReservesTooLow):
        exchange_reference.sell_in(worthless, 200_000)


def test_a_round_trip_leaves_the_mirror_where_it_was() -> None:
    bought = exchange_reference.buy_in(DEEP, 10**12)
    sold = exchange_reference.sell_in(bought.pool, bought.alpha_out)
    assert sold.pool.alpha == DEEP.alpha
    assert abs(sold.pool.tao - DEEP.tao) <= 2


def test_the_net_to_a_price_ends_at_that_price() -> None:
    target = 700 * exchange_reference.price_bits(DEEP) // 500
    net = exchange_reference.net_to_price(DEEP, Side.BUY, target)
    out = exchange_reference.step_out(DEEP, Side.BUY, net)
    after = exchange_reference.apply_swap(DEEP, Side.BUY, amount_in=net, amount_out=out)
    assert abs(exchange_reference.price_bits(after) - target) < target // 10**9


def test_nothing_is_split_among_weights_of_zero() -> None:
    assert exchange_reference.largest_remainder(5, [0, 0]) == [0, 0]
    assert exchange_reference.running_floor(5, []) == []
