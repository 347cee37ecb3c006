"""How tests speak at the ``/v2`` door: frames over loopback, heartbeats passed over."""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection

from tests.support.small_exchange import decode_frame

WAIT_SECONDS = 10


async def receive(connection: ClientConnection, *, raw: bool = False) -> Any:
    """Return the next frame that is no heartbeat."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            frame = await connection.recv()
            told = decode_frame(frame)
            if told.get("channel") != "heartbeat":
                return frame if raw else told


async def call(connection: ClientConnection, method: str, **params: Any) -> dict[str, Any]:
    """Send a request, and return the next answer, passing over frames of channels."""
    await connection.send(json.dumps({"method": method, "params": params, "req_id": 9}))
    told = await receive(connection)
    while "method" not in told:
        told = await receive(connection)
    assert (told["method"], told["req_id"]) == (method, 9)
    return dict(told)
