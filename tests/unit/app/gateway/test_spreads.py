from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from app.gateway.kraken.books import Books
from app.gateway.kraken.spreads import ROWS_MAX, Spreads
from ledger.engine.layout import CommandKind
from ledger.engine.records import command
from tests.support import small_exchange as kit
from tests.support.small_exchange import ALICE, BLOCK_MS, NETUID, POOL_ALPHA, POOL_TAO, TAO, SmallExchange


@pytest.fixture
async def exchange() -> AsyncIterator[SmallExchange]:
    built = await kit.build()
    yield built
    await built.sequencer.stop()


async def buy(exchange: SmallExchange, number: int) -> None:
    figures = {"amount": TAO, "aux": 100_000, "id_lo": number, "digest": number}
    await exchange.submit(command(CommandKind.PLACE_ORDER, account=ALICE, netuid=NETUID, **figures))


async def test_a_change_of_the_best_is_a_row_and_anything_else_is_none(exchange: SmallExchange) -> None:
    books = Books(exchange.replica)
    spreads = Spreads(exchange.replica, books)

    for more in (0, 0, 100 * TAO, 100 * TAO, 0):
        await exchange.import_head(pool=(POOL_TAO + more, POOL_ALPHA))

    rows = spreads.rows(NETUID, exchange.clock.now_ms)
    assert [(row.ts_ms - rows[0].ts_ms) // BLOCK_MS for row in rows] == [0, 2, 4]
    assert all((row.bid, row.ask) != (later.bid, later.ask) for row, later in pairwise(rows))
    depth = books.depth(NETUID, 10, exchange.clock.now_ms)
    assert (rows[-1].bid, rows[-1].ask) == (depth.bids[0].price, depth.asks[0].price)


async def test_many_orders_in_a_moment_are_looked_at_once_and_reading_sees_the_newest(exchange: SmallExchange) -> None:
    books = Books(exchange.replica)
    spreads = Spreads(exchange.replica, books)
    await exchange.import_head()

    for number in range(1, 400):
        await buy(exchange, number)

    rows = spreads.rows(NETUID, exchange.clock.now_ms)
    depth = books.depth(NETUID, 10, exchange.clock.now_ms)
    assert len(rows) == 2
    assert (rows[-1].bid, rows[-1].ask) == (depth.bids[0].price, depth.asks[0].price)


async def test_rows_are_bounded(exchange: SmallExchange) -> None:
    spreads = Spreads(exchange.replica, Books(exchange.replica))

    for number in range(ROWS_MAX + 20):
        await exchange.import_head(pool=(POOL_TAO + number % 2 * 100 * TAO, POOL_ALPHA))

    rows = spreads.rows(NETUID, exchange.clock.now_ms)
    assert len(rows) == ROWS_MAX
    assert rows[0].ts_ms < rows[-1].ts_ms
