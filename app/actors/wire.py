"""One websocket to a node, for one caller that asks a thing at a time: it hears at once when the node goes away."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from app.link.connection import NodeLost, NodeRefused, from_hex

ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024


class NodeSocket:
    """Requests and the heads of one connection; use ``open_socket``."""

    def __init__(self, url: str, connection: ClientConnection, *, timeout_s: float) -> None:
        self.url = url
        self.genesis_hash = b""
        self._connection = connection
        self._timeout_s = timeout_s
        self._ids = itertools.count(1)
        self._has_news = False

    async def request(self, method: str, params: Sequence[Any]) -> Any:
        """Return the result of one call; raises ``NodeRefused`` and ``NodeLost``."""
        return (await self.requests([(method, params)]))[0]

    async def requests(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Return the results of several calls, all sent before the first answer; the first refusal is raised."""
        ids = list(itertools.islice(self._ids, len(calls)))
        answers: dict[Any, dict[str, Any]] = {}
        try:
            async with asyncio.timeout(self._timeout_s):
                for number, (method, params) in zip(ids, calls, strict=True):
                    call = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
                    await self._connection.send(json.dumps(call))
                while len(answers) < len(ids):
                    message = await self._receive()
                    if message.get("id") in ids:
                        answers[message["id"]] = message
        except TimeoutError as error:
            raise NodeLost(f"{self.url}: no answer in {self._timeout_s:.0f} s") from error
        except WebSocketException as error:
            raise self._lost(error) from error
        return [_result(answers[number]) for number in ids]

    async def finalised(self) -> tuple[int, bytes]:
        """Return height and hash of the finalised head; raises ``NodeLost``."""
        head = await self.request("chain_getFinalizedHead", [])
        header = await self.request("chain_getHeader", [head])
        try:
            return int(header["number"], 16), from_hex(head)
        except (TypeError, KeyError, ValueError) as error:
            raise NodeLost(f"{self.url}: not a header: {header!r:.80}") from error

    async def follow(self) -> None:
        """Ask for notice of every finalised head; ``news`` then waits for them."""
        await self.request("chain_subscribeFinalizedHeads", [])

    async def news(self) -> None:
        """Return when something was told since the last call, however long that takes; raises ``NodeLost``."""
        try:
            while not self._has_news:
                await self._receive()
        except WebSocketException as error:
            raise self._lost(error) from error
        self._has_news = False

    async def _receive(self) -> dict[str, Any]:
        text = await self._connection.recv()
        try:
            message = json.loads(text)
        except ValueError as error:
            raise NodeLost(f"{self.url}: not JSON: {text!r:.80}") from error
        if not isinstance(message, dict):
            raise NodeLost(f"{self.url}: not an answer: {text!r:.80}")
        self._has_news |= "method" in message
        return message

    def _lost(self, error: Exception) -> NodeLost:
        return NodeLost(f"{self.url}: {type(error).__name__}: {error}")


@asynccontextmanager
async def open_socket(url: str, *, timeout_s: float = 20.0) -> AsyncIterator[NodeSocket]:
    """Connect, and close in the end; raises ``NodeLost`` where nobody answers."""
    try:
        connection = await connect(url, max_size=ANSWER_BYTES_MAX, open_timeout=timeout_s)
    except (OSError, TimeoutError, ValueError, WebSocketException) as error:
        raise NodeLost(f"{url}: {type(error).__name__}: {error}") from error
    try:
        node = NodeSocket(url, connection, timeout_s=timeout_s)
        node.genesis_hash = from_hex(await node.request("chain_getBlockHash", [0]))
        yield node
    finally:
        await connection.close()


def _result(answer: dict[str, Any]) -> Any:
    error = answer.get("error")
    if error is not None:
        raise NodeRefused(
            number=int(error.get("code", 0)), message=str(error.get("message", "")), data=str(error.get("data") or "")
        )
    return answer.get("result")
