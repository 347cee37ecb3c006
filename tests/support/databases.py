"""The database server of the test process, for exchanges that are built outside of a test's own fixtures."""

from itertools import count

import asyncpg

from app.postgres.embedded import EmbeddedPostgres

TEMPLATE = "migrated"


class Databases:
    """Fresh databases with the newest schema; ``server`` is set while the session's server runs."""

    def __init__(self) -> None:
        self.server: EmbeddedPostgres | None = None
        self._numbers = count(1)
        self._names: dict[str, str] = {}

    async def create(self) -> str:
        """Return the URL of a fresh database."""
        assert self.server is not None, "ask for the fixture embedded_postgres"
        name = f"built_{next(self._numbers)}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        url = self.server.url_of(name)
        self._names[url] = name
        return url

    async def drop(self, url: str) -> None:
        """Drop it."""
        await self._execute(f"DROP DATABASE {self._names.pop(url)} WITH (FORCE)")

    async def _execute(self, statement: str) -> None:
        assert self.server is not None
        connection = await asyncpg.connect(self.server.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


databases = Databases()
