"""Holds what was answered against what is durable: a load test whose orders did not all fill has measured nothing."""

from ledger.engine.layout import EventKind
from ledger.log.postgres import PostgresLog


class Miscounted(Exception):  # noqa: N818 - says what is the matter
    """Fills and answers differ."""


async def count_fills(url: str) -> int:
    """Return how many fills the log of the exchange holds, read back and verified batch by batch."""
    return sum([int((batch.events["kind"] == EventKind.FILLED).sum()) async for batch in PostgresLog(url).read()])


def check_fills(name: str, *, fills: int, answered: int) -> None:
    """Raise ``Miscounted`` unless every answered order is one stored fill."""
    if fills != answered:
        raise Miscounted(f"{name}: {fills} fills for {answered} answered orders")
