"""Anchors of the log on a real node, noted in a real table, and found out where the log was changed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest

from app.link.connection import NodeConnection
from app.link.follower import ChainLink
from app.link.reader import BlockReader
from app.verify.anchors import AnchorDiffers, verify_anchored_log
from ledger.engine.layout import EventKind
from ledger.log.anchors import PostgresAnchors, decode_text, encode_text
from ledger.log.postgres import PostgresLog
from tests.support.link_chain import TAO, Person
from tests.support.link_exchange import TRADING, Exchange, running_exchange

EVERY = 3


@asynccontextmanager
async def anchored_exchange(folder: Path, url: str) -> AsyncIterator[Exchange]:
    """Run an exchange whose link anchors every few heads and notes it in the database."""
    async with running_exchange(folder, anchor_every=EVERY) as exchange:
        await anchor_again(exchange, url)
        yield exchange


async def anchor_again(exchange: Exchange, url: str) -> None:
    """Have the running link replaced by one that anchors; the fixture's own link knows no table."""
    await exchange.link.stop()
    exchange.link = ChainLink.of(
        exchange.settings, exchange.views, exchange.sequencer.submit, exchange.signer, PostgresAnchors(url)
    )
    exchange.link.start()


async def store_log(exchange: Exchange, url: str) -> None:
    """Write the log, which the exchange keeps in memory, to the database."""
    log = PostgresLog(url)
    await log.open()
    try:
        async for batch in exchange.log.read():
            await log.append(batch)
    finally:
        await log.close()


async def change(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_heads_are_anchored_at_the_interval_and_reconciliation_stays_at_zero(
    tmp_path: Path, postgres_url: str
) -> None:
    async with anchored_exchange(tmp_path, postgres_url) as exchange:
        await exchange.aim(10_900 * TAO)  # a settlement is signed by the same key beside the anchors
        await exchange.seal(4 * EVERY)

        anchors = await PostgresAnchors(postgres_url).read()
        hashes = {batch.number: batch.hash for batch in exchange.batches}
        fees = [e for e in exchange.events(EventKind.CHAIN_FEE_BOOKED) if int(e["order_id"]) == 0]
        assert len(anchors) >= 3
        assert len({anchor.batch for anchor in anchors}) == len(anchors)
        assert all(hashes[anchor.batch] == anchor.hash for anchor in anchors)
        assert all(later.height - one.height >= EVERY for one, later in pairwise(anchors))
        assert len(fees) == len(anchors)
        assert exchange.events(EventKind.SETTLEMENT_BOOKED)
        assert not exchange.events(EventKind.RECONCILIATION_BROKEN)
        assert all(not compared.difference for compared in (await exchange.reconcile()).balances)


async def test_an_anchor_that_was_in_flight_at_a_restart_is_noted_and_none_is_lost(
    tmp_path: Path, postgres_url: str
) -> None:
    async with anchored_exchange(tmp_path, postgres_url) as exchange:
        await exchange.seal()
        assert exchange.node.pending()
        await exchange.restart()
        await anchor_again(exchange, postgres_url)
        await exchange.seal(EVERY + 2)

        anchors = await PostgresAnchors(postgres_url).read()
        async with NodeConnection(exchange.node.url) as node:
            reader = BlockReader(node)
            end, _ = await reader.finalised()
            said = []
            for height in range(1, end + 1):
                extrinsics = await reader.extrinsics_at(await reader.hash_at(height) or b"") or []
                said += [decode_text(e.remark) for e in extrinsics if e.signer == TRADING.public and e.remark]
        assert anchors
        assert [(anchor.batch, anchor.hash) for anchor in anchors] == said
        assert not exchange.events(EventKind.RECONCILIATION_BROKEN)


async def test_a_log_that_was_rewritten_does_not_hold_against_its_anchors(tmp_path: Path, postgres_url: str) -> None:
    async with anchored_exchange(tmp_path, postgres_url) as exchange:
        Person(exchange.node, "//Alice").call("System", "remark", remark=encode_text(1, bytes(32)))
        await exchange.seal(EVERY + 2)
        await exchange.link.stop()
        await store_log(exchange, postgres_url)
        anchors = await PostgresAnchors(postgres_url).read()
        node = exchange.node.url

        held = await verify_anchored_log(postgres_url, node_url=node, scan_from=0)

        assert held.anchors == len(anchors) >= 1
        assert held.head.number >= anchors[-1].batch

        last = anchors[-1]
        await change(postgres_url, f"UPDATE anchors SET batch = batch - 1 WHERE height = {last.height}")
        with pytest.raises(AnchorDiffers, match="in the log"):
            await verify_anchored_log(postgres_url)
        with pytest.raises(AnchorDiffers, match="does not say so"):
            await verify_anchored_log(postgres_url, node_url=node)

        await change(postgres_url, "DELETE FROM anchors")
        scanned = await verify_anchored_log(postgres_url, node_url=node, scan_from=0)
        assert scanned.anchors == len(anchors)

        await change(postgres_url, f"DELETE FROM batches WHERE number >= {last.batch}")
        assert (await verify_anchored_log(postgres_url, node_url=node)).anchors == 0
        with pytest.raises(AnchorDiffers, match="not in the log"):
            await verify_anchored_log(postgres_url, node_url=node, scan_from=0)


async def test_an_anchor_under_another_block_is_found(tmp_path: Path, postgres_url: str) -> None:
    async with anchored_exchange(tmp_path, postgres_url) as exchange:
        await exchange.seal(2)
        await exchange.link.stop()
        await store_log(exchange, postgres_url)
        await change(postgres_url, "UPDATE anchors SET height = height - 1")

        with pytest.raises(AnchorDiffers, match="another block"):
            await verify_anchored_log(postgres_url, node_url=exchange.node.url)


@pytest.mark.parametrize("change_kind", ["UPDATE anchors SET batch = 1", "DELETE FROM anchors", "TRUNCATE anchors"])
async def test_the_table_of_anchors_refuses_every_change(postgres_url: str, change_kind: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await connection.execute(change_kind)
    finally:
        await connection.close()

    assert refusal.value.sqlstate == "TB001"
