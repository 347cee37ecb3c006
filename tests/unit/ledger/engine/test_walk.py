"""Takers against book and curve, to the rao. The market: 20 000 TAO and 600 000 alpha, pool fee 33 of 65 535."""

import pytest

from amm.exchange_reference import buy_in, buy_out, sell_in, trading_fee
from amm.reference import Pool, price_bits, spot_rao
from app.verify.exchange import Exchange
from ledger.engine.layout import CommandKind, EventKind, Flag, Halt, Shelf, Stage, Trait
from ledger.errors import Refusal
from tests.support.builders import DEEP, SN, TAO, booked_balances, buy, kinds, sell, trading_exchange
from tests.support.placing import ask, bid, place, row, shelf, state_of

MIRROR = Pool(DEEP.tao, DEEP.alpha)
TAKER, MAKER = 2_600, 1_600
ACCEPTED, FILLED, CLOSED = EventKind.ORDER_ACCEPTED, EventKind.FILLED, EventKind.ORDER_CLOSED
CROSSED, RESTED, QUEUED = EventKind.CROSSED, EventKind.ORDER_RESTED, EventKind.ORDER_QUEUED


@pytest.fixture
def exchange() -> Exchange:
    exchange, _ = trading_exchange(dict.fromkeys(("alice", "bob", "carol"), (100 * TAO, 1000 * TAO)))
    return exchange


def free(exchange: Exchange, account: int, asset: int = 0) -> int:
    return exchange.views.balance(account, asset).free


def held(exchange: Exchange, account: int, asset: int = 0) -> int:
    return exchange.views.balance(account, asset).held


def halt(exchange: Exchange) -> None:
    exchange.ask(CommandKind.SET_HALT, flags=Flag.ARM, netuid=SN, halt=Halt.INSTANT)


def test_a_limit_order_that_meets_nothing_rests_and_is_held_at_its_limit_with_its_fee(exchange: Exchange) -> None:
    answer = bid(exchange, 1, 10 * TAO + 1, 33_000_001)

    cost = 330_000_011  # 10.000000001 x 0.033000001, rounded up
    assert kinds(answer) == [ACCEPTED, RESTED]
    assert int(answer.events[1]["hold"]) == held(exchange, 1) == cost + trading_fee(cost, TAKER)
    assert int(answer.events[1]["amount"]) == 10 * TAO + 1
    assert shelf(exchange, Shelf.BIDS) == [answer.reference]
    sale = ask(exchange, 1, 7, 34_000_000)
    assert (held(exchange, 1, SN + 1), shelf(exchange, Shelf.ASKS)) == (7, [sale.reference])


def test_a_taker_crosses_a_resting_order_at_the_makers_limit_and_each_pays_its_fee(exchange: Exchange) -> None:
    maker = ask(exchange, 2, 10 * TAO, 33_340_000).reference

    answer = bid(exchange, 1, 10 * TAO, 33_345_000)

    assert kinds(answer) == [ACCEPTED, CROSSED, CLOSED, CLOSED]
    crossed = answer.events[1]
    assert (int(crossed["account"]), int(crossed["other"]), int(crossed["aux"])) == (1, 2, maker)
    assert (int(crossed["amount"]), int(crossed["tao"]), int(crossed["pool_alpha"])) == (
        10 * TAO,
        333_400_000,
        33_340_000,
    )
    assert (int(crossed["fee"]), int(crossed["limit"])) == (866_840, 533_440)
    assert (int(crossed["hold"]), int(crossed["pool_tao"])) == (0, 10 * TAO)
    assert [int(event["order_id"]) for event in answer.events[2:]] == [maker, answer.reference]
    assert free(exchange, 1) == 100 * TAO - 333_400_000 - 866_840
    assert free(exchange, 2) == 100 * TAO + 333_400_000 - 533_440
    assert booked_balances(exchange) == exchange.balances()


@pytest.mark.parametrize(
    ("alpha", "price", "cost"), [(1, 33_340_000, 1), (31, 33_340_000, 2), (30 * TAO, 33_333_334, 1_000_000_020)]
)
def test_the_cost_of_a_cross_is_rounded_up_when_the_maker_sells(
    exchange: Exchange, alpha: int, price: int, cost: int
) -> None:
    ask(exchange, 2, 40 * TAO, price)

    assert int(bid(exchange, 1, alpha, 33_345_000).events[1]["tao"]) == cost


def test_the_proceeds_of_a_cross_are_rounded_down_when_the_maker_buys(exchange: Exchange) -> None:
    bid(exchange, 2, 40 * TAO, 33_320_000)

    assert int(ask(exchange, 1, 61, 33_317_000).events[1]["tao"]) == 2  # 2.03
    dust = ask(exchange, 1, 30, 33_317_000)
    assert (kinds(dust), int(dust.events[-1]["code"])) == ([ACCEPTED, CLOSED], Refusal.DUST)


def test_a_resting_order_too_small_to_pay_anything_does_not_stop_the_takers(exchange: Exchange) -> None:
    first = bid(exchange, 2, 10 * TAO, 33_320_000).reference
    second = bid(exchange, 3, 10 * TAO, 33_319_000).reference
    ask(exchange, 1, 10 * TAO - 5, 33_317_000)
    assert row(exchange, first)["amount"] - row(exchange, first)["alpha"] == 5

    answer = ask(exchange, 1, TAO, 33_317_000)

    assert kinds(answer) == [ACCEPTED, CLOSED, CROSSED, CLOSED]
    assert (int(answer.events[1]["order_id"]), int(answer.events[1]["code"])) == (first, Refusal.DUST)
    assert int(answer.events[2]["aux"]) == second


def test_a_curve_step_ends_where_the_next_resting_order_becomes_better(exchange: Exchange) -> None:
    maker = ask(exchange, 2, 10 * TAO, 33_355_000).reference

    answer = buy(exchange, 1, alpha=60 * TAO)

    assert kinds(answer) == [ACCEPTED, FILLED, CROSSED, CLOSED, FILLED, CLOSED]
    first, crossed, second = answer.events[1], answer.events[2], answer.events[4]
    bound = 33_355_000 * (65_535 - 33) // 65_535
    after = Pool(int(first["pool_tao"]), int(first["pool_alpha"]))
    assert buy_in(MIRROR, int(first["tao"])).pool == after
    assert price_bits(after) <= bound * 2**64 // TAO
    assert spot_rao(after) >= bound - 1
    assert int(crossed["aux"]) == maker
    rest = 60 * TAO - int(first["amount"]) - 10 * TAO
    assert (int(second["amount"]), int(second["tao"])) == (rest, buy_out(after, rest).cost)
    whole = sum(int(event["tao"]) for event in (first, crossed, second))
    fees = sum(int(event["fee"]) for event in (first, crossed, second))
    assert fees == trading_fee(whole, TAKER)
    assert whole < buy_out(MIRROR, 60 * TAO).cost


@pytest.mark.parametrize(("price", "first"), [(33_350_127, CROSSED), (33_350_128, FILLED)])
def test_of_equal_prices_the_resting_order_comes_first(exchange: Exchange, price: int, first: EventKind) -> None:
    """The largest limit whose price in the pool does not lie above the mirror's, 33 333 333; one more, and it does."""
    assert (price * 65_502 // 65_535 <= spot_rao(MIRROR)) is (first == CROSSED)
    ask(exchange, 2, TAO, price)

    assert kinds(buy(exchange, 1, alpha=TAO))[1] == first


def test_resting_orders_are_met_by_price_and_then_by_time(exchange: Exchange) -> None:
    orders = [
        ask(exchange, account, TAO, price).reference
        for account, price in ((2, 33_345_000), (3, 33_340_000), (2, 33_340_000))
    ]

    answer = bid(exchange, 1, 5 * TAO // 2, 33_347_000)

    crossed = answer.events[answer.events["kind"] == CROSSED]
    assert [int(event["aux"]) for event in crossed] == [orders[1], orders[2], orders[0]]
    left = row(exchange, orders[0])
    assert (int(left["alpha"]), int(left["held"])) == (TAO // 2, TAO // 2)


def test_what_a_limit_leaves_rests_with_what_it_still_needs(exchange: Exchange) -> None:
    ask(exchange, 2, 4 * TAO, 33_340_000)

    answer = bid(exchange, 1, 10 * TAO, 33_345_000)

    assert kinds(answer) == [ACCEPTED, CROSSED, CLOSED, RESTED]
    cost, rest = 133_360_000, 200_070_000
    assert held(exchange, 1) == rest + trading_fee(cost + rest, TAKER) - trading_fee(cost, TAKER)
    assert shelf(exchange, Shelf.BIDS) == [answer.reference]


@pytest.mark.parametrize(
    ("traits", "happens", "reasons"),
    [
        (0, [ACCEPTED, CROSSED, CLOSED, CLOSED], [0, Refusal.SELF_TRADE]),
        (Trait.STP_OLDEST, [ACCEPTED, CROSSED, CLOSED, CLOSED, CROSSED, CLOSED], [0, Refusal.SELF_TRADE, 0]),
        (Trait.STP_BOTH, [ACCEPTED, CROSSED, CLOSED, CLOSED, CLOSED], [0, Refusal.SELF_TRADE, Refusal.SELF_TRADE]),
    ],
)
def test_nobody_trades_with_himself(
    exchange: Exchange, traits: int, happens: list[EventKind], reasons: list[int]
) -> None:
    ask(exchange, 2, TAO, 33_340_000)
    own = ask(exchange, 1, TAO, 33_341_000).reference
    ask(exchange, 3, 5 * TAO, 33_342_000)

    answer = bid(exchange, 1, 3 * TAO, 33_345_000, traits=traits)

    assert kinds(answer) == happens
    closed = answer.events[answer.events["kind"] == CLOSED]
    assert [int(event["code"]) for event in closed] == reasons
    assert (state_of(exchange, own) is None) is bool(traits)


def test_a_post_only_order_rests_or_is_closed_unfilled(exchange: Exchange) -> None:
    ask(exchange, 2, TAO, 33_345_000)
    before = exchange.balances()

    on_book = bid(exchange, 1, TAO, 33_345_000, Flag.POST_ONLY)
    on_curve = bid(exchange, 1, TAO, 33_351_000, Flag.POST_ONLY)
    untouched = exchange.balances()
    sound = bid(exchange, 1, TAO, 33_344_999, Flag.POST_ONLY)

    for closed in (on_book, on_curve):
        assert (closed.code, kinds(closed)) == (0, [ACCEPTED, CLOSED])
        assert int(closed.events[1]["code"]) == Refusal.POST_ONLY_WOULD_TRADE
        assert closed.reference == int(closed.events[0]["order_id"])
    assert untouched == before
    assert kinds(sound) == [ACCEPTED, RESTED]
    assert before["c:1:free", 0] > free(exchange, 1)


def test_fill_or_kill_fills_all_or_nothing(exchange: Exchange) -> None:
    ask(exchange, 2, 10 * TAO, 33_340_000)
    before = exchange.balances()

    beyond = bid(exchange, 1, 20 * TAO, 33_345_000, Flag.FOK)
    assert (kinds(beyond), int(beyond.events[-1]["code"])) == ([ACCEPTED, CLOSED], Refusal.FOK_NOT_FILLABLE)
    large = place(exchange, 1, Flag.FOK, alpha_rao=300 * TAO, slippage_ppm=50_000)
    assert (kinds(large), int(large.events[-1]["code"])) == ([ACCEPTED, CLOSED], Refusal.FOK_NOT_FILLABLE)
    assert exchange.balances() == before

    whole = bid(exchange, 1, 20 * TAO, 33_360_000, Flag.FOK)
    assert kinds(whole) == [ACCEPTED, CROSSED, CLOSED, FILLED, CLOSED]
    assert int(whole.events[-1]["code"]) == 0


def test_an_order_in_quote_takes_the_most_alpha_that_its_money_pays(exchange: Exchange) -> None:
    ask(exchange, 2, 100 * TAO, 33_340_000)

    answer = place(exchange, 1, Flag.LIMIT | Flag.IN_QUOTE | Flag.IOC, tao_rao=TAO, limit=33_345_000)

    crossed = answer.events[1]
    cost = int(crossed["tao"])
    assert int(crossed["amount"]) == cost * TAO // 33_340_000
    assert cost + int(crossed["fee"]) == TAO
    assert free(exchange, 1) == 99 * TAO


def test_an_order_in_quote_rests_and_offers_what_is_left_of_its_money(exchange: Exchange) -> None:
    resting = place(exchange, 1, Flag.LIMIT | Flag.IN_QUOTE, tao_rao=TAO, limit=33_320_000).reference
    assert held(exchange, 1) == TAO
    most = int(row(exchange, resting)["amount"]) * TAO // 33_320_000

    answer = ask(exchange, 2, most + TAO, 33_318_000)

    assert kinds(answer) == [ACCEPTED, CROSSED, CLOSED, RESTED]
    assert int(answer.events[1]["amount"]) == most
    assert (int(answer.events[2]["order_id"]), int(answer.events[2]["code"])) == (resting, 0)
    assert (held(exchange, 1), free(exchange, 1, SN + 1)) == (0, 1_000 * TAO + most)


def test_what_the_window_does_not_take_is_queued_whole_after_the_better_resting_orders(exchange: Exchange) -> None:
    bid(exchange, 2, 10 * TAO, 33_320_000)
    bid(exchange, 3, 10 * TAO, 33_310_000)

    answer = sell(exchange, 1, alpha=200 * TAO)

    assert kinds(answer) == [ACCEPTED, CROSSED, CLOSED, QUEUED]
    assert int(answer.events[-1]["code"]) == Refusal.WINDOW_FULL
    assert int(answer.events[-1]["amount"]) == held(exchange, 1, SN + 1) == 190 * TAO
    assert shelf(exchange, Shelf.QUEUED_SALES) == [answer.reference]


def test_while_instant_is_closed_an_order_inside_the_head_rests_and_one_beyond_it_waits(exchange: Exchange) -> None:
    """The house needs to sell, so that its mirror lies below the head: 33.11 million against 33.33."""
    exchange.configure(SN, target=18_000 * TAO)
    ask(exchange, 2, 5 * TAO, 33_200_000)
    halt(exchange)

    killed = bid(exchange, 1, 10 * TAO, 33_250_000, Flag.IOC)
    inside = bid(exchange, 1, 10 * TAO, 33_250_000)
    beyond = bid(exchange, 1, 10 * TAO, 33_340_000)

    assert kinds(inside) == [ACCEPTED, CROSSED, CLOSED, RESTED]
    assert (kinds(beyond), int(beyond.events[-1]["code"])) == ([ACCEPTED, QUEUED], Refusal.INSTANT_HALTED)
    assert (kinds(killed), int(killed.events[-1]["code"])) == ([ACCEPTED, CLOSED], Refusal.INSTANT_HALTED)


def test_a_cross_needs_no_instant_mode(exchange: Exchange) -> None:
    ask(exchange, 2, 5 * TAO, 33_340_000)
    halt(exchange)

    assert kinds(buy(exchange, 1, alpha=5 * TAO)) == [ACCEPTED, CROSSED, CLOSED, CLOSED]


def test_a_market_without_a_pool_takes_limit_orders_only() -> None:
    exchange = Exchange()
    exchange.set_up()
    exchange.list_market(SN, DEEP)
    del exchange.pools[SN]
    numbers = [exchange.open_account(name) for name in ("alice", "bob")]
    keys = [exchange.deposit_key(account) for account in numbers]
    exchange.head([exchange.deposit_record(key, tao=TAO) for key in keys])
    exchange.head([exchange.deposit_record(keys[1], netuid=SN, alpha=10 * TAO)])

    assert buy(exchange, 1, tao=TAO).code == Refusal.POOL_CLOSED
    assert kinds(bid(exchange, 1, TAO, 33_000_000)) == [ACCEPTED, RESTED]
    assert kinds(bid(exchange, 1, TAO, 33_000_000, Flag.IOC)) == [ACCEPTED, CLOSED]


def test_a_buyer_with_just_enough_money_is_never_overdrawn_by_rounding(exchange: Exchange) -> None:
    exchange.configure(SN, taker_ppm=0, maker_ppm=0)
    exchange.head()
    poor = exchange.open_account("dave")
    for account in (1, 2, 3):
        ask(exchange, account, 31, 33_340_001)  # each part costs 1.03, paid as 2
    need = 4  # 93 x 0.033340001 = 3.1
    exchange.head([exchange.deposit_record(exchange.deposit_key(poor), tao=TAO)])
    bid(exchange, poor, 30_000_000_180, 33_333_333)  # leaves exactly four rao
    assert free(exchange, poor) == need

    answer = bid(exchange, poor, 93, 33_340_001)

    assert kinds(answer) == [ACCEPTED, CROSSED, CLOSED, CROSSED, CLOSED, CLOSED]
    assert int(answer.events[-1]["code"]) == Refusal.DUST
    assert free(exchange, poor) == 0


def test_in_the_post_only_stage_orders_rest_and_nothing_trades(exchange: Exchange) -> None:
    exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.POST_ONLY)

    assert bid(exchange, 1, TAO, 33_000_000).code == Refusal.MARKET_STAGE
    assert kinds(bid(exchange, 1, TAO, 33_000_000, Flag.POST_ONLY)) == [ACCEPTED, RESTED]
    assert kinds(ask(exchange, 2, TAO, 33_000_000, Flag.POST_ONLY)) == [ACCEPTED, CLOSED]


def test_validating_walks_the_book_and_leaves_no_trace(exchange: Exchange) -> None:
    ask(exchange, 2, TAO, 33_340_000)
    count, state = len(exchange.log), exchange.engine.state_hash()

    fills = bid(exchange, 1, TAO, 33_345_000, Flag.VALIDATE_ONLY)
    assert (fills.code, len(fills.events), fills.reference) == (0, 0, 0)
    assert (len(exchange.log), exchange.engine.state_hash()) == (count, state)

    posts = bid(exchange, 1, TAO, 33_345_000, Flag.VALIDATE_ONLY | Flag.POST_ONLY)
    assert (posts.code, kinds(posts)) == (Refusal.POST_ONLY_WOULD_TRADE, [EventKind.COMMAND_REJECTED])


def test_an_account_has_a_bounded_number_of_live_orders(exchange: Exchange) -> None:
    for price in range(1_000):
        assert bid(exchange, 1, 1, 1_000 + price).code == 0

    refused = bid(exchange, 1, 1, 1_000)

    assert (refused.code, refused.value, refused.bound) == (Refusal.TOO_MANY, 1_000, 1_000)
    assert bid(exchange, 2, 1, 1_000).code == 0
    swept = sell(exchange, 2, alpha=600 * TAO, slippage_ppm=1_000_000)
    assert kinds(swept)[-1] == QUEUED
    assert kinds(exchange.ask(CommandKind.CANCEL_ALL, account=1, netuid=SN)).count(CLOSED) == 1_000


def test_one_order_may_sweep_more_orders_than_a_batch_made_room_for(exchange: Exchange) -> None:
    orders = [ask(exchange, 2 + n % 2, TAO // 100, 33_340_000 + n % 7).reference for n in range(200)]

    answer = bid(exchange, 1, 2 * TAO, 33_345_000)

    assert kinds(answer).count(CROSSED) == kinds(answer).count(CLOSED) - 1 == len(orders)
    assert state_of(exchange, answer.reference) is None
    assert exchange.replay().state_hash() == exchange.engine.state_hash()


def test_a_sale_in_the_market_meets_bids_before_a_worse_curve(exchange: Exchange) -> None:
    bid(exchange, 2, 10 * TAO, 33_320_000)

    answer = sell(exchange, 1, alpha=30 * TAO)

    assert kinds(answer) == [ACCEPTED, CROSSED, CLOSED, FILLED, CLOSED]
    assert int(answer.events[1]["tao"]) == 333_200_000
    assert int(answer.events[3]["tao"]) == sell_in(MIRROR, 20 * TAO).tao_out
    assert state_of(exchange, answer.reference) is None
