"""Nonces in a real database: durable, atomic across gateways, one commit for many."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.gateway.nonces import NONCE_MAX, NoncesUnavailable, PostgresNonces


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Any]:
    async with asyncpg.create_pool(postgres_url, min_size=2, max_size=4) as opened:
        yield opened


async def test_a_nonce_is_accepted_once_and_survives_a_restart(pool: Any) -> None:
    first = PostgresNonces(pool)
    assert await first.accept("key", 1_000, 0)

    restarted = PostgresNonces(pool)

    assert not await restarted.accept("key", 1_000, 0)
    assert not await restarted.accept("key", 999, 0)
    assert await restarted.accept("key", NONCE_MAX, 0)
    assert not await PostgresNonces(pool).accept("key", NONCE_MAX, 0)


async def test_a_window_survives_a_restart(pool: Any) -> None:
    store = PostgresNonces(pool)
    told = [await store.accept("key", nonce, 10) for nonce in (100, 95, 95, 92)]

    again = PostgresNonces(pool)

    assert told == [True, True, False, True]
    assert [await again.accept("key", nonce, 10) for nonce in (95, 92, 90, 93, 101)] == [
        False,
        False,
        False,
        True,
        True,
    ]


async def test_two_gateways_never_both_accept_a_nonce(pool: Any) -> None:
    gateways = [PostgresNonces(pool), PostgresNonces(pool)]

    for nonce in range(1, 30):
        told = await asyncio.gather(*(gateway.accept("key", nonce, 0) for gateway in gateways))
        assert sorted(told) == [False, True]


async def test_calls_of_one_moment_are_judged_in_their_order(pool: Any) -> None:
    store = PostgresNonces(pool)

    told = await asyncio.gather(*(store.accept("key", nonce, 0) for nonce in (5, 3, 6, 6, 7)))

    assert told == [True, False, True, False, True]


async def test_many_keys_share_their_statements(pool: Any) -> None:
    store = PostgresNonces(pool)
    statements = []

    class Counting:
        async def fetch(self, statement: str, *arguments: object) -> Any:
            statements.append(statement)
            return await pool.fetch(statement, *arguments)

    store._pool = Counting()
    await store.accept("first", 1, 0)
    statements.clear()

    told = await asyncio.gather(*(store.accept(f"key {i}", 1, 0) for i in range(500)))

    assert all(told)
    assert len(statements) == 4
    statements.clear()
    assert all(await asyncio.gather(*(store.accept(f"key {i}", 2, 0) for i in range(500))))
    assert len(statements) == 1


async def test_without_a_database_nothing_is_accepted(postgres_url: str) -> None:
    opened = await asyncpg.create_pool(postgres_url, min_size=1, max_size=1)
    store = PostgresNonces(opened)
    assert await store.accept("key", 1, 0)
    await opened.close()

    with pytest.raises(NoncesUnavailable):
        await store.accept("key", 2, 0)


async def test_the_next_call_finds_its_way_after_a_failure(pool: Any) -> None:
    store = PostgresNonces(pool)

    class Broken:
        async def fetch(self, *_: object) -> Any:
            raise OSError("the cable is cut")

    store._pool = Broken()
    with pytest.raises(NoncesUnavailable):
        await store.accept("key", 5, 0)
    store._pool = pool

    assert await store.accept("key", 5, 0)
