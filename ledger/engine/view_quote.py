"""What a taker would get now: the engine's own walk over book and curve, taken back before anything is applied.

It uses the working place of a batch (``work``, ``walk``, ``out``) and leaves the truth as it is; never while a batch is
decided.
"""

from ledger.engine.layout import EventKind, Flag, Mode, Records
from ledger.engine.listing import market_slot
from ledger.engine.room import room_in_market
from ledger.engine.rules import retract
from ledger.engine.state import State
from ledger.engine.take import instant_reason, is_filled
from ledger.engine.terms import market_limit
from ledger.engine.view_rows import PartView, PlanView
from ledger.engine.walk import UNBOUNDED, WHOLE, walk

NOBODY = 2**31 - 1
"""An account that has no orders, so that a plan meets everybody's."""


def room_for_plan(state: State, netuid: int) -> int:
    """Return how many events a plan in a listed market may append."""
    return int(room_in_market(state, int(market_slot(state, netuid))))


def plan_view(
    state: State,
    netuid: int,
    *,
    ts_ms: int,
    sell: bool,
    alpha: int = 0,
    cost: int = 0,
    limit: int = 0,
    slippage_ppm: int = 0,
    taker_ppm: int = 0,
) -> PlanView:
    """Return what an order of ``alpha`` rao, or of ``cost`` rao of TAO before fees, would be filled with now.

    A listed market with a mirror; ``limit`` 0: a market order with this slippage. ``state.out`` must have room.
    """
    slot = int(market_slot(state, netuid))
    market, order, run = state.markets[slot], state.work[0], state.run[0]
    for name in order.dtype.names:
        order[name] = 0
    order["account"] = NOBODY
    order["market"] = slot
    order["flags"] = (Flag.SELL if sell else 0) | (Flag.IN_QUOTE if cost else 0) | (Flag.LIMIT if limit else 0)
    order["limit"] = limit or int(market_limit(market, int(sell), slippage_ppm))
    order["amount"] = cost or alpha
    order["taker_ppm"] = taker_ppm
    begin, ts = int(run["count"]), int(run["ts"])
    run["ts"] = ts_ms
    walk(state, WHOLE, UNBOUNDED)
    walked = state.walk[0]
    reason = int(instant_reason(state, market, int(sell))) if walked["window"] > 0 else 0
    whole = bool(is_filled(state))
    parts = [_part(event) for event in state.out[begin : int(run["count"])] if _is_part(event)]
    window, after = int(walked["window"]), (int(walked["pool_tao"]), int(walked["pool_alpha"]))
    retract(state, begin)
    run["ts"] = ts
    return PlanView(
        alpha=sum(part.alpha for part in parts),
        tao=sum(part.tao for part in parts),
        fee=sum(part.fee for part in parts),
        is_whole=whole,
        window=window,
        reason=reason,
        pool_after=after,
        parts=tuple(parts),
    )


def _is_part(event: Records) -> bool:
    return int(event["kind"]) in (EventKind.FILLED, EventKind.CROSSED)


def _part(event: Records) -> PartView:
    is_cross = int(event["kind"]) == EventKind.CROSSED
    return PartView(
        mode=Mode.CROSS if is_cross else Mode.INSTANT,
        alpha=int(event["amount"]),
        tao=int(event["tao"]),
        fee=int(event["fee"]),
    )
