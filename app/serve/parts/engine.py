"""The single writer of the log as a process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from app.ending import end_process
from app.opening import open_sequencer
from app.serve.engine_server import EngineServer
from app.serve.life import Told
from app.serve.orders import Order
from app.serve.sockets import clear_socket, held
from app.serve.tail import stored_hash
from app.serve.world import WORLD
from app.times import wall_clock_ms
from ledger.engine.warm_up import warm_up
from ledger.log.postgres import PostgresLog

__all__ = ["WORLD", "open_part"]

LOCK_WAIT_S: Final = 30.0
"""How long a new engine waits for the database session of one that was killed."""


@asynccontextmanager
async def open_part(order: Order) -> AsyncIterator[Told]:
    """Open the door of the single writer; a lock in the data folder keeps a second one out before the log does."""
    async with AsyncExitStack() as stack:
        stack.enter_context(held(order.folder / "engine.lock", "engine"))
        url = order.database_url
        event_log = PostgresLog(url, lock_wait_s=LOCK_WAIT_S)
        sequencer = await open_sequencer(
            stack,
            event_log,
            url=url,
            clock=wall_clock_ms,
            snapshots=order.snapshots.settings(),
            on_fatal=end_process,
        )
        server = EngineServer(
            sequencer,
            hash_of=lambda number: stored_hash(url, number),
            on_fatal=end_process,
            writer_epoch=event_log.writer_epoch,
        )
        warm_up()  # the first order must not wait for kernels to be loaded
        clear_socket(order.engine_socket)
        await server.start(order.engine_socket)
        stack.push_async_callback(server.stop)
        yield {"seq": sequencer.head.seq, "writer_epoch": event_log.writer_epoch}
