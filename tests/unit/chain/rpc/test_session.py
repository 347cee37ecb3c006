import asyncio
import json

import pytest

from chain.rpc.jsonrpc import RpcError
from chain.rpc.session import OUTBOX_BYTES_MAX, OUTBOX_FRAMES_MAX, SUBSCRIPTIONS_MAX, Session, Topic


async def _sent(session: Session, count: int) -> list[bytes]:
    assert await asyncio.wait_for(session.has_frames(), 5)
    return session.take_frames(count)


async def _is_closed(session: Session) -> bool:
    return not await asyncio.wait_for(session.has_frames(), 5) and not session.take_frames(1)


async def test_the_answer_with_the_id_leaves_before_the_first_notification() -> None:
    session = Session(3)
    subscription = session.subscribe(Topic.NEW_HEADS)
    session.after_answer(lambda: session.notify(subscription, {"number": "0x1"}))
    session.answer(b"answer")

    answer, notification = await _sent(session, 2)

    assert answer == b"answer"
    assert json.loads(notification) == {
        "jsonrpc": "2.0",
        "method": "chain_newHead",
        "params": {"subscription": subscription.id, "result": {"number": "0x1"}},
    }


async def test_nothing_is_sent_for_a_subscription_that_has_ended() -> None:
    session = Session(1)
    subscription = session.subscribe(Topic.STORAGE)
    assert session.unsubscribe(subscription.id)
    assert not session.unsubscribe(subscription.id)
    session.notify(subscription, 1)
    session.answer(b"next")

    assert await _sent(session, 1) == [b"next"]


def test_subscription_ids_differ_between_connections_and_within_one() -> None:
    sessions = (Session(1), Session(2))
    ids = [session.subscribe(Topic.NEW_HEADS).id for session in sessions for _ in range(3)]

    assert len(set(ids)) == 6


def test_a_connection_has_a_bounded_number_of_subscriptions() -> None:
    session = Session(1)
    for _ in range(SUBSCRIPTIONS_MAX):
        session.subscribe(Topic.NEW_HEADS)

    with pytest.raises(RpcError, match="subscriptions"):
        session.subscribe(Topic.NEW_HEADS)


async def test_a_reader_that_lets_too_many_frames_or_bytes_wait_is_overrun() -> None:
    many, large = Session(1), Session(2)
    for _ in range(OUTBOX_FRAMES_MAX + 1):
        many.send(b"x")
    frame = bytes(OUTBOX_BYTES_MAX // 2 + 1)
    large.send(frame)
    large.send(frame)

    for session in (many, large):
        assert session.is_overrun
        assert await _is_closed(session)
        session.send(b"more")
        assert await _is_closed(session)
