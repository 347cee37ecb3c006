from hypothesis import given
from hypothesis import strategies as st

from app.projections.tape import trade_price, trades_of
from ledger.engine.layout import EventKind, Flag, Mode
from tests.support.history import RAO, event, step


def test_a_cross_is_one_trade_at_the_makers_price_from_the_takers_side() -> None:
    cross = event(
        EventKind.CROSSED, flags=Flag.SELL, account=1, maker=2, netuid=3, order_id=5, maker_order_id=4,
        alpha_rao=3 * RAO, tao_rao=61, price=20,
    )  # fmt: skip

    (trade,) = trades_of(step(cross))

    assert (trade.price, trade.cost, trade.is_sell, trade.order_id, trade.is_part) == (20, 61, True, 5, False)


def test_what_the_house_adds_by_rounding_is_to_the_customers_favour() -> None:
    sale = event(EventKind.FILLED, flags=Flag.SELL, netuid=3, mode=Mode.BLOCK, alpha_rao=RAO, tao_rao=9, rounding=1)
    buy = event(EventKind.FILLED, netuid=3, mode=Mode.BLOCK, alpha_rao=RAO, tao_rao=9, rounding=1)

    assert [trade.cost for trade in trades_of(step(sale, buy))] == [10, 8]


def test_fills_of_a_cut_are_parts_of_its_match_and_fills_of_another_market_or_head_are_not() -> None:
    matched = event(EventKind.CUT_MATCHED, netuid=3, matched_tao=40, matched_alpha=2 * RAO)
    part = event(EventKind.FILLED, netuid=3, order_id=7, mode=Mode.BLOCK, alpha_rao=RAO, tao_rao=20)
    elsewhere = event(EventKind.FILLED, netuid=4, order_id=8, mode=Mode.BLOCK, alpha_rao=RAO, tao_rao=20)
    curve = event(EventKind.FILLED, netuid=3, order_id=9, mode=Mode.INSTANT, alpha_rao=RAO, tao_rao=20)

    told = list(trades_of(step(part, matched, part, elsewhere, curve, event(EventKind.HEAD_ENDED), part)))

    assert [trade.is_part for trade in told] == [False, False, True, False, False, False]
    assert (told[1].price, told[1].order_id, told[1].row.amount) == (20, 0, 2 * RAO)


@given(cost=st.integers(0, 2**54), volume=st.integers(1, 2**54))
def test_a_price_is_the_nearest_one(cost: int, volume: int) -> None:
    price = trade_price(cost, volume)

    assert abs(price * volume - cost * RAO) * 2 <= volume
    assert trade_price(cost, 0) == 0
