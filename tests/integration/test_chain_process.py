"""The node as a process: its line on stdout, a clean stop, and what a SIGKILL at any moment leaves behind."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chain.extrinsic import call_value, sign_extrinsic
from chain.keys import KeyPair
from chain.startup import load_head
from chain.storage.store import ChainStore
from chain.storage_keys import storage_key
from tests.support.chain_node import WAIT_SECONDS, RawClient, raw_client

ALICE, BOB = KeyPair.from_uri("//Alice"), KeyPair.from_uri("//Bob")
BOB_KEY = "0x" + storage_key("System", "Account", BOB.public).hex()
ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def _process(folder: Path, *arguments: str) -> AsyncIterator[tuple[Process, dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chain", "--data-dir", str(folder), "--port", "0", *arguments),
        stdout=PIPE,
        stderr=PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            line = await process.stdout.readline()
        yield process, json.loads(line)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _transfers(client: RawClient, genesis: str, first: int, count: int) -> list[str]:
    """Send transfers of one rao and return the blocks that were said to hold them."""
    blocks = []
    for nonce in range(first, first + count):
        data = sign_extrinsic(
            ALICE,
            call_value("Balances", "transfer_keep_alive", dest=("Id", BOB.public), value=1),
            nonce=nonce,
            genesis_hash=bytes.fromhex(genesis[2:]),
        )
        await client.call("author_submitAndWatchExtrinsic", "0x" + data.hex())
        while True:
            result = (await client.next_notification())["result"]
            if "finalized" in result:
                blocks.append(result["finalized"])
                break
    return blocks


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_node_says_where_it_listens_and_stops_when_asked(tmp_path: Path, signum: signal.Signals) -> None:
    async with _process(tmp_path, "--block-ms", "20") as (process, ready):
        async with raw_client(ready["ws"]) as client:
            assert await client.call("chain_getBlockHash", 0) == ready["genesis"]
            await client.call("chain_subscribeNewHeads")
            for _ in range(3):
                await client.next_notification()
        process.send_signal(signum)
        async with asyncio.timeout(WAIT_SECONDS):
            assert await process.wait() == 0


async def test_what_was_finalized_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    told: list[str] = []
    genesis = ""
    for cycle in range(4):
        async with _process(tmp_path, "--block-ms", "10") as (process, ready):
            async with raw_client(ready["ws"]) as client:
                assert genesis in {"", ready["genesis"]}
                genesis = ready["genesis"]
                for block_hash in told:
                    assert await client.call("chain_getHeader", block_hash) is not None
                assert await client.call("account_nextIndex", ALICE.address) == len(told)
                told += await _transfers(client, genesis, len(told), 3)
                head = await client.call("chain_getHeader")
                for _ in range(cycle):
                    await asyncio.sleep(0.003)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        assert ready["height"] <= int(head["number"], 16)

    store = ChainStore(tmp_path)
    seed = bytes.fromhex((tmp_path / "validator.seed").read_text())
    restored = load_head(store, preset="dev", validator=KeyPair.from_seed(seed), reward_account=bytes(32), time_ms=0)
    store.close()
    assert restored.height >= int(head["number"], 16)
    assert restored.state.get("System.Account", ALICE.public)["nonce"] == len(told) == 12


async def test_the_project_command_runs_a_node_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app.cli", "chain", "run", "--data-dir", str(tmp_path), "--port", "0"]
    process = await asyncio.create_subprocess_exec(*command, "--seal", "on_tx", stdout=PIPE, cwd=ROOT)
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_SECONDS):
        ready = json.loads(await process.stdout.readline())
        async with raw_client(ready["ws"]) as client:
            assert len(await _transfers(client, ready["genesis"], 0, 1)) == 1
        process.terminate()
        assert await process.wait() == 0


async def test_a_node_that_cannot_start_says_why_and_exits_with_three(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chain", "--data-dir", str(tmp_path), "--host", "0.0.0.0"),
        stdout=PIPE,
        stderr=PIPE,
        cwd=ROOT,
    )
    async with asyncio.timeout(WAIT_SECONDS):
        out, err = await process.communicate()

    assert process.returncode == 3
    assert out == b""
    assert b"dev_loopback" in err


async def test_a_node_that_belongs_to_its_parent_stops_with_it(tmp_path: Path) -> None:
    """The parent is killed without a word; the folder must be free for the next start."""
    node = f"{sys.executable} -m chain --data-dir {tmp_path} --port 0 --with-parent"
    parent = await asyncio.create_subprocess_exec("sh", "-c", f"{node} & wait", stdout=PIPE, cwd=ROOT)
    assert parent.stdout is not None
    async with asyncio.timeout(WAIT_SECONDS):
        assert json.loads(await parent.stdout.readline())["height"] == 0
        parent.kill()
        await parent.wait()
        # The node holds the other end of the pipe until it has ended.
        assert await parent.stdout.read() == b""

    ChainStore(tmp_path).close()
