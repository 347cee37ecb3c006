from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amm.exchange_reference import cost_within, trading_fee
from app.verify.exchange import Exchange
from ledger.engine.api import Answer
from ledger.engine.layout import EVENT, MAX_AMOUNT, CommandKind, EventKind
from ledger.engine.machine import Engine
from ledger.engine.parameters import DAY_MS
from ledger.engine.tables import TIERS, VOLUME_UNIT
from ledger.engine.tiers import DAYS, apply_volume, fee_ppm, tier_of, volume_of
from ledger.errors import Refusal
from tests.support.builders import SN, TAO, buy, kinds, sell, trading_exchange


@pytest.fixture
def exchange() -> Exchange:
    return trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (100 * TAO, 0)})[0]


def set_tier(exchange: Exchange, tier: int, volume: int, taker: int, maker: int) -> Answer:
    figures = {"tier": tier, "volume": volume, "taker_share": taker, "maker_share": maker}
    return exchange.ask(CommandKind.SET_TIER, **figures)


def fees(exchange: Exchange, account: int) -> tuple[int, int]:
    state = exchange.engine.state
    state.run["ts"] = exchange.ts_ms
    market = state.markets[int(state.market_slots[SN]) - 1]
    return tuple(map(int, fee_ppm(state, market, account)))  # type: ignore[return-value]


def test_without_tiers_the_fees_of_the_market_hold_for_everybody(exchange: Exchange) -> None:
    buy(exchange, 1, tao=5 * TAO)

    assert fees(exchange, 1) == fees(exchange, 2) == (2_600, 1_600)


def test_an_account_moves_to_the_tier_whose_volume_it_has_reached(exchange: Exchange) -> None:
    assert kinds(set_tier(exchange, 0, 0, 1_000_000, 1_000_000)) == [EventKind.TIER_SET]
    assert set_tier(exchange, 1, TAO, 500_001, 250_000).code == 0
    assert set_tier(exchange, 2, 3 * TAO, 100_000, 0).code == 0
    seen = [fees(exchange, 1)]

    buy(exchange, 1, tao=2 * TAO)
    seen.append(fees(exchange, 1))
    sell(exchange, 1, alpha=60 * TAO)
    seen.append(fees(exchange, 1))

    assert seen == [(2_600, 1_600), (1_300, 400), (260, 0)]
    assert fees(exchange, 2) == (2_600, 1_600)


def test_volume_leaves_after_thirty_days(exchange: Exchange) -> None:
    set_tier(exchange, 0, 0, 1_000_000, 1_000_000)
    set_tier(exchange, 1, TAO, 500_000, 500_000)
    buy(exchange, 1, tao=2 * TAO)
    day = exchange.ts_ms // DAY_MS

    exchange.ts_ms = (day + 30) * DAY_MS - 1
    last_moment = fees(exchange, 1)
    exchange.ts_ms += 1

    assert last_moment == (1_300, 800)
    assert fees(exchange, 1) == (2_600, 1_600)


def test_a_fill_counts_its_cost_without_the_fee_rounded_down(exchange: Exchange) -> None:
    buy(exchange, 1, tao=2 * TAO)

    cost = cost_within(2 * TAO, 2_600)
    assert int(volume_of(exchange.engine.state, 1, exchange.ts_ms)) == cost // VOLUME_UNIT * VOLUME_UNIT
    assert cost + trading_fee(cost, 2_600) <= 2 * TAO


def test_a_replayed_engine_knows_tiers_and_volumes(exchange: Exchange) -> None:
    set_tier(exchange, 0, 0, 900_000, 800_000)
    buy(exchange, 1, tao=2 * TAO)
    exchange.ts_ms += 3 * DAY_MS
    exchange.head()
    sell(exchange, 1, alpha=60 * TAO)

    assert exchange.replay().state_hash() == exchange.engine.state_hash()


@pytest.mark.parametrize(
    ("tier", "volume", "taker", "maker", "code", "bound"),
    [
        (3, 9 * TAO, 1, 1, Refusal.TIER_OUT_OF_RANGE, 2),
        (0, 1, 1, 1, Refusal.TIER_OUT_OF_RANGE, 0),
        (1, 0, 1, 1, Refusal.TIER_OUT_OF_RANGE, 0),
        (2, TAO, 1, 1, Refusal.TIER_OUT_OF_RANGE, TAO),
        (2, MAX_AMOUNT + 1, 1, 1, Refusal.TIER_OUT_OF_RANGE, TAO),
        (0, 0, 0, 0, Refusal.TIER_OUT_OF_RANGE, 1_000_000),
        (0, 0, 1_000_001, 0, Refusal.TIER_OUT_OF_RANGE, 1_000_000),
        (1, TAO, 5, 6, Refusal.TIER_OUT_OF_RANGE, 5),
        (1, TAO, 5, -1, Refusal.TIER_OUT_OF_RANGE, 5),
    ],
)
def test_a_tier_out_of_order_or_range_is_refused(
    exchange: Exchange, tier: int, volume: int, taker: int, maker: int, code: Refusal, bound: int
) -> None:
    set_tier(exchange, 0, 0, 1_000_000, 1_000_000)
    set_tier(exchange, 1, TAO, 500_000, 500_000)

    refused = set_tier(exchange, tier, volume, taker, maker)

    assert (refused.code, refused.bound) == (code, bound)


def test_a_tier_between_two_others_stays_between_them(exchange: Exchange) -> None:
    for tier, volume in enumerate((0, TAO, 3 * TAO)):
        set_tier(exchange, tier, volume, 1_000_000, 1_000_000)

    refused = set_tier(exchange, 1, 3 * TAO, 1, 1)

    assert (refused.code, refused.bound) == (Refusal.TIER_OUT_OF_RANGE, 0)
    assert set_tier(exchange, 1, 2 * TAO, 1, 1).code == 0


def test_there_are_sixteen_tiers_at_most(exchange: Exchange) -> None:
    codes = [set_tier(exchange, tier, tier * TAO, 1, 0).code for tier in range(TIERS + 1)]

    assert codes == [0] * TIERS + [Refusal.TIER_OUT_OF_RANGE]


def test_a_maker_fee_above_the_taker_fee_is_refused(exchange: Exchange) -> None:
    refused = exchange.configure(SN, taker_ppm=1_000, maker_ppm=1_001)

    assert (refused.code, refused.value, refused.bound) == (Refusal.PARAMETER_OUT_OF_RANGE, 1_001, 1_000)


def traded(kind: EventKind, account: int, tao: int, other: int = 0) -> Any:
    event = np.zeros(1, EVENT)
    event["kind"], event["account"], event["tao"], event["other"] = kind, account, tao, other
    return event[0]


def test_both_customers_of_a_cross_get_its_volume() -> None:
    state = Engine().state
    state.run["ts"] = 5 * DAY_MS

    apply_volume(state, traded(EventKind.CROSSED, 1, 7 * VOLUME_UNIT, 2))

    assert volume_of(state, 1, 5 * DAY_MS) == volume_of(state, 2, 5 * DAY_MS) == 7 * VOLUME_UNIT


@settings(max_examples=60, deadline=None)
@given(trades=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10**13)), max_size=25), later=st.integers(0, 40))
def test_the_volume_is_what_a_list_of_all_trades_would_tell(trades: list[tuple[int, int]], later: int) -> None:
    state = Engine().state
    day = 20_000
    known: list[tuple[int, int]] = []

    for days, tao in trades:
        day += days
        state.run["ts"] = day * DAY_MS + 17
        apply_volume(state, traded(EventKind.FILLED, 1, tao))
        known.append((day, tao // VOLUME_UNIT * VOLUME_UNIT))
    day += later

    assert volume_of(state, 1, day * DAY_MS) == sum(tao for at, tao in known if day - at < DAYS)


@given(
    volumes=st.lists(st.integers(1, 10**15), min_size=1, max_size=TIERS - 1, unique=True),
    traded_tao=st.integers(0, 10**15),
)
@settings(max_examples=40, deadline=None)
def test_the_tier_is_the_highest_one_reached(volumes: list[int], traded_tao: int) -> None:
    state = Engine().state
    levels = [0, *sorted(volumes)]
    state.run["ts"] = 20_000 * DAY_MS
    for tier, volume in enumerate(levels):
        state.tiers[tier]["volume"] = volume
        state.tiers[tier]["taker_share"] = 1
    apply_volume(state, traded(EventKind.FILLED, 1, traded_tao))

    reached = traded_tao // VOLUME_UNIT * VOLUME_UNIT

    assert tier_of(state, 1, 20_000 * DAY_MS) == sum(level <= reached for level in levels) - 1
