"""Compiles the engine once, so that nobody waits for it later."""

import numpy as np

from ledger.engine.decide import decide_all
from ledger.engine.evolve import evolve_all
from ledger.engine.layout import COMMAND, EVENT
from ledger.engine.machine import Engine
from ledger.engine.tables import DECISION, WIDE_COMMAND


def warm_up() -> None:
    """Call each entry of the kernels with the types the shell uses, on nothing."""
    engine = Engine()
    commands = np.zeros(0, COMMAND).astype(WIDE_COMMAND)
    decide_all(engine.state, commands, np.zeros(0, np.int64), np.zeros(0, DECISION))
    evolve_all(engine.state, np.zeros(0, EVENT))
