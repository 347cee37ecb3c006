"""Reads of history at the doors: they show what was answered before, say how new they are, and may be unavailable."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.projections.errors import HistoryBehind, HistoryUnavailable
from app.projections.projector import Projector
from app.projections.reads import HistoryReads
from ledger.log.postgres import PostgresLog
from tests.support.history import busy_market
from tests.support.small_exchange import Client, SmallExchange

PRIVATE = (
    *("Balance", "BalanceEx", "TradeBalance", "OpenOrders", "ClosedOrders", "QueryOrders", "TradesHistory"),
    *("QueryTrades", "Ledgers", "QueryLedgers", "TradeVolume", "OpenPositions", "DepositStatus", "WithdrawStatus"),
    *("DepositMethods", "WithdrawMethods", "WithdrawAddresses", "GetWebSocketsToken", "OrderAmends"),
)
PUBLIC = ("Time", "SystemStatus", "Assets", "AssetPairs", "Ticker", "Depth", "Trades", "OHLC", "Spread")
V1 = ("/v1/markets", "/v1/reconciliation", "/v1/custody", "/v1/quote?symbol=SN1/TAO&side=buy&volume=1")
HEADER = "x-taobourse-seq"


@pytest.fixture
async def log(postgres_url: str) -> AsyncIterator[PostgresLog]:
    opened = PostgresLog(postgres_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def reads(postgres_url: str) -> AsyncIterator[HistoryReads]:
    opened = HistoryReads(postgres_url)
    yield opened
    await opened.close()


async def test_every_read_says_which_seq_it_reflects(exchange: SmallExchange, alice: Client) -> None:
    order = (await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="1"))["txid"][0]
    seq = exchange.replica.seq
    for method in PRIVATE:
        answer = await alice.answer(method, txid=order, order_id=order, id="x", asset="TAO")
        assert int(answer.headers[HEADER]) == seq, method
    for method in PUBLIC:
        answer = await alice.http.get(f"/0/public/{method}", params={"pair": "SN1TAO"})
        assert (int(answer.headers[HEADER]), answer.json()["error"]) == (seq, []), method
    for path in V1:
        answer = await alice.http.get(path)
        assert (int(answer.headers[HEADER]), answer.status_code) == (seq, 200), path
        assert answer.json().get("seq", seq) == seq
    for path in (f"/v1/orders/{order}", "/v1/fills/1", "/v1/firm-quotes/1"):
        answer = await alice.v1("GET", path)
        assert int(answer.headers[HEADER]) == seq, path


async def test_a_write_reflects_its_own_effect_and_the_next_read_shows_it(
    exchange: SmallExchange, alice: Client
) -> None:
    for count in range(1, 4):
        answer = await alice.answer("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="1")
        written = int(answer.headers[HEADER])
        assert written == exchange.replica.seq
        closed = await alice.answer("ClosedOrders")
        assert int(closed.headers[HEADER]) >= written
        assert closed.json()["result"]["count"] == count
        assert answer.json()["result"]["txid"][0] == next(iter(closed.json()["result"]["closed"]))


async def test_without_history_trading_and_live_reads_go_on(exchange: SmallExchange, alice: Client) -> None:
    placed = await alice.ok(
        "AddOrder", pair="SN1TAO", type="buy", ordertype="limit", price="0.01", volume="1", cl_ord_id="mine"
    )
    (order,) = placed["txid"]
    before, exchange.parts.history = exchange.parts.history, HistoryReads("postgresql://127.0.0.1:1/nothing")

    refused = await alice.answer("ClosedOrders")
    assert refused.json()["error"] == ["EService:Unavailable"]
    assert refused.json()["reason"]["code"] == "history_unavailable"
    assert refused.headers["retry-after"] == "1"
    answer = await alice.v1("GET", f"/v1/orders/{order}")
    assert (answer.status_code, answer.json()["code"]) == (503, "history_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert list((await alice.ok("OpenOrders"))["open"]) == [order]
    assert list(await alice.ok("QueryOrders", txid=order)) == [order]
    assert (await alice.ok("CancelOrder", cl_ord_id="mine"))["count"] == 1
    await exchange.parts.history.close()
    exchange.parts.history = before


async def test_trades_that_memory_has_forgotten_are_read_from_history(exchange: SmallExchange, alice: Client) -> None:
    for _ in range(4):
        await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="0.1")
        await exchange.import_head()
    all_of_them = (await alice.public("Trades", pair="SN1TAO", since="0"))["result"]
    ring = exchange.replica.history(1).trades
    ring.popleft()
    ring.popleft()

    assert (await alice.public("Trades", pair="SN1TAO", since="0"))["result"] == all_of_them
    page = (await alice.public("Trades", pair="SN1TAO", since="0", count="3"))["result"]
    assert page["SN1TAO"] == all_of_them["SN1TAO"][:3]
    rest = (await alice.public("Trades", pair="SN1TAO", since=page["last"]))["result"]
    assert page["SN1TAO"] + rest["SN1TAO"] == all_of_them["SN1TAO"]


async def test_a_reader_who_waits_hurries_the_projector(
    log: PostgresLog, reads: HistoryReads, postgres_url: str
) -> None:
    coming, projector = busy_market(3), Projector(postgres_url, poll_s=60.0)
    projector.start()
    for _ in range(3):
        batch = next(coming)
        await log.append(batch)
        await reads.reached(batch.last_seq, ("orders", "trades", "entries", "chain"), wait_s=30.0)
        assert (await reads.audit()).seq <= batch.last_seq
        assert (await reads.trades(1)).seq == batch.last_seq
    await projector.stop()


async def test_a_reader_does_not_wait_for_ever(log: PostgresLog, reads: HistoryReads) -> None:
    await log.append(next(busy_market(4)))

    with pytest.raises(HistoryBehind):
        await reads.reached(1, ("orders",), wait_s=0.05)
    await reads.reached(0, ("orders",), wait_s=0.05)


async def test_a_database_that_is_away_is_told_as_such(postgres_url: str, reads: HistoryReads) -> None:
    await reads.reached(0, ("orders",))
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("DROP TABLE history_entries")
    await connection.close()

    with pytest.raises(HistoryUnavailable):
        await reads.entries(1)
