"""A real node on loopback for tests, a client's key, and a bare JSON-RPC client for what libraries hide."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from chain.keys import KeyPair, Scheme
from chain.node import Node, NodeConfig

SEED = bytes(range(32))
"""The validator's key in tests, so that two runs make the same chain."""

GENESIS_TIME_MS = 1_700_000_000_000
WAIT_SECONDS = 20


class ClientKey:
    """A key as client libraries want it, over the chain's own."""

    def __init__(self, uri: str, scheme: str = Scheme.SR25519) -> None:
        self.pair = KeyPair.from_uri(uri, scheme)
        self.crypto_type = 0 if scheme == Scheme.ED25519 else 1
        self.public_key = self.pair.public
        self.ss58_address = self.pair.address
        self.ss58_format = 42

    def sign(self, data: bytes | bytearray | str) -> bytes:
        return self.pair.sign(bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else bytes(data))


class Ticker:
    """A clock that moves a second at each look."""

    def __init__(self, start_ms: int = GENESIS_TIME_MS) -> None:
        self._ticks = itertools.count(start_ms, 1_000)

    def __call__(self) -> int:
        return next(self._ticks)


@asynccontextmanager
async def running_node(folder: Path, *, seal: str = "on_tx", **settings: Any) -> AsyncIterator[Node]:
    """Run a development node on a free port until the block ends."""
    chosen = {"port": 0, "validator_seed": SEED, "seal": seal, **settings}
    node = Node(NodeConfig(data_dir=folder, **chosen))
    await node.start()
    try:
        yield node
    finally:
        await node.stop()


class RawClient:
    """Sends frames as they are; answers and notifications are kept apart."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.notifications: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.frames: list[dict[str, Any]] = []
        self._ids = itertools.count(1)

    async def call(self, method: str, *params: Any) -> Any:
        """Return the result; raises ``AssertionError`` with the error object."""
        answer = await self.ask(method, *params)
        assert "result" in answer, answer
        return answer["result"]

    async def fail(self, method: str, *params: Any) -> dict[str, Any]:
        """Return the error object of a call that must fail."""
        answer = await self.ask(method, *params)
        assert "error" in answer, answer
        return answer["error"]

    async def ask(self, method: str, *params: Any) -> dict[str, Any]:
        number = next(self._ids)
        await self.connection.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        while True:
            message = await self._receive()
            if message.get("id") == number:
                return message
            await self.notifications.put(message)

    async def next_notification(self) -> dict[str, Any]:
        """Return the next notification's params."""
        if self.notifications.empty():
            await self.notifications.put(await self._receive())
        params: dict[str, Any] = (await self.notifications.get())["params"]
        return params

    async def _receive(self) -> dict[str, Any]:
        async with asyncio.timeout(WAIT_SECONDS):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        self.frames.append(message)
        return message


@asynccontextmanager
async def raw_client(node: Node | str) -> AsyncIterator[RawClient]:
    """Connect a bare client to a node."""
    url = node if isinstance(node, str) else node.url
    async with connect(url, max_size=None) as connection:
        yield RawClient(connection)
