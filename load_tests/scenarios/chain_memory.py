"""Resident memory of a node whose chain has a million accounts and half a million stake positions, in megabytes.

The chain is written to disk, the node starts on it in a process of its own, as after any restart, makes blocks with
transfers, checks its whole supply once, and answers what an account held at genesis. Then its memory is read from the
system. The baseline is a process that holds the same entries decoded in one dictionary, and no tree.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

from chain.extrinsic import call_value, sign_extrinsic
from chain.keys import KeyPair
from chain.storage_keys import storage_key
from load_tests.driver import Options
from load_tests.memory import peak_mb, resident_mb
from load_tests.populous_chain import FUNDS_RAO, account, write_populous_chain
from load_tests.report import Result
from load_tests.scenarios.chain_tps import Client, connected, running_node

ACCOUNTS = 1_000_000
STAKES = 500_000
BLOCKS = 12
"""More than a consensus epoch, at whose end the whole supply is summed."""
TRANSFERS = 500
WAIT_S = 300.0
RUNS_MAX = 2
"""Memory hardly differs from one start to the next."""
GOAL_MB = 1_500


class HistoryWrong(Exception):  # noqa: N818 - says what is the matter
    """The node does not tell what an account held, at genesis or now."""


async def run(options: Options) -> Result:
    """Write the chain once, start node and baseline on it, and return the medians."""
    accounts, stakes = max(1_000, options.scaled(ACCOUNTS)), max(500, options.scaled(STAKES))
    with tempfile.TemporaryDirectory(prefix="taobourse-load-") as name:
        folder = Path(name) / "chain"
        begun = time.perf_counter()
        entries = write_populous_chain(folder, accounts=accounts, stakes=stakes)
        written_s = time.perf_counter() - begun
        found = [await _measure(folder) for _ in range(min(options.runs, RUNS_MAX))]
        baseline = await _measure_decoded(folder)
    resident = statistics.median(one["resident_mb"] for one in found)
    return Result(
        name="chain_memory",
        value=resident,
        unit="MB",
        baseline=baseline,
        baseline_name="all entries decoded in one dictionary, no tree",
        goal=GOAL_MB,
        less_is_better=True,
        details={
            "runs": len(found),
            "sizes": {"accounts": accounts, "stakes": stakes, "entries": entries},
            "bytes_per_account": round(resident * 1e6 / accounts),
            "bytes_per_entry": round(resident * 1e6 / entries),
            "node": found,
            "written_s": round(written_s, 1),
        },
    )


async def _measure(folder: Path) -> dict[str, float]:
    """Start the node, let it work, and return its memory and how long the start took."""
    begun = time.perf_counter()
    async with running_node(folder) as ready, connected(ready["ws"], 1) as (client,):
        start_s, after_start = time.perf_counter() - begun, resident_mb(ready["pid"])
        await _work(client, bytes.fromhex(ready["genesis"][2:]))
        return {
            "start_s": round(start_s, 1),
            "after_start_mb": round(after_start),
            "resident_mb": round(resident_mb(ready["pid"])),
            "peak_mb": round(peak_mb(ready["pid"])),
        }


async def _work(client: Client, genesis: bytes) -> None:
    """Have transfers included and blocks made, and compare what some accounts had at genesis with what they have."""
    alice = KeyPair.from_uri("//Alice")
    first = int((await client.ask("chain_getHeader"))["number"], 16)
    nonce = await client.ask("system_accountNextIndex", alice.address)
    calls = [
        call_value("Balances", "transfer_keep_alive", dest=("Id", account(number)), value=1)
        for number in range(TRANSFERS)
    ]
    call = call_value("Utility", "batch_all", calls=calls)
    before = await _free_rao(client, 0, None)
    await client.submit([sign_extrinsic(alice, call, nonce=nonce, genesis_hash=genesis)])
    async with asyncio.timeout(WAIT_S):
        while int((await client.ask("chain_getHeader"))["number"], 16) < first + BLOCKS:  # noqa: ASYNC110 - over a socket
            await asyncio.sleep(0.1)
    for number in (0, TRANSFERS - 1):
        then, now = await _free_rao(client, number, "0x" + genesis.hex()), await _free_rao(client, number, None)
        if then != FUNDS_RAO or now != before + 1:
            raise HistoryWrong(f"account {number}: {then} at genesis, {now} now")


async def _free_rao(client: Client, number: int, at: str | None) -> int:
    key = "0x" + storage_key("System", "Account", account(number)).hex()
    found: Any = await client.ask("state_getStorage", key, at)
    return int.from_bytes(bytes.fromhex(found[2:])[16:24], "little")


async def _measure_decoded(folder: Path) -> float:
    command = (sys.executable, "-m", "load_tests.baselines.decoded_state", str(folder))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    answer, _ = await process.communicate()
    return float(answer)
