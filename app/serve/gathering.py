"""A block of commands asked of another process, as the requests that travel, and its answers joined again."""

import asyncio
from collections.abc import Callable

import numpy as np

from ledger.engine.api import Answer, Block, BlockAnswer, Request
from ledger.engine.layout import EVENT
from ledger.engine.tables import DECISION
from ledger.sequencer import OutcomeUnknown, Overloaded


def enqueue_each(block: Block, enqueue: Callable[[Request], asyncio.Future[Answer]]) -> asyncio.Future[BlockAnswer]:
    """Queue the commands of a block one by one, and return where their answers will appear together.

    Where the engine took some of them and not all, nobody knows better than ``OutcomeUnknown`` says. What ``enqueue``
    raises for the first is raised.
    """
    waiting: list[asyncio.Future[Answer]] = []
    for place, payload in enumerate(block.commands["payload"].tolist()):
        commands = block.commands[place : place + 1]
        texts: tuple[bytes, ...] = ()
        if payload:
            commands = commands.copy()
            commands["payload"] = 1
            texts = block.payloads[payload - 1 : payload]
        try:
            waiting.append(enqueue(Request(commands, texts)))
        except Exception:
            if not waiting:
                raise
            break
    joined: asyncio.Future[BlockAnswer] = asyncio.get_running_loop().create_future()
    is_whole = len(waiting) == len(block.commands)
    gathered = asyncio.gather(*waiting, return_exceptions=True)
    gathered.add_done_callback(lambda _: _join(joined, waiting, is_whole=is_whole))
    return joined


def _join(joined: "asyncio.Future[BlockAnswer]", waiting: list["asyncio.Future[Answer]"], *, is_whole: bool) -> None:
    if joined.done():  # the asker may have gone away
        return
    errors = [future.exception() for future in waiting]
    if is_whole and all(isinstance(error, Overloaded) for error in errors):
        joined.set_exception(errors[0] or OutcomeUnknown())
    elif not is_whole or any(errors):
        joined.set_exception(OutcomeUnknown())
    else:
        joined.set_result(join_answers([future.result() for future in waiting]))


def join_answers(answers: list[Answer]) -> BlockAnswer:
    """Return the answers to the commands of a block as the answer to the block."""
    decisions = np.zeros(len(answers), DECISION)
    decisions["count"] = [len(answer.events) for answer in answers]
    decisions["first"][1:] = np.cumsum(decisions["count"])[:-1]
    for place, name in enumerate(("code", "reference", "value", "bound", "duplicate"), 1):
        decisions[name] = [answer[place] for answer in answers]
    parts = [answer.events for answer in answers if len(answer.events)]
    return BlockAnswer(decisions, np.concatenate(parts) if parts else np.zeros(0, EVENT))
