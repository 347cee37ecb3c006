"""The demo with its actors: validators earn differently, and what the house holds for customers grows with them."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from app.actors.reading import read_storage
from app.actors.wire import open_socket
from app.demo.check import Child, compare_custody, start_child
from app.demo.run import DemoOptions
from app.demo.setup import LISTED

WAIT_S = 120
VALIDATOR_UIDS = (1, 2, 3)


async def _stakes(child: Child) -> dict[int, int]:
    """Return what all keys of the house hold of each listed alpha, rao."""
    client = child.client()
    try:
        told = await client.get("/v1/custody")
    finally:
        await client.close()
    stakes: dict[int, int] = {}
    for key in told["keys"]:
        for stake in key["stakes"]:
            stakes[int(stake["netuid"])] = stakes.get(int(stake["netuid"]), 0) + int(stake["amount_rao"])
    return stakes


async def _dividends(url: str) -> list[list[int]]:
    async with open_socket(url) as node:
        _, at = await node.finalised()
        vectors = await read_storage(node, [("Dividends", (netuid,)) for netuid in LISTED], at)
    return [[vector[uid] for uid in VALIDATOR_UIDS] for vector in vectors]


async def _until_they_differ(url: str) -> list[list[int]]:
    async with asyncio.timeout(WAIT_S):
        while True:
            dividends = await _dividends(url)
            if all(all(row) and len(set(row)) == len(row) for row in dividends):
                return dividends
            await asyncio.sleep(0.25)


async def _until_they_grew(child: Child, before: dict[int, int]) -> dict[int, int]:
    async with asyncio.timeout(WAIT_S):
        while True:
            after = await _stakes(child)
            if all(after[netuid] > before[netuid] for netuid in LISTED):
                return after
            await asyncio.sleep(0.25)


async def _reconciliation(child: Child) -> Any:
    client = child.client()
    try:
        return await client.get("/v1/reconciliation")
    finally:
        await client.close()


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_dividends_differ_and_the_houses_alpha_grows_without_a_difference(tmp_path: Path) -> None:
    options = DemoOptions(data_dir=tmp_path / "demo", port=0, chain_port=0, fast=True, rate_limits=False)
    child = await start_child(options)
    try:
        before = await _stakes(child)
        await _until_they_differ(child.told["chain_ws"])
        after = await _until_they_grew(child, before)
        assert await compare_custody(child.told["rest"], child.told["chain_ws"]) >= len(LISTED)
        told = await _reconciliation(child)
        assert (told["differences"], told["money_halted"]) == ([], False)
    finally:
        await child.stop()

    # The actors ended with the demo, before their node, and said what they had done.
    lines = [json.loads(line) for line in (options.data_dir / "actors.log").read_text().splitlines()]
    assert lines[0]["subnets"] == [1, 2, 3, 4, 5, 6]
    assert lines[-1]["weights"] >= 3 * len(LISTED)
    assert set(after) == set(LISTED)


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_killed_demo_leaves_no_actors_behind(tmp_path: Path) -> None:
    options = DemoOptions(data_dir=tmp_path / "demo", port=0, chain_port=0, fast=True, rate_limits=False)
    child = await start_child(options)
    try:
        log = options.data_dir / "actors.log"
        async with asyncio.timeout(WAIT_S):
            while not log.exists() or not log.read_text():  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.1)
        await child.kill()
        async with asyncio.timeout(WAIT_S):
            while _runs_with(child.told["chain_ws"]):  # noqa: ASYNC110 - a process that ends tells only its parent
                await asyncio.sleep(0.1)
    finally:
        await child.stop()


def _runs_with(word: str) -> bool:
    """Tell whether a process has this word on its command line."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if word.encode() in words:
                return True
    return False
