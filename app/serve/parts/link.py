"""The link as a process: between a node and the engine's process, with keys that only the signer's process has."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import structlog

from app.custody.errors import SignerAway
from app.link.deposits import ChainKeys
from app.link.follower import ChainLink
from app.link.settings import LinkSettings
from app.serve.following import follow_ledger
from app.serve.life import Told
from app.serve.orders import ChainOrder, Order
from app.serve.remote_signer import RemoteSigner
from app.serve.world import WORLD
from ledger.log.anchors import PostgresAnchors
from ledger.sequencer import Unavailable

__all__ = ["WORLD", "open_part"]

log = structlog.get_logger(__name__)

PAUSE_MIN_S: Final = 0.1
PAUSE_MAX_S: Final = 2.0


@asynccontextmanager
async def open_part(order: Order) -> AsyncIterator[Told]:
    """Follow the chain for a ledger that another process writes, with keys that another process holds."""
    async with AsyncExitStack() as stack:
        views, remote = await follow_ledger(stack, order)
        keys = RemoteSigner(order.signer_socket, name=order.name)
        stack.callback(keys.close)
        await _ensure_custody(ChainKeys(views, remote.submit, keys))
        chain = ChainLink.of(
            link_settings(order.chain), views, remote.submit, keys, PostgresAnchors(order.database_url)
        )
        stack.callback(remote.subscribe(chain.observe))
        following = chain.start()
        stack.push_async_callback(chain.stop)
        yield {"node": order.chain.url, "ended": following}


async def _ensure_custody(keys: ChainKeys) -> None:
    """Have our keys in the ledger; waits for engine and signer, which may be starting again."""
    pause_s = PAUSE_MIN_S
    while True:
        try:
            await keys.ensure_custody()
        except (Unavailable, SignerAway) as error:
            log.warning("link_waits", why=str(error))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)
        else:
            return


def link_settings(chain: ChainOrder) -> LinkSettings:
    """Return the link's figures for a node."""
    return LinkSettings(url=chain.url, block_interval_ms=chain.block_ms, anchor_every=chain.anchor_every)
