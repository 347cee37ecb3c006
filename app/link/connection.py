"""One websocket to a node, through ``async-substrate-interface``: requests with a time limit, subscriptions, the codec.

Requests go over the library's socket but keep the node's whole error (code, message and data), since the data is what
tells a used nonce from a bad signature. A connection that failed once is thrown away; ``follower.py`` makes a new one.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from async_substrate_interface import AsyncSubstrateInterface
from async_substrate_interface.errors import SubstrateRequestException

from app.link.wire import CallSpec, to_hex

Json = Any
POLL_MIN_S, POLL_MAX_S = 0.001, 0.01
CLOSE_TIMEOUT_S = 5.0
MAX_BATCH = 100
"""Requests in one frame; more are sent in several."""


class LinkError(Exception):
    """What the link raises on purpose."""

    code: str = "link_error"


@dataclass(eq=False)
class NodeRefused(LinkError):  # noqa: N818 - an answer, not a failure of ours
    """The node answered with an error; ``number`` is the JSON-RPC code."""

    number: int
    message: str
    data: str = ""
    code: str = "node_refused"

    def __str__(self) -> str:
        """Return number, message and data."""
        return f"{self.code} {self.number}: {self.message}" + (f" ({self.data})" if self.data else "")


@dataclass(eq=False)
class NodeLost(LinkError):  # noqa: N818 - what happened
    """The connection is of no use any more: closed, silent, or answering nonsense."""

    detail: str
    code: str = "node_lost"

    def __str__(self) -> str:
        """Return the detail."""
        return f"{self.code}: {self.detail}"


class NodeConnection:
    """A connected node; use as ``async with NodeConnection(url) as node``."""

    def __init__(self, url: str, *, timeout_s: float = 20.0) -> None:
        self.url = url
        self._timeout_s = timeout_s
        self._substrate: Any = None
        self._runtimes: dict[int, Any] = {}
        self.genesis_hash = b""

    async def __aenter__(self) -> Self:
        """Connect; raises ``NodeLost``."""
        # No retries of its own: it cannot keep subscriptions over a reconnect, so the whole connection is rebuilt.
        self._substrate = AsyncSubstrateInterface(
            self.url, ss58_format=42, ws_shutdown_timer=None, max_retries=1, retry_timeout=self._timeout_s
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._substrate.initialize()
            self.genesis_hash = from_hex(await self.request("chain_getBlockHash", [0]))
        except LinkError:
            await self.close()
            raise
        except (OSError, TimeoutError, SubstrateRequestException, ValueError) as error:
            await self.close()
            raise NodeLost(f"{self.url}: {type(error).__name__}: {error}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close; never raises for a socket that is gone already."""
        await self.close()

    async def close(self) -> None:
        """Close the socket and end the library's tasks."""
        if self._substrate is not None:
            with suppress(Exception):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._substrate.close()

    async def request(self, method: str, params: Sequence[Json]) -> Json:
        """Return the result of one call; raises ``NodeRefused`` and ``NodeLost``."""
        return (await self.requests([(method, params)]))[0]

    async def requests(self, calls: Sequence[tuple[str, Sequence[Json]]]) -> list[Json]:
        """Return the results of several calls, sent in as few frames as allowed; the first refusal is raised."""
        answers: list[Json] = []
        for start in range(0, len(calls), MAX_BATCH):
            part = calls[start : start + MAX_BATCH]
            payloads = [{"jsonrpc": "2.0", "method": method, "params": list(params)} for method, params in part]
            answers += [_result(answer) for answer in await self._exchange(payloads)]
        return answers

    async def subscribe(self, method: str) -> AsyncIterator[Json]:
        """Yield the notifications of a subscription; ends only by raising ``NodeLost``."""
        subscription = await self.request(method, [])
        while True:
            message = await self._retrieve(subscription)
            yield message["params"]["result"]

    async def runtime(self, block_hash: bytes, spec_version: int) -> Any:
        """Return the library's codec for the blocks of a spec version, loaded at ``block_hash`` the first time."""
        if spec_version not in self._runtimes:
            try:
                async with asyncio.timeout(self._timeout_s):
                    runtime = await self._substrate.init_runtime(block_hash=to_hex(block_hash))
            except (OSError, TimeoutError, SubstrateRequestException, ValueError) as error:
                raise NodeLost(f"metadata: {type(error).__name__}: {error}") from error
            self._runtimes = {spec_version: runtime}
        return self._runtimes[spec_version]

    def compose(self, runtime: Any, call: CallSpec) -> bytes:
        """Return a call's bytes by the names of the node's metadata."""
        encoder = runtime.runtime_config.create_scale_object("Call", metadata=runtime.metadata)
        return bytes(encoder.encode(call).data)

    async def _exchange(self, payloads: list[dict[str, Json]]) -> list[dict[str, Json]]:
        ws = self._substrate.ws
        ids: list[str] = []
        try:
            async with asyncio.timeout(self._timeout_s):
                if len(payloads) == 1:
                    ids = [await ws.send(payloads[0])]
                else:
                    ids = await ws.send_batch(payloads)
                return [await self._retrieve(item) for item in ids]
        except TimeoutError as error:
            raise NodeLost(f"no answer to {payloads[0]['method']} in {self._timeout_s} s") from error
        finally:
            for item in ids:
                await ws.discard_request(item)

    async def _retrieve(self, item: str) -> dict[str, Json]:
        """Wait for one answer or notification; the library offers no other way than to look."""
        wait_s = POLL_MIN_S
        while True:
            try:
                message = await self._substrate.ws.retrieve(item)
            except Exception as error:
                raise NodeLost(f"{type(error).__name__}: {error}") from error
            if message is not None:
                return dict(message)
            if self._substrate.ws.ws is None:
                raise NodeLost("the socket is closed")
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, POLL_MAX_S)


def from_hex(text: Json) -> bytes:
    """Return the bytes of the node's text; raises ``NodeLost`` for anything else."""
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except (AttributeError, ValueError) as error:
        raise NodeLost(f"not bytes: {text!r:.80}") from error


def _result(answer: dict[str, Json]) -> Json:
    error = answer.get("error")
    if error is not None:
        raise NodeRefused(
            number=int(error.get("code", 0)), message=str(error.get("message", "")), data=str(error.get("data") or "")
        )
    return answer.get("result")
