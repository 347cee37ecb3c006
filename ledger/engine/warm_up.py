"""Compiles the engine once, so that nobody waits for it later."""

import numpy as np

from ledger.engine.balances import custody_free, custody_reserved, custody_stake, position, uncovered_amount
from ledger.engine.decide import decide_all, run_timers
from ledger.engine.evolve import evolve_all
from ledger.engine.gates import gates_at
from ledger.engine.layout import COMMAND, EVENT
from ledger.engine.machine import Engine
from ledger.engine.state import find_address, find_balance, find_job
from ledger.engine.tables import DECISION, WIDE_COMMAND
from ledger.engine.timers import next_due


def warm_up() -> None:
    """Call each kernel that the shell calls, with the types it uses, on nothing."""
    state = Engine().state
    commands = np.zeros(0, COMMAND).astype(WIDE_COMMAND)
    decide_all(state, commands, np.zeros(0, np.int64), np.zeros(0, DECISION), 0)
    run_timers(state)
    next_due(state)
    evolve_all(state, np.zeros(0, EVENT))
    find_balance(state, 1, 0)
    find_job(state, 1)
    find_address(state, 1)
    gates_at(state, state.markets[0], 0)
    position(state, 1)
    custody_free(state, 1)
    custody_reserved(state, 1)
    custody_stake(state, 1, 1, 1)
    uncovered_amount(state, 1, 1, 0)
