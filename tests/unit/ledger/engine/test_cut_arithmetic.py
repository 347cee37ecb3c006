import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amm.exchange_reference import trading_fee
from amm.reference import MIN_RESERVE, Pool, price_bits
from ledger.engine import cut_arithmetic as cut

VECTORS = Path(__file__).parents[3] / "vectors" / "execution.json"
ENTRIES = [entry for entry in json.loads(VECTORS.read_bytes())["vectors"] if entry["op"] == "block_mode"]
LIMB = 2**64
RAO = 10**9
CAP_PPM, FEE_BASE = 500_000, 65_535

amounts = st.integers(0, 21_000_000 * RAO)
prices = st.integers(1, 2**100)
limits = st.integers(1, 21_000_000 * RAO)


def limbs(price: int) -> tuple[Any, Any]:
    high, low = divmod(price, LIMB)
    return np.uint64(high), np.uint64(low)


def cap_of(pool: dict[str, int]) -> int:
    return CAP_PPM * pool["rate"] * pool["tao"] // (FEE_BASE * 10**6)


def saturated(value: int) -> int:
    return min(value, 2**63 - 1)


@given(alpha=amounts, price=prices)
def test_alpha_is_worth_its_product_with_the_price(alpha: int, price: int) -> None:
    assert cut.worth(alpha, *limbs(price)) == saturated(alpha * price // LIMB)
    assert cut.worth_up(alpha, *limbs(price)) == saturated(-(-alpha * price // LIMB))


@given(tao=amounts, price=prices)
def test_some_tao_is_worth_the_most_alpha_that_costs_no_more(tao: int, price: int) -> None:
    assert cut.alpha_for(tao, *limbs(price)) == saturated(tao * LIMB // price)


@given(tao=amounts, alpha=amounts, price=prices)
def test_a_match_takes_the_smaller_side_whole(tao: int, alpha: int, price: int) -> None:
    matched_tao, matched_alpha = cut.match(tao, alpha, *limbs(price))

    assert matched_tao <= tao
    assert matched_alpha <= alpha
    assert (matched_tao == 0) == (matched_alpha == 0)
    if matched_tao:
        assert matched_tao == tao or matched_alpha == alpha


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry["note"]))
def test_the_figures_of_a_cut_are_the_known_ones(entry: dict[str, Any]) -> None:
    pool, orders, told = entry["inputs"]["pool"], entry["inputs"]["orders"], entry["expected"]["cut"]
    price = limbs(int(told["p0_bits"]))
    bought = cut.house_buys(told["need"], cap_of(pool), *price)
    sold = cut.house_sells(told["need"], cap_of(pool), *price)
    brings = {side: sum(order["amount"] for order in orders if order["side"] == side) for side in ("buy", "sell")}

    assert (brings["buy"] + bought, brings["sell"] + sold) == (told["X"], told["Y"])
    assert cut.match(told["X"], told["Y"], *price) == (told["matched_tao"], told["matched_alpha"])


@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if entry["expected"]["cut"]["settle"]], ids=lambda entry: str(entry["note"])
)
def test_the_swap_that_is_sent_is_the_known_one(entry: dict[str, Any]) -> None:
    pool, told = entry["inputs"]["pool"], entry["expected"]["cut"]
    settle = told["settle"]
    head, base = (pool["tao"], pool["alpha"], pool["w"], pool["rate"]), (pool["tao"], pool["alpha"], pool["w"])
    sell = settle["side"] == "sell"
    customers = told["residual_sell_alpha"] if sell else told["residual_buy_tao"]
    chosen = [order["limit"] for order in entry["inputs"]["orders"] if order["side"] == settle["side"]]
    bound = cut.bound_of(int(sell), max(chosen) if sell else chosen[0], pool["rate"])

    make = cut.sell_item if sell else cut.buy_item
    amount, house, limit, expected = make(head, base, customers, 0, 2**62, 10_000, bound)

    assert (amount, house, limit) == (settle["amount"], settle["house"], settle["limit"])
    assert entry["expected"]["after_cut"]["pending"] - told["need_after"] == expected


def test_the_prefix_without_a_tight_order_takes_more() -> None:
    pool = ENTRIES[3]["inputs"]["pool"]
    figures = pool["tao"], pool["alpha"], pool["w"], pool["rate"]
    loose, tight = (order["limit"] for order in ENTRIES[3]["inputs"]["orders"])

    assert cut.prefix_fill(0, *figures, loose, 100 * RAO) == 100 * RAO
    assert 0 < cut.prefix_fill(0, *figures, tight, 101 * RAO) < 100 * RAO


def test_a_bound_that_is_not_beyond_the_spot_price_is_out() -> None:
    pool = ENTRIES[4]["inputs"]["pool"]
    figures = pool["tao"], pool["alpha"], pool["w"], pool["rate"]

    assert cut.prefix_fill(0, *figures, ENTRIES[4]["inputs"]["orders"][0]["limit"], RAO) == -1
    assert cut.prefix_fill(1, *figures, 33_333_333, RAO) == -1


@given(need=st.integers(-(10**15), 10**15), room=st.integers(-(10**9), 10**15), price=st.integers(2**40, 2**80))
def test_the_house_trades_no_more_than_the_room_of_the_window(need: int, room: int, price: int) -> None:
    bought, sold = cut.house_buys(need, room, *limbs(price)), cut.house_sells(need, room, *limbs(price))

    assert 0 <= bought <= max(room, 0)
    assert cut.worth(sold, *limbs(price)) <= max(room, 0)
    assert bought == 0 or need > 0
    assert 0 <= sold <= max(-need, 0)


@given(sell=st.integers(0, 1), alpha=st.integers(0, 10**15), tao=st.integers(0, 10**15), limit=limits)
def test_a_part_costs_no_more_and_brings_no_less_than_its_limit(sell: int, alpha: int, tao: int, limit: int) -> None:
    missing = cut.missing_to_limit(sell, alpha, tao, limit)

    assert missing >= 0
    if sell and alpha * limit < 2**63 * RAO:
        assert (tao + missing) * RAO >= alpha * limit
        assert missing == 0 or (tao + missing - 1) * RAO < alpha * limit
    elif not sell:
        assert (tao - missing) * RAO <= alpha * limit
        assert missing == 0 or (tao - missing + 1) * RAO > alpha * limit


@given(held=amounts, before=amounts, ppm=st.integers(0, 999_999))
def test_what_an_order_can_spend_leaves_its_fee(held: int, before: int, ppm: int) -> None:
    cost = cut.spendable(held, before, ppm)

    def needed(part: int) -> int:
        return part + trading_fee(before + part, ppm) - trading_fee(before, ppm)

    assert needed(cost) <= held or cost == 0
    assert needed(cost + 1) > held


@given(alpha=st.integers(1, 10**15), tao=st.integers(1, 10**15), wanted=st.integers(1, 10**15))
def test_a_buyer_of_a_volume_gets_no_more_than_it_wants_at_the_same_price(alpha: int, tao: int, wanted: int) -> None:
    got, cost = cut.wanted_part(alpha, tao, wanted)

    assert got == min(alpha, wanted)
    assert cost <= tao
    assert cost * alpha >= tao * got > (cost - 1) * alpha


def test_the_house_part_stays_out_where_the_hot_key_cannot_pay_it() -> None:
    head, base = (20_000 * RAO, 600_000 * RAO, 5 * 10**17, 33), (20_000 * RAO, 600_000 * RAO, 5 * 10**17)
    bound = 2**62

    both = cut.buy_item(head, base, 100 * RAO, 30 * RAO, 200 * RAO, 10_000, bound)
    alone = cut.buy_item(head, base, 100 * RAO, 30 * RAO, 100 * RAO, 10_000, bound)

    assert both[1] > 0
    assert (alone[0], alone[1]) == (100 * RAO, 0)
    assert both[3] == alone[3]
    assert cut.sell_item(head, base, 100 * RAO, -30 * RAO, 110 * RAO, 10_000, 0)[:2] == (110 * RAO, 10 * RAO)
    assert cut.buy_item(head, base, 0, 30 * RAO, 0, 10_000, bound) == (0, 0, 0, 0)


def test_a_pool_below_the_reserve_of_the_chain_is_not_swapped() -> None:
    head, base = (20_000 * RAO, MIN_RESERVE - 1, 5 * 10**17, 33), (20_000 * RAO, MIN_RESERVE - 1, 5 * 10**17)

    assert cut.buy_item(head, base, RAO, 0, 2 * RAO, 10_000, 2**62) == (0, 0, 0, 0)
    assert price_bits(Pool(20_000 * RAO, MIN_RESERVE - 1)) > 0
