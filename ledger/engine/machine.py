"""The engine as sequencer, recovery and replicas use it: state, texts, growth, and batches around the kernels."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ledger.engine.api import TEXT_COMMANDS, Answer, Block, BlockAnswer, Decided, Request
from ledger.engine.decide import decide_all, run_timers
from ledger.engine.directory import Directory, are_texts_refused
from ledger.engine.evolve import apply_appended, evolve_all
from ledger.engine.far import far_address
from ledger.engine.growth import empty_state, reserve, widen_out
from ledger.engine.judge import is_known_head, judge
from ledger.engine.layout import COMMAND, EVENT, CommandKind, Records
from ledger.engine.records import command as build
from ledger.engine.state import State
from ledger.engine.tables import DECISION, LAWS, RUN, WIDE_COMMAND
from ledger.engine.timers import next_due
from ledger.errors import InvariantBroken, Refusal

_BLANK_RUN = np.zeros(1, RUN)

EVENTS_PER_COMMAND = 4
"""Room that is made for each command of a batch at once; what appends more asks for it."""


class Engine:
    """One deterministic state machine: ``decide`` answers requests, ``evolve`` follows what another one decided.

    Raises ``InvariantBroken`` where a law does not hold; the state is then worthless and the process must stop.
    """

    def __init__(self) -> None:
        self.state: State = empty_state()
        self.directory = Directory()
        self._evolver = far_address(apply_appended, self.state)
        self._due = -1
        self._due_at = 0

    @property
    def seq(self) -> int:
        """Return the seq of the last event applied."""
        return int(self.state.scalars[0]["seq"])

    @property
    def ts_ms(self) -> int:
        """Return the time of the last batch that had events, ms."""
        return int(self.state.scalars[0]["ts"])

    @property
    def next_timer_ms(self) -> int | None:
        """Return when the earliest timer is due, ms, or None while none is armed; triggered stops are due at once."""
        if self._due_at != self.seq:
            self._due = int(next_due(self.state))
            self._due_at = self.seq
        return self._due if self._due >= 0 else None

    def decide(self, ts_ms: int, requests: Sequence[Request | Block]) -> Decided:
        """Decide all requests and blocks in order; the time never runs backwards."""
        batch = _Batch(self, max(ts_ms, self.ts_ms))
        batch.run_timers()
        for request in requests:
            if isinstance(request, Block):
                batch.add_block(request)
            else:
                batch.add(request)
        return batch.close()

    def evolve(self, ts_ms: int, events: Records, payloads: Sequence[bytes]) -> None:
        """Apply the events of one batch."""
        if len(events) == 0:
            return
        self.state = reserve(self.state, records=len(events), events=0)
        self._begin_run(ts_ms)
        # Another kind of array, as a decoder may hand over, would be compiled for anew.
        evolve_all(self.state, np.require(events, dtype=EVENT, requirements=["C", "W"]))
        self._check_laws()
        self.directory.remember(events, payloads)

    def run_kernel(self, ts_ms: int, commands: Records, refusals: Records) -> tuple[Records, Records]:
        """Decide commands whose texts were checked, and return ``(events, decisions)``."""
        count = len(commands)
        self.state = reserve(self.state, records=EVENTS_PER_COMMAND * count + 1, events=EVENTS_PER_COMMAND * count)
        self._begin_run(ts_ms)
        decisions = np.zeros(count, DECISION)
        wide = commands.astype(WIDE_COMMAND)
        done = decide_all(self.state, wide, refusals, decisions, 0)
        while done < count and not self.state.run["law"][0]:
            self._make_room()
            done = decide_all(self.state, wide, refusals, decisions, done)
        return self._taken(), decisions

    def run_timers(self, ts_ms: int) -> Records:
        """Run the timers that are due, and return their events."""
        self.state = reserve(self.state, records=0, events=0)
        self._begin_run(ts_ms)
        while not run_timers(self.state):
            self._make_room()
        return self._taken()

    def _make_room(self) -> None:
        self.state = widen_out(self.state, events=int(self.state.run["needed"][0]))

    def _taken(self) -> Records:
        """Return the events of a run once they are held against the laws, and blank their places."""
        self._check_laws()
        count = int(self.state.run[0]["count"])
        # As bytes: numpy copies records field by field.
        used = self.state.out[:count].view(np.uint8)
        events = np.frombuffer(bytearray(used), EVENT)
        used[:] = 0
        return events

    def _begin_run(self, ts_ms: int) -> None:
        self.state.run[:] = _BLANK_RUN
        self.state.run["ts"] = ts_ms
        self.state.run["evolver"] = self._evolver

    def _check_laws(self) -> None:
        if self.state.run["law"][0]:
            run = self.state.run[0]
            raise InvariantBroken(LAWS[int(run["law"])], int(run["law_seq"]), int(run["law_detail"]))

    def export(self) -> dict[str, Any]:
        """Return the whole state in a canonical form: plain lists, sorted, without empty rows."""
        return export_state(self.state, self.directory)

    def state_hash(self) -> bytes:
        """Return blake2b-256 of the canonical state: equal after equal events, live or replayed."""
        text = json.dumps(self.export(), separators=(",", ":"), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=32).digest()


class _Outcome(NamedTuple):
    """A ``DECISION`` whose events are a part of the batch."""

    code: int
    reference: int
    value: int
    bound: int
    duplicate: int
    first: int
    events: int


class _Batch:
    """Requests on their way through the kernels: runs of plain commands together, texts and head groups alone.

    ``places``: of the requests and blocks that wait, how many commands each has, 0 for the single command of a request.
    """

    def __init__(self, engine: Engine, ts_ms: int) -> None:
        self.engine = engine
        self.ts_ms = ts_ms
        self.payloads: list[bytes] = []
        self.waiting: list[bytes] = []
        self.waiting_count = 0
        self.refused: list[tuple[int, int]] = []
        self.places: list[int] = []
        self.events: list[Records] = []
        self.count = 0
        self.answers: list[_Outcome | Records] = []

    def add(self, request: Request) -> None:
        """Take one request in."""
        command = request.commands
        kind = int(command["kind"][0])
        if len(command) > 1 or CommandKind.HEAD_BEGIN <= kind <= CommandKind.REFUSE_HEAD:
            self.flush()
            self._add_head(request)
            return
        is_text = kind in TEXT_COMMANDS
        if command["payload"][0] or is_text or kind == CommandKind.ACCEPT_SIGNED:
            if is_text:
                self.flush()
            refusal = self.engine.directory.refusal(command[0], request.payloads)
            command = command.copy()
            self._place_payloads(command, request.payloads, refused=refusal != 0)
            if refusal:
                self.refused.append((self.waiting_count, refusal))
        self._wait(command, 0)
        if is_text:
            self.flush()

    def add_block(self, block: Block) -> None:
        """Take a block in; only where it names a client's own text is there anything to look at."""
        commands = block.commands
        used = np.flatnonzero(commands["payload"])
        if len(used):
            commands = commands.copy()
            refused = are_texts_refused(commands["payload"][used], block.payloads)
            commands["payload"][used] += len(self.payloads)
            commands["payload"][used[refused]] = 0
            malformed = int(Refusal.PAYLOAD_MALFORMED)
            self.refused += [(self.waiting_count + place, malformed) for place in used[refused].tolist()]
            self.payloads.extend(block.payloads)
        self._wait(commands, len(commands))

    def _wait(self, commands: Records, place: int) -> None:
        self.waiting.append(commands.tobytes())
        self.waiting_count += len(commands)
        self.places.append(place)

    def _place_payloads(self, commands: Records, payloads: Sequence[bytes], *, refused: bool = False) -> None:
        """Move the payloads of a request into the batch, and let its commands point there."""
        if refused:
            commands["payload"] = 0
            return
        used = commands["payload"] != 0
        commands["payload"][used] += len(self.payloads)
        self.payloads.extend(payloads)

    def _add_head(self, request: Request) -> None:
        state = self.engine.state
        if is_known_head(state, request):
            self.answers.append(_Outcome(0, 0, 0, 0, 1, first=self.count, events=0))
            return
        number = int(request.commands[0]["other"])
        if state.scalars[0]["money_halted"]:
            self._run_head(build(CommandKind.REFUSE_HEAD, number=number), Refusal.MONEY_HALTED)
            return
        verdict = judge(state, request)
        if verdict.code:
            refuse = build(
                CommandKind.REFUSE_HEAD,
                code=verdict.code,
                number=number,
                value=verdict.value,
                bound=verdict.bound,
            )
            self._run_head(refuse, 0)
            return
        commands = request.commands.copy()
        self._place_payloads(commands, request.payloads)
        self._run_head(commands, 0)

    def _run_head(self, commands: Records, refusal: int) -> None:
        """Run one group as a whole; its answer is the last record's, with the events of all."""
        decisions, first = self._run(commands, np.full(len(commands), refusal, np.int64))
        told = _Outcome(*decisions[-1].tolist())
        self.answers.append(told._replace(first=first, events=self.count - first))

    def flush(self) -> None:
        """Run the plain commands that wait."""
        if not self.places:
            return
        # Joined as bytes: numpy compares the fields of every single array when it concatenates records.
        commands = np.frombuffer(b"".join(self.waiting), COMMAND)
        refusals = np.zeros(len(commands), np.int64)
        for position, refusal in self.refused:
            refusals[position] = refusal
        decisions, base = self._run(commands, refusals)
        decisions["first"] += base
        rows = decisions.tolist() if 0 in self.places else []
        position = 0
        for place in self.places:
            if place:
                self.answers.append(decisions[position : position + place])
            else:
                self.answers.append(_Outcome(*rows[position]))
            position += place or 1
        self.waiting, self.waiting_count, self.refused, self.places = [], 0, [], []

    def run_timers(self) -> None:
        """Run the timers that are due before the first command."""
        due = self.engine.next_timer_ms
        if due is not None and due <= self.ts_ms:
            self._take(self.engine.run_timers(self.ts_ms))

    def _run(self, commands: Records, refusals: Records) -> tuple[Records, int]:
        events, decisions = self.engine.run_kernel(self.ts_ms, commands, refusals)
        return decisions, self._take(events)

    def _take(self, events: Records) -> int:
        """Take the events of a run into the batch, and return the place of the first."""
        self.engine.directory.remember(events, self.payloads)
        base = self.count
        self.events.append(events)
        self.count += len(events)
        return base

    def close(self) -> Decided:
        """Return events, answers, and the payloads that events point to."""
        self.flush()
        events = _joined(self.events)
        used = np.flatnonzero(events["payload"])
        payloads: tuple[bytes, ...] = ()
        if len(used):
            kept, places = np.unique(events["payload"][used], return_inverse=True)
            events["payload"][used] = places + 1
            payloads = tuple([self.payloads[position - 1] for position in kept.tolist()])
        return Decided(events, payloads, [_told(answer, events) for answer in self.answers])


def _joined(runs: Sequence[Records]) -> Records:
    """Return the events of all runs, those of a single one as they are."""
    if len(runs) == 1:
        return runs[0]
    return np.concatenate(runs) if runs else np.zeros(0, EVENT)


def _told(answer: _Outcome | Records, events: Records) -> Answer | BlockAnswer:
    """Return an answer with its own events."""
    if isinstance(answer, _Outcome):
        code, reference, value, bound, duplicate, first, count = answer
        return Answer(events[first : first + count], code, reference, value, bound, bool(duplicate))
    first = int(answer["first"][0])
    last = int(answer["first"][-1]) + int(answer["count"][-1])
    answer["first"] -= first
    return BlockAnswer(answer, events[first:last])


def export_state(state: State, directory: Directory) -> dict[str, Any]:
    """Return the canonical form of a state; rows that are all zero but for their key are no part of it."""
    scalars = state.scalars[0]
    rows = {
        "balances": _rows(state.balances[: scalars["balances"]], "free", "held", "uncovered"),
        "ledger": _rows(state.ledger[: scalars["ledger"]], "amount", "drift"),
        "markets": _rows(state.markets[: scalars["markets"]]),
        "jobs": _rows(state.jobs[: scalars["jobs"]]),
        "addresses": _rows(state.addresses[: scalars["addresses"]]),
        "keys": [list(map(int, row)) for row in state.keys[: scalars["keys"]].tolist()],
        "fundings": [list(map(int, row)) for row in state.fundings[: scalars["fundings"]].tolist()],
        "orders": _rows(state.orders[: scalars["orders"]], "order_id"),
        "volumes": _volumes(state),
        "tiers": [list(map(int, row)) for row in state.tiers.tolist()],
        "answers": _rows(state.even_answers[: scalars["answers_even"]])
        + _rows(state.odd_answers[: scalars["answers_odd"]]),
    }
    # They count rows that may be all zero, or tell where rows stand and not what is true.
    hidden = {"balances", "ledger", "orders", "free_order", "levels", "free_level"}
    plain = {name: int(scalars[name]) for name in scalars.dtype.names if name not in hidden}
    return {"scalars": plain, **rows, "texts": directory.export()}


def _volumes(state: State) -> list[list[int]]:
    """Return ``[account, units of each day .., newest day]`` of the accounts that have traded."""
    rows = state.volumes[: int(state.scalars[0]["accounts"])]
    return [[int(slot) + 1, *rows[slot].tolist()] for slot in np.flatnonzero(rows.any(axis=1))]


def _rows(table: Records, *amounts: str) -> list[list[int]]:
    """Return sorted rows; with ``amounts``, those where one of them is not zero."""
    if amounts:
        table = table[np.logical_or.reduce([table[name] != 0 for name in amounts])]
    return sorted(list(row) for row in table.tolist())


assert COMMAND.names == WIDE_COMMAND.names, "a wide command has the fields of a command"
