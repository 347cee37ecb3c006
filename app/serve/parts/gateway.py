"""A gateway as a process: reads from a replica of its own, writes through the engine's socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import asyncpg

from app.custody.errors import SignerAway
from app.ending import end_process
from app.gateway.kraken import errors
from app.gateway.kraken.errors import Refused
from app.gateway.limits import TIERS, Limits
from app.gateway.main import create_app, create_server, listening_port
from app.gateway.nonces import PostgresNonces
from app.gateway.parts import Parts
from app.gateway.replica import Replica
from app.gateway.tokens import SealedTokens
from app.gateway.vault import Vault, load_or_create_master_key
from app.link.deposits import ChainKeys
from app.opening import tell_refused
from app.projections.reads import HistoryReads
from app.serve.life import Told
from app.serve.metrics import EngineMetrics
from app.serve.orders import MASTER_KEY, Order
from app.serve.remote import RemoteSequencer
from app.serve.remote_signer import RemoteSigner
from app.serve.sockets import shared_port
from app.serve.tail import PostgresTail
from app.serve.world import WORLD
from app.settings import GatewaySettings
from ledger.sequencer import Unavailable

__all__ = ["WORLD", "open_part"]

NONCE_CONNECTIONS: Final = 2
START_TIMEOUT_S: Final = 30.0


@asynccontextmanager
async def open_part(order: Order) -> AsyncIterator[Told]:
    """Open one of several doors on one port.

    It listens once its replica has what the log has, whether or not an engine is there: reads need none.
    """
    async with AsyncExitStack() as stack:
        settings = GatewaySettings.model_validate(order.gateway)
        listening = shared_port(settings.host, settings.port)
        stack.callback(listening.close)
        replica = await Replica.begin(order.database_url, tell_refused)
        history = HistoryReads(order.database_url)
        stack.push_async_callback(history.close)
        remote = RemoteSequencer(
            order.engine_socket,
            name=order.name,
            head=replica.head,
            tail=PostgresTail(order.database_url),
            on_fatal=end_process,
        )
        remote.subscribe(replica.apply)
        remote.start()
        stack.push_async_callback(remote.stop)
        await remote.caught_up()
        keys = RemoteSigner(order.signer_socket, name=order.name)
        stack.callback(keys.close)
        chain_keys = ChainKeys(replica.reads, remote.submit, keys)

        async def assign_deposit_key(account: int) -> str:
            try:
                return await chain_keys.assign_deposit_key(account)
            except (Unavailable, SignerAway) as error:
                raise Refused(errors.UNAVAILABLE, error.code) from error

        pool: Any = await asyncpg.create_pool(order.database_url, min_size=1, max_size=NONCE_CONNECTIONS)
        stack.push_async_callback(pool.close)
        master_key = load_or_create_master_key(order.folder / MASTER_KEY)
        parts = Parts(
            replica=replica,
            history=history,
            sequencer=remote,
            vault=Vault(master_key),
            nonces=PostgresNonces(pool),
            limits=Limits(TIERS[settings.tier], enabled=settings.rate_limits),
            assign_deposit_key=assign_deposit_key,
            settings=settings,
            is_ready=lambda: remote.is_connected,
            tokens=SealedTokens(master_key, replica.find_key),
            more_metrics=EngineMetrics(remote).exposition,
            name=order.name,
        )
        server = create_server(create_app(parts), settings)
        serving = asyncio.create_task(server.serve(sockets=[listening]), name="gateway")

        async def close() -> None:
            server.should_exit = True
            await asyncio.wait([serving])

        stack.push_async_callback(close)
        async with asyncio.timeout(START_TIMEOUT_S):
            while not server.started:
                if serving.done():
                    serving.result()
                    raise OSError(f"the gateway could not listen on {settings.host}:{settings.port}")
                await asyncio.sleep(0.01)
        yield {"port": listening_port(server), "seq": replica.seq, "ended": serving}
