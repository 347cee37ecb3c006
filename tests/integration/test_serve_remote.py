"""The engine behind its door and remote sequencers before it, over real sockets, with the log in a real database."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from app.serve.bodies import decode_block, encode_requests, encode_run, requests_of
from app.serve.errors import EngineAway, PeerRefused, RequestTooLarge
from app.serve.frames import Hello, Kind, frame, message, read_frame, read_reason
from app.serve.remote import REQUEST_BYTES_MAX
from app.serve.tail import PostgresTail
from ledger.engine.api import Block, Request
from ledger.engine.layout import CommandKind, EventKind
from ledger.engine.records import command, request
from ledger.errors import Refusal
from ledger.log.base import EMPTY_HEAD, Head
from ledger.sequencer import OutcomeUnknown, Overloaded, SequencerStopped
from tests.support.served_engine import Reader, ServedEngine, open_account, reader_of, reading

WAIT_S = 20.0


@pytest.fixture
def door() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tb-"))  # paths of sockets are short
    yield folder / "engine.sock"
    shutil.rmtree(folder)


@pytest.fixture
async def engine(postgres_url: str, door: Path) -> AsyncIterator[ServedEngine]:
    served = ServedEngine(postgres_url, door)
    await served.start()
    yield served
    await served.stop()


def cancel(account: int, *, order_id: int, text: bytes = b"") -> Request:
    """Return a plain request, refused since there is no such order."""
    record = command(CommandKind.CANCEL_ORDER, account=account, order_id=order_id)
    record["payload"] = 1 if text else 0
    return request(record, payloads=[text] if text else [])


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not is_true():  # noqa: ASYNC110 - conditions of several parts
            await asyncio.sleep(0.005)


async def test_a_request_is_answered_after_its_batch_was_seen(engine: ServedEngine) -> None:
    async with reading(engine.url, engine.path) as reader:
        answer = await reader.remote.submit(open_account("alice"))

        assert (answer.code, answer.reference, answer.duplicate) == (0, 1, False)
        assert int(answer.events["kind"][0]) == EventKind.ACCOUNT_OPENED
        assert reader.engine.seq == int(answer.events["seq"][-1])
        again = await reader.remote.submit(open_account("alice"))
        assert (again.reference, again.duplicate, len(again.events)) == (1, True, 0)


async def test_requests_of_one_moment_are_answered_in_their_order_and_every_replica_is_the_same(
    engine: ServedEngine,
) -> None:
    async with (
        reading(engine.url, engine.path, name="one") as one,
        reading(engine.url, engine.path, name="two") as two,
    ):
        names = [f"customer {number}" for number in range(500)]
        answers = await asyncio.gather(*(one.remote.submit(open_account(name)) for name in names))

        assert [answer.reference for answer in answers] == list(range(1, 501))
        await until(lambda: two.remote.head == engine.sequencer.head)
        assert one.engine.state_hash() == two.engine.state_hash() == engine.engine.state_hash()
        assert one.remote.head == engine.sequencer.head
        assert one.remote.queued == 0


async def test_a_refusal_comes_with_its_figures(engine: ServedEngine) -> None:
    async with reading(engine.url, engine.path) as reader:
        answer = await reader.remote.submit(request(command(CommandKind.CANCEL_ORDER, account=7, order_id=9)))

        assert answer.code == engine_refusal(answer.code)
        assert int(answer.events["kind"][0]) == EventKind.COMMAND_REJECTED


def engine_refusal(code: int) -> int:
    assert code
    return int(Refusal(code))


async def test_a_reader_that_comes_late_takes_what_it_missed_from_the_log(engine: ServedEngine) -> None:
    async with reading(engine.url, engine.path, name="early") as early:
        for number in range(20):
            await early.remote.submit(open_account(f"customer {number}"))

        async with reading(engine.url, engine.path, name="late") as late:
            assert late.remote.head == early.remote.head
            assert late.engine.state_hash() == early.engine.state_hash()


async def test_a_batch_that_a_stream_leaves_out_is_fetched_from_the_log_before_its_answer(
    postgres_url: str, door: Path
) -> None:
    engine = ServedEngine(postgres_url, door)
    await engine.start(batch_max=400)  # of one event at most
    try:
        async with reading(engine.url, engine.path) as reader:
            requests = [reader.remote.submit(open_account(f"customer {number}")) for number in range(10)]
            answers = await asyncio.gather(*requests)

            assert [answer.reference for answer in answers] == list(range(1, 11))
            assert all(len(answer.events) == 1 for answer in answers)
            assert reader.engine.state_hash() == engine.engine.state_hash()
    finally:
        await engine.stop()


async def test_a_database_that_ends_a_connection_is_asked_again_over_another(engine: ServedEngine) -> None:
    tail = PostgresTail(engine.url)
    async with reading(engine.url, engine.path) as reader:
        await reader.remote.submit(open_account("alice"))
        assert [batch.number for batch in await tail.after(EMPTY_HEAD)] == [0]
        asking = asyncio.create_task(tail.after(EMPTY_HEAD))
        await asyncio.sleep(0)
        tail._connection.terminate()

        with suppress(ConnectionError):  # lost in the middle, or just before
            await asking

        assert [batch.number for batch in await tail.after(EMPTY_HEAD)] == [0]
        await tail.close()


async def test_a_batch_with_a_gap_before_it_has_the_gap_filled_from_the_log(engine: ServedEngine) -> None:
    async with reading(engine.url, engine.path, name="writer") as writer:
        reader = reader_of(engine.url, engine.path)
        for number in range(3):
            await writer.remote.submit(open_account(f"customer {number}"))

        for batch in (writer.batches[2], writer.batches[0], writer.batches[2]):
            await reader.remote._pass_on(batch)

        assert [batch.number for batch in reader.batches] == [0, 1, 2]
        assert reader.engine.state_hash() == engine.engine.state_hash()
        await reader.remote.stop()


async def test_a_reader_may_be_a_batch_ahead_of_what_the_engine_knows_to_be_durable(engine: ServedEngine) -> None:
    """The database shows a commit to others before its writer hears of it."""
    async with reading(engine.url, engine.path, name="one") as one:
        await one.remote.submit(open_account("alice"))
        before = engine.sequencer.head
        await one.remote.submit(open_account("bob"))
        after, engine.sequencer._head = engine.sequencer.head, before

        async with reading(engine.url, engine.path, name="two") as two:
            assert two.remote.head == after
            engine.sequencer._head = after
            assert (await two.remote.submit(open_account("carol"))).reference == 3
            assert two.engine.state_hash() == engine.engine.state_hash()


async def test_an_engine_that_is_asked_to_end_answers_what_it_took_first(postgres_url: str, door: Path) -> None:
    engine = ServedEngine(postgres_url, door)
    await engine.start()
    async with reading(postgres_url, door) as reader:
        waiting = [reader.remote.enqueue(open_account(f"customer {number}")) for number in range(50)]
        await until(lambda: engine.sequencer.queued > 0 or waiting[0].done())
        await engine.stop()

        assert [(await future).reference for future in waiting] == list(range(1, 51))
        await until(lambda: not reader.remote.is_connected)


async def test_a_lost_engine_leaves_what_was_sent_unknown_and_takes_nothing_new(engine: ServedEngine) -> None:
    async with reading(engine.url, engine.path) as reader:
        waiting = [reader.remote.enqueue(open_account(f"customer {number}")) for number in range(3)]
        await asyncio.sleep(0)  # sent, and not answered yet
        reader.remote._writer.transport.abort()  # type: ignore[union-attr]
        unsent = None

        results = await asyncio.gather(*waiting, return_exceptions=True)
        with pytest.raises(EngineAway) as refused:
            unsent = reader.remote.enqueue(open_account("later"))

        assert unsent is None
        assert all(isinstance(result, OutcomeUnknown) for result in results)
        assert refused.value.retry_after_ms > 0
        await until(lambda: reader.remote.is_connected)
        again = [await reader.remote.submit(open_account(f"customer {number}")) for number in range(3)]
        assert [answer.reference for answer in again] == [1, 2, 3]
        assert reader.remote.reconnects == 1


async def test_a_new_life_of_the_engine_is_found_and_nothing_is_lost_or_doubled(postgres_url: str, door: Path) -> None:
    first, second = ServedEngine(postgres_url, door), ServedEngine(postgres_url, door)
    await first.start()
    reader = reader_of(postgres_url, door)
    reader.remote.start()
    await reader.remote.ready()
    before = await reader.remote.submit(open_account("alice"))
    await first.stop()
    await until(lambda: not reader.remote.is_connected)

    await second.start()
    async with asyncio.timeout(WAIT_S):
        await reader.remote.ready()
    repeated = await reader.remote.submit(open_account("alice"))
    fresh = await reader.remote.submit(open_account("bob"))

    assert (before.reference, repeated.reference, repeated.duplicate, fresh.reference) == (1, 1, True, 2)
    assert reader.engine.state_hash() == second.engine.state_hash()
    await reader.remote.stop()
    await second.stop()
    with pytest.raises(SequencerStopped):
        reader.remote.enqueue(open_account("too late"))


async def test_a_slow_reader_is_dropped_with_a_reason_and_catches_up_from_the_log(
    postgres_url: str, door: Path
) -> None:
    engine = ServedEngine(postgres_url, door)
    await engine.start(buffer_max=20_000)
    try:
        slow_reader, slow_writer = await asyncio.open_unix_connection(door)
        slow_writer.write(message(Kind.HELLO, Hello("slow", -1, EMPTY_HEAD.hash)))
        kind, _ = await read_frame(slow_reader)
        assert kind is Kind.WELCOME
        slow_reader._transport.pause_reading()  # type: ignore[attr-defined]

        async with reading(engine.url, engine.path, name="quick") as quick:
            number = 0
            while "slow" in engine.server.peers:
                await asyncio.gather(
                    *(quick.remote.submit(open_account(f"customer {number + each}")) for each in range(20))
                )
                number += 20
                assert number < 20_000, "never dropped"

            assert quick.remote.is_connected
            async with reading(engine.url, engine.path, name="slow, again") as again:
                assert again.engine.state_hash() == engine.engine.state_hash()
        slow_writer.close()
    finally:
        await engine.stop()


async def test_who_reads_a_little_too_slowly_is_told_why(engine: ServedEngine) -> None:
    reader, writer = await asyncio.open_unix_connection(engine.path)
    writer.write(message(Kind.HELLO, Hello("slow", -1, EMPTY_HEAD.hash)))
    assert (await read_frame(reader))[0] is Kind.WELCOME
    (peer,) = engine.server._peers

    peer.put(bytes(peer._buffer_max + 1))

    kind, body = await read_frame(reader)
    assert (kind, read_reason(body).code) == (Kind.BYE, "slow_reader")
    writer.close()


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        (Hello("other", -1, bytes(32), protocol=99), "version_differs"),
        (Hello("other", -1, bytes(32), layout=99), "layout_differs"),
        (Hello("other", 0, bytes(range(32))), "log_differs"),
        (Hello("other", 7, bytes(32)), "log_differs"),
    ],
)
async def test_a_peer_of_another_version_or_log_is_refused(engine: ServedEngine, hello: Hello, code: str) -> None:
    async with reading(engine.url, engine.path) as writer_of_log:
        await writer_of_log.remote.submit(open_account("alice"))
    reader, writer = await asyncio.open_unix_connection(engine.path)

    writer.write(message(Kind.HELLO, hello))
    kind, body = await read_frame(reader)

    assert (kind, read_reason(body).code) == (Kind.REFUSED, code)
    assert await reader.read() == b""
    writer.close()


async def test_a_replica_of_another_log_ends_its_process(engine: ServedEngine) -> None:
    async with reading(engine.url, engine.path) as other:
        await other.remote.submit(open_account("alice"))
    foreign = reader_of(engine.url, engine.path, head=Head(number=0, seq=1, hash=bytes(range(32)), ts_ms=1))

    foreign.remote.start()
    await until(lambda: bool(foreign.fatal))

    assert isinstance(foreign.fatal[0], PeerRefused)
    assert foreign.fatal[0].code == "log_differs"
    await foreign.remote.stop()


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\xff\xff\xff\xff\x04",
        frame(Kind.REQUESTS, b""),
        frame(Kind.REQUESTS, b"\0\0\0\0\xff\xff\xff\xff"),
        frame(Kind.REQUESTS, *encode_requests(0, [open_account("x")]), b"more"),
        frame(Kind.WELCOME, b""),
        frame(Kind.RUN, b"\0" * 12),
        frame(Kind.BLOCK, b"\0\0\0\0\x01\0\0\0\0\0\0\0" + bytes(95)),
        frame(Kind.RUN, *encode_run(0, [cancel(1, order_id=1)]), b"more"),
        b"\0\0\0\0\x77",
    ],
)
async def test_bytes_that_are_no_requests_end_that_connection_alone(engine: ServedEngine, bad: bytes) -> None:
    async with reading(engine.url, engine.path) as reader:
        other, writer = await asyncio.open_unix_connection(engine.path)
        writer.write(message(Kind.HELLO, Hello("bad", -1, EMPTY_HEAD.hash)))
        await read_frame(other)
        writer.write(bad)
        writer.write_eof()
        async with asyncio.timeout(WAIT_S):
            while await other.read(65_536):
                pass

        assert (await reader.remote.submit(open_account("alice"))).reference == 1
        await until(lambda: engine.server.peers == ["reader"])
        writer.close()


async def test_more_than_may_be_in_flight_is_refused_at_once_and_loses_nothing(engine: ServedEngine) -> None:
    async with reading(engine.url, engine.path, in_flight_max=10) as reader:
        taken = [reader.remote.enqueue(open_account(f"customer {number}")) for number in range(10)]
        with pytest.raises(Overloaded) as refused:
            reader.remote.enqueue(open_account("one more"))

        assert refused.value.retry_after_ms > 0
        assert [(await future).reference for future in taken] == list(range(1, 11))


async def test_plain_requests_travel_as_one_run_and_each_has_its_own_answer(engine: ServedEngine) -> None:
    async with reading(engine.url, engine.path) as reader:
        account = (await reader.remote.submit(open_account("alice"))).reference
        asked = [cancel(account, order_id=number) for number in range(1, 700)]
        asked[300:300] = [open_account("bob")]  # of another kind: order is kept around it
        answers = await asyncio.gather(*(reader.remote.submit(each) for each in asked))

        assert [answer.code != 0 for answer in answers] == [True] * 300 + [False] + [True] * 399
        seqs = [int(answer.events["seq"][0]) for answer in answers]
        assert seqs == list(range(seqs[0], seqs[0] + 700))
        told = [answer.value for answer in answers if answer.code]
        assert told == list(range(1, 700))
        assert reader.engine.state_hash() == engine.engine.state_hash()
        assert reader.remote.queued == 0


async def test_texts_of_a_run_stay_with_their_requests(engine: ServedEngine) -> None:
    async with reading(engine.url, engine.path) as reader:
        account = (await reader.remote.submit(open_account("alice"))).reference
        texts = {number: b"mine-%d" % number for number in (2, 3, 5)}
        asked = [cancel(account, order_id=number, text=texts.get(number, b"")) for number in range(1, 7)]

        run = decode_block(b"".join(encode_run(9, asked)))

        assert run[0] == 9
        back = requests_of(run[1])
        assert [each.payloads for each in back] == [each.payloads for each in asked]
        assert [each.commands.tobytes() for each in back] == [each.commands.tobytes() for each in asked]
        answers = await asyncio.gather(*(reader.remote.submit(each) for each in asked))
        assert len({answer.events["seq"][0] for answer in answers}) == 6


async def test_a_block_is_answered_as_a_whole(engine: ServedEngine) -> None:
    async with reading(engine.url, engine.path) as reader:
        account = (await reader.remote.submit(open_account("alice"))).reference
        block = Block(np.concatenate([cancel(account, order_id=number).commands for number in (7, 8, 9)]))

        before, answer = await asyncio.gather(
            reader.remote.enqueue(cancel(account, order_id=6)), reader.remote.enqueue_block(block)
        )

        assert [answer.one(place).value for place in range(3)] == [7, 8, 9]
        assert {answer.one(place).code for place in range(3)} == {before.code}
        assert int(before.events["seq"][0]) < int(answer.events["seq"][0])
        assert reader.remote.queued == 0


async def test_a_full_engine_takes_of_a_run_what_it_has_room_for(engine: ServedEngine) -> None:
    engine.sequencer._inbox_requests = 8
    async with reading(engine.url, engine.path) as reader:
        account = (await reader.remote.submit(open_account("alice"))).reference
        first = [reader.remote.enqueue(cancel(account, order_id=number)) for number in range(1, 7)]
        first.append(reader.remote.enqueue(open_account("bob")))
        rest = [reader.remote.enqueue(cancel(account, order_id=number)) for number in range(7, 20)]
        block = reader.remote.enqueue_block(Block(np.concatenate([cancel(account, order_id=1).commands] * 13)))

        results = await asyncio.gather(*first, *rest, block, return_exceptions=True)

        refused = [isinstance(result, Overloaded) for result in results]
        assert refused == [False] * 10 + [True] * 11
        assert reader.remote.queued == 0


async def test_an_overloaded_engine_says_so_at_once_while_others_wait(engine: ServedEngine) -> None:
    engine.sequencer._inbox_requests = 4  # and one more for what is no new order
    async with reading(engine.url, engine.path) as reader:
        results = await asyncio.gather(
            *(reader.remote.submit(open_account(f"customer {number}")) for number in range(20)), return_exceptions=True
        )

        assert sum(isinstance(result, Overloaded) for result in results) == 15
        assert not any(isinstance(result, BaseException) for result in results[:5])


async def test_a_request_that_fits_no_frame_is_refused_before_it_is_sent(engine: ServedEngine) -> None:
    async with reading(engine.url, engine.path) as reader:
        small = open_account("alice")
        with pytest.raises(RequestTooLarge):
            reader.remote.enqueue(Request(small.commands, (bytes(REQUEST_BYTES_MAX),)))

        assert (await reader.remote.submit(small)).code == 0


async def test_an_engine_that_falls_silent_is_given_up(postgres_url: str, door: Path) -> None:
    """As a stopped process is: the socket is there, and nothing comes."""

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_frame(reader)
        writer.write(message(Kind.WELCOME, welcome))
        await reader.read()
        writer.close()

    from app.serve.frames import Welcome

    welcome = Welcome(-1, 0, EMPTY_HEAD.hash, 0, 1)
    server = await asyncio.start_unix_server(mute, door)
    reader: Reader = reader_of(postgres_url, door, silence_s=0.2)
    reader.remote.start()
    await reader.remote.ready()

    with pytest.raises(OutcomeUnknown):
        await reader.remote.submit(open_account("alice"))

    await reader.remote.stop()
    server.close()
