"""What history tells: events written down by hand, folded into a real database, and read back in pages."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from app.gateway.folds.candles import INTERVALS as GATEWAY_INTERVALS
from app.gateway.folds.orders import order_of_row
from app.projections.candles import INTERVALS, MINUTE_MS
from app.projections.errors import PageOutOfRange
from app.projections.pages import Window
from app.projections.projector import Projector
from app.projections.reads import IDS_MAX, HistoryReads
from app.projections.tables import METADATA
from app.projections.verify import verify_projections
from ledger.engine.layout import NO_NETUID, CommandKind, EventKind, Flag, Mode, OrderState, Trait
from ledger.engine.view_rows import BalanceView
from ledger.log.migrate import connect_engine
from ledger.log.postgres import PostgresLog
from tests.support.history import NOW, RAO, Past, busy_market, event
from tests.support.small_exchange import ALICE, BOB, NETUID, Client, SmallExchange

SELL = int(Flag.SELL)
OLDEST = Window(oldest_first=True)


class History:
    """A log that is folded as soon as something is written down."""

    def __init__(self, url: str, log: PostgresLog) -> None:
        self.url, self._log = url, log
        self.past = Past()
        self.reads = HistoryReads(url)

    async def tell(self, *events: Any, payloads: tuple[bytes, ...] = (), ts_ms: int | None = None) -> int:
        """Append a batch; return the seq of its first event."""
        first = self.past.next_seq
        await self._log.append(self.past.add(*events, payloads=payloads, ts_ms=ts_ms))
        await Projector(self.url).catch_up()
        return first


@pytest.fixture
async def history(postgres_url: str) -> AsyncIterator[History]:
    log = PostgresLog(postgres_url)
    await log.open()
    told = History(postgres_url, log)
    yield told
    await verify_projections(postgres_url)
    await told.reads.close()
    await log.close()


def accepted(order_id: int, account: int, *, flags: int = 0, **more: int) -> Any:
    terms = {"netuid": 1, "alpha_rao": 5 * RAO, "taker_ppm": 2_600, "maker_ppm": 1_600, **more}
    return event(EventKind.ORDER_ACCEPTED, flags=flags, order_id=order_id, account=account, **terms)


async def test_the_tables_are_those_that_the_reads_know(postgres_url: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        mine = {table.name for table in METADATA.sorted_tables}
        options = {"include_name": lambda name, kind, _: kind != "table" or name in mine}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))

    engine = connect_engine(postgres_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_an_order_is_told_from_its_opening_to_its_end(history: History) -> None:
    limit = int(Flag.LIMIT)
    await history.tell(
        accepted(1, ALICE, flags=limit | SELL, limit=20, expires_s=9, userref=2**32 - 5, payload=1),
        event(EventKind.ORDER_RESTED, flags=SELL, account=ALICE, netuid=1, order_id=1, open=5 * RAO, limit=20),
        payloads=(b"mine-\xff\x00",),
    )
    open_page = await history.reads.orders(ALICE, is_open=True)
    await history.tell(
        accepted(3, BOB, flags=limit, limit=20),
        event(
            EventKind.CROSSED, account=BOB, maker=ALICE, netuid=1, order_id=3, maker_order_id=1, alpha_rao=2 * RAO,
            tao_rao=40, fee=3, maker_fee=2, price=20,
        ),
        event(EventKind.ORDER_QUEUED, account=BOB, netuid=1, order_id=3, why=11),
        ts_ms=NOW + 7,
    )  # fmt: skip
    await history.tell(
        event(EventKind.ORDER_AMENDED, flags=SELL, account=ALICE, netuid=1, order_id=1, alpha_rao=4 * RAO, limit=21),
        event(EventKind.ORDER_SENT, account=BOB, netuid=1, order_id=3, flight=9),
        event(EventKind.CANCEL_NOTED, account=BOB, netuid=1, order_id=3, reason=73),
        event(EventKind.FILLED, account=BOB, netuid=1, order_id=3, mode=Mode.BLOCK, alpha_rao=RAO, tao_rao=19, fee=1),
        event(EventKind.ORDER_CLOSED, account=BOB, netuid=1, order_id=3, reason=73),
        ts_ms=NOW + 9,
    )

    (was,) = open_page.rows
    assert (was.state, was.executed, was.reason, was.closed_seq, was.last_seq) == (OrderState.RESTING, 0, -1, 0, 2)
    assert (was.userref, was.cl_ord_id, was.expires_s, was.limit_price) == (-5, "mine-\ufffd\ufffd", 9, 20)
    (mine,) = await history.reads.orders_by_id(ALICE, [1, 3])
    assert (mine.executed, mine.cost, mine.fee, mine.volume, mine.limit_price) == (2 * RAO, 40, 2, 4 * RAO, 21)
    assert (mine.state, mine.amends, mine.last_seq, mine.closed_seq) == (OrderState.WORKING, 1, 6, 0)
    (theirs,) = (await history.reads.closed_orders(BOB)).rows
    assert (theirs.executed, theirs.cost, theirs.fee, theirs.waits) == (3 * RAO, 59, 4, 0)
    assert (theirs.reason, theirs.closed_seq, theirs.opened_ms, theirs.closed_ms) == (73, 10, NOW + 7, NOW + 9)
    assert (theirs.is_cancelling, theirs.is_triggered, theirs.state) == (True, False, OrderState.IN_FLIGHT)
    assert await history.reads.order_by_client_id(ALICE, "mine-\ufffd\ufffd") == mine
    assert await history.reads.order_by_client_id(BOB, "") is None
    assert (await history.reads.orders(ALICE, is_open=False)).rows == []
    assert await history.reads.count_closed_orders(BOB) == 1


async def test_a_stop_takes_its_limit_from_the_trigger_and_a_queued_order_tells_why(history: History) -> None:
    stop = {"account": ALICE, "netuid": 1, "order_id": 1}
    await history.tell(
        accepted(1, ALICE, flags=SELL, traits=int(Trait.STOP_LOSS), trigger=18),
        event(EventKind.STOP_ARMED, flags=SELL, trigger=18, **stop),
    )
    (armed,) = (await history.reads.orders(ALICE)).rows
    await history.tell(
        event(EventKind.STOP_TRIGGERED, flags=SELL, limit=17, price=18, **stop),
        event(EventKind.ORDER_QUEUED, flags=SELL, why=44, **stop),
    )
    (queued,) = (await history.reads.orders(ALICE)).rows

    assert (armed.state, armed.trigger_price, armed.limit_price, armed.is_triggered) == (OrderState.ARMED, 18, 0, False)
    assert (queued.state, queued.waits, queued.limit_price, queued.is_triggered) == (OrderState.QUEUED, 44, 17, True)


async def test_a_quote_that_is_taken_is_an_order_with_one_fill(history: History) -> None:
    seq = await history.tell(
        event(
            EventKind.QUOTE_TAKEN, flags=SELL, account=ALICE, netuid=1, quote_id=1, mode=Mode.INSTANT, alpha_rao=RAO,
            tao_rao=20, fee=2,
        )
    )  # fmt: skip

    (order,) = (await history.reads.closed_orders(ALICE)).rows
    (fill,) = (await history.reads.fills(ALICE, order_id=1)).rows
    (trade,) = (await history.reads.trades(1)).rows
    assert (order.order_id, order.executed, order.cost, order.fee, order.reason) == (1, RAO, 20, 2, 0)
    assert (fill.number, fill.seq, fill.is_sell, fill.mode, fill.cost) == (2 * seq, seq, True, Mode.INSTANT, 20)
    assert (trade.trade_id, trade.price, trade.is_sell, trade.is_limit) == (1, 20, True, False)


async def test_both_sides_of_a_cross_share_a_trade_and_a_match_is_told_once(history: History) -> None:
    block = {"mode": int(Mode.BLOCK), "alpha_rao": RAO, "tao_rao": 30}
    await history.tell(
        accepted(1, ALICE, flags=SELL | Flag.LIMIT),
        accepted(2, BOB),
        event(
            EventKind.CROSSED, account=BOB, maker=ALICE, netuid=1, order_id=2, maker_order_id=1, alpha_rao=RAO,
            tao_rao=20, fee=3, maker_fee=2, price=20,
        ),
        event(EventKind.CUT_MATCHED, netuid=1, matched_tao=60, matched_alpha=2 * RAO),
        event(EventKind.FILLED, flags=SELL, account=ALICE, netuid=1, order_id=1, **block),
        event(EventKind.FILLED, account=BOB, netuid=1, order_id=2, **block),
    )  # fmt: skip

    mine = (await history.reads.fills(ALICE, OLDEST)).rows
    theirs = (await history.reads.fills(BOB, OLDEST)).rows
    tape = (await history.reads.trades(1, OLDEST)).rows
    assert [(fill.number, fill.is_maker, fill.fee, fill.trade_id) for fill in mine] == [
        (7, True, 2, 1),
        (10, False, 0, 2),
    ]
    assert [(fill.number, fill.is_maker, fill.fee, fill.trade_id) for fill in theirs] == [
        (6, False, 3, 1),
        (12, False, 0, 2),
    ]
    assert [(trade.seq, trade.trade_id, trade.price, trade.is_limit) for trade in tape] == [
        (3, 1, 20, False),
        (4, 2, 30, True),
    ]
    assert mine[0].order_flags == SELL | Flag.LIMIT
    assert await history.reads.fills_by_number(ALICE, [6, 7, 99]) == [mine[0]]


async def test_entries_carry_the_balance_after_them_from_batch_to_batch(history: History) -> None:
    deposit = {"account": ALICE, "netuid": NO_NETUID}
    await history.tell(event(EventKind.DEPOSIT_CREDITED, amount=100, **deposit))
    await history.tell(
        event(EventKind.WITHDRAWAL_HELD, job_id=2, amount=30, withdrawal_fee=5, **deposit),
        event(EventKind.FILLED, account=ALICE, netuid=1, order_id=9, mode=Mode.INSTANT, alpha_rao=7, tao_rao=20, fee=1),
    )
    await history.tell(event(EventKind.WITHDRAWAL_REFUNDED, job_id=2, amount=30, withdrawal_fee=5, **deposit))

    tao = (await history.reads.entries(ALICE, OLDEST, assets=(0,))).rows
    assert [(row.kind, row.amount, row.fee, row.balance) for row in tao] == [
        ("deposit", 100, 0, 100),
        ("withdrawal", -30, 5, 65),
        ("trade", -20, 1, 44),
        ("withdrawal", 35, 0, 79),
    ]
    assert tao[1].reference == tao[3].reference == 2
    (alpha,) = (await history.reads.entries(ALICE, assets=(2,))).rows
    assert (alpha.amount, alpha.balance, alpha.reference) == (7, 7, tao[2].reference)
    assert await history.reads.count_entries(ALICE, kind="withdrawal") == 2
    assert await history.reads.entries_by_number(BOB, [row.number for row in tao]) == []


async def test_candles_follow_the_pool_until_the_first_trade_and_trades_from_then_on(history: History) -> None:
    minute = NOW // MINUTE_MS * MINUTE_MS

    def pool(price: int) -> Any:
        return event(EventKind.POOL_UPDATED, netuid=1, spot_rao=price, tao_reserve=1)

    def trade(price: int) -> Any:
        return event(
            EventKind.FILLED, account=ALICE, netuid=1, order_id=1, mode=Mode.INSTANT, alpha_rao=RAO, tao_rao=price
        )

    await history.tell(pool(10), pool(8), ts_ms=minute)
    await history.tell(pool(12), trade(15), pool(99), ts_ms=minute + 59_999)
    await history.tell(trade(11), pool(1), ts_ms=minute + 60_000)

    one = (await history.reads.candles(1, 1, OLDEST)).rows
    assert [row.start_ms for row in one] == [minute, minute + 60_000]
    assert [(row.open, row.high, row.low, row.close) for row in one] == [(10, 15, 8, 15), (11, 11, 11, 11)]
    for interval in INTERVALS[1:]:
        (row,) = (await history.reads.candles(1, interval)).rows
        assert row.start_ms == minute // (interval * MINUTE_MS) * interval * MINUTE_MS
        assert (row.open, row.high, row.low, row.close) == (10, 15, 8, 11)
        assert (row.volume, row.cost, row.trades) == (2 * RAO, 26, 2)
    assert INTERVALS == GATEWAY_INTERVALS


async def test_rewards_tell_growth_and_what_customers_got(history: History) -> None:
    await history.tell(
        event(
            EventKind.GROWTH_SHARED, flags=Flag.ALPHA, key=1, hotkey=2, netuid=3, part=80, commission=15, house_part=5
        ),
        event(EventKind.REWARD_POSTED, account=ALICE, netuid=3, amount=40),
    )

    growth, paid = (await history.reads.rewards(OLDEST, netuid=3)).rows
    assert (growth.account, growth.amount, growth.commission, growth.house_part) == (0, 80, 15, 5)
    assert (await history.reads.rewards(account=ALICE)).rows == [paid]


async def test_the_audit_trail_keeps_acts_halts_and_refusals_and_no_secret(history: History) -> None:
    await history.tell(
        event(EventKind.API_KEY_ADDED, account=ALICE, payload=1),
        event(EventKind.HALT_CHANGED, flags=Flag.ARM | Flag.BY_OPERATOR, netuid=3, halt=1),
        event(EventKind.COMMAND_REJECTED, code=7, command_kind=CommandKind.SET_STAGE, netuid=3),
        event(EventKind.COMMAND_REJECTED, code=7, command_kind=CommandKind.CANCEL_ORDER),
        payloads=(b'{"sealed": "secret"}',),
    )

    rows = (await history.reads.audit(OLDEST)).rows
    assert [(row.category, row.kind) for row in rows] == [
        ("operator", "API_KEY_ADDED"),
        ("halt", "HALT_CHANGED"),
        ("refusal", "COMMAND_REJECTED"),
    ]
    assert "secret" not in str(rows)
    assert rows[2].details["command_kind"] == CommandKind.SET_STAGE
    assert (await history.reads.audit(category="halt", netuid=3)).rows == [rows[1]]


async def test_pages_joined_are_the_whole_in_both_directions(history: History) -> None:
    await history.tell(
        *(event(EventKind.DEPOSIT_CREDITED, account=ALICE, netuid=NO_NETUID, amount=n) for n in range(1, 24)),
        event(EventKind.DEPOSIT_CREDITED, account=BOB, netuid=NO_NETUID, amount=1),
    )
    joined: dict[bool, list[int]] = {}
    for oldest_first in (True, False):
        key, amounts = None, []
        while True:
            bound = {"after" if oldest_first else "before": key}
            page = await history.reads.entries(ALICE, Window(limit=5, oldest_first=oldest_first, **bound))
            amounts += [row.amount for row in page.rows]
            assert len(page.rows) <= 5
            assert page.seq == 24
            key = page.next_key
            if key is None:
                break
        joined[oldest_first] = amounts

    assert joined == {True: list(range(1, 24)), False: list(range(23, 0, -1))}
    skipped = await history.reads.entries(ALICE, Window(limit=3, skip=20))
    assert [row.amount for row in skipped.rows] == [3, 2, 1]
    assert skipped.next_key is None
    assert (await history.reads.entries(ALICE, Window(since_ms=NOW + 1))).rows == []
    assert len((await history.reads.entries(ALICE, Window(since_ms=NOW, until_ms=NOW))).rows) == 23


async def test_a_list_of_ids_is_bounded(history: History) -> None:
    await history.tell(event(EventKind.ACCOUNT_OPENED, account=ALICE))

    with pytest.raises(PageOutOfRange):
        await history.reads.orders_by_id(ALICE, range(IDS_MAX + 1))


async def test_pages_of_orders_are_found_by_an_index(history: History) -> None:
    past = busy_market(5)
    connection = await asyncpg.connect(history.url)
    await history.tell(event(EventKind.ACCOUNT_OPENED, account=ALICE))
    rows = [record for batch in (next(past), next(past)) for record in batch.events]
    assert len(rows) > 500
    await connection.execute("SET enable_seqscan = off")
    for order, index in (("order_id", "history_orders_account"), ("closed_seq", "history_orders_closed")):
        more = "AND closed_seq > 0" if order == "closed_seq" else ""
        plan = await connection.fetch(
            f"EXPLAIN SELECT * FROM history_orders WHERE account = 1 {more} AND {order} < 99"
            f" ORDER BY {order} DESC LIMIT 50"
        )
        assert index in str(plan)
    await connection.close()


async def test_history_of_a_real_exchange_agrees_with_its_engine_and_its_gateway(
    postgres_url: str, exchange: SmallExchange, alice: Client, bob: Client
) -> None:
    for client, side, price in ((alice, "sell", "0.0200050"), (bob, "buy", "0.0200050"), (bob, "buy", "0.0150000")):
        await client.ok("AddOrder", pair="SN1TAO", type=side, volume="2", ordertype="limit", price=price)
    await alice.ok("AddOrder", pair="SN1TAO", type="sell", volume="3", ordertype="market")
    await exchange.import_head()
    log = PostgresLog(postgres_url)
    await log.open()
    async for batch in exchange.log.read():
        await log.append(batch)
    await Projector(postgres_url).catch_up()
    reads = HistoryReads(postgres_url)

    for account in (ALICE, BOB):
        entries = (await reads.entries(account)).rows
        assert entries
        newest = {entry.asset: entry.balance for entry in reversed(entries)}
        for asset, balance in newest.items():
            view: BalanceView = exchange.replica.reads.balance(account, asset)
            assert balance == view.free + view.held
        fills = (await reads.fills(account)).rows
        assert fills
        assert all(fill.head and fill.mirror_tao and fill.booked_at >= fill.head for fill in fills)
        orders = (await reads.orders(account)).rows
        live = {order.seq: order for order in exchange.replica.orders.open_of(account)}
        assert {order.order_id: order_of_row(order) for order in orders if not order.closed_seq} == live
        for order in orders:
            mine = [fill for fill in fills if fill.order_id == order.order_id]
            assert (order.executed, order.cost, order.fee) == (
                sum(fill.volume for fill in mine),
                sum(fill.cost for fill in mine),
                sum(fill.fee for fill in mine),
            )
    candles = exchange.replica.candles(NETUID).rows(1, exchange.clock.now_ms)
    stored = {row.start_ms: row for row in (await reads.candles(NETUID, 1)).rows}
    for row in candles:
        if row.start_ms in stored:
            mine = stored[row.start_ms]
            assert (mine.open, mine.high, mine.low, mine.close) == (row.open, row.high, row.low, row.close)
            assert (mine.volume, mine.cost, mine.trades) == (row.volume, row.cost, row.count)
    assert {row.start_ms for row in candles if row.count} <= set(stored)
    await verify_projections(postgres_url)
    await reads.close()
    await log.close()
