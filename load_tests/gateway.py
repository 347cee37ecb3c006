"""The real exchange as a child process: gateway, engine, sequencer and replica on one loop, the log in PostgreSQL.

Joined as ``app/bootstrap.py`` joins them, without link and signer: the operators' commands and the chain heads are made
by hand (``opening.py``). Rate limits are off, everything else is as it ships; nonces and orders are durable before they
are answered.
"""

import argparse
import asyncio
import os
import secrets
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import uvloop

from app.collector import spare_the_collector
from app.gateway.limits import Limits
from app.gateway.main import create_app, create_server
from app.gateway.nonces import PostgresNonces
from app.gateway.parts import Parts, wall_clock_ms
from app.gateway.replica import Replica
from app.gateway.vault import MASTER_KEY_BYTES, Vault
from app.projections.reads import HistoryReads
from app.settings import GatewaySettings
from chain.ss58 import ss58_encode
from ledger.engine.machine import Engine
from ledger.engine.views import Views
from ledger.log.postgres import PostgresLog
from ledger.sequencer import INBOX_REQUESTS, Sequencer
from load_tests.child import serve_until_told
from load_tests.opening import Opening, deposit_key

NONCE_CONNECTIONS = 2


async def serve(url: str, *, accounts: int, markets: int, inbox: int = INBOX_REQUESTS) -> None:
    """Open an exchange on an empty log and serve it until the input ends; ``inbox``: requests that may wait."""
    async with AsyncExitStack() as stack:
        event_log = PostgresLog(url)
        head = await event_log.open()
        stack.push_async_callback(event_log.close)
        follower = Engine()
        replica = Replica(follower, Views(follower))
        sequencer = Sequencer(
            engine=Engine(), log=event_log, head=head, clock=wall_clock_ms, on_fatal=_end, inbox_requests=inbox
        )
        sequencer.subscribe(replica.apply)
        sequencer.start()
        stack.push_async_callback(sequencer.stop)
        vault = Vault(secrets.token_bytes(MASTER_KEY_BYTES))
        keys = [vault.new_key() for _ in range(accounts)]
        opening = Opening(sequencer.submit, accounts=accounts, markets=markets)
        await opening.open(keys)
        history = HistoryReads(url)
        stack.push_async_callback(history.close)
        pool: Any = await asyncpg.create_pool(url, min_size=1, max_size=NONCE_CONNECTIONS)
        stack.push_async_callback(pool.close)
        settings = GatewaySettings(port=0, rate_limits=False)
        parts = Parts(
            replica=replica,
            history=history,
            sequencer=sequencer,
            vault=vault,
            nonces=PostgresNonces(pool),
            limits=Limits(enabled=settings.rate_limits),
            assign_deposit_key=_deposit_address,
            settings=settings,
        )
        told = {"keys": [(fresh.key, fresh.secret) for fresh in keys]}
        blocks = asyncio.create_task(opening.follow_blocks())
        stack.callback(blocks.cancel)
        spare_the_collector()
        await serve_until_told(create_server(create_app(parts), settings), told, {})


async def _deposit_address(account: int) -> str:
    return ss58_encode(deposit_key(account))


def _end(error: BaseException) -> None:
    os.write(2, f"{type(error).__name__}: {error}\n".encode())
    os._exit(70)


def main() -> None:
    """Run the child."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--accounts", type=int, required=True)
    parser.add_argument("--markets", type=int, required=True)
    parser.add_argument("--inbox", type=int, default=INBOX_REQUESTS)
    chosen = parser.parse_args()
    uvloop.run(serve(chosen.url, accounts=chosen.accounts, markets=chosen.markets, inbox=chosen.inbox))


if __name__ == "__main__":
    main()
