"""The state of the engine as one tuple of arrays: how it begins, how it grows, and how rows are found.

Growth happens between batches, before the kernels run: ``reserve`` makes room for everything that the coming commands
or events could add, so that nothing is ever moved under a kernel.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from amm.kernel_cache import kernel
from ledger.engine.handle import block_of, register
from ledger.engine.layout import EVENT, NO_NETUID, SHELVES, JobState, Records
from ledger.engine.tables import (
    ADDRESS,
    ANSWER,
    ASSET_BITS,
    ASSETS,
    BALANCE,
    CAPACITY,
    CUSTOMER,
    FUNDING,
    JOB,
    KEY,
    LEDGER,
    LEVEL,
    LINK,
    MARKET,
    ORDER,
    REFERENCE,
    RUN,
    SCALARS,
    SHELF,
    TIER,
    TIERS,
    TOTALS,
    VOLUME_DAYS,
    WALK,
)

Row = Any
"""One record of an array, by reference."""

int64: Any = np.int64
"""Widens a field to the integer that all rules compute with; ``Any``, since a checker knows only ``int``."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """All tables; ``run`` and all after it are the working place of a batch and no part of the truth.

    The indexes are open-addressing tables of slot + 1, a power of two wide and at most half full: ``balance_index`` by
    (account, asset), ``ledger_index`` by (code, asset), ``answer_index[generation parity]`` by (account, client id),
    ``order_index`` by order id. ``links``, ``levels`` and ``shelves`` are the lists of ``book.py``.
    """

    scalars: Records
    markets: Records
    market_slots: Records
    balances: Records
    balance_index: Records
    ledger: Records
    ledger_index: Records
    totals: Records
    jobs: Records
    addresses: Records
    keys: Records
    fundings: Records
    answers: Records
    answer_index: Records
    orders: Records
    order_index: Records
    links: Records
    levels: Records
    shelves: Records
    customers: Records
    volumes: Records
    tiers: Records
    run: Records
    out: Records
    work: Records
    walk: Records
    blank: Records
    block: Records = field(init=False)
    address: int = field(init=False)

    def __post_init__(self) -> None:
        """Note where the tables stand, for kernels; see ``handle.py``."""
        object.__setattr__(self, "block", block_of([getattr(self, name) for name in TABLES]))
        object.__setattr__(self, "address", self.block.ctypes.data)


TABLES = tuple(table.name for table in fields(State) if table.init)
"""Names of all tables, in the order of ``State``."""


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT = np.uint64(31)


@kernel
def spread(a: int, b: int, size: int) -> int:
    """Return a place from 0 to ``size - 1`` (a power of two) for two integers, well spread."""
    x = np.uint64(a) * _GOLDEN + np.uint64(b)
    x = (x ^ (x >> _SHIFT)) * _MIX
    x = (x ^ (x >> _SHIFT)) * _GOLDEN
    return int64((x ^ (x >> _SHIFT)) & np.uint64(size - 1))


@kernel
def find_balance(balances: Records, index: Records, account: int, asset: int) -> int:
    """Return the slot of a customer's balance row, or -1."""
    key = (account << ASSET_BITS) | asset
    size = len(index)
    place = spread(key, 0, size)
    while index[place] != 0:
        slot = int64(index[place]) - 1
        if balances[slot]["key"] == key:
            return slot
        place = (place + 1) & (size - 1)
    return -1


@kernel
def find_ledger(ledger: Records, index: Records, code: int, asset: int) -> int:
    """Return the slot of a ledger account, or -1."""
    size = len(index)
    place = spread(code, asset, size)
    while index[place] != 0:
        slot = int64(index[place]) - 1
        if ledger[slot]["code"] == code and ledger[slot]["asset"] == asset:
            return slot
        place = (place + 1) & (size - 1)
    return -1


@kernel
def find_answer(answers: Records, index: Records, account: int, id_hi: int, id_lo: int) -> int:
    """Return the slot of a first answer within one generation, or -1."""
    size = len(index)
    place = spread(id_hi ^ account, id_lo, size)
    while index[place] != 0:
        slot = int64(index[place]) - 1
        row = answers[slot]
        if row["id_lo"] == id_lo and row["id_hi"] == id_hi and row["account"] == account:
            return slot
        place = (place + 1) & (size - 1)
    return -1


@kernel
def index_put(index: Records, place: int, slot: int) -> None:
    """Enter a slot at the first empty place from ``place`` on."""
    size = len(index)
    while index[place] != 0:
        place = (place + 1) & (size - 1)
    index[place] = slot + 1


@kernel
def break_law(state: State, law: int, detail: int) -> None:
    """Note the first broken law; the shell stops the process."""
    run = state.run[0]
    if run["law"] == 0:
        run["law"] = law
        run["law_seq"] = state.scalars[0]["seq"] + 1
        run["law_detail"] = detail


@kernel
def balance_slot(state: State, account: int, asset: int) -> int:
    """Return the slot of a balance row, made if there is none."""
    slot = find_balance(state.balances, state.balance_index, account, asset)
    if slot >= 0:
        return slot
    slot = state.scalars[0]["balances"]
    if slot >= len(state.balances):
        break_law(state, CAPACITY, slot)
        return 0
    state.scalars[0]["balances"] = slot + 1
    key = (account << ASSET_BITS) | asset
    state.balances[slot]["key"] = key
    index_put(state.balance_index, spread(key, 0, len(state.balance_index)), slot)
    return slot


@kernel
def ledger_slot(state: State, code: int, asset: int) -> int:
    """Return the slot of a ledger account, made if there is none."""
    slot = find_ledger(state.ledger, state.ledger_index, code, asset)
    if slot >= 0:
        return slot
    slot = state.scalars[0]["ledger"]
    if slot >= len(state.ledger):
        break_law(state, CAPACITY, slot)
        return 0
    state.scalars[0]["ledger"] = slot + 1
    state.ledger[slot]["code"] = code
    state.ledger[slot]["asset"] = asset
    index_put(state.ledger_index, spread(code, asset, len(state.ledger_index)), slot)
    return slot


@kernel
def ledger_amount(state: State, code: int, asset: int) -> int:
    """Return the balance of a ledger account, rao; 0 where there is none."""
    slot = find_ledger(state.ledger, state.ledger_index, code, asset)
    return state.ledger[slot]["amount"] if slot >= 0 else 0


@kernel
def free_amount(state: State, account: int, asset: int) -> int:
    """Return a customer's free balance, rao."""
    slot = find_balance(state.balances, state.balance_index, account, asset)
    return state.balances[slot]["free"] if slot >= 0 else 0


@kernel
def find_job(state: State, job_id: int) -> int:
    """Return the slot of an open job, or -1."""
    low, high = 0, state.scalars[0]["jobs"]
    while low < high:
        middle = (low + high) // 2
        if state.jobs[middle]["job_id"] < job_id:
            low = middle + 1
        else:
            high = middle
    if low < state.scalars[0]["jobs"] and state.jobs[low]["job_id"] == job_id:
        return low
    return -1


@kernel
def open_job(state: State, job_id: int, job_kind: int) -> Row:
    """Enter a new job; rows are sorted by id, since ids only grow."""
    scalars = state.scalars[0]
    slot = scalars["jobs"]
    scalars["jobs"] = slot + 1
    job = state.jobs[slot]
    job["job_id"] = job_id
    job["job"] = job_kind
    job["state"] = JobState.REQUESTED.value
    job["height"] = scalars["head"]
    job["key"] = 0
    job["nonce"] = 0
    job["birth"] = 0
    job["period"] = 0
    job["account"] = 0
    job["netuid"] = NO_NETUID
    job["alpha"] = 0
    job["from_key"] = 0
    job["hotkey"] = 0
    job["amount"] = 0
    job["fee"] = 0
    job["address_id"] = 0
    return job


@kernel
def close_job(state: State, job_id: int) -> None:
    """Take a job out of the table, keeping its order."""
    scalars = state.scalars[0]
    slot = find_job(state, job_id)
    if slot < 0:
        break_law(state, REFERENCE, job_id)
        return
    for i in range(slot, scalars["jobs"] - 1):
        state.jobs[i] = state.jobs[i + 1]
    scalars["jobs"] -= 1


@kernel
def find_address(state: State, address_id: int) -> int:
    """Return the slot of an address, or -1."""
    low, high = 0, state.scalars[0]["addresses"]
    while low < high:
        middle = (low + high) // 2
        if state.addresses[middle]["address_id"] < address_id:
            low = middle + 1
        else:
            high = middle
    if low < state.scalars[0]["addresses"] and state.addresses[low]["address_id"] == address_id:
        return low
    return -1


@kernel
def find_funding(state: State, alpha: int, netuid: int, amount: int) -> int:
    """Return the slot of the oldest announcement that an arrival fulfils, or -1; for TAO any market's."""
    for slot in range(state.scalars[0]["fundings"]):
        row = state.fundings[slot]
        if row["amount"] == amount and row["alpha"] == alpha and (alpha == 0 or row["netuid"] == netuid):
            return slot
    return -1


@kernel
def reindex(state: State) -> None:
    """Fill empty indexes from the rows."""
    for slot in range(state.scalars[0]["balances"]):
        index_put(state.balance_index, spread(state.balances[slot]["key"], 0, len(state.balance_index)), slot)
    for slot in range(state.scalars[0]["ledger"]):
        row = state.ledger[slot]
        index_put(state.ledger_index, spread(row["code"], row["asset"], len(state.ledger_index)), slot)
    for parity in range(2):
        used = state.scalars[0]["answers_odd"] if parity else state.scalars[0]["answers_even"]
        index = state.answer_index[parity]
        for slot in range(used):
            answer = state.answers[parity, slot]
            index_put(index, spread(answer["id_hi"] ^ answer["account"], answer["id_lo"], len(index)), slot)
    for slot in range(state.scalars[0]["orders"]):
        order_id = state.orders[slot]["order_id"]
        if order_id != 0:
            index_put(state.order_index, spread(order_id, 0, len(state.order_index)), slot)


_FIRST = 64

LEDGER_PER_MARKET = 4
"""Ledger accounts that trades in one market may bring: its house account and the house's fees and rounding."""


def empty_state() -> State:
    """Return the state before the first event."""
    return State(
        scalars=np.zeros(1, SCALARS),
        markets=np.zeros(_FIRST, MARKET),
        market_slots=np.zeros(ASSETS, np.int32),
        balances=np.zeros(_FIRST, BALANCE),
        balance_index=np.zeros(2 * _FIRST, np.int32),
        ledger=np.zeros(_FIRST, LEDGER),
        ledger_index=np.zeros(2 * _FIRST, np.int32),
        totals=np.zeros(ASSETS, TOTALS),
        jobs=np.zeros(_FIRST, JOB),
        addresses=np.zeros(_FIRST, ADDRESS),
        keys=np.zeros(_FIRST, KEY),
        fundings=np.zeros(_FIRST, FUNDING),
        answers=np.zeros((2, _FIRST), ANSWER),
        answer_index=np.zeros((2, 2 * _FIRST), np.int32),
        orders=np.zeros(_FIRST, ORDER),
        order_index=np.zeros(2 * _FIRST, np.int32),
        links=np.zeros(3 * _FIRST, LINK),
        levels=np.zeros(2 * _FIRST, LEVEL),
        shelves=np.zeros(1 + SHELVES * _FIRST, SHELF),
        customers=np.zeros(_FIRST, CUSTOMER),
        volumes=np.zeros((_FIRST, VOLUME_DAYS + 1), np.int32),
        tiers=np.zeros(TIERS, TIER),
        run=np.zeros(1, RUN),
        out=np.zeros(_FIRST, EVENT),
        work=np.zeros(2, ORDER),
        walk=np.zeros(1, WALK),
        blank=np.zeros(1, EVENT),
    )


def reserve(state: State, *, records: int, events: int) -> State:
    """Return a state with room for what ``records`` more commands or events can add, and for ``events`` in ``out``.

    A record adds at most two balance rows, four ledger accounts and one row of every other table. Tables at least
    double when they grow, so that a row is moved a bounded number of times. Tables that belong to the rows of another
    one grow with it. A trade adds no balance rows: they are made when its orders are accepted.
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
        "answers": max(scalars["answers_even"], scalars["answers_odd"]) + records,
        "orders": scalars["orders"] + records,
        "customers": scalars["accounts"] + records,
    }
    grown: dict[str, Any] = {}
    for name, rows in wanted.items():
        table: Records = getattr(state, name)
        if rows > table.shape[-1]:
            room = max(2 * table.shape[-1], int(rows))
            grown[name] = _widen(table, room)
            for follower, rows_of in _FOLLOWERS.get(name, {}).items():
                grown[follower] = _widen(getattr(state, follower), rows_of(room))
    if events > len(state.out):
        grown["out"] = np.zeros(max(2 * len(state.out), events), EVENT)
    if not grown:
        return state
    indexes = {
        "balances": "balance_index",
        "ledger": "ledger_index",
        "answers": "answer_index",
        "orders": "order_index",
    }
    rebuilt = [index for table, index in indexes.items() if table in grown]
    if rebuilt:
        for name, index in indexes.items():
            table = grown.get(name, getattr(state, name))
            shape = (*getattr(state, index).shape[:-1], 1 << (2 * table.shape[-1] - 1).bit_length())
            grown[index] = np.zeros(shape, np.int32)
    state = replace(state, **grown)
    if rebuilt:
        reindex(state)
    return state


def widen_out(state: State, *, events: int) -> State:
    """Return a state whose ``out`` has room for so many events more; what it holds stays."""
    used = int(state.run["count"][0])
    out = np.zeros(max(2 * len(state.out), used + events), EVENT)
    out[:used] = state.out[:used]
    return replace(state, out=out)


_FOLLOWERS: dict[str, dict[str, Callable[[int], int]]] = {
    "markets": {"shelves": lambda rows: 1 + SHELVES * rows},
    "orders": {"links": lambda rows: 3 * rows, "levels": lambda rows: 2 * rows},
    "customers": {"volumes": lambda rows: rows},
}
"""Tables that grow with another: an order stands on one level by price and one by time at most."""


def _widen(table: Records, rows: int) -> Records:
    if table.dtype == np.int32:  # the volumes: one row of columns each
        wide = np.zeros((rows, *table.shape[1:]), table.dtype)
        wide[: len(table)] = table
        return wide
    wide = np.zeros((*table.shape[:-1], rows), table.dtype)
    wide[..., : table.shape[-1]] = table
    return wide


register(State, "State", {name: getattr(empty_state(), name) for name in TABLES})
