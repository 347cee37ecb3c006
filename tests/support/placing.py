"""Orders of every kind in few words, and what a live order looks like in the state."""

from typing import Any

from app.verify.exchange import Exchange
from ledger.engine.api import Answer
from ledger.engine.book import first_on, next_on, shelf_place
from ledger.engine.layout import CommandKind, Flag, OrderState, Shelf
from ledger.engine.slab import find_order
from tests.support.builders import SN


def place(exchange: Exchange, account: int, flags: int, **meanings: int) -> Answer:
    """Place an order with these flags; the meanings are those of PLACE_ORDER."""
    return exchange.ask(CommandKind.PLACE_ORDER, flags=flags, **({"account": account, "netuid": SN} | meanings))


def bid(exchange: Exchange, account: int, alpha: int, limit: int, flags: int = 0, **more: int) -> Answer:
    """Buy alpha up to a limit, good till cancelled."""
    return place(exchange, account, Flag.LIMIT | flags, alpha_rao=alpha, limit=limit, **more)


def ask(exchange: Exchange, account: int, alpha: int, limit: int, flags: int = 0, **more: int) -> Answer:
    """Sell alpha down to a limit, good till cancelled."""
    return place(exchange, account, Flag.LIMIT | Flag.SELL | flags, alpha_rao=alpha, limit=limit, **more)


def amend(exchange: Exchange, account: int, order_id: int, flags: int = 0, **more: int) -> Answer:
    """Amend a live order."""
    return exchange.ask(CommandKind.AMEND_ORDER, flags=flags, account=account, order_id=order_id, **more)


def cancel(exchange: Exchange, account: int, order_id: int) -> Answer:
    """Cancel a live order."""
    return exchange.ask(CommandKind.CANCEL_ORDER, account=account, order_id=order_id)


def row(exchange: Exchange, order_id: int) -> Any:
    """Return the row of a live order, None when there is none."""
    slot = find_order(exchange.engine.state, order_id)
    return exchange.engine.state.orders[slot] if slot >= 0 else None


def live_rows(exchange: Exchange) -> list[Any]:
    """Return the rows of all live orders."""
    return [order for order in exchange.engine.state.orders if order["order_id"]]


def state_of(exchange: Exchange, order_id: int) -> OrderState | None:
    """Return where a live order is, None when there is none."""
    order = row(exchange, order_id)
    return None if order is None else OrderState(int(order["state"]))


def shelf(exchange: Exchange, which: Shelf, market: int = 0) -> list[int]:
    """Return the ids of a shelf's orders in their order."""
    state = exchange.engine.state
    found: list[int] = []
    slot = first_on(state, shelf_place(market, which))
    while slot >= 0:
        found.append(int(state.orders[slot]["order_id"]))
        slot = next_on(state, shelf_place(market, which), slot)
    return found
