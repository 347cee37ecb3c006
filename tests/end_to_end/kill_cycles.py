"""SIGKILL under orders, again and again, with a client that remembers every answer it got.

After each kill the demo is started again and everything is asked for anew: what was answered must stand unchanged, what
was sent without an answer is sent again under the same id, and the balances must be the sum of all orders, each counted
once.

``python -m tests.end_to_end.kill_cycles --cycles 20`` prints a line per cycle and exits 0 or 7.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from amm.units import format_decimal, parse_decimal
from app.demo.check import Child, compare_custody, start_child
from app.demo.client import ExchangeClient, Refused
from app.demo.run import DemoOptions
from app.link.connection import NodeConnection
from app.link.reader import BlockReader
from chain.keys import KeyPair, ss58_encode

TAO = 10**9
WORKERS = 4
QUERY_MAX = 50
COLD = KeyPair.from_uri("//Cold//kill").public
ADDRESS_NAME = "cold"
DIFFERS = 7


class Broken(AssertionError):  # noqa: N818 - what happened
    """A promise was not kept."""


@dataclass
class Memory:
    """All that the client ever sent and was told."""

    start: dict[str, int] = field(default_factory=dict)
    sent: dict[str, dict[str, str]] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    seen: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    withdrawals_sent: int = 0
    withdrawals_answered: set[str] = field(default_factory=set)

    @property
    def unanswered(self) -> list[str]:
        return [name for name in self.sent if name not in self.answered and name not in self.refused]


async def run_cycles(options: DemoOptions, *, cycles: int, seed: int, say: Callable[[str], None]) -> Memory:
    """Run so many kills; raises ``Broken`` at the first promise that was not kept."""
    rng = random.Random(seed)
    memory = Memory()
    child = await start_child(options)
    try:
        async with child.client() as client:
            memory.start = await _balances(client)
            await client.add_address(asset="TAO", name=ADDRESS_NAME, address=ss58_encode(COLD))
        for cycle in range(cycles):
            began = time.monotonic()
            await _trade_until_killed(child, memory, rng)
            lost = len(memory.unanswered)
            child = await start_child(options)
            async with child.client() as client:
                await _send_again(client, memory)
                await _check_orders(client, memory)
                await _check_balances(client, memory)
            compared = await compare_custody(child.told["rest"], child.told["chain_ws"])
            say(
                f"cycle {cycle + 1}: {len(memory.answered)} answers kept, {lost} sent again,"
                f" {len(memory.refused)} refused, {compared} balances equal the chain's,"
                f" {time.monotonic() - began:.1f} s"
            )
        async with child.client() as client:
            await _check_withdrawals(client, child, memory)
        say(f"{len(memory.withdrawals_answered)} withdrawals answered, each paid once")
    finally:
        await child.stop()
    return memory


async def _trade_until_killed(child: Child, memory: Memory, rng: random.Random) -> None:
    workers = [asyncio.create_task(_trade(child, memory, random.Random(rng.getrandbits(64)))) for _ in range(WORKERS)]
    withdrawing = asyncio.create_task(_withdraw(child, memory))
    await asyncio.sleep(rng.uniform(0.2, 2.0))
    await child.kill()
    for outcome in await asyncio.gather(*workers, withdrawing, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def _trade(child: Child, memory: Memory, rng: random.Random) -> None:
    async with child.client() as client:
        for _ in range(10_000):
            name = f"k{rng.getrandbits(60):015x}"
            memory.sent[name] = _order(rng)
            try:
                await _send(client, memory, name)
            except httpx.HTTPError:
                return


async def _withdraw(child: Child, memory: Memory) -> None:
    """Ask for one withdrawal somewhere in the cycle."""
    async with child.client() as client:
        memory.withdrawals_sent += 1
        try:
            answer = await client.private("Withdraw", asset="TAO", key=ADDRESS_NAME, amount="0.25")
        except httpx.HTTPError:
            return
        memory.withdrawals_answered.add(answer["refid"])


def _order(rng: random.Random) -> dict[str, str]:
    pair = rng.choice(["SN1TAO", "SN2TAO", "SN4TAO", "SN5TAO"])
    volume = format_decimal(rng.randrange(2 * 10**8, 2 * 10**9) // 10 * 10)
    match rng.randrange(4):
        case 0:
            # In TAO, and small: a fast machine places thousands, and the funds must last for the withdrawals.
            tao = format_decimal(rng.randrange(2 * 10**7, 2 * 10**8))
            return {"pair": pair, "type": "buy", "ordertype": "market", "oflags": "viqc", "volume": tao}
        case 1:
            return {"pair": pair, "type": "buy", "ordertype": "market", "volume": volume}
        case 2:
            return {"pair": pair, "type": "sell", "ordertype": "market", "volume": volume}
        case _:
            terms = {"ordertype": "limit", "timeinforce": "IOC", "price": "0.00100000"}
            return {"pair": pair, "type": "sell", "volume": volume, **terms}


async def _send(client: ExchangeClient, memory: Memory, name: str) -> None:
    try:
        answer = await client.private("AddOrder", **memory.sent[name], cl_ord_id=name)
    except Refused as refused:
        if name in memory.answered:
            raise Broken(f"{name} was answered {memory.answered[name]}, and now refused: {refused}") from refused
        if "Invalid nonce" in str(refused):  # overtaken by another worker with the same key: it was never taken in
            del memory.sent[name]
            return
        memory.refused[name] = str(refused)
        return
    txid = answer["txid"][0]
    if memory.answered.setdefault(name, txid) != txid:
        raise Broken(f"{name} was answered {memory.answered[name]}, and now {txid}")


async def _send_again(client: ExchangeClient, memory: Memory) -> None:
    """Send what has no answer, and some of what has one: the first answer must come again."""
    for name in [*memory.unanswered, *list(memory.answered)[-20:]]:
        await _send(client, memory, name)


async def _check_orders(client: ExchangeClient, memory: Memory) -> None:
    txids = list(memory.answered.values())
    if len(set(txids)) != len(txids):
        raise Broken("two ids have one order")
    for start in range(0, len(txids), QUERY_MAX):
        part = txids[start : start + QUERY_MAX]
        for txid, order in (await client.private("QueryOrders", txid=",".join(part))).items():
            figures = (_rao(order["vol_exec"]), _rao(order["cost"]), _rao(order["fee"]))
            if memory.seen.setdefault(txid, figures) != figures:
                raise Broken(f"order {txid} was {memory.seen[txid]} and is {figures}")
    count = (await client.private("ClosedOrders"))["count"]
    if count != len(txids):
        raise Broken(f"{count} orders there, {len(txids)} answered")


async def _check_balances(client: ExchangeClient, memory: Memory) -> None:
    expected = dict(memory.start)
    names = {txid: name for name, txid in memory.answered.items()}
    for txid, (volume, cost, fee) in memory.seen.items():
        order = memory.sent[names[txid]]
        base, sign = order["pair"].removesuffix("TAO"), 1 if order["type"] == "buy" else -1
        expected[base] += sign * volume
        expected["TAO"] -= sign * cost + fee
    rows: list[dict[str, Any]] = await client.private("WithdrawStatus", asset="TAO")
    known = {row["refid"] for row in rows}
    if missing := memory.withdrawals_answered - known:
        raise Broken(f"withdrawals lost: {missing}")
    if len(known) > memory.withdrawals_sent:
        raise Broken(f"{memory.withdrawals_sent} withdrawals sent, {len(known)} there")
    expected["TAO"] -= sum(_rao(row["amount"]) + _rao(row["fee"]) for row in rows if row["status"] != "Failure")
    actual = await _balances(client)
    if actual != expected:
        raise Broken(f"balances {actual}, all orders together give {expected}")


async def _check_withdrawals(client: ExchangeClient, child: Child, memory: Memory) -> None:
    """Wait until none is pending, and compare the payments with the chain."""
    for _ in range(600):
        rows: list[dict[str, Any]] = await client.private("WithdrawStatus", asset="TAO")
        if all(row["status"] in {"Success", "Failure"} for row in rows):
            break
        await asyncio.sleep(0.1)
    else:
        raise Broken(f"withdrawals stay pending: {rows}")
    if failed := [row for row in rows if row["status"] == "Failure"]:
        raise Broken(f"withdrawals failed: {failed}")
    async with NodeConnection(child.told["chain_ws"]) as node:
        reader = BlockReader(node)
        _, at = await reader.finalised()
        paid = (await reader.accounts([COLD], at))[COLD].free
    if paid != sum(_rao(row["amount"]) for row in rows):
        raise Broken(f"the chain paid {paid} for {rows}")
    told = await client.get("/v1/reconciliation")
    if told["differences"] or told["money_halted"]:
        raise Broken(f"ledger and chain differ: {told}")


async def _balances(client: ExchangeClient) -> dict[str, int]:
    return {asset: _rao(amount) for asset, amount in (await client.private("Balance")).items()}


def _rao(text: str) -> int:
    return parse_decimal(text)


def main() -> None:
    """Run the campaign of ``make kill``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None)
    chosen = parser.parse_args()
    seed = time.time_ns() % 2**32 if chosen.seed is None else chosen.seed
    print(f"seed {seed}", flush=True)  # noqa: T201 - a command
    with tempfile.TemporaryDirectory() as folder:
        options = DemoOptions(data_dir=Path(folder) / "demo", port=0, chain_port=0, fast=True, rate_limits=False)
        try:
            asyncio.run(run_cycles(options, cycles=chosen.cycles, seed=seed, say=lambda line: print(line, flush=True)))  # noqa: T201
        except Broken as broken:
            print(f"FAILED: {broken}")  # noqa: T201
            sys.exit(DIFFERS)


if __name__ == "__main__":
    main()
