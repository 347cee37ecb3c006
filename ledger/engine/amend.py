"""Amending a live order: less of the same keeps its place in time, anything else is decided anew."""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.cancel import find_own
from ledger.engine.layout import MAX_AMOUNT, EventKind, Flag, OrderState
from ledger.engine.listing import stage_allows
from ledger.engine.moves import append_arm, append_of, free_for
from ledger.engine.orders import is_late, is_price_out, verbs_of
from ledger.engine.rules import answer, reject, retract
from ledger.engine.setup import account_exists
from ledger.engine.state import Row, State
from ledger.engine.take import take, work_on
from ledger.engine.terms import armed_hold, hold_needed, in_quote, open_amount
from ledger.errors import Refusal


@kernel
def is_unamendable(state: State, command: Row, order: Row) -> bool:
    """Refuse an amendment that this order cannot take, and tell whether it was."""
    flying = order["state"] == OrderState.IN_FLIGHT.value
    priced = command["limit"] != 0 and order["flags"] & Flag.LIMIT.value == 0
    untriggered = command["aux"] != 0 and order["state"] != OrderState.ARMED.value
    if flying or priced or untriggered or in_quote(order):
        reject(state, command, Refusal.AMEND_NOT_POSSIBLE.value, command["order_id"], 0)
        return True
    amount = command["amount"]
    if amount != 0 and not order["alpha"] < amount <= MAX_AMOUNT:
        reject(state, command, Refusal.AMOUNT_OUT_OF_RANGE.value, amount, MAX_AMOUNT)
        return True
    limit, trigger = command["limit"], command["aux"]
    if is_price_out(state, command, limit, 1 if limit != 0 else 0, Refusal.LIMIT_OUT_OF_RANGE.value):
        return True
    return is_price_out(state, command, trigger, 1 if trigger != 0 else 0, Refusal.TRIGGER_OUT_OF_RANGE.value)


@kernel
def compose_amended(state: State, command: Row, slot: int) -> int:
    """Make the order as it shall be the working one, and return 1 where it keeps its place, else 0."""
    work_on(state, slot)
    order = state.work[0]
    kept = 1
    if command["amount"] != 0:
        kept = 1 if command["amount"] <= order["amount"] else 0
        order["amount"] = command["amount"]
    if command["limit"] not in (0, order["limit"]):
        kept = 0
        order["limit"] = command["limit"]
    if command["aux"] not in (0, order["trigger"]):
        kept = 0
        order["trigger"] = command["aux"]
    return kept


@kernel
def decide_amend(state: State, command: Row) -> None:
    """Amend a live order.

    Refuses, in this order: UNKNOWN_ACCOUNT, UNKNOWN_ORDER, MARKET_STAGE, DEADLINE_PASSED, AMEND_NOT_POSSIBLE,
    AMOUNT_OUT_OF_RANGE, LIMIT_OUT_OF_RANGE, TRIGGER_OUT_OF_RANGE, INSUFFICIENT_FUNDS, POST_ONLY_WOULD_TRADE.
    """
    account = command["account"]
    if not account_exists(state, account):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, account, state.scalars[0]["accounts"])
    slot = find_own(state, account, command["order_id"])
    if slot < 0:
        return reject(state, command, Refusal.UNKNOWN_ORDER.value, command["order_id"], 0)
    stage = state.markets[state.orders[slot]["market"]]["stage"]
    if not stage_allows(stage, verbs_of(state.orders[slot]["flags"])):
        return reject(state, command, Refusal.MARKET_STAGE.value, stage, 0)
    if is_late(state, command) or is_unamendable(state, command, state.orders[slot]):
        return None
    kept = compose_amended(state, command, slot)
    order = state.work[0]
    armed = order["state"] == OrderState.ARMED.value
    needed = armed_hold(order) if armed else hold_needed(order, open_amount(order))
    if kept:
        needed = min(needed, order["held"])
    change, free = needed - order["held"], free_for(state, order)
    if change > free:
        return reject(state, command, Refusal.INSUFFICIENT_FUNDS.value, change, free)
    run = state.run[0]
    begin = run["count"]
    event = append_of(state, EventKind.ORDER_AMENDED.value, order)
    event["amount"] = order["amount"]
    event["limit"] = order["limit"]
    event["pool_tao"] = order["trigger"]
    event["hold"] = change
    event["code"] = kept
    answer(state, event, command)
    if kept:
        return None
    order["held"] = needed
    if armed:
        append_arm(state, order)
        return None
    code = take(state, (order["flags"] | command["flags"]) & Flag.POST_ONLY.value)
    if code != 0:
        retract(state, begin)
        run["reference"] = 0
        return reject(state, command, code, run["value"], run["bound"])
    return None
