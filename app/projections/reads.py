"""Reads of history: pages of what projections stored. They touch the database alone, never the engine.

A page tells the seq it reflects; all of it is read in one snapshot.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import asyncpg
from sqlalchemy import ColumnElement, Select, Table, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.projections.errors import PageOutOfRange
from app.projections.pages import COUNT_MAX, PAGE_MAX, Page, Window
from app.projections.rows import AuditRow, CandleRow, EntryRow, FillRow, OrderRow, RewardRow, TradeRow
from app.projections.tables import AUDIT, CANDLES, CHECKPOINTS, ENTRIES, FILLS, ORDERS, REWARDS, TRADES
from ledger.engine.layout import Flag

T = TypeVar("T")

POOL_SIZE: Final = 4
POOL_WAIT_S: Final = 5.0
IDS_MAX: Final = 100
NEWEST: Final = Window()


class HistoryReads:
    """Pages of orders, fills, trades, ledger entries, candles, rewards and the audit trail.

    Times of orders are those of their opening, or of their closing where they are paged by it. Raises
    ``PageOutOfRange`` for a page that is too large, and what the database raises when it cannot answer.
    """

    def __init__(self, url: str, *, pool_size: int = POOL_SIZE) -> None:
        async def connect() -> asyncpg.Connection:
            return await asyncpg.connect(url)

        self._engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_S,
            isolation_level="REPEATABLE READ",
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()

    async def orders(
        self, account: int, window: Window = NEWEST, *, netuid: int | None = None, is_open: bool | None = None
    ) -> Page[OrderRow]:
        """Return orders of an account by order id, which is the seq of their opening."""
        query = _orders(account, netuid, is_open=is_open)
        return await self._page("orders", window, query, ORDERS.c.order_id, ORDERS.c.opened_ms, OrderRow._make)

    async def closed_orders(
        self, account: int, window: Window = NEWEST, *, netuid: int | None = None
    ) -> Page[OrderRow]:
        """Return closed orders of an account by ``closed_seq``; times are those of closing."""
        query = _orders(account, netuid, is_open=False)
        return await self._page("orders", window, query, ORDERS.c.closed_seq, ORDERS.c.closed_ms, OrderRow._make)

    async def count_closed_orders(self, account: int, window: Window = NEWEST, *, netuid: int | None = None) -> int:
        """Return how many closed orders lie within the window's bounds, counted up to ``COUNT_MAX``."""
        query = _orders(account, netuid, is_open=False)
        return await self._count(window.bound(query, ORDERS.c.closed_seq, ORDERS.c.closed_ms))

    async def orders_by_id(self, account: int, order_ids: Sequence[int]) -> list[OrderRow]:
        """Return those of at most ``IDS_MAX`` orders that are this account's, by id."""
        query = _orders(account, None, is_open=None).where(ORDERS.c.order_id.in_(_ids(order_ids)))
        return await self._rows(query.order_by(ORDERS.c.order_id), OrderRow._make)

    async def order_by_client_id(self, account: int, cl_ord_id: str) -> OrderRow | None:
        """Return the newest order of this account with a client's id."""
        query = _orders(account, None, is_open=None).where(ORDERS.c.cl_ord_id == cl_ord_id, ORDERS.c.cl_ord_id != "")
        found = await self._rows(query.order_by(ORDERS.c.order_id.desc()).limit(1), OrderRow._make)
        return found[0] if found else None

    async def fills(
        self, account: int, window: Window = NEWEST, *, netuid: int | None = None, order_id: int | None = None
    ) -> Page[FillRow]:
        """Return fills of an account by their number."""
        query = _fills(account, netuid, order_id)
        return await self._page("trades", window, query, FILLS.c.number, FILLS.c.ts_ms, FillRow._make)

    async def count_fills(self, account: int, window: Window = NEWEST, *, netuid: int | None = None) -> int:
        """Return how many fills lie within the window's bounds, counted up to ``COUNT_MAX``."""
        return await self._count(window.bound(_fills(account, netuid, None), FILLS.c.number, FILLS.c.ts_ms))

    async def fills_by_number(self, account: int, numbers: Sequence[int]) -> list[FillRow]:
        """Return those of at most ``IDS_MAX`` fills that are this account's, by number."""
        query = _fills(account, None, None).where(FILLS.c.number.in_(_ids(numbers)))
        return await self._rows(query.order_by(FILLS.c.number), FillRow._make)

    async def trades(self, netuid: int, window: Window = NEWEST) -> Page[TradeRow]:
        """Return the public trades of a market by seq."""
        is_limit = func.coalesce(ORDERS.c.flags.op("&")(int(Flag.LIMIT)) != 0, TRADES.c.order_id == 0)
        joined = TRADES.outerjoin(ORDERS, ORDERS.c.order_id == TRADES.c.order_id)
        query = select(*TRADES.c, is_limit).select_from(joined).where(TRADES.c.netuid == netuid)
        return await self._page("trades", window, query, TRADES.c.seq, TRADES.c.ts_ms, TradeRow._make)

    async def entries(
        self, account: int, window: Window = NEWEST, *, asset: int | None = None, kind: str | None = None
    ) -> Page[EntryRow]:
        """Return ledger entries of an account by their number."""
        query = _entries(account, asset, kind)
        return await self._page("entries", window, query, ENTRIES.c.number, ENTRIES.c.ts_ms, EntryRow._make)

    async def count_entries(
        self, account: int, window: Window = NEWEST, *, asset: int | None = None, kind: str | None = None
    ) -> int:
        """Return how many entries lie within the window's bounds, counted up to ``COUNT_MAX``."""
        return await self._count(window.bound(_entries(account, asset, kind), ENTRIES.c.number, ENTRIES.c.ts_ms))

    async def entries_by_number(self, account: int, numbers: Sequence[int]) -> list[EntryRow]:
        """Return those of at most ``IDS_MAX`` entries that are this account's, by number."""
        query = _entries(account, None, None).where(ENTRIES.c.number.in_(_ids(numbers)))
        return await self._rows(query.order_by(ENTRIES.c.number), EntryRow._make)

    async def candles(self, netuid: int, minutes: int, window: Window = NEWEST) -> Page[CandleRow]:
        """Return the buckets of one interval in which something happened; key and time are their start, ms."""
        query = _where(CANDLES, netuid=netuid, minutes=minutes)
        return await self._page("candles", window, query, CANDLES.c.start_ms, CANDLES.c.start_ms, _candle)

    async def rewards(
        self, window: Window = NEWEST, *, account: int | None = None, netuid: int | None = None
    ) -> Page[RewardRow]:
        """Return rewards by seq; ``account`` 0 for the growth of positions."""
        query = _where(REWARDS, account=account, netuid=netuid)
        return await self._page("rewards", window, query, REWARDS.c.seq, REWARDS.c.ts_ms, RewardRow._make)

    async def audit(
        self,
        window: Window = NEWEST,
        *,
        category: str | None = None,
        account: int | None = None,
        netuid: int | None = None,
    ) -> Page[AuditRow]:
        """Return the audit trail by seq."""
        query = _where(AUDIT, category=category, account=account, netuid=netuid)
        return await self._page("audit", window, query, AUDIT.c.seq, AUDIT.c.ts_ms, AuditRow._make)

    async def _page(
        self,
        projection: str,
        window: Window,
        query: Select[Any],
        key: ColumnElement[Any],
        time: ColumnElement[Any],
        make: Callable[[Any], T],
    ) -> Page[T]:
        async with self._snapshot() as connection:
            seq = await connection.scalar(select(CHECKPOINTS.c.seq).where(CHECKPOINTS.c.name == projection))
            found = (await connection.execute(window.paged(query.add_columns(key), key, time))).all()
        rows = found[: window.limit]
        next_key = int(rows[-1][-1]) if len(found) > window.limit else None
        return Page([make(tuple(row)[:-1]) for row in rows], next_key, seq or 0)

    async def _rows(self, query: Select[Any], make: Callable[[Any], T]) -> list[T]:
        async with self._snapshot() as connection:
            return [make(tuple(row)) for row in (await connection.execute(query.limit(PAGE_MAX))).all()]

    async def _count(self, query: Select[Any]) -> int:
        counted = select(func.count()).select_from(query.limit(COUNT_MAX).subquery())
        async with self._snapshot() as connection:
            return int(await connection.scalar(counted) or 0)

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as connection:
            yield connection


def _ids(numbers: Sequence[int]) -> Sequence[int]:
    if len(numbers) > IDS_MAX:
        raise PageOutOfRange(field="ids", value=len(numbers), largest=IDS_MAX)
    return numbers


def _where(table: Table, **equal: int | str | None) -> Select[Any]:
    """Return a query of the whole rows in which the given columns have the given values; None leaves one out."""
    return select(*table.c).where(
        and_(True, *(table.c[name] == value for name, value in equal.items() if value is not None))
    )


def _orders(account: int, netuid: int | None, *, is_open: bool | None) -> Select[Any]:
    query = _where(ORDERS, account=account, netuid=netuid)
    if is_open is None:
        return query
    return query.where(ORDERS.c.closed_seq == 0 if is_open else ORDERS.c.closed_seq > 0)


def _fills(account: int, netuid: int | None, order_id: int | None) -> Select[Any]:
    """Return fills with the flags and traits of their orders, 0 where the order is not folded yet."""
    order = (func.coalesce(ORDERS.c.flags, 0), func.coalesce(ORDERS.c.traits, 0))
    query = _where(FILLS, account=account, netuid=netuid, order_id=order_id).add_columns(*order)
    return query.select_from(FILLS.outerjoin(ORDERS, ORDERS.c.order_id == FILLS.c.order_id))


def _entries(account: int, asset: int | None, kind: str | None) -> Select[Any]:
    return _where(ENTRIES, account=account, asset=asset, kind=kind)


def _candle(row: tuple[Any, ...]) -> CandleRow:
    # Sums come as decimals.
    return CandleRow._make(map(int, row))
