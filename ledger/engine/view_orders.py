"""Reads of live orders, firm quotes and books: plain Python over the tables, so that a short list costs little.

``ledger/engine/views.py`` offers them beside the other reads.
"""

from collections.abc import Iterator
from typing import Any, Final

from ledger.engine.layout import SHELVES, Flag, OrderState, Shelf, Trait
from ledger.engine.slab import find_order
from ledger.engine.state import State
from ledger.engine.tables import BY_ACCOUNT, BY_PRICE
from ledger.engine.view_rows import BookView, LevelView, OrderView, QuoteView

_RAO: Final = 10**9
_NOT_ORDERS: Final = (OrderState.QUOTE, OrderState.GUARD)


def order_view(state: State, order_id: int) -> OrderView | None:
    """Return a live order."""
    slot = int(find_order(state, order_id))
    if slot < 0 or int(state.orders[slot]["state"]) in _NOT_ORDERS:
        return None
    return _order(state, slot)


def quote_view(state: State, quote_id: int) -> QuoteView | None:
    """Return a firm quote that lives."""
    slot = int(find_order(state, quote_id))
    if slot < 0 or int(state.orders[slot]["state"]) != OrderState.QUOTE:
        return None
    return _quote(state, slot)


def held_for(state: State, order_id: int) -> int:
    """Return what is held for a live order or quote, rao of the asset it gives away; 0 where it is not live."""
    slot = int(find_order(state, order_id))
    return int(state.orders[slot]["held"]) if slot >= 0 else 0


def open_orders(state: State, account: int) -> list[OrderView]:
    """Return the live orders of an account, oldest first."""
    return [_order(state, slot) for slot in _slots_of(state, account) if not _is(state, slot, *_NOT_ORDERS)]


def live_quotes(state: State, account: int) -> list[QuoteView]:
    """Return the firm quotes of an account that live, oldest first."""
    return [_quote(state, slot) for slot in _slots_of(state, account) if _is(state, slot, OrderState.QUOTE)]


def book_view(state: State, netuid: int, count: int) -> BookView:
    """Return the best levels of resting orders of a listed market, ``count`` a side."""
    market = int(state.market_slots[netuid]) - 1
    asks = _levels(state, 1 + SHELVES * market + Shelf.ASKS, count, rising=True)
    bids = _levels(state, 1 + SHELVES * market + Shelf.BIDS, count, rising=False)
    return BookView(tuple(asks), tuple(bids))


def _is(state: State, slot: int, *states: OrderState) -> bool:
    return int(state.orders[slot]["state"]) in states


def _slots_of(state: State, account: int) -> Iterator[int]:
    if not 1 <= account <= int(state.scalars[0]["accounts"]):
        return
    at = int(state.customers[account - 1]["first"])
    while at:
        yield at - 1
        at = int(state.links[3 * (at - 1) + BY_ACCOUNT]["next"])


def _levels(state: State, place: int, count: int, *, rising: bool) -> Iterator[LevelView]:
    at = int(state.shelves[place]["lowest" if rising else "highest"])
    while at and count > 0:
        level = state.levels[at - 1]
        alpha, orders, link = 0, 0, int(level["first"])
        while link:
            alpha += _offered(state.orders[link - 1])
            orders += 1
            link = int(state.links[3 * (link - 1) + BY_PRICE]["next"])
        yield LevelView(int(level["key"]), alpha, orders)
        at = int(level["after" if rising else "before"])
        count -= 1


def _open(row: Any) -> int:
    return int(row["amount"]) - int(row["tao"] if int(row["flags"]) & Flag.IN_QUOTE else row["alpha"])


def _offered(row: Any) -> int:
    """Return the alpha that a resting order stands for, rao."""
    if int(row["flags"]) & Flag.IN_QUOTE:
        return _open(row) * _RAO // int(row["limit"])
    return _open(row)


def _order(state: State, slot: int) -> OrderView:
    row = state.orders[slot]
    same = {
        name: int(row[name])
        for name in (
            "order_id", "account", "limit", "trigger", "amount", "alpha", "tao", "fee", "held", "taker_ppm",
            "maker_ppm", "cancel", "priority",
        )
    }  # fmt: skip
    userref = int(row["userref"])
    return OrderView(
        **same,
        netuid=int(state.markets[int(row["market"])]["netuid"]),
        flags=Flag(int(row["flags"])),
        traits=Trait(int(row["traits"])),
        state=OrderState(int(row["state"])),
        open=_open(row),
        expires_ms=int(row["expires"]),
        userref=userref - 2**32 if userref >= 2**31 else userref,
    )


def _quote(state: State, slot: int) -> QuoteView:
    row = state.orders[slot]
    return QuoteView(
        quote_id=int(row["order_id"]),
        account=int(row["account"]),
        netuid=int(state.markets[int(row["market"])]["netuid"]),
        sell=bool(int(row["flags"]) & Flag.SELL),
        alpha=int(row["amount"]),
        tao=int(row["total"]),
        fee=int(row["fee"]),
        held=int(row["held"]),
        expires_ms=int(row["expires"]),
    )
