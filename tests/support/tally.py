"""A small state machine with the engine's face: it counts, keeps timers, and can be told to break."""

import heapq
from collections.abc import Sequence

import numpy as np

from ledger.engine.api import Answer, Block, BlockAnswer, Decided, Request, empty_records
from ledger.engine.layout import COMMAND, EVENT, CommandKind, Records
from ledger.engine.tables import DECISION

COUNT = 1
"""Command kind: append ``amount`` events; the payload goes into the first."""
ARM = 2
"""Command kind: append one event now, and another once the time in ``aux`` has come."""
BREAK = 3
"""Command kind: raise."""
COUNTED = (COUNT, CommandKind.PLACE_ORDER, CommandKind.CANCEL_ORDER)
"""Command kinds that count, with places of their own in a full inbox; a block may hold the last two."""
RANG = 9
"""Event kind of a timer."""


class TallyBroken(Exception):  # noqa: N818 - says what happened
    """The machine was told to break."""


class Tally:
    """State: how many events of each account, and the sum of everything ever applied."""

    def __init__(self) -> None:
        self.seq = 0
        self.ts_ms = 0
        self.counts: dict[int, int] = {}
        self.timers: list[int] = []

    @property
    def next_timer_ms(self) -> int | None:
        return self.timers[0] if self.timers else None

    def decide(self, ts_ms: int, requests: Sequence[Request | Block]) -> Decided:
        parts: list[Records] = []
        payloads: list[bytes] = []
        seq = self.seq
        due = [timer for timer in self.timers if timer <= ts_ms]
        parts.append(self._events(seq, len(due), kind=RANG))
        seq += len(due)
        spans: list[list[int]] = []
        for request in requests:
            ends = [seq]
            for command in request.commands:
                if command["kind"] == BREAK:
                    raise TallyBroken
                count = int(command["amount"]) if command["kind"] in COUNTED else 1
                events = self._events(seq, count, kind=int(command["kind"]), account=int(command["account"]))
                if count and command["payload"]:
                    payloads.append(request.payloads[int(command["payload"]) - 1])
                    events["payload"][0] = len(payloads)
                events["aux"] = command["aux"]
                parts.append(events)
                seq += count
                ends.append(seq)
            spans.append(ends)
        events = np.concatenate(parts)
        first = self.seq
        self.evolve(ts_ms, events, payloads)
        answers = [_answer(request, events, first, ends) for request, ends in zip(requests, spans, strict=True)]
        return Decided(events=events, payloads=tuple(payloads), answers=answers)

    def evolve(self, ts_ms: int, events: Records, payloads: Sequence[bytes]) -> None:
        self.ts_ms = ts_ms
        for event in events:
            account = int(event["account"])
            self.counts[account] = self.counts.get(account, 0) + 1
            if event["kind"] == ARM:
                heapq.heappush(self.timers, int(event["aux"]))
            elif event["kind"] == RANG:
                heapq.heappop(self.timers)
            self.seq = int(event["seq"])

    @staticmethod
    def _events(seq: int, count: int, *, kind: int, account: int = 0) -> Records:
        events = empty_records(EVENT, count)
        events["seq"] = np.arange(seq + 1, seq + count + 1)
        events["kind"] = kind
        events["account"] = account
        return events


def _answer(asked: Request | Block, events: Records, first: int, ends: list[int]) -> Answer | BlockAnswer:
    """Return the answer whose commands end at these seqs, from the one before the first."""
    own = events[ends[0] - first : ends[-1] - first]
    if isinstance(asked, Request):
        return Answer(events=own, code=0, reference=ends[-1], duplicate=not len(own))
    decisions = empty_records(DECISION, len(ends) - 1)
    decisions["first"] = np.array(ends[:-1]) - ends[0]
    decisions["count"] = np.diff(ends)
    decisions["reference"] = ends[1:]
    return BlockAnswer(decisions, own)


def ask_block(*amounts: int, kind: int = CommandKind.PLACE_ORDER) -> Block:
    """Return a block of one command per amount, each to append so many events."""
    return Block(ask(*amounts, kind=kind).commands)


def ask(*amounts: int, account: int = 1, kind: int = COUNT, aux: int = 0, payload: bytes | None = None) -> Request:
    """Return a request of one command per amount, each to append so many events."""
    commands = empty_records(COMMAND, len(amounts))
    commands["kind"] = kind
    commands["account"] = account
    commands["amount"] = amounts
    commands["aux"] = aux
    commands["payload"] = 0 if payload is None else 1
    return Request(commands=commands, payloads=() if payload is None else (payload,))
