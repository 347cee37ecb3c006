"""The schema goes up, down and up again, and guards the log."""

import asyncpg
import pytest

from ledger.log.migrate import downgrade, migrate, newest_revision, read_revision

CATALOGUE = """
    SELECT relname, relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT proname, 'function' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT tgrelid::regclass || '.' || tgname, 'trigger' FROM pg_trigger WHERE NOT tgisinternal
    ORDER BY 1, 2
"""


async def read_catalogue(url: str) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(url)
    try:
        return [(row[0], row[1]) for row in await connection.fetch(CATALOGUE)]
    finally:
        await connection.close()


async def test_the_schema_goes_up_down_and_up_to_the_same_place(empty_postgres_url: str) -> None:
    assert await read_revision(empty_postgres_url) is None

    assert await migrate(empty_postgres_url)
    first = await read_catalogue(empty_postgres_url)
    await downgrade(empty_postgres_url, "base")
    emptied = await read_catalogue(empty_postgres_url)
    assert await migrate(empty_postgres_url)

    assert {name for name, _ in emptied} == {"alembic_version", "alembic_version_pkc"}
    assert len(first) > 20
    assert await read_catalogue(empty_postgres_url) == first
    assert await read_revision(empty_postgres_url) == newest_revision()


async def test_a_database_that_is_up_to_date_is_left_alone(postgres_url: str) -> None:
    assert not await migrate(postgres_url)


@pytest.mark.parametrize("table", ["event_pages", "event_pages_0", "event_pages_1", "batches"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET {column} = {column}"])
async def test_the_log_refuses_every_change(postgres_url: str, table: str, change: str) -> None:
    column = "hash" if table == "batches" else "body"
    connection = await asyncpg.connect(postgres_url)
    try:
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await connection.execute(change.format(table, column=column))
    finally:
        await connection.close()

    assert refusal.value.sqlstate == "TB001"


@pytest.mark.parametrize("table", ["event_pages", "batches"])
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE", "TRUNCATE"])
async def test_the_writers_role_has_no_grant_to_change_the_log(postgres_url: str, table: str, verb: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        allowed = await connection.fetchval("SELECT has_table_privilege('taobourse_writer', $1, $2)", table, verb)
        inserts = await connection.fetchval("SELECT has_table_privilege('taobourse_writer', $1, 'INSERT')", table)
    finally:
        await connection.close()

    assert not allowed
    assert inserts


async def test_partitions_are_made_ahead_and_only_once(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        upto = await connection.fetchval("SELECT make_event_partitions(25000000)")
        again = await connection.fetchval("SELECT make_event_partitions(25000000)")
        parts = await connection.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'event_pages'::regclass")
    finally:
        await connection.close()

    assert (upto, again, parts) == (29_999_999, 29_999_999, 3)
