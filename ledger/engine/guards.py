"""Cancel-after: the switch that cancels an account's orders when nobody renews it in time.

It lives in the engine and follows the time of batches alone, so that it fires when gateways and sockets are dead.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.cancel import append_cancelled
from ledger.engine.layout import NO_NETUID, EventKind
from ledger.engine.parameters import CANCEL_AFTER_MAX_MS
from ledger.engine.rules import answer, append, reject
from ledger.engine.setup import account_exists
from ledger.engine.state import Row, State
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
def fire_guard(state: State, slot: int) -> None:
    """Cancel all orders of the account of a guard whose time is over, and switch the guard off."""
    account = state.orders[slot]["account"]
    append_cancelled(state, account, NO_NETUID, Refusal.CANCEL_AFTER_FIRED.value)
    append_cancel_after(state, account, 0)
