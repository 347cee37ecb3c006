"""What the shells see of the engine: requests in, decided events and answers out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from ledger.engine.layout import COMMAND, CommandKind, Records

TEXT_COMMANDS: Final = frozenset(
    {
        CommandKind.OPEN_ACCOUNT,
        CommandKind.ADD_API_KEY,
        CommandKind.ADD_CHAIN_KEY,
        CommandKind.ADD_HOTKEY,
        CommandKind.LIST_MARKET,
        CommandKind.ADD_ADDRESS,
    }
)
"""Commands whose payload must be unlike what is known; they are decided one by one."""

_PLAIN: Final = np.ones(2**16, np.bool_)
"""By kind: whether a block may hold it. Of an unknown kind too: the engine refuses it like any other."""
_PLAIN[CommandKind.HEAD_BEGIN : CommandKind.REFUSE_HEAD + 1] = False
_PLAIN[[*TEXT_COMMANDS, CommandKind.ACCEPT_SIGNED]] = False


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that was asked: one command, or one whole head group.

    ``commands``: ``COMMAND[k]``, k > 1 only for head groups; ``payloads``: what ``command.payload`` points into.
    """

    commands: Records
    payloads: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """Many plain commands that were asked in this order: each is decided by itself, as if it were a ``Request``.

    ``commands``: ``COMMAND[k]``, k >= 1, of kinds that need no text but a client's own id (no head groups, names, keys,
    listings or signed bytes); ``payloads``: what their ``payload`` points into. Raises ``ValueError`` for other ones.
    """

    commands: Records = field(repr=False)
    payloads: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Hold the commands against what a block may be."""
        commands = self.commands
        if commands.dtype != COMMAND or commands.ndim != 1 or not len(commands):
            raise ValueError(f"a block of {commands.shape} {commands.dtype}")
        if not _PLAIN[commands["kind"]].all():
            raise ValueError("a block of commands that are not plain")


class Answer(NamedTuple):
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


class BlockAnswer(NamedTuple):
    """What became of a block.

    ``decisions``: ``DECISION[k]``, one for each command: ``code``, ``reference``, ``value``, ``bound`` and
    ``duplicate`` as in ``Answer``; its events are ``events[first : first + count]``. ``events``: ``EVENT[n]`` of all.
    """

    decisions: Records
    events: Records

    def one(self, position: int) -> Answer:
        """Return what became of one command."""
        code, reference, value, bound, duplicate, first, count = self.decisions[position].tolist()
        return Answer(self.events[first : first + count], code, reference, value, bound, bool(duplicate))


@dataclass(frozen=True, slots=True)
class Decided:
    """The events of one batch, seq assigned; ``answers``: an ``Answer`` per request, a ``BlockAnswer`` per block."""

    events: Records
    payloads: tuple[bytes, ...]
    answers: list[Any]


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

    def decide(self, ts_ms: int, requests: Sequence[Request | Block]) -> Decided:
        """Decide all requests and blocks in order at time ``ts_ms``; the state is changed by ``evolve`` alone."""

    def evolve(self, ts_ms: int, events: Records, payloads: Sequence[bytes]) -> None:
        """Apply the events of one batch that another engine decided."""


def empty_records(dtype: "np.dtype[Any]", count: int = 0) -> Records:
    """Return ``count`` zeroed records."""
    return np.zeros(count, dtype=dtype)
