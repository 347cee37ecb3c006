"""How the state begins and grows.

Growth happens between batches, before the kernels run: ``reserve`` makes room for everything that the coming commands
or events could add, so that nothing is ever moved under a kernel. A table that is no longer small stands on ground
that the system promised and has not given yet: it grows over it in place, a page at a time as its rows are written, so
that no batch waits for a copy. Beyond its ground a table moves to one twice as large.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from ledger.engine.handle import register
from ledger.engine.index import WORDS
from ledger.engine.layout import EVENT, SHELVES, Records
from ledger.engine.state import TABLES, State
from ledger.engine.tables import (
    ADDRESS,
    ANSWER,
    ASSETS,
    BALANCE,
    CUSTOMER,
    FUNDING,
    JOB,
    KEY,
    LEDGER,
    LEVEL,
    LINK,
    MARKET,
    ORDER,
    RUN,
    SCALARS,
    SHELF,
    TIER,
    TIERS,
    TOTALS,
    VOLUME_DAYS,
    WALK,
)

LEDGER_PER_MARKET: Final = 4
"""Ledger accounts that trades in one market may bring: its house account and the house's fees and rounding."""

FIRST_ROWS: Final = 64

SMALL_BYTES: Final = 2**18
"""A table up to this size is copied when it grows."""

GROUND_BYTES: Final = {
    "balances": 2**29,
    "balance_index": 2**28,
    "even_answers": 2**30,
    "even_index": 2**28,
    "odd_answers": 2**30,
    "odd_index": 2**28,
    "orders": 2**29,
    "volumes": 2**29,
    "customers": 2**26,
}
"""Ground of the largest tables; others have ``OTHER_GROUND_BYTES``."""
OTHER_GROUND_BYTES: Final = 2**27

LEADERS: Final[dict[str, Any]] = {
    "markets": MARKET,
    "balances": BALANCE,
    "ledger": LEDGER,
    "jobs": JOB,
    "addresses": ADDRESS,
    "keys": KEY,
    "fundings": FUNDING,
    "even_answers": ANSWER,
    "odd_answers": ANSWER,
    "orders": ORDER,
    "customers": CUSTOMER,
}
"""Tables that grow with what is decided, and the type of their rows."""

_INDEX: Final = (np.int32, WORDS, 0)
_VOLUMES: Final = np.dtype((np.int32, (VOLUME_DAYS + 1,)))

FOLLOWERS: Final[dict[str, dict[str, tuple[Any, int, int]]]] = {
    "markets": {"shelves": (SHELF, SHELVES, 1)},
    "balances": {"balance_index": _INDEX},
    "ledger": {"ledger_index": _INDEX},
    "even_answers": {"even_index": _INDEX},
    "odd_answers": {"odd_index": _INDEX},
    "orders": {"order_index": _INDEX, "links": (LINK, 3, 0), "levels": (LEVEL, 2, 0)},
    "customers": {"volumes": (_VOLUMES, 1, 0)},
}
"""Tables that grow with another: type of a row, rows for each of its rows, and rows beside. An order stands on one
level by price and on one by time at most."""


def new_table(name: str, shape: tuple[int, ...], dtype: Any) -> Records:
    """Return a table of zeros, on ground of its own if it is not small."""
    row_bytes = int(np.dtype(dtype).itemsize * np.prod(shape[1:], dtype=np.int64))
    if shape[0] * row_bytes <= SMALL_BYTES:
        return np.zeros(shape, dtype)
    ground = GROUND_BYTES.get(name, OTHER_GROUND_BYTES) // row_bytes
    while ground < shape[0]:
        ground *= 2
    return np.zeros((ground, *shape[1:]), dtype)[: shape[0]]


def empty_state() -> State:
    """Return the state before the first event."""
    tables = {
        "scalars": np.zeros(1, SCALARS),
        "market_slots": np.zeros(ASSETS, np.int32),
        "totals": np.zeros(ASSETS, TOTALS),
        "tiers": np.zeros(TIERS, TIER),
        "run": np.zeros(1, RUN),
        "out": np.zeros(FIRST_ROWS, EVENT),
        "work": np.zeros(2, ORDER),
        "walk": np.zeros(1, WALK),
        "blank": np.zeros(1, EVENT),
    }
    for leader, dtype in LEADERS.items():
        tables[leader] = np.zeros(FIRST_ROWS, dtype)
        for follower, (row, each, beside) in FOLLOWERS.get(leader, {}).items():
            tables[follower] = np.zeros(each * FIRST_ROWS + beside, row)
    return State(**tables)


def reserve(state: State, *, records: int, events: int) -> State:
    """Return a state with room for what ``records`` more commands or events can add, and for ``events`` in ``out``.

    A record adds at most two balance rows, four ledger accounts and one row of every other table. Tables double when
    they grow. Tables that belong to the rows of another one grow with it. A trade adds no balance rows: they are made
    when its orders are accepted.
    """
    scalars = state.scalars[0]
    wanted = {
        "markets": scalars["markets"] + records,
        "balances": scalars["balances"] + 2 * records,
        "ledger": scalars["ledger"] + 4 * records + LEDGER_PER_MARKET * scalars["markets"],
        "jobs": scalars["jobs"] + records,
        "addresses": scalars["addresses"] + records,
        "keys": scalars["keys"] + records,
        "fundings": scalars["fundings"] + records,
        "even_answers": scalars["answers_even"] + records,
        "odd_answers": scalars["answers_odd"] + records,
        "orders": scalars["orders"] + records,
        "customers": scalars["accounts"] + records,
    }
    grown: dict[str, Any] = {}
    for name, rows in wanted.items():
        table: Records = getattr(state, name)
        if rows > len(table):
            room = max(2 * len(table), int(rows))
            grown[name] = _widen(name, table, room)
            for follower, (_, each, beside) in FOLLOWERS.get(name, {}).items():
                grown[follower] = _widen(follower, getattr(state, follower), each * room + beside)
    if events > len(state.out):
        grown["out"] = np.zeros(max(2 * len(state.out), events), EVENT)
    return replace(state, **grown) if grown else state


def widen_out(state: State, *, events: int) -> State:
    """Return a state whose ``out`` has room for so many events more; what it holds stays."""
    used = int(state.run["count"][0])
    out = np.zeros(max(2 * len(state.out), used + events), EVENT)
    out[:used] = state.out[:used]
    return replace(state, out=out)


def _widen(name: str, table: Records, rows: int) -> Records:
    """Return a table with more rows: more of the same ground, or a copy where that is at its end."""
    if table.base is not None and rows <= len(table.base):
        ground: Records = table.base
        return ground[:rows]
    wide = new_table(name, (rows, *table.shape[1:]), table.dtype)
    wide[: len(table)] = table
    return wide


_EMPTY: Final = empty_state()
register(State, "State", {name: getattr(_EMPTY, name) for name in TABLES})
