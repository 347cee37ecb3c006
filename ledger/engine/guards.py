"""Cancel-after: the switch that cancels an account's orders when nobody renews it in time.

It lives in the engine and follows the time of batches alone, so that it fires when gateways and sockets are dead.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.book import TIMES, enter, leave
from ledger.engine.layout import NO_NETUID, EventKind, Flag, OrderState
from ledger.engine.parameters import CANCEL_AFTER_MAX_MS
from ledger.engine.rules import answer, append, reject
from ledger.engine.setup import account_exists
from ledger.engine.slab import give_back, take_row
from ledger.engine.state import Row, State, int64
from ledger.engine.tables import BY_ACCOUNT
from ledger.errors import Refusal


@kernel
def decide_cancel_after(state: State, command: Row) -> None:
    """Set, renew or switch off (timeout 0) an account's cancel-after; each call takes the place of the one before.

    Refuses: UNKNOWN_ACCOUNT, TIMEOUT_OUT_OF_RANGE (0 to a day, ms).
    """
    account, timeout = command["account"], command["aux"]
    if not account_exists(state, account):
        return reject(state, command, Refusal.UNKNOWN_ACCOUNT.value, account, state.scalars[0]["accounts"])
    if not 0 <= timeout <= CANCEL_AFTER_MAX_MS:
        return reject(state, command, Refusal.TIMEOUT_OUT_OF_RANGE.value, timeout, CANCEL_AFTER_MAX_MS)
    event = append_cancel_after(state, account, state.run[0]["ts"] + timeout if timeout > 0 else 0)
    return answer(state, event, command)


@kernel
def append_cancel_after(state: State, account: int, due: int) -> Row:
    """Append that an account's cancel-after is due at a time (ms), or off at 0."""
    event = append(state, EventKind.CANCEL_AFTER_SET.value)
    event["account"] = account
    event["aux"] = due
    event["order_id"] = event["seq"]
    return event


@kernel
def end_order(state: State, slot: int, reason: int) -> None:
    """Close a live order; where a settlement has it, note that what is left of it then is closed."""
    order = state.orders[slot]
    in_flight = order["state"] == OrderState.IN_FLIGHT.value
    event = append(state, EventKind.CANCEL_NOTED.value if in_flight else EventKind.ORDER_CLOSED.value)
    event["account"] = order["account"]
    event["netuid"] = state.markets[order["market"]]["netuid"]
    event["order_id"] = order["order_id"]
    event["code"] = reason
    if not in_flight:
        event["flags"] = order["flags"] & Flag.SELL.value
        event["hold"] = order["held"]


@kernel
def fire_guard(state: State, slot: int) -> int:
    """Cancel all orders of the account of a guard whose time is over, by ascending id, and return how many."""
    account = state.orders[slot]["account"]
    count = 0
    following = int64(state.customers[account - 1]["first"])
    while following:
        end_order(state, following - 1, Refusal.CANCEL_AFTER_FIRED.value)
        count += 1
        following = int64(state.links[3 * (following - 1) + BY_ACCOUNT]["next"])
    event = append(state, EventKind.ORDERS_CANCELLED.value)
    event["account"] = account
    event["netuid"] = NO_NETUID
    event["amount"] = count
    event["code"] = Refusal.CANCEL_AFTER_FIRED.value
    append_cancel_after(state, account, 0)
    return count


@kernel
def apply_cancel_after(state: State, event: Row) -> None:
    """Take an account's guard off the shelf of times, and put the new one on it unless it is switched off."""
    account = int64(event["account"])
    customer = state.customers[account - 1]
    old = int64(customer["guard"]) - 1
    if old >= 0:
        leave(state, TIMES, old)
        give_back(state, old)
        customer["guard"] = 0
    if event["aux"] == 0:
        return
    slot = take_row(state, event["order_id"])
    guard = state.orders[slot]
    guard["account"] = account
    guard["state"] = OrderState.GUARD.value
    guard["expires"] = event["aux"]
    guard["priority"] = event["order_id"]
    enter(state, TIMES, event["aux"], slot)
    customer["guard"] = slot + 1
