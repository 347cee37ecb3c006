"""Reads of history: pages of what projections stored. They touch the database alone, never the engine.

A page tells the seq it reflects; all of it is read in one snapshot. Who must see what happened before asks for
``reached`` first: pages read afterwards reflect at least that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, TypeVar

import asyncpg
from sqlalchemy import ColumnElement, Select, Table, and_, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.projections.errors import HistoryBehind, HistoryUnavailable, PageOutOfRange
from app.projections.pages import COUNT_MAX, PAGE_MAX, Page, Window
from app.projections.projector import WANTED
from app.projections.rows import (
    AmendRow,
    AuditRow,
    CandleRow,
    EntryRow,
    FillRow,
    OrderRow,
    QuoteRow,
    RewardRow,
    TradeRow,
    TransferRow,
)
from app.projections.tables import (
    AMENDS,
    AUDIT,
    CANDLES,
    CHECKPOINTS,
    ENTRIES,
    FILLS,
    ORDERS,
    QUOTES,
    REWARDS,
    TRADES,
    TRANSFERS,
)
from ledger.engine.layout import Flag

T = TypeVar("T")

POOL_SIZE: Final = 4
POOL_WAIT_S: Final = 5.0
IDS_MAX: Final = 100
ORDER_FILLS_MAX: Final = 10_000
"""Fills that are told of orders named by their ids, the oldest first."""
WAIT_S: Final = 1.0
PAUSE_MIN_S: Final = 0.002
PAUSE_MAX_S: Final = 0.02
NEWEST: Final = Window()
_DATABASE_ERRORS: Final = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class HistoryReads:
    """Pages of orders, fills, trades, ledger entries, candles, rewards and the audit trail.

    Times of orders are those of their opening, or of their closing where they are paged by it. Raises
    ``PageOutOfRange`` for a page that is too large, ``HistoryUnavailable`` where the database cannot answer.
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

        self._reached: dict[str, int] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()

    async def reached(self, seq: int, names: Sequence[str], *, wait_s: float = WAIT_S) -> None:
        """Return once these projections reflect a seq; the projector is told that somebody waits.

        Raises ``HistoryBehind`` after ``wait_s``, ``HistoryUnavailable`` where the database cannot answer.
        """
        deadline, pause_s = asyncio.get_running_loop().time() + wait_s, PAUSE_MIN_S
        while any(self._reached.get(name, 0) < seq for name in names):
            async with self._snapshot() as connection:
                found = await connection.execute(select(CHECKPOINTS.c.name, CHECKPOINTS.c.seq))
                self._reached = {row.name: row.seq for row in found}
                if all(self._reached.get(name, 0) >= seq for name in names):
                    return
                await connection.exec_driver_sql(f"NOTIFY {WANTED}")
                await connection.commit()
            if asyncio.get_running_loop().time() >= deadline:
                raise HistoryBehind(seq=seq)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)

    async def orders(
        self, account: int, window: Window = NEWEST, *, netuid: int | None = None, is_open: bool | None = None
    ) -> Page[OrderRow]:
        """Return orders of an account by order id, which is the seq of their opening."""
        query = _orders(account, netuid, is_open=is_open)
        return await self._page("orders", window, query, ORDERS.c.order_id, ORDERS.c.opened_ms, OrderRow._make)

    async def closed_orders(
        self, account: int, window: Window = NEWEST, wanted: "Wanted | None" = None
    ) -> Page[OrderRow]:
        """Return closed orders of an account by ``closed_seq``; times are those of closing."""
        query = _closed(account, wanted)
        return await self._page("orders", window, query, ORDERS.c.closed_seq, ORDERS.c.closed_ms, OrderRow._make)

    async def count_closed_orders(self, account: int, window: Window = NEWEST, wanted: "Wanted | None" = None) -> int:
        """Return how many closed orders lie within the window's bounds, counted up to ``COUNT_MAX``."""
        return await self._count(window.bound(_closed(account, wanted), ORDERS.c.closed_seq, ORDERS.c.closed_ms))

    async def orders_by_id(self, account: int, order_ids: Sequence[int]) -> list[OrderRow]:
        """Return those of at most ``IDS_MAX`` orders that are this account's, by id."""
        query = _orders(account, None, is_open=None).where(ORDERS.c.order_id.in_(_ids(order_ids)))
        return await self._rows(query.order_by(ORDERS.c.order_id), OrderRow._make)

    async def order_by_client_id(self, account: int, cl_ord_id: str) -> OrderRow | None:
        """Return the newest order of this account with a client's id."""
        query = _orders(account, None, is_open=None).where(ORDERS.c.cl_ord_id == cl_ord_id, ORDERS.c.cl_ord_id != "")
        found = await self._rows(query.order_by(ORDERS.c.order_id.desc()).limit(1), OrderRow._make)
        return found[0] if found else None

    async def amends(self, account: int, order_id: int) -> list[AmendRow]:
        """Return what an order of this account was amended to, oldest first, the first ``PAGE_MAX`` times."""
        query = _where(AMENDS, account=account, order_id=order_id).order_by(AMENDS.c.seq)
        return await self._rows(query, AmendRow._make)

    async def fills_of_orders(self, account: int, order_ids: Sequence[int]) -> list[FillRow]:
        """Return the fills of at most ``IDS_MAX`` orders that are this account's, by number, ``ORDER_FILLS_MAX``."""
        query = _fills(account, None, None).where(FILLS.c.order_id.in_(_ids(order_ids)))
        return await self._rows(query.order_by(FILLS.c.number), FillRow._make, limit=ORDER_FILLS_MAX)

    async def quote(self, account: int, quote_id: int) -> QuoteRow | None:
        """Return a firm quote of this account."""
        found = await self._rows(_where(QUOTES, account=account, quote_id=quote_id), QuoteRow._make)
        return found[0] if found else None

    async def transfers(
        self, account: int, window: Window = NEWEST, *, is_deposit: bool, asset: int | None = None
    ) -> Page[TransferRow]:
        """Return deposits, or withdrawals, of an account by the seq that began them."""
        query = _where(TRANSFERS, account=account, asset=asset).where(TRANSFERS.c.is_deposit == is_deposit)
        return await self._page("chain", window, query, TRANSFERS.c.seq, TRANSFERS.c.ts_ms, TransferRow._make)

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
        self, account: int, window: Window = NEWEST, *, assets: Sequence[int] | None = None, kind: str | None = None
    ) -> Page[EntryRow]:
        """Return ledger entries of an account by their number; ``assets`` None for those of any."""
        query = _entries(account, assets, kind)
        return await self._page("entries", window, query, ENTRIES.c.number, ENTRIES.c.ts_ms, EntryRow._make)

    async def count_entries(
        self, account: int, window: Window = NEWEST, *, assets: Sequence[int] | None = None, kind: str | None = None
    ) -> int:
        """Return how many entries lie within the window's bounds, counted up to ``COUNT_MAX``."""
        return await self._count(window.bound(_entries(account, assets, kind), ENTRIES.c.number, ENTRIES.c.ts_ms))

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

    async def _rows(self, query: Select[Any], make: Callable[[Any], T], *, limit: int = PAGE_MAX) -> list[T]:
        async with self._snapshot() as connection:
            return [make(tuple(row)) for row in (await connection.execute(query.limit(limit))).all()]

    async def _count(self, query: Select[Any]) -> int:
        counted = select(func.count()).select_from(query.limit(COUNT_MAX).subquery())
        async with self._snapshot() as connection:
            return int(await connection.scalar(counted) or 0)

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.connect() as connection:
                yield connection
        except _DATABASE_ERRORS as error:
            raise HistoryUnavailable(detail=f"{type(error).__name__}: {error}") from error


class Wanted(NamedTuple):
    """Which closed orders are wanted: of a ``userref`` (0: any), a client's own id (empty: any), ids from and to.

    What is ``after`` is exclusive, ``upto`` inclusive, 0 for no bound.
    """

    userref: int = 0
    cl_ord_id: str = ""
    after: int = 0
    upto: int = 0
    opened_after_ms: int = 0
    opened_upto_ms: int = 0


def _closed(account: int, wanted: Wanted | None) -> Select[Any]:
    query = _orders(account, None, is_open=False)
    if wanted is None:
        return query
    bounds = (
        (wanted.userref, ORDERS.c.userref == wanted.userref),
        (wanted.cl_ord_id, ORDERS.c.cl_ord_id == wanted.cl_ord_id),
        (wanted.after, ORDERS.c.order_id > wanted.after),
        (wanted.upto, ORDERS.c.order_id <= wanted.upto),
        (wanted.opened_after_ms, ORDERS.c.opened_ms > wanted.opened_after_ms),
        (wanted.opened_upto_ms, ORDERS.c.opened_ms <= wanted.opened_upto_ms),
    )
    return query.where(and_(True, *(bound for is_asked, bound in bounds if is_asked)))


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


def _entries(account: int, assets: Sequence[int] | None, kind: str | None) -> Select[Any]:
    query = _where(ENTRIES, account=account, kind=kind)
    return query if assets is None else query.where(ENTRIES.c.asset.in_(assets))


def _candle(row: tuple[Any, ...]) -> CandleRow:
    # Sums come as decimals.
    return CandleRow._make(map(int, row))
