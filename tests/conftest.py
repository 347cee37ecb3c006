"""Fixtures for everybody: one embedded database server per test process, one fresh database per test."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from app.postgres.embedded import EmbeddedPostgres
from ledger.log.migrate import migrate
from tests.support.databases import TEMPLATE, databases

# A first call may compile a kernel; how long a test may take is the suite's own limit.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def embedded_postgres() -> Iterator[EmbeddedPostgres]:
    """Run one server for the whole session, in a folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="taobourse-tests-"))
    server = EmbeddedPostgres(folder / "data", wal_mb=96, shared_buffers_mb=32)

    async def start() -> None:
        await server.start()
        await _execute(server.url, f"CREATE DATABASE {TEMPLATE}")
        await migrate(server.url_of(TEMPLATE))

    try:
        asyncio.run(start())
        databases.server = server
        yield server
    finally:
        asyncio.run(server.stop())
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _database_names() -> Iterator[str]:
    return (f"test_{number}" for number in count(1))


@pytest.fixture
def postgres_url(embedded_postgres: EmbeddedPostgres, _database_names: Iterator[str]) -> Iterator[str]:
    """Give the test its own database with the newest schema, dropped afterwards."""
    yield from _fresh_database(embedded_postgres, next(_database_names), TEMPLATE)


@pytest.fixture
def empty_postgres_url(embedded_postgres: EmbeddedPostgres, _database_names: Iterator[str]) -> Iterator[str]:
    """Give the test its own database without any table, dropped afterwards."""
    yield from _fresh_database(embedded_postgres, next(_database_names), "template0")


def _fresh_database(server: EmbeddedPostgres, name: str, template: str) -> Iterator[str]:
    asyncio.run(_execute(server.url, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield server.url_of(name)
    asyncio.run(_execute(server.url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
