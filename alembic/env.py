"""Runs migrations on a connection that the exchange passes in, or on TAOBOURSE_DATABASE_URL for the command line."""

import asyncio
import os

from sqlalchemy import Connection, text

from alembic import context
from ledger.log.migrate import MIGRATION_LOCK, connect_engine


def run(connection: Connection) -> None:
    """Run the wanted steps in one transaction; of two programs that start together, one waits for the other."""
    context.configure(connection=connection, target_metadata=None, transaction_per_migration=False)
    with context.begin_transaction():
        connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        context.run_migrations()


async def run_on_url(url: str) -> None:
    """Connect for the command line."""
    engine = connect_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(run_on_url(os.environ["TAOBOURSE_DATABASE_URL"]))
