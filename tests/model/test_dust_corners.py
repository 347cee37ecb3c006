"""Corners of rounding and of dust, each on both engines: what a rao that buys nothing is told, and whom it meets."""

import pytest

from amm.exchange_reference import cost_within
from amm.reference import Pool
from ledger.engine.layout import MAX_AMOUNT, CommandKind, EventKind, Flag, Halt, OrderState, Trait
from ledger.errors import Refusal
from tests.model.chain import TAO
from tests.model.test_engine_corners import MARKET, configure, head, kinds, send
from tests.model.test_matching_corners import LIMIT, QUOTE, SELL, codes, jump, market_of, place, price, world

__all__ = ["world"]

ASKED = 10**9
"""Alpha rao of an ask."""


def total_for(world, cost):
    """Return the total of a buy with IN_QUOTE that may cost so much before fees."""
    total = cost + (cost * market_of(world).taker_ppm + 500_000) // 1_000_000
    assert cost_within(total, market_of(world).taker_ppm) == cost
    return total


@pytest.fixture
def dear(world):
    """Return a world in which 1 rao of alpha costs several rao of TAO, with an ask below the curve."""
    for _ in range(5):  # so that the index and the gates forget the jump
        jump(world, tao=100 if spot(world) < TAO else 1)
    ask = place(world, 2, SELL | Flag.POST_ONLY, limit=price(world, 100), alpha_rao=ASKED)
    assert ask.reference in world.exchange.orders
    return world


def spot(world):
    """Return the head's price."""
    return market_of(world).spot


def the_ask(world):
    """Return the only ask."""
    (ask,) = world.exchange.shelf(market_of(world), OrderState.RESTING, sell=True)
    return ask


@pytest.mark.parametrize("flags", [Flag.FOK, Flag.IOC, Flag(0)])
def test_an_order_in_tao_is_filled_when_what_is_left_of_it_buys_nothing(dear, flags):
    ask = the_ask(dear)
    cost = -(-ASKED * ask.limit // TAO)

    answer = place(dear, 1, QUOTE | flags, limit=ask.limit, tao_rao=total_for(dear, cost + 1))

    assert kinds(answer)[1:] == [EventKind.CROSSED, EventKind.ORDER_CLOSED, EventKind.ORDER_CLOSED]
    assert answer.events[1]["tao"] == cost
    assert codes(answer) == [Refusal.DUST]


def test_the_last_rao_of_a_taker_are_dust_before_they_meet_an_order_of_its_own(dear):
    ask = the_ask(dear)
    own = place(dear, 1, SELL | Flag.POST_ONLY, limit=ask.limit, alpha_rao=ASKED).reference
    cost = -(-ASKED // 2 * ask.limit // TAO)

    answer = place(dear, 1, QUOTE, limit=ask.limit, tao_rao=total_for(dear, cost + 1))

    assert EventKind.CROSSED in kinds(answer)
    assert codes(answer) == [Refusal.DUST]
    assert own in dear.exchange.orders


def test_fill_or_kill_in_tao_is_killed_when_what_is_left_would_buy_something(dear):
    ask = the_ask(dear)
    cost = -(-(ASKED + 1) * ask.limit // TAO)

    answer = place(dear, 1, QUOTE | Flag.FOK, limit=ask.limit, tao_rao=total_for(dear, cost))

    assert EventKind.CROSSED not in kinds(answer)
    assert codes(answer) == [Refusal.FOK_NOT_FILLABLE]


def test_a_bid_in_tao_that_offers_more_alpha_than_a_number_holds_stays_in_the_book(world):
    configure(world, target=MAX_AMOUNT)  # more than the pool can give: no mirror, so that the book trades alone
    assert market_of(world).mirror is None
    bid = place(world, 1, QUOTE, limit=1, tao_rao=100 * TAO).reference

    answer = place(world, 2, SELL, limit=1, alpha_rao=10**12)

    assert kinds(answer) == [EventKind.ORDER_ACCEPTED, EventKind.CROSSED, EventKind.ORDER_CLOSED]
    assert answer.events[2]["order_id"] == answer.reference
    assert world.exchange.orders[bid].tao == 1_000


def test_a_market_stop_without_a_price_to_slip_from_is_closed_with_the_pool(world):
    place(world, 1, Flag(0), limit=price(world, 1_000), alpha_rao=10**9)
    configure(world, target=world.exchange.books.position(MARKET) - 10**9)

    def drain(block):
        block.chain.pools[MARKET] = Pool(1, 2**61, 1)

    head(world, drain)
    assert market_of(world).mirror.tao == 0

    answer = place(world, 1, SELL, alpha_rao=10**9, trigger=1, traits=int(Trait.TAKE_PROFIT))

    assert kinds(answer)[2:] == [EventKind.STOP_TRIGGERED, EventKind.ORDER_CLOSED]
    assert codes(answer) == [Refusal.POOL_CLOSED]


def halted(world):
    """Close instant mode, so that orders wait for the cut."""
    send(world, CommandKind.SET_HALT, netuid=MARKET, flags=Flag.ARM, halt=int(Halt.INSTANT))
    return world


@pytest.mark.parametrize("limit", [0, 1])
def test_what_is_worth_nothing_at_the_head_price_is_closed_at_the_cut_as_dust(world, limit):
    halted(world)
    order = place(world, 1, SELL, limit=limit, alpha_rao=7, slippage_ppm=0 if limit else 1_000_000).reference
    assert order in world.exchange.orders

    answer = jump(world, alpha=2)

    assert codes(answer) == [Refusal.DUST]
    assert order not in world.exchange.orders


def test_the_residual_of_a_cut_passes_an_ask_that_the_curve_does_not_come_to(world):
    jump(world, tao=100)
    halted(world)
    ask = place(world, 2, SELL, limit=price(world, 1_000), alpha_rao=10).reference
    order = place(world, 1, Flag(0), limit=price(world, 10_000), alpha_rao=8).reference

    answer = head(world)

    assert EventKind.CROSSED not in kinds(answer)
    assert {ask, order} <= set(world.exchange.orders)


def test_a_quote_that_outlives_its_cap_leaves_nothing_for_others_in_the_window(world):
    issued = send(world, CommandKind.ISSUE_QUOTE, account=1, netuid=MARKET, alpha_rao=10**9, life_ms=1_000)
    send(
        world,
        CommandKind.SET_MARKET,
        netuid=MARKET,
        target=market_of(world).target,
        min_settle=10_000_000,
        k_ppm=0,
        taker_ppm=2_600,
        maker_ppm=1_600,
        tolerance_ppm=10_000,
        backed=1,
    )
    head(world)
    used = market_of(world).used
    assert used == issued.events[0]["limit"] > market_of(world).cap == 0

    send(world, CommandKind.RELEASE_QUOTE, account=1, quote_id=issued.reference)
    answer = place(world, 1, LIMIT | Flag.FOK, limit=price(world, 10_000), alpha_rao=10**6)

    assert market_of(world).used == used
    assert codes(answer) == [Refusal.FOK_NOT_FILLABLE]
