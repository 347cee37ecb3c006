"""Brings a database to the newest schema from inside the program; a database that has it costs one query."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

SCRIPTS = Path(__file__).resolve().parents[2] / "alembic"
MIGRATION_LOCK = 7_262_690_001


def newest_revision() -> str:
    """Return the newest revision: files in ``alembic/versions`` begin with their number."""
    return max(path.name.partition("_")[0] for path in (SCRIPTS / "versions").glob("[0-9]*_*.py"))


async def migrate(url: str) -> bool:
    """Upgrade to the newest schema; return whether anything had to be done."""
    if await read_revision(url) == newest_revision():
        return False
    from alembic.command import upgrade

    await _run(url, lambda config: upgrade(config, "head"))
    return True


async def downgrade(url: str, revision: str) -> None:
    """Go back to a revision, ``base`` for an empty database; the log's content is lost with its tables."""
    from alembic.command import downgrade as step_down

    await _run(url, lambda config: step_down(config, revision))


async def read_revision(url: str) -> str | None:
    """Return the database's revision, or None for one that was never migrated."""
    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return None
        revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
        return revision
    finally:
        await connection.close()


def connect_engine(url: str) -> "AsyncEngine":
    """Return an engine that connects as asyncpg itself would, so that one form of URL serves everywhere."""
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(url)

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)


async def _run(url: str, step: "Callable[[Config], None]") -> None:
    from alembic.config import Config

    def run(connection: "Connection") -> None:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        step(config)

    engine = connect_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()
