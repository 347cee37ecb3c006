import pytest

from app.verify.exchange import Exchange
from ledger.engine.layout import CommandKind, EventKind, Flag, Job, OrderState
from ledger.engine.parameters import UNSIGNED_HEADS
from ledger.errors import Refusal
from tests.support.block_mode import (
    BlockChain,
    halt_instant,
    live,
    of_kind,
    place,
    settlement,
    sign,
    waiting_exchange,
)
from tests.support.builders import DEEP, HOT, SN, TAO, booked_balances, dead, kinds, trading_exchange

HIGH, LOW = 35_000_000, 31_000_000


@pytest.fixture
def exchange() -> Exchange:
    funds = (1_000 * TAO, 20_000 * TAO)
    return waiting_exchange({"alice": funds, "bob": funds, "carol": funds})[0]


def settle(exchange: Exchange, chain: BlockChain) -> EventKind | None:
    """Sign the open settlement and bring its outcome; return what became of its item."""
    job = sign(exchange)
    record = chain.fill(job, job.items[0])
    exchange.pools[SN] = chain.shown
    answer = exchange.head([record])
    assert answer.code == 0
    assert booked_balances(exchange) == exchange.balances()
    assert exchange.replay().state_hash() == exchange.engine.state_hash()
    told = {EventKind.SETTLEMENT_BOOKED, EventKind.SETTLEMENT_ITEM_FAILED} & set(kinds(answer))
    return told.pop() if told else None


def block_pending(exchange: Exchange) -> int:
    return int(exchange.engine.state.markets[0]["block_pending"])


def test_a_swap_is_shared_by_what_each_sent(exchange: Exchange) -> None:
    place(exchange, 1, tao=20 * TAO, limit=HIGH)
    place(exchange, 2, tao=10 * TAO, limit=HIGH)
    exchange.head()
    expected = block_pending(exchange)

    settle(exchange, BlockChain())

    assert live(exchange) == {}
    got = [exchange.views.balance(account, SN + 1).free - 20_000 * TAO for account in (1, 2)]
    assert sum(got) == expected
    assert abs(got[0] - 2 * got[1]) <= 2
    assert exchange.views.balance(1, 0).free == 1_000 * TAO - 20 * TAO - 52_000_000
    assert exchange.views.balance(1, 0).held == 0
    assert block_pending(exchange) == 0


def test_what_the_limit_stops_goes_back_to_the_queue(exchange: Exchange) -> None:
    order = place(exchange, 1, tao=100 * TAO, limit=33_433_332)
    exchange.head()

    assert settle(exchange, BlockChain()) == EventKind.SETTLEMENT_BOOKED

    row = live(exchange)[order]
    assert int(row["state"]) == OrderState.QUEUED
    assert int(row["flight"]) == 0
    assert 0 < int(row["tao"]) < 100 * TAO
    assert int(row["held"]) == int(row["total"] - row["tao"] - row["fee"])
    assert int(row["tao"]) * TAO <= int(row["alpha"]) * 33_433_332


@pytest.mark.parametrize(
    ("flags", "limit", "slippage", "reason"),
    [(Flag.IOC, 33_433_332, 0, Refusal.LIMIT_REACHED), (0, 0, 3_000, Refusal.SLIPPAGE_REACHED)],
)
def test_what_an_order_with_one_cut_leaves_is_closed(
    exchange: Exchange, flags: int, limit: int, slippage: int, reason: Refusal
) -> None:
    order = place(exchange, 1, tao=100 * TAO, limit=limit, flags=flags, slippage_ppm=slippage)
    exchange.head()
    job = sign(exchange)
    chain = BlockChain()
    record = chain.fill(job, job.items[0])
    exchange.pools[SN] = chain.shown

    answer = exchange.head([record])

    (closed,) = of_kind(answer, EventKind.ORDER_CLOSED)
    assert (int(closed["order_id"]), int(closed["code"])) == (order, reason)
    assert exchange.views.balance(1, 0).held == 0


def test_a_cancel_in_flight_takes_effect_on_what_is_left(exchange: Exchange) -> None:
    order = place(exchange, 1, tao=100 * TAO, limit=33_433_332)
    exchange.head()
    noted = exchange.ask(CommandKind.CANCEL_ORDER, account=1, order_id=order)

    assert kinds(noted) == [EventKind.CANCEL_NOTED]
    assert int(live(exchange)[order]["state"]) == OrderState.IN_FLIGHT
    settle(exchange, BlockChain())
    assert order not in live(exchange)
    assert exchange.views.balance(1, 0).held == 0
    assert exchange.views.balance(1, SN + 1).free > 20_000 * TAO


@pytest.mark.parametrize("how", ["failed", "dead", "released", "unsigned"])
def test_a_settlement_that_is_not_made_leaves_its_orders_as_they_were(exchange: Exchange, how: str) -> None:
    lasting = place(exchange, 1, tao=100 * TAO, limit=HIGH)
    immediate = place(exchange, 2, tao=10 * TAO, limit=HIGH, flags=Flag.IOC)
    cancelled = place(exchange, 3, tao=10 * TAO, limit=HIGH)
    exchange.head()
    exchange.ask(CommandKind.CANCEL_ORDER, account=3, order_id=cancelled)
    held = exchange.views.balance(1, 0).held
    job = settlement(exchange)
    if how == "failed":
        sign(exchange)
        record = BlockChain().fill(job, job.items[0])
        record["flags"] = int(record["flags"][0]) | Flag.FAILED
        answers = [exchange.head([record])]
    elif how == "dead":
        sign(exchange, period=2)
        answers = [exchange.head(), exchange.head([dead(job.job_id, Job.SETTLEMENT)])]
    elif how == "released":
        answers = [exchange.ask(CommandKind.RELEASE_JOB, job_id=job.job_id, job=Job.SETTLEMENT)]
        assert int(live(exchange)[lasting]["state"]) == OrderState.QUEUED
        assert int(exchange.engine.state.markets[0]["mirror_tao"]) == DEEP.tao
        answers.append(exchange.head())
    else:
        answers = [exchange.head() for _ in range(UNSIGNED_HEADS)]

    closed = [event for answer in answers for event in of_kind(answer, EventKind.ORDER_CLOSED)]
    assert {int(event["order_id"]): int(event["code"]) for event in closed} == {
        immediate: Refusal.LIMIT_REACHED,
        cancelled: Refusal.CANCELLED,
    }
    assert int(live(exchange)[lasting]["state"]) == OrderState.IN_FLIGHT  # of the next settlement
    assert exchange.views.balance(1, 0).held == held
    assert settlement(exchange).job_id != job.job_id
    assert [item.amount for item in settlement(exchange).items] == [100 * TAO]
    assert exchange.replay().state_hash() == exchange.engine.state_hash()


def test_a_buyer_of_a_volume_leaves_the_excess_to_the_house(exchange: Exchange) -> None:
    order = place(exchange, 1, alpha=3_000 * TAO, limit=HIGH)
    exchange.head()
    chain = BlockChain()
    chain.push(-300 * TAO)

    settle(exchange, chain)

    assert order not in live(exchange)
    balance = exchange.views.balance(1, SN + 1)
    assert balance.free == 20_000 * TAO + 3_000 * TAO
    assert exchange.views.balance(1, 0).held == 0
    view = exchange.views.market(SN, exchange.ts_ms)
    assert view is not None
    assert view.need < 0


def test_alpha_from_block_mode_is_covered_at_once(exchange: Exchange) -> None:
    place(exchange, 1, tao=20 * TAO, limit=HIGH)
    exchange.head()
    settle(exchange, BlockChain())

    balance = exchange.views.balance(1, SN + 1)

    assert balance.withdrawable == balance.free > 20_000 * TAO


def test_house_and_customers_share_one_swap(exchange: Exchange) -> None:
    exchange.configure(SN, target=20_000 * TAO + 60 * TAO)
    order = place(exchange, 1, tao=20 * TAO, limit=HIGH)
    exchange.head()
    (item,) = settlement(exchange).items
    assert 0 < int(exchange.engine.state.markets[0]["item_house"]) < item.amount

    settle(exchange, BlockChain())

    view = exchange.views.market(SN, exchange.ts_ms)
    assert view is not None
    assert order not in live(exchange)
    # The swap is split by TAO, so the house bears a part of the customers' price impact and they of its: few rao stay.
    assert abs(view.need) < 60 * TAO // 500


def test_a_hot_key_that_holds_too_little_sends_a_share_of_each_order() -> None:
    funds = (6_000 * TAO, 0)
    exchange, _ = trading_exchange({"alice": funds, "bob": funds})  # their TAO is not swept to the hot key yet
    halt_instant(exchange)
    orders = [place(exchange, account, tao=tao * TAO, limit=10 * HIGH) for account, tao in ((1, 5_000), (2, 2_500))]

    exchange.head()

    hot = exchange.views.custody(HOT).free
    rows = live(exchange)
    assert hot == 2_000 * TAO
    assert settlement(exchange).items[0].amount == hot
    assert [int(rows[order]["flight"]) for order in orders] == [1_333_333_333_333, 666_666_666_667]


def test_two_markets_are_settled_by_one_extrinsic(exchange: Exchange) -> None:
    exchange.list_market(2, DEEP)
    exchange.configure(2, target=0)
    exchange.head()
    first = place(exchange, 1, tao=20 * TAO, limit=HIGH)
    second = place(exchange, 2, tao=10 * TAO, limit=HIGH, netuid=2)
    exchange.head()
    job = sign(exchange)
    chains = {item.netuid: BlockChain() for item in job.items}
    records = [chains[item.netuid].fill(job, item, place) for place, item in enumerate(job.items)]
    records[0]["flags"] = int(records[0]["flags"][0]) | Flag.FAILED
    exchange.pools[2] = chains[2].shown

    answer = exchange.head(records)

    assert [item.netuid for item in job.items] == [1, 2]
    assert {int(event["order_id"]) for event in of_kind(answer, EventKind.FILLED)} == {second}
    assert int(live(exchange)[first]["state"]) == OrderState.IN_FLIGHT
    assert [item.netuid for item in settlement(exchange).items] == [1]
    assert exchange.replay().state_hash() == exchange.engine.state_hash()
