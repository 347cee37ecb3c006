"""How firm quotes and cancel-afters change the tables: holds, window, mirror, promises, and the shelf of times.

The row of a quote keeps in ``amount`` and ``alpha`` the alpha, since nothing of it is open, in ``tao`` the TAO before
the trading fee, in ``fee`` that fee, and in ``limit`` what it counts in each window. Quotes and cancel-afters stand on
the shelf of times alone, in no list of an account.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.balances import post_free, post_held
from ledger.engine.book import TIMES, enter, leave
from ledger.engine.fills import trade_with_house
from ledger.engine.layout import TAO_ASSET, EventKind, Flag, OrderState
from ledger.engine.listing import market_slot
from ledger.engine.slab import find_order, give_back, take_row
from ledger.engine.state import Row, State, balance_slot, break_law, int64
from ledger.engine.tables import REFERENCE


@kernel
def apply_quote(state: State, event: Row) -> None:
    """Apply what became of a firm quote: to the hold, the window, the mirror, and what waits for the chain."""
    if event["kind"] == EventKind.QUOTE_ISSUED.value:
        apply_issued(state, event)
        return
    slot = find_order(state, event["order_id"])
    if slot < 0:
        break_law(state, REFERENCE, event["order_id"])
        return
    quote = state.orders[slot]
    market = state.markets[quote["market"]]
    account = quote["account"]
    if event["kind"] == EventKind.QUOTE_TAKEN.value:
        trade_with_house(state, event, 0)
    else:
        given = int64(event["netuid"]) + 1 if event["flags"] & Flag.SELL.value else TAO_ASSET
        post_held(state, account, given, -event["hold"])
        post_free(state, account, given, event["hold"])
        market["mirror_tao"] = event["pool_tao"]
        market["mirror_alpha"] = event["pool_alpha"]
    count_firm(state, market, quote, -1)
    state.customers[account - 1]["quotes"] -= 1
    leave(state, TIMES, slot)
    give_back(state, slot)


@kernel
def apply_issued(state: State, event: Row) -> None:
    """Hold the funds of a new quote, use the window, move the mirror, and let its time run."""
    slot = take_row(state, event["order_id"])
    quote = state.orders[slot]
    account = int64(event["account"])
    market = market_slot(state, int64(event["netuid"]))
    sell = event["flags"] & Flag.SELL.value
    given = int64(event["netuid"]) + 1 if sell else TAO_ASSET
    quote["account"] = account
    quote["market"] = market
    quote["flags"] = sell
    quote["state"] = OrderState.QUOTE.value
    quote["amount"] = event["amount"]
    quote["alpha"] = event["amount"]
    quote["tao"] = event["tao"]
    quote["fee"] = event["fee"]
    quote["held"] = event["hold"]
    quote["limit"] = event["limit"]
    quote["expires"] = event["aux"]
    quote["priority"] = event["order_id"]
    # Taking the quote finds these rows there, so that no trade makes a table grow.
    balance_slot(state, account, TAO_ASSET)
    balance_slot(state, account, int64(event["netuid"]) + 1)
    post_free(state, account, given, -event["hold"])
    post_held(state, account, given, event["hold"])
    row = state.markets[market]
    row["used"] += event["limit"]
    row["mirror_tao"] = event["pool_tao"]
    row["mirror_alpha"] = event["pool_alpha"]
    count_firm(state, row, quote, 1)
    state.customers[account - 1]["quotes"] += 1
    enter(state, TIMES, event["aux"], slot)


@kernel
def count_firm(state: State, market: Row, quote: Row, sign: int) -> None:
    """Count a quote into (1) or out of (-1) what quotes that live bind: alpha pending, window use, promises.

    What a quote used of the running window stays used when it ends.
    """
    market["firm_used"] += sign * quote["limit"]
    if quote["flags"] & Flag.SELL.value:
        market["firm_pending"] -= sign * quote["amount"]
        state.scalars[0]["firm_tao"] += sign * (quote["tao"] - quote["fee"])
    else:
        market["firm_pending"] += sign * quote["amount"]
        market["firm_alpha"] += sign * quote["amount"]


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
