"""Both engines side by side: every request goes to both, and every difference ends the history."""

from collections.abc import Sequence
from typing import Any

from ledger.engine.api import Decided, Request
from ledger.engine.layout import EVENT, CommandKind, EventKind
from ledger.engine.machine import Engine
from ledger.engine.tables import MARKET
from tests.support.naive.exchange import Exchange, Record
from tests.support.naive_engine import NaiveAnswer, NaiveEngine

EXPORT_MARKET = {name: place for place, name in enumerate(MARKET.names or ())}


class Difference(AssertionError):  # noqa: N818 - a finding
    """The engines disagree; the message tells where."""


class Twin:
    """The compiled engine, a second one that only follows the log, and the oracle."""

    def __init__(self) -> None:
        self.compiled = Engine()
        self.follower = Engine()
        self.naive = NaiveEngine()

    @property
    def exchange(self) -> Exchange:
        """Return the oracle's state."""
        return self.naive.exchange

    def decide(self, ts_ms: int, requests: Sequence[Request]) -> list[NaiveAnswer]:
        """Let both decide one batch, and compare events, answers and states."""
        expected = self.naive.decide(ts_ms, requests)
        decided = self.compiled.decide(ts_ms, requests)
        compare_events(decided, [*self.naive.early, *(event for answer in expected for event in answer.events)])
        compare_answers(decided, expected)
        compare_states(self.naive.export(), self.compiled.export())
        if len(decided.events):
            self.follower.evolve(self.exchange.ts, decided.events, decided.payloads)
        if self.follower.state_hash() != self.compiled.state_hash():
            compare_states(self.compiled.export(), self.follower.export())
            raise Difference("a follower of the log has another state hash")
        return expected


def to_event(event: Any, payloads: Sequence[bytes]) -> Record:
    """Return a compiled event as the oracle writes it."""
    told: Record = {name: int(event[name]) for name in EVENT.names or ()}
    return told | {"payload": payloads[told["payload"] - 1] if told["payload"] else None}


def tell(event: Record) -> str:
    """Return an event for a message: its kind, and the fields that are not empty."""
    fields = {name: value for name, value in event.items() if value not in {0, None} and name != "kind"}
    return f"{EventKind(event['kind']).name} {fields}"


def compare_events(decided: Decided, ours: Sequence[Record]) -> None:
    """Raise at the first event that differs in any field."""
    theirs = [to_event(event, decided.payloads) for event in decided.events]
    for place in range(max(len(ours), len(theirs))):
        one = ours[place] if place < len(ours) else None
        other = theirs[place] if place < len(theirs) else None
        if one == other:
            continue
        fields = [name for name in one if one[name] != other[name]] if one and other else []
        story = "\n".join(f"      {tell(event)}" for event in theirs[max(place - 3, 0) : place])
        raise Difference(
            f"event {place} differs in {fields}\n  after\n{story}\n"
            f"  naive    {tell(one) if one else 'nothing'}\n  compiled {tell(other) if other else 'nothing'}"
        )


def compare_answers(decided: Decided, expected: Sequence[NaiveAnswer]) -> None:
    """Raise at the first answer that differs."""
    if len(decided.answers) != len(expected):
        raise Difference(f"{len(expected)} answers expected, {len(decided.answers)} given")
    for place, (one, other) in enumerate(zip(expected, decided.answers, strict=True)):
        ours = (len(one.events), one.code, one.reference, one.value, one.bound, one.duplicate)
        theirs = (len(other.events), other.code, other.reference, other.value, other.bound, other.duplicate)
        if ours != theirs:
            names = "(events, code, reference, value, bound, duplicate)"
            raise Difference(f"answer {place} {names}: naive {ours}, compiled {theirs}")
        seqs = [int(event["seq"]) for event in other.events]
        if seqs != [event["seq"] for event in one.events]:
            raise Difference(f"answer {place} carries events {seqs}")


def compare_states(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Raise where two canonical exports differ in anything that has a meaning."""
    one, other = meaningful(ours), meaningful(theirs)
    for part in one:
        if one[part] == other.get(part):
            continue
        if isinstance(one[part], dict):
            found: dict[str, object] = {
                key: (one[part].get(key), other[part].get(key))
                for key in {**one[part], **other[part]}
                if one[part].get(key) != other[part].get(key)
            }
        else:
            found = {
                "naive only": [row for row in one[part] if row not in other[part]],
                "compiled only": [row for row in other[part] if row not in one[part]],
            }
        raise Difference(f"state differs in {part}: {found}")


def meaningful(export: dict[str, Any]) -> dict[str, Any]:
    """Return an export without left-over figures: of closed settlements, past jumps, covered purchases, past days."""
    export = dict(export)
    scalars = dict(export["scalars"])
    if not scalars["settlement"]:
        scalars["items"] = scalars["items_done"] = 0
    column = EXPORT_MARKET
    finals = {}
    markets = []
    for kept in export["markets"]:
        row = list(kept)
        finals[row[column["netuid"]] + 1] = row[column["final_cut"]]
        if not row[column["item_job"]]:
            row[column["item_job"] : column["item_done"] + 1] = [0] * (column["item_done"] + 1 - column["item_job"])
        if not row[column["calm"]]:
            row[column["base_tao"] : column["base_weight"] + 1] = [0] * 3
        row[column["bought"]] = 0  # how the compiled engine remembers that a cut has something to cover
        markets.append(row)
    balances = []
    for key, free, held, uncovered, cut in export["balances"]:
        waits = cut > finals.get(key & (2**17 - 1), 0) and uncovered
        row = [key, free, held, uncovered if waits else 0, cut if waits else 0]
        if any(row[1:]):
            balances.append(row)
    ledger = [[*row[:4], row[4]] if row[4] else [*row[:3], 0, 0] for row in map(list, export["ledger"])]
    return export | {"scalars": scalars, "markets": markets, "balances": balances, "ledger": ledger}


def kind_of(request: Request) -> str:
    """Return what a request is, for a trace."""
    kind = int(request.commands[0]["kind"])
    known = kind in set(CommandKind)
    return f"{CommandKind(kind).name if known else kind}{'' if len(request.commands) == 1 else ' group'}"
