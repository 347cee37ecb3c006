"""What the shells see of the engine: requests in, decided events and answers out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Records = NDArray[Any]
"""A one-dimensional array of ``COMMAND`` or ``EVENT``."""


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that was asked: one command, or one whole head group.

    ``commands``: ``COMMAND[k]``, k > 1 only for head groups; ``payloads``: what ``command.payload`` points into.
    """

    commands: Records
    payloads: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request.

    ``events``: ``EVENT[n]`` it caused (empty for a duplicate); ``code``: 0, or the refusal of ``ledger/errors.py``;
    ``reference``: the seq that names what was made (order, withdrawal; the account number for ``OPEN_ACCOUNT``),
    also for a duplicate; ``value`` and ``bound``: the offending figure and what would have been right;
    ``duplicate``: the same client id with the same body was answered before.
    """

    events: Records
    code: int
    reference: int
    value: int = 0
    bound: int = 0
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """The events of one batch, seq assigned, with one answer per request in the order asked."""

    events: Records
    payloads: tuple[bytes, ...]
    answers: list[Answer]


class StateMachine(Protocol):
    """The engine as sequencer, recovery and replicas use it."""

    @property
    def seq(self) -> int:
        """Return the seq of the last event applied."""

    @property
    def ts_ms(self) -> int:
        """Return the time of the last batch, ms."""

    @property
    def next_timer_ms(self) -> int | None:
        """Return when the earliest timer is due, ms, or None while none is armed."""

    def decide(self, ts_ms: int, requests: Sequence[Request]) -> Decided:
        """Decide all requests in order at time ``ts_ms``; the state is changed by ``evolve`` alone."""

    def evolve(self, ts_ms: int, events: Records, payloads: Sequence[bytes]) -> None:
        """Apply the events of one batch that another engine decided."""


def empty_records(dtype: "np.dtype[Any]", count: int = 0) -> Records:
    """Return ``count`` zeroed records."""
    return np.zeros(count, dtype=dtype)
