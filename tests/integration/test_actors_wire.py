"""The actors' socket against servers that answer nonsense, or nothing."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from app.actors.reading import read_scene, read_storage
from app.actors.wire import NodeSocket, open_socket
from app.link.connection import NodeLost, NodeRefused

Reply = Callable[[dict[str, Any]], str | None]
GENESIS = "0x" + "11" * 32


@asynccontextmanager
async def _answered_by(reply: Reply, *, timeout_s: float = 5.0) -> AsyncIterator[NodeSocket]:
    """Connect to a server that tells its genesis and leaves the rest to ``reply``; ``None`` closes."""

    async def handle(connection: ServerConnection) -> None:
        async for frame in connection:
            asked = json.loads(frame)
            text = _answer(asked, GENESIS) if asked["method"] == "chain_getBlockHash" else reply(asked)
            if text is None:
                return
            await connection.send(text)

    async with serve(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with open_socket(f"ws://127.0.0.1:{port}", timeout_s=timeout_s) as node:
            yield node


def _answer(asked: dict[str, Any], result: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result})


@pytest.mark.parametrize("text", ["no json", "[1, 2]", "7", None])
async def test_nonsense_and_a_closed_socket_are_a_lost_node(text: str | None) -> None:
    async with _answered_by(lambda _: text) as node:
        with pytest.raises(NodeLost):
            await node.request("chain_getHead", [])


async def test_silence_is_a_lost_node() -> None:
    async with _answered_by(lambda asked: _answer({"id": -1}, asked["method"]), timeout_s=0.1) as node:
        with pytest.raises(NodeLost, match="no answer"):
            await node.request("chain_getHead", [])


async def test_a_refusal_keeps_number_message_and_data() -> None:
    error = {"code": 1010, "message": "Invalid Transaction", "data": "Custom error: 17"}
    async with _answered_by(lambda asked: json.dumps({"id": asked["id"], "error": error})) as node:
        with pytest.raises(NodeRefused, match=r"1010: Invalid Transaction \(Custom error: 17\)"):
            await node.request("author_submitExtrinsic", ["0x"])


async def test_news_that_comes_instead_of_an_answer_is_kept() -> None:
    async with _answered_by(lambda _: json.dumps({"method": "chain_finalizedHead"}), timeout_s=0.1) as node:
        with pytest.raises(NodeLost, match="no answer"):
            await node.request("chain_getHead", [])

        await node.news()


@pytest.mark.parametrize("header", [None, {}, {"number": "x"}, {"number": 7}])
async def test_a_head_without_a_number_is_a_lost_node(header: Any) -> None:
    async with _answered_by(
        lambda asked: _answer(asked, header if asked["method"] == "chain_getHeader" else GENESIS)
    ) as node:
        with pytest.raises(NodeLost):
            await node.finalised()


@pytest.mark.parametrize("groups", [None, [{}], [{"changes": [["k"]]}], 7])
async def test_storage_of_another_shape_is_a_lost_node(groups: Any) -> None:
    async with _answered_by(lambda asked: _answer(asked, groups)) as node:
        with pytest.raises(NodeLost):
            await read_storage(node, [("Tempo", (1,))], bytes(32))


async def test_bytes_that_do_not_decode_are_a_lost_node() -> None:
    def reply(asked: dict[str, Any]) -> str:
        (keys, _at) = asked["params"]
        return _answer(asked, [{"block": GENESIS, "changes": [[key, "0x01"] for key in keys]}])

    async with _answered_by(reply) as node:
        with pytest.raises(NodeLost, match="storage of this chain"):
            await read_storage(node, [("Tempo", (1,))], bytes(32))


@pytest.mark.parametrize("keys", [None, ["0x00"], [7]])
async def test_map_keys_that_are_none_are_a_lost_node(keys: Any) -> None:
    async with _answered_by(lambda asked: _answer(asked, keys)) as node:
        with pytest.raises(NodeLost):
            await read_scene(node, height=1, at=bytes(32), validators=(), miners=bytes(32))


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1", "http://127.0.0.1:1", "nonsense"])
async def test_where_nobody_listens_the_node_is_lost(url: str) -> None:
    with pytest.raises(NodeLost):
        async with open_socket(url):
            pass
