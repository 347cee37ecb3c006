from dataclasses import replace

import pytest

from amm.exchange_reference import buy_in, buy_out, cost_within, sell_in, trading_fee
from amm.pool import NO_OUTPUT, RESERVES_TOO_LOW
from amm.reference import Pool
from app.verify.exchange import Exchange, PoolShown
from ledger.engine.api import Answer
from ledger.engine.curve import plan_buy, plan_sell
from ledger.engine.layout import MAX_AMOUNT, CommandKind, EventKind, Flag, Gate, Halt, Mode, Stage, Trait
from ledger.errors import Refusal
from tests.support.builders import DEEP, SN, TAO, booked_balances, buy, kinds, sell, trading_exchange

MIRROR = Pool(DEEP.tao, DEEP.alpha)
PPM = 2_600


@pytest.fixture
def exchange() -> Exchange:
    exchange, numbers = trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})
    assert numbers == {"alice": 1}
    return exchange


def closed_with(answer: Answer) -> tuple[list[EventKind], int]:
    return kinds(answer), int(answer.events[-1]["code"])


NOTHING = [EventKind.ORDER_ACCEPTED, EventKind.ORDER_CLOSED]
QUEUED = [EventKind.ORDER_ACCEPTED, EventKind.ORDER_QUEUED]
FILL = [EventKind.ORDER_ACCEPTED, EventKind.FILLED, EventKind.ORDER_CLOSED]


def test_a_market_buy_in_quote_never_spends_more_than_it_was_given(exchange: Exchange) -> None:
    answer = buy(exchange, 1, tao=2 * TAO)
    known = buy_in(MIRROR, cost_within(2 * TAO, PPM))

    filled = answer.events[1]
    assert closed_with(answer) == (FILL, 0)
    assert int(filled["code"]) == Mode.INSTANT
    assert int(filled["tao"]) == known.cost
    assert int(filled["amount"]) == known.alpha_out
    assert (int(filled["pool_tao"]), int(filled["pool_alpha"])) == (known.pool.tao, known.pool.alpha)
    assert exchange.views.balance(1, 0).free == 98 * TAO


def test_a_market_buy_in_base_brings_exactly_the_volume(exchange: Exchange) -> None:
    answer = buy(exchange, 1, alpha=30 * TAO)
    known = buy_out(MIRROR, 30 * TAO)

    filled = answer.events[1]
    assert closed_with(answer) == (FILL, 0)
    assert (int(filled["amount"]), int(filled["tao"])) == (30 * TAO, known.cost)
    assert int(filled["fee"]) == trading_fee(known.cost, PPM)
    assert exchange.views.balance(1, SN + 1).free == 1_030 * TAO


def test_a_market_sale_pays_the_proceeds_less_the_fee(exchange: Exchange) -> None:
    answer = sell(exchange, 1, alpha=20 * TAO)
    known = sell_in(MIRROR, 20 * TAO)

    filled = answer.events[1]
    assert closed_with(answer) == (FILL, 0)
    assert int(filled["tao"]) == known.tao_out
    assert exchange.views.balance(1, 0).free == 100 * TAO + known.tao_out - trading_fee(known.tao_out, PPM)


def test_a_limit_buy_stops_where_the_price_with_pool_fee_reaches_the_limit(exchange: Exchange) -> None:
    limit = 33_354_000

    answer = buy(exchange, 1, alpha=900 * TAO, limit=limit)

    filled = answer.events[1]
    assert closed_with(answer) == (FILL, Refusal.LIMIT_REACHED)
    alpha, cost = int(filled["amount"]), int(filled["tao"])
    assert 0 < alpha < 900 * TAO
    assert cost * TAO <= alpha * limit
    one_more = buy_out(Pool(int(filled["pool_tao"]), int(filled["pool_alpha"])), TAO)
    assert one_more.cost > limit


def test_a_limit_sale_stops_at_its_limit(exchange: Exchange) -> None:
    limit = 33_315_000

    answer = sell(exchange, 1, alpha=900 * TAO, limit=limit)

    filled = answer.events[1]
    assert closed_with(answer) == (FILL, Refusal.LIMIT_REACHED)
    alpha, out = int(filled["amount"]), int(filled["tao"])
    assert 0 < alpha < 900 * TAO
    assert out * TAO >= alpha * limit
    one_more = sell_in(Pool(int(filled["pool_tao"]), int(filled["pool_alpha"])), TAO)
    assert one_more.tao_out < limit


def test_a_limit_beyond_the_curve_fills_nothing(exchange: Exchange) -> None:
    low = buy(exchange, 1, alpha=TAO, limit=33_000_000)
    high = sell(exchange, 1, alpha=TAO, limit=34_000_000)

    assert closed_with(low) == closed_with(high) == (NOTHING, Refusal.LIMIT_REACHED)


def test_no_slippage_means_none(exchange: Exchange) -> None:
    answer = buy(exchange, 1, tao=TAO, slippage_ppm=0)

    assert closed_with(answer) == (NOTHING, Refusal.SLIPPAGE_REACHED)
    assert int(answer.events[0]["limit"]) == 33_333_333


def test_a_market_order_stops_at_its_slippage(exchange: Exchange) -> None:
    answer = sell(exchange, 1, alpha=140 * TAO, slippage_ppm=600)

    assert closed_with(answer) == (FILL, Refusal.SLIPPAGE_REACHED)
    assert 0 < int(answer.events[1]["amount"]) < 140 * TAO


def test_an_order_that_does_not_fit_the_window_is_not_split(exchange: Exchange) -> None:
    answer = sell(exchange, 1, alpha=200 * TAO)

    assert closed_with(answer) == (QUEUED, Refusal.WINDOW_FULL)
    assert exchange.views.balance(1, SN + 1).held == 200 * TAO


def test_the_window_is_used_by_both_directions_and_opens_anew_at_a_head(exchange: Exchange) -> None:
    first = buy(exchange, 1, tao=3 * TAO)
    second = sell(exchange, 1, alpha=60 * TAO)
    third = sell(exchange, 1, alpha=60 * TAO)
    exchange.head()
    fourth = sell(exchange, 1, alpha=60 * TAO)

    assert [closed_with(answer)[1] for answer in (first, second, third, fourth)] == [0, 0, Refusal.WINDOW_FULL, 0]


def test_dust_moves_nothing(exchange: Exchange) -> None:
    assert closed_with(sell(exchange, 1, alpha=1)) == (NOTHING, Refusal.DUST)
    assert closed_with(sell(exchange, 1, alpha=TAO, limit=0))[1] == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"account": 0}, Refusal.UNKNOWN_ACCOUNT),
        ({"account": 2}, Refusal.UNKNOWN_ACCOUNT),
        ({"netuid": 2}, Refusal.UNKNOWN_MARKET),
        ({"netuid": 65_535}, Refusal.UNKNOWN_MARKET),
        ({"alpha_rao": 0}, Refusal.AMOUNT_OUT_OF_RANGE),
        ({"alpha_rao": -1}, Refusal.AMOUNT_OUT_OF_RANGE),
        ({"alpha_rao": MAX_AMOUNT + 1}, Refusal.AMOUNT_OUT_OF_RANGE),
        ({"tao_rao": 5}, Refusal.AMOUNT_OUT_OF_RANGE),
        ({"limit": -1}, Refusal.LIMIT_OUT_OF_RANGE),
        ({"limit": 5}, Refusal.LIMIT_OUT_OF_RANGE),
        ({"slippage_ppm": 1_000_001}, Refusal.SLIPPAGE_OUT_OF_RANGE),
        ({"slippage_ppm": -1}, Refusal.SLIPPAGE_OUT_OF_RANGE),
        ({"deadline": 1}, Refusal.DEADLINE_PASSED),
        ({"flags": Flag.LIMIT | Flag.FOK | Flag.IOC, "limit": 5}, Refusal.ORDER_TYPE_UNSUPPORTED),
        ({"flags": Flag.LIMIT | Flag.POST_ONLY | Flag.IOC, "limit": 5}, Refusal.ORDER_TYPE_UNSUPPORTED),
        ({"flags": Flag.POST_ONLY}, Refusal.ORDER_TYPE_UNSUPPORTED),
        ({"traits": Trait.STOP_LOSS | Trait.TAKE_PROFIT, "trigger": 5}, Refusal.ORDER_TYPE_UNSUPPORTED),
        ({"traits": Trait.STP_OLDEST | Trait.STP_BOTH}, Refusal.ORDER_TYPE_UNSUPPORTED),
        ({"traits": Trait.ON_INDEX}, Refusal.ORDER_TYPE_UNSUPPORTED),
        ({"traits": 32}, Refusal.ORDER_TYPE_UNSUPPORTED),
        ({"flags": Flag.MAKER}, Refusal.ORDER_TYPE_UNSUPPORTED),
        ({"traits": Trait.STOP_LOSS}, Refusal.TRIGGER_OUT_OF_RANGE),
        ({"trigger": 5}, Refusal.TRIGGER_OUT_OF_RANGE),
        ({"expires_s": 1_700_000_000}, Refusal.EXPIRY_OUT_OF_RANGE),
        ({"flags": Flag.IN_QUOTE | Flag.SELL}, Refusal.ORDER_TYPE_UNSUPPORTED),
        ({"flags": Flag.LIMIT | Flag.IOC, "limit": 0}, Refusal.LIMIT_OUT_OF_RANGE),
        ({"flags": Flag.IN_QUOTE}, Refusal.AMOUNT_OUT_OF_RANGE),
    ],
)
def test_a_malformed_order_is_refused_and_changes_nothing(
    exchange: Exchange, changes: dict[str, int], code: Refusal
) -> None:
    before = exchange.balances()
    meanings = {"account": 1, "netuid": SN, "alpha_rao": TAO, "slippage_ppm": 5_000} | changes
    flags = meanings.pop("flags", 0)

    answer = exchange.ask(CommandKind.PLACE_ORDER, flags=flags, **meanings)

    assert (answer.code, kinds(answer)) == (code, [EventKind.COMMAND_REJECTED])
    assert exchange.balances() == before


def test_an_order_needs_the_funds_it_gives_away(exchange: Exchange) -> None:
    poor = exchange.open_account("bob")

    answers = [
        buy(exchange, poor, tao=TAO),
        buy(exchange, poor, alpha=TAO),
        sell(exchange, poor, alpha=TAO),
        sell(exchange, 1, alpha=1_001 * TAO),
        buy(exchange, 1, tao=101 * TAO),
    ]

    assert {answer.code for answer in answers} == {Refusal.INSUFFICIENT_FUNDS}
    assert (answers[3].value, answers[3].bound) == (1_001 * TAO, 1_000 * TAO)


def test_validating_an_order_changes_nothing_and_tells_what_would_be_refused(exchange: Exchange) -> None:
    count = len(exchange.log)
    flags = Flag.VALIDATE_ONLY | Flag.IN_QUOTE
    meanings = {"account": 1, "netuid": SN, "slippage_ppm": 5_000}

    sound = exchange.ask(CommandKind.PLACE_ORDER, flags=flags, tao_rao=TAO, **meanings)
    poor = exchange.ask(CommandKind.PLACE_ORDER, flags=flags, tao_rao=101 * TAO, **meanings)

    assert (sound.code, len(sound.events)) == (0, 0)
    assert poor.code == Refusal.INSUFFICIENT_FUNDS
    assert len(exchange.log) == count + 1


STAGES = {
    Stage.ANNOUNCED: {"market": False, "limit": False, "sale": False},
    Stage.DEPOSITS: {"market": False, "limit": False, "sale": False},
    Stage.POST_ONLY: {"market": False, "limit": False, "sale": False},
    Stage.LIMIT_ONLY: {"market": False, "limit": True, "sale": False},
    Stage.ONLINE: {"market": True, "limit": True, "sale": True},
    Stage.REDUCE_ONLY: {"market": False, "limit": False, "sale": True},
    Stage.CANCEL_ONLY: {"market": False, "limit": False, "sale": False},
    Stage.DELISTING: {"market": False, "limit": False, "sale": False},
    Stage.DELISTED: {"market": False, "limit": False, "sale": False},
}


@pytest.mark.parametrize("stage", list(Stage))
def test_each_stage_allows_its_verbs(exchange: Exchange, stage: Stage) -> None:
    exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=stage)

    allowed = {
        "market": buy(exchange, 1, tao=TAO).code == 0,
        "limit": buy(exchange, 1, tao=TAO, limit=34_000_000).code == 0,
        "sale": sell(exchange, 1, alpha=TAO).code == 0,
    }

    assert allowed == STAGES[stage]


def test_a_cancel_finds_no_order_that_was_decided_at_once(exchange: Exchange) -> None:
    order = buy(exchange, 1, tao=TAO).reference

    assert exchange.ask(CommandKind.CANCEL_ORDER, account=1, order_id=order).code == Refusal.UNKNOWN_ORDER
    assert exchange.ask(CommandKind.CANCEL_ORDER, account=9, order_id=order).code == Refusal.UNKNOWN_ACCOUNT


def gates(exchange: Exchange) -> Gate:
    market = exchange.views.market(SN, exchange.ts_ms)
    assert market is not None
    return market.gates


def test_a_head_that_is_too_old_closes_instant_mode_until_the_next(exchange: Exchange) -> None:
    exchange.ts_ms += 30_000
    assert closed_with(buy(exchange, 1, tao=TAO))[1] == 0
    exchange.ts_ms += 1

    assert gates(exchange) == Gate.STALE
    assert closed_with(buy(exchange, 1, tao=TAO)) == (QUEUED, Refusal.HEAD_STALE)
    exchange.head()
    assert closed_with(buy(exchange, 1, tao=TAO))[1] == 0


def test_a_price_jump_closes_instant_mode_for_three_calm_heads(exchange: Exchange) -> None:
    exchange.pools[SN] = PoolShown(5 * DEEP.tao, DEEP.alpha)
    exchange.head()
    reasons = []
    for _ in range(4):
        reasons.append(closed_with(buy(exchange, 1, tao=TAO))[1])
        exchange.head()

    assert reasons == [Refusal.JUMP_GATE] * 3 + [0]


@pytest.mark.parametrize(
    ("shown", "gate"),
    [
        (replace(DEEP, weight=95 * 10**16), Gate.WEIGHT),
        (replace(DEEP, weight=99 * 10**15), Gate.WEIGHT),
        (replace(DEEP, closed=True), Gate.CLOSED),
        (replace(DEEP, tao=999_999), Gate.RESERVE),
    ],
)
def test_a_pool_that_is_out_of_bounds_closes_instant_mode(exchange: Exchange, shown: PoolShown, gate: Gate) -> None:
    exchange.pools[SN] = shown
    exchange.head()

    assert gates(exchange) & gate
    assert closed_with(sell(exchange, 1, alpha=TAO))[1] in {
        Refusal.POOL_CLOSED,
        Refusal.JUMP_GATE,
        Refusal.SLIPPAGE_REACHED,
    }
    exchange.pools[SN] = DEEP
    for _ in range(4):
        exchange.head()
    assert not gates(exchange)


def test_a_head_without_the_pool_closes_instant_mode(exchange: Exchange) -> None:
    del exchange.pools[SN]
    exchange.head()

    assert closed_with(buy(exchange, 1, tao=TAO)) == (NOTHING, Refusal.POOL_CLOSED)


def test_an_unknown_runtime_version_closes_instant_mode(exchange: Exchange) -> None:
    exchange.head(spec=1)

    assert closed_with(buy(exchange, 1, tao=TAO)) == (QUEUED, Refusal.SPEC_UNKNOWN)


@pytest.mark.parametrize("netuid", [SN, 65_535])
def test_an_operator_halts_and_clears_instant_mode(exchange: Exchange, netuid: int) -> None:
    exchange.ask(CommandKind.SET_HALT, flags=Flag.ARM, netuid=netuid, halt=Halt.INSTANT)
    halted = closed_with(buy(exchange, 1, tao=TAO))[1]
    exchange.ask(CommandKind.SET_HALT, netuid=netuid, halt=Halt.INSTANT)

    assert halted == Refusal.INSTANT_HALTED
    assert closed_with(buy(exchange, 1, tao=TAO))[1] == 0


def test_a_market_without_enough_inventory_stays_closed() -> None:
    exchange = Exchange()
    exchange.set_up()
    exchange.list_market(SN, DEEP)
    exchange.configure(SN)
    exchange.head(exchange.fund_house(SN, tao=20 * TAO, alpha=20_000 * TAO))
    assert gates(exchange) == Gate.FUNDING

    exchange.head(exchange.fund_house(SN, tao=TAO))
    assert not gates(exchange)
    exchange.configure(SN, target=500 * TAO)
    exchange.head()
    assert gates(exchange) & Gate.FUNDING


def exchange_with_inventory(*, target: int, held: int) -> Exchange:
    exchange = Exchange()
    exchange.set_up()
    exchange.list_market(SN, DEEP)
    exchange.configure(SN, target=target)
    exchange.open_account("alice")
    records = exchange.fund_house(SN, tao=2_000 * TAO, alpha=held)
    exchange.head()
    key = exchange.deposit_key(1)
    exchange.head(
        [
            *records,
            exchange.deposit_record(key, tao=100 * TAO),
            exchange.deposit_record(key, netuid=SN, alpha=1_000 * TAO),
        ]
    )
    return exchange


def test_a_fill_that_the_house_cannot_back_is_not_made() -> None:
    exchange = exchange_with_inventory(target=700 * TAO, held=100 * TAO)

    assert closed_with(buy(exchange, 1, alpha=120 * TAO)) == (QUEUED, Refusal.NOT_BACKED)
    assert closed_with(buy(exchange, 1, alpha=100 * TAO))[1] == 0


def test_without_backing_the_house_may_owe() -> None:
    exchange = exchange_with_inventory(target=700 * TAO, held=100 * TAO)
    exchange.configure(SN, target=700 * TAO, backed=0)

    assert closed_with(buy(exchange, 1, alpha=120 * TAO))[1] == 0


def test_beyond_the_position_limit_only_fills_that_reduce_the_need_are_made() -> None:
    exchange = exchange_with_inventory(target=2_000 * TAO, held=600 * TAO)

    assert closed_with(buy(exchange, 1, alpha=TAO)) == (QUEUED, Refusal.POSITION_LIMIT)
    assert closed_with(sell(exchange, 1, alpha=TAO))[1] == 0


def test_a_plan_fails_where_the_chain_would() -> None:
    half = 5 * 10**17

    assert plan_buy(TAO, 999_999, half, 33, 0, 10, MAX_AMOUNT)[0] == -RESERVES_TOO_LOW
    assert plan_sell(999_999, TAO, half, 33, 10, 1)[0] == -RESERVES_TOO_LOW
    assert plan_sell(10**6, 10**12, half, 33, 10, 1)[0] == -NO_OUTPUT


def test_listed_postings_are_what_is_booked(exchange: Exchange) -> None:
    buy(exchange, 1, tao=2 * TAO)
    sell(exchange, 1, alpha=7 * TAO)
    exchange.head()

    assert booked_balances(exchange) == exchange.balances()
