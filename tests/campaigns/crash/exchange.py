"""The process under test: the embedded exchange as ``bootstrap`` builds it, with a line to whoever tests it.

A launch holds ``data_dir``, ``node_url``, ``block_ms``, ``control`` (the socket of the tester), ``log``, ``armed`` (a
fail point or nothing), ``snapshot_events``, ``copy_all`` (every batch goes the way of large ones), ``is_funded``.

Over the line it is told ``arm NAME:PASS`` and asked ``state``; the line's end ends the exchange in good order.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import ledger.log.postgres
from app.bootstrap import Exchange, ExchangeConfig
from app.demo.run import _house_of
from app.demo.setup import TESTER, fund_tester, open_customers, prepare_house
from app.link.settings import LinkSettings
from app.observability import configure_logging
from app.settings import GatewaySettings
from ledger.failpoints import VARIABLE, arm
from ledger.log.snapshot_writer import SnapshotSettings

LOOKS = 20_000
LOOK_S = 0.0005
ANCHOR_HEADS = 5


def run(launch: dict[str, Any]) -> None:
    """Run one exchange until its line ends."""
    configure_logging("warning")
    asyncio.run(_serve(launch))


async def _serve(launch: dict[str, Any]) -> None:
    reader, writer = await asyncio.open_unix_connection(launch["control"])
    if launch["copy_all"]:
        ledger.log.postgres.SMALL_PAGES = 0
    gateway = GatewaySettings(port=0, rate_limits=False, address_cooling_ms=0)
    link = LinkSettings(
        url=launch["node_url"], block_interval_ms=launch["block_ms"], anchor_every=ANCHOR_HEADS, backoff_max_s=0.5
    )
    snapshots = SnapshotSettings(every_events=launch["snapshot_events"])
    config = ExchangeConfig(data_dir=Path(launch["data_dir"]), link=link, gateway=gateway, snapshots=snapshots)
    exchange = Exchange(config, prepare=lambda built: prepare_house(_house_of(built)))
    await exchange.start()
    try:
        house = _house_of(exchange)
        customers = await open_customers(house, exchange.vault)
        if not launch["is_funded"]:
            await fund_tester(house, next(customer for customer in customers if customer.name == TESTER))
        told = {
            "rest": f"http://{gateway.host}:{exchange.port}",
            "customers": {c.name: {"keys": c.keys, "deposit_address": c.deposit_address} for c in customers},
        }
        while True:
            writer.write(json.dumps(told).encode() + b"\n")
            word, _, rest = (await reader.readline()).decode().strip().partition(" ")
            match word:
                case "arm":
                    os.environ[VARIABLE] = rest  # the process that writes snapshots inherits it
                    arm(rest)
                    told = {}
                case "state":
                    told = await _resting_state(exchange)
                case _:
                    return
    finally:
        await exchange.stop()


async def _resting_state(exchange: Exchange) -> dict[str, Any]:
    """Return seq and state hash of the live engine, and of the replica, between two batches."""
    engine: Any = exchange.sequencer._engine
    copy: Any = exchange.replica._engine
    for _ in range(LOOKS):
        if engine.seq == exchange.sequencer.head.seq == exchange.replica.seq:
            break
        await asyncio.sleep(LOOK_S)
    else:
        raise AssertionError("the engine never rested")
    return {"seq": engine.seq, "hash": engine.state_hash().hex(), "replica": copy.state_hash().hex()}
