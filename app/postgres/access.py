"""How commands reach a database: by its URL, through the exchange that runs, or by starting the embedded server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.postgres.embedded import EmbeddedPostgres
from app.postgres.errors import DataFolderInUse, EmbeddedPostgresError


@dataclass(eq=False)
class NoDatabase(EmbeddedPostgresError):  # noqa: N818 - says what is missing
    """The folder holds no embedded database; commands that read never make one."""

    data_dir: Path
    code: str = "no_database"

    def __str__(self) -> str:
        """Return the code and the folder."""
        return f"{self.code}: {self.data_dir} holds no database"


@asynccontextmanager
async def reach_database(data_dir: Path, url: str | None = None) -> AsyncIterator[str]:
    """Yield the URL of a database that exists: ``url`` if given, else the embedded one of ``data_dir``.

    An exchange may run on the folder; its server is then used and left running. Raises ``NoDatabase``.
    """
    if url is not None:
        yield url
        return
    server = EmbeddedPostgres(data_dir)
    if not server.cluster.exists():
        raise NoDatabase(data_dir=data_dir)
    try:
        await server.start()
    except DataFolderInUse:
        running = EmbeddedPostgres(data_dir).url_of_running()
        if running is None:
            raise
        yield running
        return
    try:
        yield server.url
    finally:
        await server.stop()
