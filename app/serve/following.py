"""A copy of the ledger for a process that does not decide: the newest snapshot, then the log, then the stream."""

from contextlib import AsyncExitStack

from app.ending import end_process
from app.serve.orders import Order
from app.serve.remote import RemoteSequencer
from app.serve.tail import PostgresTail
from ledger.codec import Batch
from ledger.engine.views import Views
from ledger.log.postgres import read_head
from ledger.log.recovery import newest_engine


async def follow_ledger(stack: AsyncExitStack, order: Order) -> tuple[Views, RemoteSequencer]:
    """Return reads that follow the engine's process, and the way to submit to it; it answers when this returns."""
    url = order.database_url
    copy, head = await newest_engine(url, await read_head(url))

    def follow(batch: Batch) -> None:
        copy.evolve(batch.ts_ms, batch.events, batch.payloads)

    remote = RemoteSequencer(
        order.engine_socket, name=order.name, head=head, tail=PostgresTail(url), on_fatal=end_process
    )
    remote.subscribe(follow)
    remote.start()
    stack.push_async_callback(remote.stop)
    await remote.ready()
    return Views(copy), remote
