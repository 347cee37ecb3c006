import pytest

from amm.exchange_reference import mirror
from amm.reference import Pool
from app.verify.exchange import Exchange, PoolShown
from ledger.engine.balances import position
from ledger.engine.layout import CommandKind, EventKind, Flag, Mode, OrderState, Stage
from ledger.errors import Refusal
from tests.support.block_mode import (
    BlockChain,
    live,
    of_kind,
    place,
    settlement,
    sign,
    waiting_exchange,
)
from tests.support.builders import DEEP, SN, TAO, booked_balances, kinds

HIGH, LOW = 35_000_000, 31_000_000


@pytest.fixture
def exchange() -> Exchange:
    funds = (1_000 * TAO, 20_000 * TAO)
    return waiting_exchange({"alice": funds, "bob": funds, "carol": funds})[0]


def test_a_buyer_and_a_seller_meet_at_the_price_of_the_head(exchange: Exchange) -> None:
    place(exchange, 1, tao=10 * TAO, limit=HIGH)
    sold = place(exchange, 2, alpha=300 * TAO, limit=LOW, sell=True)

    answer = exchange.head()

    (matched,) = of_kind(answer, EventKind.CUT_MATCHED)
    assert (int(matched["tao"]), int(matched["amount"]), int(matched["limit"])) == (9_999_999_999, 300 * TAO, 0)
    fills = of_kind(answer, EventKind.FILLED)
    assert set(fills["code"]) == {Mode.BLOCK}
    assert set(fills["aux"]) == {0}
    assert sold not in live(exchange)
    assert booked_balances(exchange) == exchange.balances()


def test_fills_of_a_match_come_by_account_and_order_buys_first(exchange: Exchange) -> None:
    late = place(exchange, 2, tao=5 * TAO, limit=HIGH + 1)
    first = place(exchange, 1, tao=5 * TAO, limit=HIGH)
    seller = place(exchange, 3, alpha=100 * TAO, limit=LOW, sell=True)
    second = place(exchange, 1, tao=5 * TAO, limit=HIGH + 2)

    answer = exchange.head()

    fills = [int(order) for order in of_kind(answer, EventKind.FILLED)["order_id"]]
    assert fills == [first, second, late, seller]
    sent = [int(order) for order in of_kind(answer, EventKind.ORDER_SENT)["order_id"]]
    assert sent == [first, second, late]


def test_a_closed_order_follows_its_fill(exchange: Exchange) -> None:
    place(exchange, 1, tao=10 * TAO, limit=HIGH)
    place(exchange, 2, alpha=30 * TAO, limit=LOW, sell=True)

    answer = exchange.head()

    told = kinds(answer)
    sale = [i for i, event in enumerate(answer.events) if event["kind"] == EventKind.FILLED][-1]
    assert told[sale + 1] == EventKind.ORDER_CLOSED
    assert int(answer.events[sale + 1]["order_id"]) == int(answer.events[sale]["order_id"])


def test_a_buyer_of_a_volume_gets_exactly_that_volume(exchange: Exchange) -> None:
    bought = place(exchange, 1, alpha=100 * TAO, limit=HIGH)
    place(exchange, 2, alpha=3_000 * TAO, limit=LOW, sell=True)

    answer = exchange.head()

    fill = next(event for event in of_kind(answer, EventKind.FILLED) if int(event["order_id"]) == bought)
    assert int(fill["amount"]) == 100 * TAO
    assert int(fill["tao"]) == -(-100 * TAO // 30)
    assert bought not in live(exchange)
    assert exchange.views.balance(1, 0).held == 0


def test_the_house_never_gives_more_than_the_window_to_a_match(exchange: Exchange) -> None:
    exchange.configure(SN, target=0)
    place(exchange, 1, tao=100 * TAO, limit=HIGH)

    answer = exchange.head()

    (matched,) = of_kind(answer, EventKind.CUT_MATCHED)
    market = exchange.engine.state.markets[0]
    assert 0 < int(matched["limit"]) <= int(market["cap"])
    assert int(market["used"]) == int(matched["limit"])
    (item,) = settlement(exchange).items
    assert (item.sell, item.amount) == (False, 100 * TAO - int(matched["tao"]))


def test_without_a_swap_the_mirror_follows_what_the_house_gave(exchange: Exchange) -> None:
    exchange.configure(SN, target=20_000 * TAO - TAO // 100)
    place(exchange, 1, tao=TAO // 5_000, limit=HIGH)

    answer = exchange.head()

    assert EventKind.SETTLEMENT_REQUESTED not in kinds(answer)
    (moved,) = of_kind(answer, EventKind.MIRROR_MOVED)
    market = exchange.engine.state.markets[0]
    need = int(market["target"]) - int(position(exchange.engine.state, SN))
    expected = mirror(Pool(DEEP.tao, DEEP.alpha), need)
    assert (int(moved["pool_tao"]), int(moved["pool_alpha"])) == (expected.tao, expected.alpha)
    assert (int(market["mirror_tao"]), int(market["mirror_alpha"])) == (expected.tao, expected.alpha)


def test_an_order_that_had_its_one_cut_is_closed(exchange: Exchange) -> None:
    loose = place(exchange, 1, tao=100 * TAO, limit=HIGH)
    immediate = place(exchange, 2, tao=TAO, limit=33_360_000, flags=Flag.IOC)

    answer = exchange.head()

    closed = {int(event["order_id"]): int(event["code"]) for event in of_kind(answer, EventKind.ORDER_CLOSED)}
    assert closed == {immediate: Refusal.LIMIT_REACHED}
    assert int(live(exchange)[loose]["state"]) == OrderState.IN_FLIGHT


def test_a_market_order_waits_while_a_settlement_is_in_flight(exchange: Exchange) -> None:
    place(exchange, 1, tao=100 * TAO, limit=HIGH)
    exchange.head()
    sign(exchange)
    waiting = place(exchange, 2, tao=5 * TAO)

    answer = exchange.head()

    assert EventKind.SETTLEMENT_REQUESTED not in kinds(answer)
    assert int(live(exchange)[waiting]["state"]) == OrderState.QUEUED


def test_a_tight_order_does_not_hold_the_others_back(exchange: Exchange) -> None:
    loose = place(exchange, 1, tao=100 * TAO, limit=HIGH)
    tight = place(exchange, 2, tao=TAO, limit=33_360_000)

    exchange.head()

    assert int(live(exchange)[loose]["state"]) == OrderState.IN_FLIGHT
    assert int(live(exchange)[tight]["state"]) == OrderState.QUEUED


def test_what_can_no_longer_bring_anything_is_closed_as_dust(exchange: Exchange) -> None:
    dust = place(exchange, 2, alpha=3_000 * TAO, limit=LOW, sell=True)
    exchange.head()
    job = sign(exchange)
    record = BlockChain().fill(job, job.items[0])
    record["amount"] -= 10  # a share pool that rounds leaves a few rao in the position

    answer = exchange.head([record])

    closed = [(int(event["order_id"]), int(event["code"])) for event in of_kind(answer, EventKind.ORDER_CLOSED)]
    assert closed == [(dust, Refusal.DUST)]
    assert exchange.views.balance(2, SN + 1).held == 0


def test_a_market_that_may_only_be_reduced_matches_no_buyer(exchange: Exchange) -> None:
    buyer = place(exchange, 1, tao=10 * TAO, limit=HIGH)
    seller = place(exchange, 2, alpha=600 * TAO, limit=LOW, sell=True)
    exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.REDUCE_ONLY)

    answer = exchange.head()

    assert EventKind.CUT_MATCHED not in kinds(answer)
    rows = live(exchange)
    assert int(rows[buyer]["state"]) == OrderState.QUEUED
    assert int(rows[seller]["state"]) == OrderState.IN_FLIGHT


def crossing_queue(exchange: Exchange) -> tuple[int, list[int]]:
    """Let a resting sale stand within the limits of two queued buys, which came before it."""
    orders = [place(exchange, 1, tao=60 * TAO, limit=HIGH), place(exchange, 2, tao=30 * TAO, limit=HIGH)]
    maker = place(exchange, 3, alpha=300 * TAO, limit=33_400_000, sell=True, flags=Flag.POST_ONLY)
    return maker, orders


def test_the_book_is_crossed_pro_rata_at_the_makers_limit(exchange: Exchange) -> None:
    maker, orders = crossing_queue(exchange)

    answer = exchange.head()

    crossed = of_kind(answer, EventKind.CROSSED)
    assert [int(event["order_id"]) for event in crossed] == orders
    assert set(crossed["aux"]) == {maker}
    assert sum(int(event["amount"]) for event in crossed) == 300 * TAO
    assert int(crossed[0]["amount"]) == 200 * TAO
    assert all(int(event["tao"]) == -(-int(event["amount"]) * 33_400_000 // TAO) for event in crossed)
    assert maker not in live(exchange)
    (item,) = settlement(exchange).items
    assert item.amount == 90 * TAO - sum(int(event["tao"]) for event in crossed)
    assert booked_balances(exchange) == exchange.balances()


def test_a_resting_order_behind_the_curve_is_left_alone(exchange: Exchange) -> None:
    place(exchange, 1, tao=60 * TAO, limit=HIGH)
    maker = place(exchange, 3, alpha=300 * TAO, limit=34_900_000, sell=True, flags=Flag.POST_ONLY)

    answer = exchange.head()

    assert EventKind.CROSSED not in kinds(answer)
    assert int(live(exchange)[maker]["state"]) == OrderState.RESTING


def test_a_queued_order_never_meets_one_of_its_own_account(exchange: Exchange) -> None:
    own = place(exchange, 1, tao=60 * TAO, limit=HIGH)
    other = place(exchange, 2, tao=30 * TAO, limit=HIGH)
    place(exchange, 1, alpha=300 * TAO, limit=33_400_000, sell=True, flags=Flag.POST_ONLY)

    answer = exchange.head()

    takers = {int(event["order_id"]) for event in of_kind(answer, EventKind.CROSSED)}
    assert takers == {other}
    assert int(live(exchange)[own]["state"]) == OrderState.IN_FLIGHT


def test_a_maker_larger_than_the_others_bring_takes_no_more_from_them(exchange: Exchange) -> None:
    own = place(exchange, 2, alpha=3_000 * TAO, limit=LOW, sell=True)
    other = place(exchange, 1, alpha=60 * TAO, limit=LOW, sell=True)
    maker = place(exchange, 2, tao=50 * TAO, limit=33_250_000, flags=Flag.POST_ONLY)

    answer = exchange.head()

    (crossed,) = of_kind(answer, EventKind.CROSSED)
    assert (int(crossed["order_id"]), int(crossed["amount"])) == (other, 60 * TAO)
    assert other not in live(exchange)
    assert int(live(exchange)[own]["flight"]) == 3_000 * TAO
    assert int(live(exchange)[maker]["state"]) == OrderState.RESTING
    assert booked_balances(exchange) == exchange.balances()


def test_queued_sales_cross_resting_bids(exchange: Exchange) -> None:
    seller = place(exchange, 1, alpha=3_000 * TAO, limit=LOW, sell=True)
    maker = place(exchange, 2, tao=10 * TAO, limit=33_250_000, flags=Flag.POST_ONLY)

    answer = exchange.head()

    (crossed,) = of_kind(answer, EventKind.CROSSED)
    assert (int(crossed["order_id"]), int(crossed["aux"])) == (seller, maker)
    assert int(crossed["tao"]) == int(crossed["amount"]) * 33_250_000 // TAO
    assert int(crossed["tao"]) <= 10 * TAO
    assert booked_balances(exchange) == exchange.balances()


def test_orders_that_the_price_has_left_rest_or_are_closed(exchange: Exchange) -> None:
    lasting = place(exchange, 1, tao=10 * TAO, limit=33_500_000)
    immediate = place(exchange, 2, tao=10 * TAO, limit=33_500_000, flags=Flag.IOC)
    at_market = place(exchange, 3, tao=10 * TAO, slippage_ppm=5_000)
    chain = BlockChain()
    chain.push(400 * TAO)
    exchange.pools[SN] = chain.shown

    answer = exchange.head()

    closed = {int(event["order_id"]): int(event["code"]) for event in of_kind(answer, EventKind.ORDER_CLOSED)}
    assert closed == {immediate: Refusal.LIMIT_REACHED, at_market: Refusal.SLIPPAGE_REACHED}
    assert int(live(exchange)[lasting]["state"]) == OrderState.RESTING
    assert exchange.replay().state_hash() == exchange.engine.state_hash()


def test_an_order_that_leaves_the_queue_crosses_the_book_first(exchange: Exchange) -> None:
    buyer = place(exchange, 1, tao=10 * TAO, limit=33_500_000)
    place(exchange, 2, alpha=100 * TAO, limit=33_450_000, sell=True, flags=Flag.POST_ONLY)
    chain = BlockChain()
    chain.push(400 * TAO)
    exchange.pools[SN] = chain.shown

    answer = exchange.head()

    assert {int(event["order_id"]) for event in of_kind(answer, EventKind.CROSSED)} == {buyer}


def test_a_stage_that_lets_nobody_trade_keeps_the_queue(exchange: Exchange) -> None:
    order = place(exchange, 1, tao=10 * TAO, limit=33_500_000)
    exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.CANCEL_ONLY)
    chain = BlockChain()
    chain.push(400 * TAO)
    exchange.pools[SN] = chain.shown

    exchange.head()

    assert int(live(exchange)[order]["state"]) == OrderState.QUEUED


def test_a_resting_order_that_a_new_head_reaches_waits_for_the_cut_of_that_head(exchange: Exchange) -> None:
    order = place(exchange, 1, tao=10 * TAO, limit=33_200_000)
    chain = BlockChain()
    chain.push(-400 * TAO)
    exchange.pools[SN] = chain.shown

    answer = exchange.head()

    (queued,) = of_kind(answer, EventKind.ORDER_QUEUED)
    assert (int(queued["order_id"]), int(queued["code"])) == (order, Refusal.INSTANT_HALTED)
    assert int(live(exchange)[order]["state"]) == OrderState.IN_FLIGHT


def test_after_a_jump_the_limit_of_the_customers_swap_is_told_from_the_pool_before(exchange: Exchange) -> None:
    place(exchange, 1, tao=10 * TAO, limit=1_000_000_000)
    exchange.pools[SN] = PoolShown(5 * DEEP.tao, DEEP.alpha)

    exchange.head()

    assert settlement(exchange).items[0].limit < 34_000_000
