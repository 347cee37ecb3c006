"""Signed transfers per second through one development validator: a real node in a process of its own, on a real disk.

Measured from the first submission over the websocket to the finalised block that holds the last one; a block is durable
before it is told of. Transfers are signed before, sent over several connections at once, and counted twice: in the
blocks, and by what the receiver has got. The baseline checks the same signatures and books a durable SQLite
transaction per transfer, without any socket.
"""

import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from chain.extrinsic import call_value, sign_extrinsic
from chain.keys import KeyPair
from chain.storage_keys import storage_key
from load_tests.baselines.insert_per_transfer import InsertPerTransfer, SignedTransfer
from load_tests.driver import Options
from load_tests.report import Result, spread

ACCOUNTS = 256
TRANSFERS_PER_ACCOUNT = 32
BASELINE_TRANSFERS = 2_000
CONNECTIONS = 4
BLOCK_MS = 250
FUNDS_RAO = 10**9
FUNDED_AT_ONCE = 128
WAIT_S = 120.0
RECEIVER = bytes(range(32))
GOAL = 3_000
_RECEIVER_KEY = "0x" + storage_key("System", "Account", RECEIVER).hex()


class TransfersLost(Exception):  # noqa: N818 - says what is the matter
    """The node refused transfers, or the receiver has not got what was sent."""


class Client:
    """One connection that asks one thing at a time."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def ask(self, method: str, *params: Any) -> Any:
        """Return the result of a call; raises ``TransfersLost`` with its error."""
        await self._connection.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
        return _result(await self._connection.recv())

    async def submit(self, extrinsics: Sequence[bytes]) -> None:
        """Submit one extrinsic per frame without waiting between them, and read all answers."""
        frames = [
            json.dumps(
                {"jsonrpc": "2.0", "id": number, "method": "author_submitExtrinsic", "params": ["0x" + one.hex()]}
            )
            for number, one in enumerate(extrinsics)
        ]

        async def send() -> None:
            for frame in frames:
                await self._connection.send(frame)

        sending = asyncio.create_task(send())
        for _ in frames:
            _result(await self._connection.recv())
        await sending


async def run(options: Options) -> Result:
    """Measure node and baseline in turns, and return the medians."""
    accounts = max(2, options.scaled(ACCOUNTS))
    keys = [KeyPair.from_uri(f"//Alice//load//{number}") for number in range(accounts)]
    rates: list[float] = []
    cpu_us: list[float] = []
    baselines: list[float] = []
    per_block: list[int] = []
    with tempfile.TemporaryDirectory(prefix="taobourse-load-") as folder:
        naive = _open_naive(Path(folder) / "transfers.sqlite", keys)
        async with running_node(Path(folder) / "chain") as ready, connected(ready["ws"], CONNECTIONS) as clients:
            genesis = bytes.fromhex(ready["genesis"][2:])
            await _fund(clients[0], keys, genesis)
            for turn in range(options.runs):
                signed = _sign(keys, genesis, first=turn * TRANSFERS_PER_ACCOUNT)
                before = cpu_seconds(ready["pid"])
                rate, counts = await _measure(clients, signed)
                cpu_us.append((cpu_seconds(ready["pid"]) - before) / sum(counts) * 1e6)
                rates.append(rate)
                per_block += counts
                baselines.append(naive.measure(_plain(keys, options.scaled(BASELINE_TRANSFERS))))
        naive.close()
    return Result(
        name="chain_tps",
        value=statistics.median(rates),
        unit="transfers/s",
        baseline=statistics.median(baselines),
        baseline_name="signature and one durable SQLite transaction per transfer, no socket",
        goal=GOAL,
        details={
            "runs": options.runs,
            "transfers": spread(rates),
            "node_cpu_us_per_transfer": spread(cpu_us),
            "sqlite": spread(baselines),
            "sizes": {"accounts": accounts, "per_run": accounts * TRANSFERS_PER_ACCOUNT, "connections": CONNECTIONS},
            "blocks": {"interval_ms": BLOCK_MS, "transfers_max": max(per_block), "count": len(per_block)},
        },
    )


@asynccontextmanager
async def running_node(folder: Path) -> AsyncIterator[dict[str, Any]]:
    """Run a node as its command does, yield what it says once it listens, and stop it as an operator would."""
    command = (sys.executable, "-m", "chain", "--data-dir", str(folder), "--port", "0", "--block-ms", str(BLOCK_MS))
    process = await asyncio.create_subprocess_exec(*command, "--with-parent", stdout=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WAIT_S):
            line = await process.stdout.readline()
        if not line:
            raise TransfersLost("the node did not start")
        yield {**json.loads(line), "pid": process.pid}
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(WAIT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used so far, in user and system mode, all its threads."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def connected(url: str, count: int) -> AsyncIterator[list[Client]]:
    """Open so many connections to a node."""
    connections = [await connect(url, max_size=None, compression=None) for _ in range(count)]
    try:
        yield [Client(connection) for connection in connections]
    finally:
        for connection in connections:
            await connection.close()


async def _measure(clients: Sequence[Client], signed: Sequence[Sequence[bytes]]) -> tuple[float, list[int]]:
    """Submit every account's transfers, and return how many a second were finalised and how many each block held."""
    # An account's transfers take one connection, so that they come in the order of their nonces.
    shares = [[one for account in signed[at :: len(clients)] for one in account] for at in range(len(clients))]
    wanted = sum(len(share) for share in shares)
    height, before = await _head(clients[0]), await _received(clients[0])
    begun = time.perf_counter()
    async with asyncio.timeout(WAIT_S):
        await asyncio.gather(*(client.submit(share) for client, share in zip(clients, shares, strict=True)))
        counts: list[int] = []
        while sum(counts) < wanted:
            while (block := await clients[0].ask("chain_getBlockHash", height + 1)) is None:  # noqa: ASYNC110 - over a socket
                await asyncio.sleep(BLOCK_MS / 20_000)
            height += 1
            found = await clients[0].ask("chain_getBlock", block)
            counts.append(len(found["block"]["extrinsics"]) - 1)
    taken = time.perf_counter() - begun
    received = await _received(clients[0]) - before
    if received != wanted * FUNDS_RAO // 1_000:
        raise TransfersLost(f"{wanted} transfers were sent, {received} rao arrived")
    return wanted / taken, [count for count in counts if count]


async def _fund(client: Client, keys: Sequence[KeyPair], genesis: bytes) -> None:
    """Give every account and the receiver TAO from Alice, in batches, and wait for it."""
    alice = KeyPair.from_uri("//Alice")
    targets = [RECEIVER, *(key.public for key in keys)]
    batches = [targets[at : at + FUNDED_AT_ONCE] for at in range(0, len(targets), FUNDED_AT_ONCE)]
    for nonce, batch in enumerate(batches):
        calls = [call_value("Balances", "transfer_keep_alive", dest=("Id", one), value=FUNDS_RAO) for one in batch]
        call = call_value("Utility", "batch_all", calls=calls)
        await client.submit([sign_extrinsic(alice, call, nonce=nonce, genesis_hash=genesis)])
    async with asyncio.timeout(WAIT_S):
        wanted = "0x" + len(batches).to_bytes(4, "little").hex()
        asked = ("state_call", "AccountNonceApi_account_nonce", "0x" + alice.public.hex())
        while await client.ask(*asked) != wanted:  # noqa: ASYNC110 - over a socket
            await asyncio.sleep(BLOCK_MS / 1_000)


def _sign(keys: Sequence[KeyPair], genesis: bytes, *, first: int) -> list[list[bytes]]:
    amount = FUNDS_RAO // 1_000
    call = call_value("Balances", "transfer_keep_alive", dest=("Id", RECEIVER), value=amount)
    nonces = range(first, first + TRANSFERS_PER_ACCOUNT)
    return [[sign_extrinsic(key, call, nonce=nonce, genesis_hash=genesis) for nonce in nonces] for key in keys]


def _open_naive(path: Path, keys: Sequence[KeyPair]) -> InsertPerTransfer:
    naive = InsertPerTransfer(path)
    for account in (RECEIVER, *(key.public for key in keys)):
        naive.open_account(account, 10**15)
    return naive


def _plain(keys: Sequence[KeyPair], count: int) -> list[SignedTransfer]:
    transfers = []
    for number in range(count):
        key, message = keys[number % len(keys)], number.to_bytes(100, "little")
        transfers.append(SignedTransfer(key.public, RECEIVER, FUNDS_RAO // 1_000, message, key.sign(message)))
    return transfers


async def _head(client: Client) -> int:
    return int((await client.ask("chain_getHeader"))["number"], 16)


async def _received(client: Client) -> int:
    """Return the receiver's free rao, as the state holds it."""
    found = await client.ask("state_getStorage", _RECEIVER_KEY)
    return int.from_bytes(bytes.fromhex(found[2:])[16:24], "little")


def _result(frame: str | bytes) -> Any:
    answer = json.loads(frame)
    if "error" in answer:
        raise TransfersLost(str(answer["error"]))
    return answer["result"]
