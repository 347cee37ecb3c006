"""``evolve``: the only code that changes state. One event, its postings, its laws; replay calls nothing else."""

from numba.core.dispatcher import Dispatcher

from amm.kernel_cache import kernel
from ledger.engine.ahead import look_ahead_of_events
from ledger.engine.balances import check_sums
from ledger.engine.far import call_far
from ledger.engine.funds import apply_funds
from ledger.engine.heads import apply_difference, apply_head
from ledger.engine.jobs import apply_job
from ledger.engine.layout import EventKind, Records
from ledger.engine.listing import apply_configured, apply_halt, apply_listed, apply_market
from ledger.engine.live import apply_trade
from ledger.engine.payout import apply_dissolution, apply_stage
from ledger.engine.rules import carries_answer, remember_answer
from ledger.engine.setup import apply_setup
from ledger.engine.state import Row, State, break_law
from ledger.engine.tables import KIND, REFERENCE, SEQUENCE
from ledger.engine.tiers import apply_tier, apply_volume
from ledger.engine.waiting import apply_cancel_after, apply_quote


@kernel
def apply(state: State, event: Row) -> None:
    """Apply what an event says to the tables it concerns."""
    kind = event["kind"]
    if EventKind.ORDER_ACCEPTED.value <= kind <= EventKind.ORDERS_CANCELLED.value or kind == EventKind.ORDER_SENT.value:
        apply_trade(state, event)
    elif kind == EventKind.CANCEL_AFTER_SET.value:
        apply_cancel_after(state, event)
    elif EventKind.QUOTE_ISSUED.value <= kind <= EventKind.QUOTE_ENDED.value:
        apply_quote(state, event)
    elif kind == EventKind.TIER_SET.value:
        apply_tier(state, event)
    elif kind in (EventKind.CUT_MATCHED.value, EventKind.MIRROR_MOVED.value):
        apply_market(state, event)
    elif EventKind.MARKET_DISSOLVED.value <= kind <= EventKind.STAKE_CLOSED.value:
        apply_dissolution(state, event)
    elif kind in (
        EventKind.HEAD_BEGAN.value,
        EventKind.HEAD_ENDED.value,
        EventKind.HEAD_REFUSED.value,
        EventKind.POOL_UPDATED.value,
        EventKind.WINDOW_OPENED.value,
        EventKind.CUT_ADVANCED.value,
    ):
        apply_head(state, event)
    elif kind in (
        EventKind.SUSPENSE_RESOLVED.value,
        EventKind.HOUSE_FUNDED.value,
        EventKind.DEPOSIT_CREDITED.value,
        EventKind.DEPOSIT_SUSPENDED.value,
        EventKind.WITHDRAWAL_HELD.value,
    ):
        apply_funds(state, event)
    elif EventKind.SETTLEMENT_REQUESTED.value <= kind <= EventKind.WITHDRAWAL_REFUNDED.value:
        apply_job(state, event)
    elif kind in (
        EventKind.GROWTH_SHARED.value,
        EventKind.STAKE_DRIFTED.value,
        EventKind.RECONCILIATION_BROKEN.value,
    ):
        apply_difference(state, event)
    elif kind == EventKind.MARKET_LISTED.value:
        apply_listed(state, event)
    elif kind == EventKind.STAGE_CHANGED.value:
        apply_stage(state, event)
    elif kind == EventKind.MARKET_CONFIGURED.value:
        apply_configured(state, event)
    elif kind == EventKind.HALT_CHANGED.value:
        apply_halt(state, event)
    elif EventKind.COMMAND_REJECTED.value <= kind <= EventKind.FUNDING_ANNOUNCED.value:
        apply_setup(state, event)
    else:
        break_law(state, KIND, kind)
    if kind in (EventKind.FILLED.value, EventKind.CROSSED.value, EventKind.QUOTE_TAKEN.value):
        apply_volume(state, event)


@kernel
def evolve(state: State, event: Row) -> None:
    """Apply one event: the next seq, its postings, its answer."""
    run = state.run[0]
    scalars = state.scalars[0]
    if event["seq"] != scalars["seq"] + 1:
        break_law(state, SEQUENCE, event["seq"])
        return
    run["sum_tao"] = 0
    run["sum_alpha"] = 0
    apply(state, event)
    check_sums(state)
    if (event["id_hi"] != 0 or event["id_lo"] != 0) and carries_answer(event["kind"]):
        remember_answer(state, event)
    scalars["seq"] = event["seq"]
    scalars["ts"] = run["ts"]


@kernel
def apply_appended(state: State) -> None:
    """Apply what was appended and not applied yet."""
    run = state.run[0]
    while run["applied"] < run["count"] and run["law"] == 0:
        evolve(state, state.out[run["applied"]])
        run["applied"] += 1


@kernel
def apply_far(state: State) -> None:
    """Do the same through the address that the shell gave; tell where it gave none."""
    address = state.run[0]["evolver"]
    if address == 0:
        break_law(state, REFERENCE, address)
    else:
        call_far(state, address)


apply_out = apply_far if isinstance(apply_appended, Dispatcher) else apply_appended
"""Applies what a rule has appended so far, so that its next step sees the state after it."""


@kernel
def evolve_all(state: State, events: Records) -> None:
    """Apply the events of a batch in order, as far as no law is broken."""
    run = state.run[0]
    is_compiled = run["evolver"] != 0
    for i in range(len(events)):
        if is_compiled:
            look_ahead_of_events(state, events, i)
        evolve(state, events[i])
        if run["law"] != 0:
            return
