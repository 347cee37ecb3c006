"""The signer as a process: the only one that opens the seed; it reaches neither database nor node."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.custody.keys import HOT_NUMBER, TRADING_NUMBER
from app.custody.opening import open_keyring, open_signer
from app.ending import end_process
from app.serve.life import Told
from app.serve.orders import Order
from app.serve.signer_server import SignerServer
from app.serve.sockets import clear_socket
from app.times import wall_clock_ms
from ledger.engine.layout import KeyRole


@asynccontextmanager
async def open_part(order: Order) -> AsyncIterator[Told]:
    """Unseal the keys and open the signer's door."""
    async with AsyncExitStack() as stack:
        passphrase = None if order.passphrase is None else order.passphrase.encode()
        keyring = await asyncio.to_thread(open_keyring, order.folder, passphrase)
        opened = open_signer(
            order.folder,
            keyring,
            hot=keyring.public(KeyRole.HOT, HOT_NUMBER),
            trading=keyring.public(KeyRole.TRADING, TRADING_NUMBER),
            genesis_hash=bytes.fromhex(order.chain.genesis),
            clock_ms=wall_clock_ms,
        )
        stack.callback(opened.journal.close)
        server = SignerServer(opened, on_fatal=end_process)
        clear_socket(order.signer_socket)
        await server.start(order.signer_socket)
        stack.push_async_callback(server.stop)
        yield {"genesis": order.chain.genesis}
