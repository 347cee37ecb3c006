"""The exchange as a competent developer writes it first: tables in PostgreSQL, one transaction per order.

What makes it fair: asyncpg with a pool of connections and its cache of prepared statements, uvloop, a primary key or an
index on everything that is looked up, one statement for all that is recorded of an order, no ORM and no HTTP.
Rows are locked with SELECT FOR UPDATE in one order (balances before the pool), so that no two orders wait for each
other; the pool, which everybody on a market wants, is locked last. What the house earns is kept in the pool's row,
which is locked anyway, rather than in one row that all orders would queue for. The server is the same embedded one,
fsync on.
Nothing else of an exchange is here: no windows, backing, idempotency, signatures or feeds.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import asyncpg

from load_tests.baselines import constant_product
from load_tests.orders import MarketOrder

SCHEMA = "naive_sql"
CONNECTIONS = 8
TAO_ASSET = 0

TABLES = f"""
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
SET search_path = {SCHEMA};
CREATE TABLE IF NOT EXISTS accounts (id bigint PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS balances (
    account bigint NOT NULL REFERENCES accounts, asset int NOT NULL, free bigint NOT NULL CHECK (free >= 0),
    PRIMARY KEY (account, asset)
);
CREATE TABLE IF NOT EXISTS pools (
    netuid int PRIMARY KEY, tao bigint NOT NULL, alpha bigint NOT NULL, fee_rate int NOT NULL, taker_ppm int NOT NULL,
    house_tao bigint NOT NULL DEFAULT 0, house_alpha bigint NOT NULL DEFAULT 0, house_fees bigint NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account bigint NOT NULL REFERENCES accounts,
    netuid int NOT NULL REFERENCES pools, is_sell boolean NOT NULL, volume bigint NOT NULL, status text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS orders_by_account ON orders (account, id);
CREATE TABLE IF NOT EXISTS fills (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders,
    account bigint NOT NULL, netuid int NOT NULL, volume bigint NOT NULL, tao bigint NOT NULL, fee bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS fills_by_order ON fills (order_id);
CREATE INDEX IF NOT EXISTS fills_by_market ON fills (netuid, id);
CREATE TABLE IF NOT EXISTS postings (
    fill_id bigint NOT NULL REFERENCES fills, account text NOT NULL, asset int NOT NULL, amount bigint NOT NULL,
    PRIMARY KEY (fill_id, account, asset)
);
"""
LOCK_BALANCES = """
    SELECT asset, free FROM balances WHERE account = $1 AND asset = ANY($2::int[]) ORDER BY asset FOR UPDATE
"""
LOCK_POOL = "SELECT tao, alpha, fee_rate, taker_ppm FROM pools WHERE netuid = $1 FOR UPDATE"
CHANGE_BALANCES = """
    INSERT INTO balances (account, asset, free) SELECT $1, asset, free FROM unnest($2::int[], $3::bigint[])
        AS changed (asset, free)
    ON CONFLICT (account, asset) DO UPDATE SET free = excluded.free
"""
CHANGE_POOL = """
    UPDATE pools SET tao = $2, alpha = $3, house_tao = house_tao + $4, house_alpha = house_alpha + $5,
        house_fees = house_fees + $6
    WHERE netuid = $1
"""
RECORD = """
    WITH placed AS (
        INSERT INTO orders (account, netuid, is_sell, volume, status) VALUES ($1, $2, $3, $4, 'filled') RETURNING id
    ), filled AS (
        INSERT INTO fills (order_id, account, netuid, volume, tao, fee) SELECT id, $1, $2, $4, $5, $6 FROM placed
        RETURNING id
    ), posted AS (
        INSERT INTO postings (fill_id, account, asset, amount)
        SELECT filled.id, lines.account, lines.asset, lines.amount
        FROM filled, unnest($7::text[], $8::int[], $9::bigint[]) AS lines (account, asset, amount)
    )
    SELECT id FROM placed
"""


class InsufficientFunds(Exception):  # noqa: N818 - says what is the matter
    """The account has less than the order needs; nothing was changed."""


class NaiveExchange:
    """An exchange of tables; ``open`` first, ``close`` at the end."""

    def __init__(self, url: str, *, connections: int = CONNECTIONS) -> None:
        self._url = url
        self._connections = connections
        self._pool: Any = None

    async def open(
        self, *, accounts: int, markets: int, deposit: int, reserves: tuple[int, int], terms: tuple[int, int]
    ) -> None:
        """Make the tables, and give ``deposit`` rao to each account; ``terms``: pool fee rate and trading fee, ppm."""
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(TABLES)
            await connection.executemany(
                "INSERT INTO accounts VALUES ($1, $2)", [(n, f"client {n}") for n in range(1, accounts + 1)]
            )
            await connection.executemany(
                "INSERT INTO balances VALUES ($1, $2, $3)", [(n, TAO_ASSET, deposit) for n in range(1, accounts + 1)]
            )
            await connection.executemany(
                "INSERT INTO pools (netuid, tao, alpha, fee_rate, taker_ppm) VALUES ($1, $2, $3, $4, $5)",
                [(netuid, *reserves, *terms) for netuid in range(1, markets + 1)],
            )
            await connection.execute("ANALYZE")
        finally:
            await connection.close()
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=self._connections,
            max_size=self._connections,
            server_settings={"search_path": SCHEMA},
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()

    async def place(self, order: MarketOrder) -> int:
        """Fill one market order in one transaction and return its id; raises ``InsufficientFunds``."""
        async with self._pool.acquire() as connection, connection.transaction():
            return await _place(connection, order)

    async def measure(self, orders: Sequence[Sequence[MarketOrder]]) -> tuple[float, list[float]]:
        """Place the orders of each account in turn, many accounts at once; return orders per second and each's time."""
        samples: list[float] = []
        waiting = list(orders)

        async def work() -> None:
            while waiting:
                for order in waiting.pop():
                    begun = time.perf_counter()
                    await self.place(order)
                    samples.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(self._connections)))
        return len(samples) / (time.perf_counter() - begun), samples

    async def count_fills(self) -> int:
        """Return how many fills are stored."""
        count: int = await self._pool.fetchval("SELECT count(*) FROM fills")
        return count

    async def sum_postings(self) -> dict[int, int]:
        """Return the sum of all postings by asset; each must be zero."""
        rows = await self._pool.fetch("SELECT asset, sum(amount)::bigint AS amount FROM postings GROUP BY asset")
        return {row["asset"]: row["amount"] for row in rows}


async def _place(connection: Any, order: MarketOrder) -> int:
    asset = order.netuid + 1
    rows = await connection.fetch(LOCK_BALANCES, order.account, [TAO_ASSET, asset])
    free = {TAO_ASSET: 0, asset: 0} | {row["asset"]: row["free"] for row in rows}
    pool = await connection.fetchrow(LOCK_POOL, order.netuid)
    price = constant_product.sell if order.is_sell else constant_product.buy
    trade = price(pool["tao"], pool["alpha"], order.volume, fee_rate=pool["fee_rate"], taker_ppm=pool["taker_ppm"])
    alpha = -order.volume if order.is_sell else order.volume
    tao = trade.tao if order.is_sell else -trade.tao
    if free[asset] + alpha < 0 or free[TAO_ASSET] + tao - trade.fee < 0:
        raise InsufficientFunds
    await connection.execute(
        CHANGE_BALANCES, order.account, [TAO_ASSET, asset], [free[TAO_ASSET] + tao - trade.fee, free[asset] + alpha]
    )
    await connection.execute(CHANGE_POOL, order.netuid, trade.pool_tao, trade.pool_alpha, -tao, -alpha, trade.fee)
    customer, house = f"customer:{order.account}", f"house:{order.netuid}"
    order_id: int = await connection.fetchval(
        RECORD,
        order.account,
        order.netuid,
        order.is_sell,
        order.volume,
        trade.tao,
        trade.fee,
        [customer, house, "house:fees", customer, house],
        [TAO_ASSET, TAO_ASSET, TAO_ASSET, asset, asset],
        [tao - trade.fee, -tao, trade.fee, alpha, -alpha],
    )
    return order_id
