"""Corners of matching that long histories reach rarely, each on both engines: what is told here is what both say."""

import pytest

from amm.reference import Pool, spot_rao
from ledger.engine.layout import CommandKind, EventKind, Flag, Mode, OrderState, Stage, Trait
from ledger.errors import Refusal
from tests.model.chain import TAO
from tests.model.test_engine_corners import MARKET, Quiet, configure, head, kinds, send, sign
from tests.model.world import World

LIMIT, SELL, QUOTE = Flag.LIMIT, Flag.SELL, Flag.IN_QUOTE


@pytest.fixture
def world():
    """Return a world with five funded customers and an open market of netuid 1 whose mirror is its head."""
    world = World(Quiet())
    configure(world, target=world.exchange.books.position(MARKET))
    head(world)
    return world


def market_of(world):
    return world.exchange.markets[MARKET]


def price(world, ppm=0):
    """Return the mirror's price, moved by some parts per million."""
    return spot_rao(market_of(world).mirror) * (1_000_000 + ppm) // 1_000_000


def place(world, account, flags, limit=0, **figures):
    flags = int(flags | (LIMIT if limit else 0))
    if not limit:
        figures.setdefault("slippage_ppm", 50_000)
    return send(world, CommandKind.PLACE_ORDER, flags=flags, account=account, netuid=MARKET, limit=limit, **figures)


def codes(answer):
    return [
        Refusal(event["code"]) for event in answer.events if event["kind"] == EventKind.ORDER_CLOSED and event["code"]
    ]


def state_of(world, order_id):
    return OrderState(world.exchange.orders[order_id].state)


def jump(world, *, tao=1, alpha=1):
    """Import a head whose pool has other reserves."""

    def play(block):
        pool = block.chain.pools[MARKET]
        block.chain.pools[MARKET] = Pool(pool.tao * tao, pool.alpha * alpha, pool.weight, pool.fee_rate)

    return head(world, play)


def test_a_bid_in_quote_is_done_when_all_that_it_offers_is_taken(world):
    limit = price(world, -600)
    bid = place(world, 1, QUOTE, limit=limit, tao_rao=1_000_000_007).reference

    answer = place(world, 2, SELL, limit=limit, alpha_rao=10**13)

    assert kinds(answer)[:3] == [EventKind.ORDER_ACCEPTED, EventKind.FILLED, EventKind.CROSSED]
    assert bid not in world.exchange.orders


def test_what_is_too_small_to_cost_anything_does_not_stop_those_behind_it(world):
    limit = price(world, -600)
    dust = place(world, 1, Flag(0), limit=limit, alpha_rao=1).reference
    bid = place(world, 3, Flag(0), limit=limit, alpha_rao=10**9).reference

    answer = place(world, 2, SELL | Flag.FOK, limit=limit, alpha_rao=10**6)

    assert dust not in world.exchange.orders or state_of(world, dust) == OrderState.RESTING
    assert bid in world.exchange.orders
    assert answer.code == 0


@pytest.mark.parametrize(
    ("trait", "closed"),
    [(0, ["taker"]), (Trait.STP_OLDEST, ["maker"]), (Trait.STP_BOTH, ["maker", "taker"])],
)
def test_nobody_trades_with_oneself(world, trait, closed):
    limit = price(world, -600)
    own = place(world, 1, Flag(0), limit=limit, alpha_rao=10**9).reference

    answer = place(world, 1, SELL, limit=limit - 1, alpha_rao=10**13, traits=int(trait))

    names = {own: "maker", answer.reference: "taker"}
    told = [names[event["order_id"]] for event in answer.events if event["code"] == Refusal.SELF_TRADE]
    assert told == closed
    assert EventKind.CROSSED not in kinds(answer)


def test_an_order_that_passes_the_window_waits_for_the_cut_and_is_filled_by_it(world):
    tao = 3 * market_of(world).cap
    order = place(world, 1, QUOTE, limit=price(world, 50_000), tao_rao=tao).reference
    assert state_of(world, order) == OrderState.QUEUED

    head(world)
    assert state_of(world, order) == OrderState.IN_FLIGHT
    sign(world, world.exchange.jobs[world.exchange.settlement])
    answer = head(world, lambda block: [block.settle(job, MARKET) for job in world.exchange.jobs.values()])

    fills = [event for event in answer.events if event["kind"] == EventKind.FILLED]
    assert [fill["code"] for fill in fills] == [Mode.BLOCK]
    assert order not in world.exchange.orders


def test_buyers_and_sellers_of_one_cut_meet_at_the_head_price(world):
    cap = market_of(world).cap
    buyer = place(world, 1, QUOTE, limit=price(world, 50_000), tao_rao=3 * cap).reference
    seller = place(world, 2, SELL, limit=price(world, -50_000), alpha_rao=4 * cap * TAO // price(world)).reference

    answer = head(world)

    assert EventKind.CUT_MATCHED in kinds(answer)
    assert buyer not in world.exchange.orders
    assert state_of(world, seller) == OrderState.IN_FLIGHT


def test_own_orders_in_a_cut_leave_the_others_no_more_than_they_brought(world):
    cap = market_of(world).cap
    volume = 4 * cap * TAO // price(world)
    bid = place(world, 3, Flag(0), limit=price(world, -5_000), alpha_rao=2 * volume).reference
    for account, alpha in ((1, volume // 10), (3, volume)):
        place(world, account, SELL, limit=price(world, -5_500), alpha_rao=alpha)

    head(world)

    assert bid in world.exchange.orders
    assert all(order.held >= 0 for order in world.exchange.orders.values())


def test_a_cancel_in_flight_takes_effect_on_what_the_settlement_leaves(world):
    order = place(world, 1, QUOTE, limit=price(world, 50_000), tao_rao=3 * market_of(world).cap).reference
    head(world)
    answer = send(world, CommandKind.CANCEL_ORDER, account=1, order_id=order)
    assert kinds(answer) == [EventKind.CANCEL_NOTED]

    job = world.exchange.settlement
    answer = send(world, CommandKind.RELEASE_JOB, job_id=job, job=1)

    assert codes(answer) == [Refusal.CANCELLED]
    assert EventKind.MIRROR_MOVED in kinds(answer)


def test_an_order_goes_back_to_the_queue_when_its_extrinsic_dies(world):
    order = place(world, 1, QUOTE, limit=price(world, 50_000), tao_rao=3 * market_of(world).cap).reference
    head(world)
    sign(world, world.exchange.jobs[world.exchange.settlement])
    head(world)

    answer = head(world, lambda block: [block.bury(job) for job in world.exchange.jobs.values()])

    assert EventKind.ORDER_QUEUED in kinds(answer)
    assert state_of(world, order) == OrderState.IN_FLIGHT  # of the next cut, in the same head


def test_a_market_order_has_one_cut(world):
    order = place(world, 1, QUOTE, tao_rao=3 * market_of(world).cap).reference
    head(world)
    job = world.exchange.settlement

    answer = send(world, CommandKind.RELEASE_JOB, job_id=job, job=1)

    assert codes(answer) == [Refusal.SLIPPAGE_REACHED]
    assert order not in world.exchange.orders


def test_a_resting_order_that_a_new_head_reaches_executes_on_the_curve_as_maker(world):
    order = place(world, 1, Flag(0), limit=price(world, -20_000), alpha_rao=10**9).reference

    answer = head(world, lambda block: block.trade(MARKET, side_of("sell"), 30_000))

    fill = next(event for event in answer.events if event["kind"] == EventKind.FILLED)
    assert fill["order_id"] == order
    assert fill["flags"] & Flag.MAKER
    assert fill["tao"] * TAO < fill["amount"] * price(world, 30_000)


def side_of(name):
    from amm.reference import Side

    return Side.SELL if name == "sell" else Side.BUY


def test_resting_orders_wait_for_the_cut_while_the_jump_gate_is_closed(world):
    order = place(world, 1, SELL, limit=price(world, 50_000), alpha_rao=10**12).reference

    answer = jump(world, tao=9)

    queued = [event for event in answer.events if event["kind"] == EventKind.ORDER_QUEUED]
    assert [(event["order_id"], event["code"]) for event in queued] == [(order, Refusal.JUMP_GATE)]


def test_a_stop_follows_the_trade_that_passes_it(world):
    stop = place(world, 1, SELL, alpha_rao=10**9, trigger=price(world, -300), traits=int(Trait.STOP_LOSS)).reference
    assert state_of(world, stop) == OrderState.ARMED

    answer = place(world, 2, SELL, alpha_rao=market_of(world).cap * TAO // price(world) // 3)

    assert EventKind.STOP_TRIGGERED in kinds(answer)
    assert stop not in world.exchange.orders


def test_a_stop_on_the_index_waits_for_the_head(world):
    stop = place(
        world, 1, SELL, alpha_rao=10**9, trigger=price(world, -300), traits=int(Trait.STOP_LOSS | Trait.ON_INDEX)
    ).reference
    place(world, 2, SELL, alpha_rao=market_of(world).cap * TAO // price(world) // 3)
    assert state_of(world, stop) == OrderState.ARMED

    for _ in range(6):
        head(world, lambda block: block.trade(MARKET, side_of("sell"), 2_000))

    assert stop not in world.exchange.orders


def test_a_firm_quote_is_filled_to_the_rao_whatever_the_head_has_become(world):
    issued = send(world, CommandKind.ISSUE_QUOTE, account=1, netuid=MARKET, alpha_rao=10**9, life_ms=1_000)
    told = issued.events[0]
    head(world, lambda block: block.trade(MARKET, side_of("buy"), 20_000))

    taken = send(world, CommandKind.TAKE_QUOTE, account=1, quote_id=issued.reference)

    names = ("amount", "tao", "fee")
    assert [taken.events[0][name] for name in names] == [told[name] for name in names]


def test_a_firm_quote_ends_by_itself(world):
    issued = send(world, CommandKind.ISSUE_QUOTE, account=1, netuid=MARKET, alpha_rao=10**9, life_ms=1_000)
    world.ts += 60_000

    world.send()

    assert issued.reference not in world.exchange.orders
    assert market_of(world).firm_pending == 0


def test_timers_run_before_the_first_command_of_a_batch(world):
    seconds = world.ts // 1_000 + 2
    order = place(world, 1, Flag(0), limit=price(world, -20_000), alpha_rao=10**9, expires_s=seconds).reference
    send(world, CommandKind.CANCEL_AFTER, account=2, timeout_ms=1_000)
    other = place(world, 2, Flag(0), limit=price(world, -20_000), alpha_rao=10**9).reference
    world.ts += 3_000

    answer = send(world, CommandKind.CANCEL_ORDER, account=1, order_id=order)

    assert answer.code == Refusal.UNKNOWN_ORDER
    assert other not in world.exchange.orders
    early = [EventKind(event["kind"]) for event in world.twin.naive.early]
    assert early == [
        *(EventKind.ORDER_CLOSED, EventKind.ORDERS_CANCELLED, EventKind.CANCEL_AFTER_SET, EventKind.ORDER_CLOSED)
    ]


def test_a_smaller_volume_keeps_its_place_and_another_price_does_not(world):
    limit = price(world, -600)
    first = place(world, 1, Flag(0), limit=limit, alpha_rao=10**9).reference
    second = place(world, 3, Flag(0), limit=limit, alpha_rao=10**9).reference
    send(world, CommandKind.AMEND_ORDER, account=1, order_id=first, alpha_rao=10**8)
    makers = [order.order_id for order in world.exchange.shelf(market_of(world), OrderState.RESTING, sell=False)]
    assert makers == [first, second]

    send(world, CommandKind.AMEND_ORDER, account=1, order_id=first, alpha_rao=2 * 10**8)

    makers = [order.order_id for order in world.exchange.shelf(market_of(world), OrderState.RESTING, sell=False)]
    assert makers == [second, first]


def test_a_stage_that_takes_limits_only_lets_stops_wait(world):
    stop = place(world, 1, SELL, alpha_rao=10**9, trigger=price(world, -300), traits=int(Trait.STOP_LOSS)).reference
    send(world, CommandKind.SET_STAGE, netuid=MARKET, stage=int(Stage.LIMIT_ONLY))

    place(world, 2, SELL, limit=price(world, -900), alpha_rao=market_of(world).cap * TAO // price(world) // 3)

    assert state_of(world, stop) == OrderState.ARMED
