"""The projector as a process: history is folded from the log alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.projections.projector import PAGES_APART, Projector
from app.serve.life import Told
from app.serve.orders import Order
from app.serve.world import WORLD

__all__ = ["WORLD", "open_part"]


@asynccontextmanager
async def open_part(order: Order) -> AsyncIterator[Told]:
    """Fold history from the log alone; nobody waits for it."""
    folding = Projector(order.database_url, pages_max=PAGES_APART)
    folding.start()
    try:
        yield {"projections": sorted(folding.progress)}
    finally:
        await folding.stop()
