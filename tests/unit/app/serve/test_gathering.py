"""A block over the engine's door: the same answer as beside it, or the truth that nobody knows."""

import asyncio

import numpy as np
import pytest

from app.serve.gathering import enqueue_each, join_answers
from ledger.engine.api import Answer, Block, Request
from ledger.engine.layout import COMMAND, EVENT, CommandKind
from ledger.sequencer import OutcomeUnknown, Overloaded, Unavailable


def a_block(*places: int) -> Block:
    """Return a block of orders whose texts stand at these places."""
    commands = np.zeros(len(places), COMMAND)
    commands["kind"] = CommandKind.PLACE_ORDER
    commands["payload"] = places
    commands["amount"] = np.arange(len(places))
    return Block(commands, (b"one", b"two"))


def answer(count: int, reference: int, code: int = 0) -> Answer:
    events = np.zeros(count, EVENT)
    events["seq"] = np.arange(reference, reference + count)
    return Answer(events, code, reference, value=3, bound=4, duplicate=not count)


class Door:
    """Takes requests, as many as there is room for, and answers when told."""

    def __init__(self, room: int = 100) -> None:
        self.asked: list[Request] = []
        self.futures: list[asyncio.Future[Answer]] = []
        self.room = room

    def enqueue(self, request: Request) -> asyncio.Future[Answer]:
        if len(self.asked) == self.room:
            raise Overloaded(queued=self.room, retry_after_ms=1)
        self.asked.append(request)
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]


async def test_each_command_travels_with_its_own_text_and_the_answers_come_back_as_one() -> None:
    door = Door()
    joined = enqueue_each(a_block(0, 2, 1), door.enqueue)
    answers = [answer(2, 10), answer(0, 7, code=5), answer(1, 30)]
    for future, one in zip(door.futures, answers, strict=True):
        future.set_result(one)
    told = await joined

    assert [request.payloads for request in door.asked] == [(), (b"two",), (b"one",)]
    assert [request.commands["payload"].tolist() for request in door.asked] == [[0], [1], [1]]
    assert [request.commands["amount"].tolist() for request in door.asked] == [[0], [1], [2]]
    assert told.events["seq"].tolist() == [10, 11, 30]
    for place, one in enumerate(answers):
        assert told.one(place).events.tobytes() == one.events.tobytes()
        assert told.one(place)[1:] == one[1:]


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([Overloaded(1, 2), Overloaded(1, 2), Overloaded(1, 2)], Overloaded),
        ([None, Overloaded(1, 2), None], OutcomeUnknown),
        ([OutcomeUnknown(), None, None], OutcomeUnknown),
    ],
)
async def test_a_block_that_was_taken_in_part_is_one_whose_outcome_is_unknown(
    errors: list[Unavailable | None], expected: type[Unavailable]
) -> None:
    door = Door()
    joined = enqueue_each(a_block(0, 0, 0), door.enqueue)
    for number, (future, error) in enumerate(zip(door.futures, errors, strict=True), 1):
        if error is None:
            future.set_result(answer(1, number))
        else:
            future.set_exception(error)

    with pytest.raises(expected):
        await joined


async def test_a_door_that_takes_nothing_says_so_and_one_that_takes_a_part_leaves_it_unknown() -> None:
    with pytest.raises(Overloaded):
        enqueue_each(a_block(0, 0), Door(room=0).enqueue)
    door = Door(room=1)
    joined = enqueue_each(a_block(0, 0), door.enqueue)
    door.futures[0].set_result(answer(1, 1))

    with pytest.raises(OutcomeUnknown):
        await joined


def test_answers_without_events_join_to_none() -> None:
    assert len(join_answers([answer(0, 1), answer(0, 2)]).events) == 0
