"""What goes into a frame comes out of it, and nothing else does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.serve.bodies import (
    Row,
    Status,
    decode_batch,
    decode_block,
    decode_decisions,
    decode_number,
    decode_requests,
    decode_rows,
    encode_batch,
    encode_block,
    encode_decisions,
    encode_left_out,
    encode_requests,
    encode_row,
    encode_run,
    is_plain,
    next_number,
    numbers_from,
    requests_of,
)
from app.serve.errors import FrameBroken
from ledger.engine.api import Block, BlockAnswer, Request
from ledger.engine.layout import COMMAND, EVENT, CommandKind
from ledger.engine.tables import DECISION
from ledger.log.base import EMPTY_HEAD
from tests.support.batches import batch_after

texts = st.binary(max_size=40)
kinds = st.sampled_from([CommandKind.PLACE_ORDER, CommandKind.CANCEL_ORDER, CommandKind.AMEND_ORDER])


def records(count: int, *, kind: int = CommandKind.PLACE_ORDER, seed: int = 0) -> np.ndarray:
    made = np.frombuffer(np.random.default_rng(seed).bytes(count * COMMAND.itemsize), COMMAND).copy()
    made["kind"] = kind
    made["payload"] = 0
    return made


@st.composite
def plain_requests(draw: st.DrawFn) -> Request:
    commands = records(1, kind=draw(kinds), seed=draw(st.integers(0, 1_000)))
    text = draw(st.none() | texts)
    if text is None:
        return Request(commands)
    commands["payload"] = 1
    return Request(commands, (text,))


@st.composite
def any_requests(draw: st.DrawFn) -> Request:
    commands = records(draw(st.integers(1, 5)), seed=draw(st.integers(0, 1_000)))
    return Request(commands, tuple(draw(st.lists(texts, max_size=4))))


def same(left: list[Request], right: list[Request]) -> bool:
    return [(each.commands.tobytes(), each.payloads) for each in left] == [
        (each.commands.tobytes(), each.payloads) for each in right
    ]


@given(asked=st.lists(any_requests(), min_size=1, max_size=8), first=st.integers(0, 2**32 - 1))
def test_requests_come_back_as_they_were_asked(asked: list[Request], first: int) -> None:
    number, back = decode_requests(b"".join(encode_requests(first, asked)))

    assert number == first
    assert same(back, asked)
    assert all(each.commands.flags.writeable for each in back)


@given(asked=st.lists(plain_requests(), min_size=1, max_size=8))
def test_a_run_comes_back_as_the_requests_that_it_was_made_of(asked: list[Request]) -> None:
    assert all(map(is_plain, asked))

    number, block = decode_block(b"".join(encode_run(5, asked)))

    assert number == 5
    assert len(block.commands) == len(asked)
    assert same(requests_of(block), asked)


@given(body=st.binary(max_size=300))
def test_any_other_bytes_are_refused_with_an_error_of_their_own(body: bytes) -> None:
    for decode in (decode_requests, decode_block, decode_batch, decode_decisions, decode_number, decode_rows):
        try:
            decode(body)
        except FrameBroken:
            continue


@given(data=st.data())
def test_a_body_that_was_cut_is_refused(data: st.DataObject) -> None:
    asked = data.draw(st.lists(any_requests(), min_size=1, max_size=3))
    body = b"".join(encode_requests(0, asked))
    cut = data.draw(st.integers(0, len(body) - 1))

    with pytest.raises(FrameBroken):
        decode_requests(body[:cut])


def test_what_a_block_may_not_hold_is_not_plain() -> None:
    assert not is_plain(Request(records(1, kind=CommandKind.OPEN_ACCOUNT)))
    assert not is_plain(Request(records(1, kind=CommandKind.HEAD_BEGIN)))
    assert not is_plain(Request(records(2)))
    assert not is_plain(Request(records(1), (b"a", b"b")))


def test_a_block_with_commands_that_are_not_plain_is_refused() -> None:
    body = b"".join(encode_block(0, Block(records(1))))
    foreign = bytearray(body)
    foreign[12:14] = int(CommandKind.OPEN_ACCOUNT).to_bytes(2, "little")

    with pytest.raises(FrameBroken):
        decode_block(bytes(foreign))


def test_answers_and_decisions_come_back() -> None:
    rows = [Row(1, Status.ANSWERED, 1, 17, 3, 2, 9, -4, 5), Row(2**32 - 1, Status.OVERLOADED, 0, 0, 0, 0, 0, 7, 100)]
    decisions = np.zeros(2, DECISION)
    decisions["reference"] = (4, 5)
    answer = BlockAnswer(decisions, np.zeros(3, EVENT))

    batch, back = decode_rows((12).to_bytes(8, "little") + b"".join(map(encode_row, rows)))
    told = decode_decisions(b"".join(encode_decisions(8, answer, batch=12, first=4)))

    assert (batch, back) == (12, rows)
    assert told[:3] == (8, 12, slice(4, 7))
    assert told[3].tolist() == decisions.tolist()


def test_a_batch_comes_back_with_its_hash_recomputed() -> None:
    batch = batch_after(EMPTY_HEAD, 3, payloads=[b"text"])
    body = b"".join(encode_batch(batch))

    assert decode_batch(body).hash == batch.hash
    assert decode_number(encode_left_out(batch)) == batch.number
    with pytest.raises(FrameBroken):
        decode_batch(body[:-1] + b"?")


def test_numbers_begin_again_after_their_last() -> None:
    assert next_number(2**32 - 1) == 0
    assert list(numbers_from(2**32 - 2, 4)) == [2**32 - 2, 2**32 - 1, 0, 1]
