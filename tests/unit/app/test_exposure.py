"""The house's view: its parts add up to its result, and netted flow earns the pool fee."""

from collections.abc import AsyncIterator

from app.exposure import Exposure, read_exposure
from app.verify.exchange import HOT, HOTKEY, TRADING, Exchange
from ledger.codec import Batch, seal
from ledger.engine.layout import NO_NETUID, CommandKind, EventKind, Job
from ledger.engine.records import command
from ledger.log.base import EMPTY_HEAD
from tests.support.builders import SN, TAO, buy, outcome, sell, trading_exchange


async def exposure(exchange: Exchange) -> Exposure:
    async def batches() -> AsyncIterator[Batch]:
        previous = EMPTY_HEAD.hash
        for number, (ts_ms, events, payloads) in enumerate(exchange.log):
            batch = seal(
                number=number, ts_ms=ts_ms, writer_epoch=1, events=events, payloads=payloads, previous=previous
            )
            previous = batch.hash
            yield batch

    found = await read_exposure(batches())
    assert [market.netuid for market in found] == [SN]
    return found[0]


async def test_an_exchange_without_trades_has_no_result() -> None:
    exchange, _ = trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})

    told = await exposure(exchange)

    assert (told.result, told.netting, told.drift, told.rewards) == (0, 0, 0, 0)
    assert (told.inventory, told.target, told.need) == (20_000 * TAO, 20_000 * TAO, 0)


async def test_two_way_flow_earns_the_pool_fee_that_never_reaches_the_chain() -> None:
    exchange, _ = trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})
    bought = buy(exchange, 1, tao=2 * TAO).events
    alpha = int(bought[bought["kind"] == EventKind.FILLED]["amount"][0])

    sell(exchange, 1, alpha=alpha)
    told = await exposure(exchange)

    fee_of_one_side = 2 * TAO * 33 // 65_535
    assert fee_of_one_side < told.netting < 2 * fee_of_one_side + TAO // 1_000
    assert abs(told.drift) <= 100_000, "what the fees moved the mirror by"
    assert told.result == told.netting + told.drift + told.rewards
    assert told.window_used > 0
    assert told.gross_traded > 3 * TAO
    assert told.gross_settled == 0


async def test_a_settlement_of_one_way_flow_leaves_the_house_as_it_was_and_its_fee_is_told() -> None:
    exchange, _ = trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})
    filled = buy(exchange, 1, tao=2 * TAO).events
    spent = int(filled[filled["kind"] == EventKind.FILLED]["tao"][0])
    got = int(filled[filled["kind"] == EventKind.FILLED]["amount"][0])
    exchange.head()
    job = exchange.views.jobs()[0].job_id
    exchange.sign(job, Job.SETTLEMENT, TRADING, 0)

    fee = command(CommandKind.CHAIN_FEE_SEEN, key=TRADING, fee=0, netuid=NO_NETUID, job_id=job)
    paid = command(CommandKind.CHAIN_FEE_SEEN, key=HOT, fee=1_700_000, netuid=NO_NETUID, job_id=job)
    exchange.head([outcome(job, Job.SETTLEMENT, tao=spent, alpha=got, item=0, hotkey=HOTKEY), fee, paid])
    told = await exposure(exchange)

    assert abs(told.result) <= 100
    assert told.chain_fees == 1_700_000
    assert told.gross_settled == spent
    assert told.need == 0
