"""Head groups that must be refused whole, made of sound ones."""

from collections.abc import Sequence
from random import Random

from ledger.engine.api import Request
from ledger.engine.layout import (
    CommandKind,
    Records,
)
from ledger.engine.records import head_group
from tests.model.scene import ABSURD


def spoil_frame(rng: Random, commands: Records, payloads: Sequence[bytes]) -> Request:
    """Return a group with a wrong beginning, end, count or digest."""
    what = rng.randrange(7)
    if what == 0:
        commands = commands[1:]
    elif what == 1:
        commands = commands[:-1]
    elif what == 2:
        commands[-1]["other"] += 1
    elif what == 3:
        commands[-1]["digest"] ^= 1
    elif what == 4:
        commands[0]["kind"] = CommandKind.HEAD_END
    elif what == 5:
        return head_group([commands[:-1], commands[-1:]], payloads)
    else:
        commands[0]["payload"] = 99
    return Request(commands, tuple(payloads))


def spoil_order(rng: Random, commands: Records, payloads: Sequence[bytes]) -> Request:
    """Return a group, signed off anew, with a record moved to another place."""
    body = commands[:-1].copy()
    if len(body) > 1:
        one, other = rng.randrange(len(body)), rng.randrange(len(body))
        body[[one, other]] = body[[other, one]]
    if rng.random() < 0.3:
        body[-1]["kind"] = rng.choice((CommandKind.PLACE_ORDER, 0, 99, CommandKind.REFUSE_HEAD))
    return head_group([body], payloads)


def spoil_parent(rng: Random, commands: Records, payloads: Sequence[bytes]) -> Request:
    """Return a group of another height, parent or time."""
    body = commands[:-1].copy()
    name = rng.choice(("other", "other", "order_id", "limit", "aux"))
    step = -(10**10) if name == "aux" else rng.choice((1, -1))
    body[0][name] = max(int(body[0][name]) + step, 0) if name == "other" else int(body[0][name]) ^ step
    return head_group([body], payloads)


def spoil_record(rng: Random, commands: Records, payloads: Sequence[bytes]) -> Request:
    """Return a group with an absurd figure in one of its records, or a record twice."""
    body = commands[:-1].copy()
    place = rng.randrange(len(body))
    if rng.random() < 0.2:
        return head_group([body[: place + 1], body[place : place + 1], body[place + 1 :]], payloads)
    name = rng.choice(("key", "other", "netuid", "code", "flags", "amount", "tao", "limit", "aux", "order_id"))
    width = {"key": 2**32, "other": 2**32, "netuid": 2**16, "code": 2**16, "flags": 2**16}.get(name)
    if place == 0 and name == "aux":
        name = "key"  # a head of the far future is sound, and the end of every history
        width = 2**32
    body[place][name] = rng.choice((0, 1, 3, 99, width - 1)) if width else rng.choice((*ABSURD, 10**12))
    return head_group([body], payloads)
