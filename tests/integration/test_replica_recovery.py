"""A gateway's replica comes up from a snapshot, from history and from the rest of the log, and tells what it told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.gateway.folds.candles import INTERVALS
from app.gateway.replica import Replica, SeqGap
from app.projections.projector import Projector
from ledger.codec import Batch
from ledger.log.base import EMPTY_HEAD, Head
from ledger.log.postgres import PostgresLog
from ledger.log.snapshot_store import SnapshotStore
from tests.support.small_exchange import ALICE, BOB, NETUID, Client, SmallExchange


class WatchedLog(PostgresLog):
    """A log that remembers from where it was read."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.read_from: list[int] = []

    async def read(self, from_number: int = 0) -> AsyncIterator[Batch]:
        self.read_from.append(from_number)
        async for batch in super().read(from_number):
            yield batch


class Stored:
    """The log of a small exchange in a database, copied when told to."""

    def __init__(self, url: str, exchange: SmallExchange) -> None:
        self.url = url
        self.log = WatchedLog(url)
        self.head = EMPTY_HEAD
        self._exchange = exchange

    async def copy(self) -> None:
        async for batch in self._exchange.log.read(self.head.number + 1):
            await self.log.append(batch)
            self.head = Head.of(batch)

    async def fold(self) -> None:
        await self.copy()
        await Projector(self.url).catch_up()

    async def snapshot(self) -> int:
        """Write a snapshot, and return the number of the batch that it was taken at."""
        await self.copy()
        await SnapshotStore(self.url).save(self._exchange.engine, self.head, keep=3, taken_ms=1)
        return self.head.number

    async def recover(self) -> tuple[Replica, int]:
        """Return a replica, and the first batch that it read of the log."""
        self.log.read_from.clear()
        replica = await Replica.recover(self.url, self.log)
        return replica, self.log.read_from[0]


@pytest.fixture
async def stored(postgres_url: str, exchange: SmallExchange) -> AsyncIterator[Stored]:
    kept = Stored(postgres_url, exchange)
    await kept.log.open()
    yield kept
    await kept.log.close()


async def trade(exchange: SmallExchange, alice: Client, bob: Client, name: str) -> None:
    """Rest orders of every kind, cross one in part, fill one of the pool, issue a quote, import a head."""
    rest = {"pair": "SN1TAO", "ordertype": "limit"}
    await alice.ok(
        "AddOrder", type="sell", volume="2", price="0.0200050", cl_ord_id=f"ask-{name}", userref="-7", **rest
    )
    await bob.ok("AddOrder", type="buy", volume="0.5", price="0.0200050", **rest)
    await alice.ok("AddOrder", type="buy", volume="3", price="0.0100000", cl_ord_id=f"bid-{name}", **rest)
    stop = {"pair": "SN1TAO", "ordertype": "stop-loss-limit", "price": "0.0150000", "price2": "0.0140000"}
    await alice.ok("AddOrder", type="sell", volume="1", **stop)
    await bob.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="1")
    quoted = await alice.v1("POST", "/v1/firm-quotes", {"symbol": "SN1/TAO", "side": "buy", "volume": "1"})
    assert quoted.status_code == 201, quoted.text
    await exchange.import_head()


def told(replica: Replica, now_ms: int) -> dict[str, Any]:
    """Return what a gateway reads of its replica."""
    market = replica.history(NETUID)
    return {
        "seq": replica.seq,
        "state": replica.reads.engine.state_hash(),
        "pairs": replica.names.pairs,
        "open": {account: replica.orders.open_of(account) for account in (ALICE, BOB)},
        "kept": len(replica.orders),
        "named": replica.orders.find_client_id(ALICE, "ask-first"),
        "counted": replica.orders.count_open(ALICE, NETUID),
        "trades": list(market.trades),
        "day": market.last_day(now_ms),
        "candles": {interval: replica.candles(NETUID).rows(interval, now_ms) for interval in INTERVALS},
        "head": replica.heads.current,
        "quotes": [replica.quotes.find(ALICE, view.quote_id) for view in replica.reads.quotes(ALICE)],
    }


async def test_a_replica_begins_with_the_snapshot_and_reads_the_rest_of_the_log_alone(
    stored: Stored, exchange: SmallExchange, alice: Client, bob: Client
) -> None:
    await trade(exchange, alice, bob, "first")
    taken_at = await stored.snapshot()
    await trade(exchange, alice, bob, "second")
    await stored.fold()
    await trade(exchange, alice, bob, "third")
    await stored.copy()

    replica, read_from = await stored.recover()

    assert read_from == taken_at + 1
    assert told(replica, exchange.clock.now_ms) == told(exchange.replica, exchange.clock.now_ms)
    assert all(replica.find_key(key.key) for key in exchange.keys.values())
    assert replica.touched(ALICE) == exchange.replica.touched(ALICE)


async def test_what_comes_later_is_folded_as_if_the_replica_had_never_been_away(
    stored: Stored, exchange: SmallExchange, alice: Client, bob: Client
) -> None:
    await trade(exchange, alice, bob, "first")
    await stored.snapshot()
    await stored.fold()
    replica, _ = await stored.recover()
    (order,) = [order for order in replica.orders.open_of(ALICE) if order.cl_ord_id == "bid-first"]

    await trade(exchange, alice, bob, "second")
    await alice.ok("CancelOrder", cl_ord_id="bid-first")
    await stored.copy()
    await replica.catch_up(stored.log)

    assert told(replica, exchange.clock.now_ms) == told(exchange.replica, exchange.clock.now_ms)
    assert replica.orders.find(ALICE, order.seq) is None


@pytest.mark.parametrize("is_folded", [False, True])
async def test_where_history_is_not_as_far_as_any_snapshot_the_log_itself_is_read(
    stored: Stored, exchange: SmallExchange, alice: Client, bob: Client, *, is_folded: bool
) -> None:
    await trade(exchange, alice, bob, "first")
    if is_folded:
        await stored.fold()
    await trade(exchange, alice, bob, "second")
    await stored.snapshot()

    replica, read_from = await stored.recover()

    assert read_from == 0
    assert told(replica, exchange.clock.now_ms) == told(exchange.replica, exchange.clock.now_ms)


async def test_a_missed_batch_is_a_gap_that_the_log_fills(
    stored: Stored, exchange: SmallExchange, alice: Client, bob: Client
) -> None:
    await stored.copy()
    replica, _ = await stored.recover()
    await trade(exchange, alice, bob, "first")
    await stored.copy()
    newest = [batch async for batch in exchange.log.read(stored.head.number)]

    with pytest.raises(SeqGap):
        replica.apply(newest[0])
    await replica.catch_up(stored.log)
    replica.apply(newest[0])

    assert told(replica, exchange.clock.now_ms) == told(exchange.replica, exchange.clock.now_ms)
