"""The state of the engine as a set of tables, and how their rows are found and made.

How it begins and grows is told by ``growth.py``.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from amm.kernel_cache import kernel
from ledger.engine.handle import block_of
from ledger.engine.index import add_row, enter_row, first_at, mark_of, next_at
from ledger.engine.layout import NO_NETUID, JobState, Records
from ledger.engine.tables import (
    ASSET_BITS,
    CAPACITY,
    REFERENCE,
)

Row = Any
"""One record of an array, by reference."""

int64: Any = np.int64
"""Widens a field to the integer that all rules compute with; ``Any``, since a checker knows only ``int``."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """All tables; ``run`` and all after it are the working place of a batch and no part of the truth.

    The indexes are those of ``index.py``: ``balance_index`` by (account, asset), ``ledger_index`` by (code, asset),
    ``even_index`` and ``odd_index`` of the first answers of even and odd generations by (account, client id),
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
    even_answers: Records
    even_index: Records
    odd_answers: Records
    odd_index: Records
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


@kernel
def find_balance(state: State, account: int, asset: int) -> int:
    """Return the slot of a customer's balance row, or -1."""
    key = (account << ASSET_BITS) | asset
    index = state.balance_index
    slot = first_at(index, state.scalars[0]["balances"], mark_of(key, 0))
    while slot >= 0 and state.balances[slot]["key"] != key:
        slot = next_at(index, slot)
    return slot


@kernel
def find_ledger(state: State, code: int, asset: int) -> int:
    """Return the slot of a ledger account, or -1."""
    index = state.ledger_index
    slot = first_at(index, state.scalars[0]["ledger"], mark_of(code, asset))
    while slot >= 0 and (state.ledger[slot]["code"] != code or state.ledger[slot]["asset"] != asset):
        slot = next_at(index, slot)
    return slot


@kernel
def find_answer(answers: Records, index: Records, rows: int, account: int, id_hi: int, id_lo: int) -> int:
    """Return the slot of a first answer within one generation, or -1."""
    slot = first_at(index, rows, mark_of(id_hi ^ account, id_lo))
    while slot >= 0:
        row = answers[slot]
        if row["id_lo"] == id_lo and row["id_hi"] == id_hi and row["account"] == account:
            return slot
        slot = next_at(index, slot)
    return -1


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
    slot = find_balance(state, account, asset)
    if slot >= 0:
        return slot
    slot = state.scalars[0]["balances"]
    if slot >= len(state.balances):
        break_law(state, CAPACITY, slot)
        return 0
    state.scalars[0]["balances"] = slot + 1
    key = (account << ASSET_BITS) | asset
    state.balances[slot]["key"] = key
    add_row(state.balance_index, slot)
    enter_row(state.balance_index, slot + 1, slot, mark_of(key, 0))
    return slot


@kernel
def ledger_slot(state: State, code: int, asset: int) -> int:
    """Return the slot of a ledger account, made if there is none."""
    slot = find_ledger(state, code, asset)
    if slot >= 0:
        return slot
    slot = state.scalars[0]["ledger"]
    if slot >= len(state.ledger):
        break_law(state, CAPACITY, slot)
        return 0
    state.scalars[0]["ledger"] = slot + 1
    state.ledger[slot]["code"] = code
    state.ledger[slot]["asset"] = asset
    add_row(state.ledger_index, slot)
    enter_row(state.ledger_index, slot + 1, slot, mark_of(code, asset))
    return slot


@kernel
def ledger_amount(state: State, code: int, asset: int) -> int:
    """Return the balance of a ledger account, rao; 0 where there is none."""
    slot = find_ledger(state, code, asset)
    return state.ledger[slot]["amount"] if slot >= 0 else 0


@kernel
def free_amount(state: State, account: int, asset: int) -> int:
    """Return a customer's free balance, rao."""
    slot = find_balance(state, account, asset)
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
