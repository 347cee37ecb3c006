"""The plain event table: one row per event, one INSERT and one COMMIT each, from a prepared statement."""

import time

import asyncpg

from ledger.engine.layout import Records

TABLE = "CREATE TABLE IF NOT EXISTS plain_events (seq bigint PRIMARY KEY, body bytea NOT NULL)"
INSERT = "INSERT INTO plain_events VALUES ($1, $2)"


class InsertPerEvent:
    """Appends events one by one; a statement outside a transaction block commits by itself."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._seq = 0

    async def measure(self, events: Records) -> float:
        """Append all events, and return events per second."""
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(TABLE)
            insert = await connection.prepare(INSERT)
            bodies = [event.tobytes() for event in events]
            begun = time.perf_counter()
            for body in bodies:
                self._seq += 1
                await insert.fetch(self._seq, body)
            return len(events) / (time.perf_counter() - begun)
        finally:
            await connection.close()
