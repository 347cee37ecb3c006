"""A step of the development set-up: house funds on the chain and listed markets, before the link imports anything."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.demo.setup import House, prepare_house
from app.link.deposits import ChainKeys
from app.serve.following import follow_ledger
from app.serve.life import Told
from app.serve.orders import Order
from app.serve.remote_signer import RemoteSigner
from app.serve.world import WORLD

__all__ = ["WORLD", "open_part"]


@asynccontextmanager
async def open_part(order: Order) -> AsyncIterator[Told]:
    """Do it where it is still to be done."""
    async with AsyncExitStack() as stack:
        await prepare_house(await open_house(stack, order))
        yield {}


async def open_house(stack: AsyncExitStack, order: Order) -> House:
    """Return what the set-up works with, over the sockets of engine and signer."""
    views, remote = await follow_ledger(stack, order)
    keys = RemoteSigner(order.signer_socket, name=order.name)
    stack.callback(keys.close)
    return House(
        reads=views,
        submit=remote.submit,
        chain_keys=ChainKeys(views, remote.submit, keys),
        signer=keys,
        node_url=order.chain.url,
    )
