"""A websocket between link and node that can swallow submissions, fall silent, hang up and lie."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


@dataclass
class WireTap:
    """Passes frames on, except as told."""

    target: str
    url: str = ""
    swallow_submits: bool = False
    """Answer ``author_submitExtrinsic`` without passing it on."""
    silent: bool = False
    """Pass nothing from the node to the link any more."""
    lie: dict[str, Any] = field(default_factory=dict)
    """Method -> result to give instead of the node's."""
    submitted: list[str] = field(default_factory=list)
    connections: list[ServerConnection] = field(default_factory=list)
    opened: int = 0

    async def hang_up(self) -> None:
        """Close every open connection."""
        for connection in list(self.connections):
            await connection.close(code=1011)

    async def serve(self, link: ServerConnection) -> None:
        self.connections.append(link)
        self.opened += 1
        methods: dict[str, str] = {}
        try:
            async with connect(self.target, max_size=None) as node:
                upward = asyncio.create_task(self._up(link, node, methods))
                downward = asyncio.create_task(self._down(link, node, methods))
                _, waiting = await asyncio.wait({upward, downward}, return_when=asyncio.FIRST_COMPLETED)
                for task in waiting:
                    task.cancel()
                await asyncio.gather(upward, downward, return_exceptions=True)
        finally:
            self.connections.remove(link)

    async def _up(self, link: ServerConnection, node: Any, methods: dict[str, str]) -> None:
        with suppress(ConnectionClosed):
            async for frame in link:
                content = json.loads(frame)
                for request in content if isinstance(content, list) else [content]:
                    methods[request["id"]] = request["method"]
                    if request["method"] == "author_submitExtrinsic":
                        self.submitted.append(request["params"][0])
                if self.swallow_submits and isinstance(content, dict) and content["method"] == "author_submitExtrinsic":
                    await link.send(json.dumps({"jsonrpc": "2.0", "id": content["id"], "result": "0x" + "00" * 32}))
                    continue
                await node.send(frame)

    async def _down(self, link: ServerConnection, node: Any, methods: dict[str, str]) -> None:
        with suppress(ConnectionClosed):
            async for frame in node:
                if self.silent:
                    continue
                content = json.loads(frame)
                for answer in content if isinstance(content, list) else [content]:
                    method = methods.pop(answer["id"], "") if "id" in answer else ""
                    if method in self.lie:
                        answer.pop("error", None)
                        answer["result"] = self.lie[method]
                await link.send(json.dumps(content))


@asynccontextmanager
async def wire_tap(target: str) -> AsyncIterator[WireTap]:
    """Run a wire tap in front of a node on a free port."""
    tap = WireTap(target)
    async with serve(tap.serve, "127.0.0.1", 0, max_size=None) as server:
        tap.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield tap
