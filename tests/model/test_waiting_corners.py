"""Corners of what waits, each on both engines: a stage that lets a side not trade, and a swap that is given up."""

import pytest

from ledger.engine.layout import CommandKind, EventKind, Flag, Halt, OrderState, Stage, Trait
from tests.model.test_engine_corners import MARKET, head, kinds, send
from tests.model.test_matching_corners import QUOTE, SELL, jump, market_of, place, price, state_of, world

__all__ = ["world"]

UNUSED = Flag(0)


@pytest.mark.parametrize("stage", [Stage.REDUCE_ONLY, Stage.POST_ONLY])
def test_a_side_that_its_stage_does_not_let_trade_stays_in_the_queue(world, stage):
    send(world, CommandKind.SET_HALT, netuid=MARKET, flags=Flag.ARM, halt=int(Halt.INSTANT))
    place(world, 2, SELL, limit=price(world, 30_000), alpha_rao=10**9)
    order = place(world, 1, UNUSED, limit=price(world, 20_000), alpha_rao=10**12).reference
    assert state_of(world, order) == OrderState.QUEUED
    send(world, CommandKind.SET_STAGE, netuid=MARKET, stage=int(stage))

    head(world)
    answer = jump(world, tao=3)

    assert state_of(world, order) == OrderState.QUEUED
    assert EventKind.CROSSED not in kinds(answer)


def in_flight(world):
    """Send a purchase to the chain that moves the mirror up, and return the settlement's id."""
    place(world, 1, QUOTE, limit=price(world, 50_000), tao_rao=3 * market_of(world).cap)
    head(world)
    assert price(world) > market_of(world).spot * 1_001_000 // 1_000_000
    return world.exchange.settlement


def test_a_bid_meets_the_mirror_that_a_released_swap_leaves_behind(world):
    job = in_flight(world)
    bid = place(world, 2, UNUSED, limit=market_of(world).spot * 1_001_200 // 1_000_000, alpha_rao=10**9).reference
    assert state_of(world, bid) == OrderState.RESTING

    answer = send(world, CommandKind.RELEASE_JOB, job_id=job, job=1)

    (fill,) = [event for event in answer.events if event["kind"] == EventKind.FILLED]
    assert fill["order_id"] == bid
    assert fill["flags"] & Flag.MAKER


def test_what_a_released_swap_lets_trade_triggers_stops(world):
    job = in_flight(world)
    low = market_of(world).spot
    place(world, 2, UNUSED, limit=low * 1_001_200 // 1_000_000, alpha_rao=10**9)
    trigger = low * 1_000_900 // 1_000_000
    traits = int(Trait.STOP_LOSS)
    stop = place(world, 3, SELL, limit=low * 2, alpha_rao=10**9, trigger=trigger, traits=traits).reference
    assert state_of(world, stop) == OrderState.ARMED

    answer = send(world, CommandKind.RELEASE_JOB, job_id=job, job=1)

    assert EventKind.STOP_TRIGGERED in kinds(answer)
    assert state_of(world, stop) == OrderState.RESTING


def test_a_sale_at_any_price_takes_nobody_with_it_beyond_their_limit(world):
    send(world, CommandKind.SET_HALT, netuid=MARKET, flags=Flag.ARM, halt=int(Halt.INSTANT))
    pool = market_of(world).pool
    at_any = place(world, 1, SELL, alpha_rao=pool.alpha // 200, slippage_ppm=1_000_000).reference
    near = place(world, 2, SELL, limit=price(world, -1_000), alpha_rao=pool.alpha // 200).reference

    head(world)

    assert state_of(world, at_any) == OrderState.IN_FLIGHT
    assert state_of(world, near) == OrderState.QUEUED
