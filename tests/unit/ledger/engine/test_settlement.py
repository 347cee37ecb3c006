import pytest

from amm.exchange_reference import buy_in, buy_out, sell_in
from amm.reference import Pool, spot_rao
from app.verify.exchange import Exchange, PoolShown
from ledger.engine.layout import NO_NETUID, CommandKind, EventKind, Flag, Halt, Job, JobState
from ledger.engine.parameters import NEED_HEADS, UNSIGNED_HEADS
from ledger.engine.views import SettlementJob
from ledger.errors import Refusal
from tests.support.builders import (
    DEEP,
    SN,
    TAO,
    TRADING,
    booked_balances,
    buy,
    dead,
    failed_item,
    kinds,
    outcome,
    sell,
    trading_exchange,
)

PRICE_LOW = 33_000_000


@pytest.fixture
def exchange() -> Exchange:
    return trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})[0]


def settlement(exchange: Exchange) -> SettlementJob:
    return next(job for job in exchange.views.jobs() if isinstance(job, SettlementJob))


def need(exchange: Exchange) -> int:
    market = exchange.views.market(SN, exchange.ts_ms)
    assert market is not None
    return market.need


def after_a_buy(exchange: Exchange, tao: int = 3 * TAO) -> SettlementJob:
    buy(exchange, 1, tao=tao)
    exchange.head()
    return settlement(exchange)


def test_the_need_of_the_house_becomes_one_swap(exchange: Exchange) -> None:
    job = after_a_buy(exchange)

    (item,) = job.items
    wanted = buy_out(Pool(DEEP.tao, DEEP.alpha), need(exchange))
    after = spot_rao(buy_in(Pool(DEEP.tao, DEEP.alpha), wanted.cost).pool)
    assert (item.netuid, item.sell, item.amount) == (SN, False, wanted.cost)
    assert item.limit == after * 1_010_000 // 1_000_000
    assert job.state == JobState.REQUESTED


def test_a_house_that_holds_too_much_sells(exchange: Exchange) -> None:
    sell(exchange, 1, alpha=100 * TAO)
    exchange.head()

    (item,) = settlement(exchange).items
    sold = sell_in(Pool(DEEP.tao, DEEP.alpha), 100 * TAO)
    assert (item.sell, item.amount) == (True, 100 * TAO)
    assert item.limit == (spot_rao(sold.pool) - 1) * 990_000 // 1_000_000


def test_a_booked_swap_closes_the_settlement_and_the_need(exchange: Exchange) -> None:
    job = after_a_buy(exchange)
    exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, 0)
    bought = need(exchange)

    answer = exchange.head([outcome(job.job_id, Job.SETTLEMENT, tao=job.items[0].amount, alpha=bought)])

    assert {EventKind.SETTLEMENT_BOOKED, EventKind.SETTLEMENT_CLOSED} < set(kinds(answer))
    assert need(exchange) == 0
    assert exchange.views.jobs() == []
    assert booked_balances(exchange) == exchange.balances()


def test_a_part_of_a_swap_leaves_the_rest_as_need(exchange: Exchange) -> None:
    job = after_a_buy(exchange)
    exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, 0)
    whole = need(exchange)

    exchange.head([outcome(job.job_id, Job.SETTLEMENT, tao=job.items[0].amount // 3, alpha=whole // 3)])

    assert need(exchange) == whole - whole // 3
    (item,) = settlement(exchange).items
    assert item.amount == buy_out(Pool(DEEP.tao, DEEP.alpha), need(exchange)).cost


@pytest.mark.parametrize("how", ["failed", "dead", "released", "unsigned"])
def test_a_swap_that_was_not_made_is_asked_for_again(exchange: Exchange, how: str) -> None:
    job = after_a_buy(exchange)
    before = exchange.balances()
    if how == "failed":
        exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, 0)
        answer = exchange.head([failed_item(job.job_id)])
    elif how == "dead":
        exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, 0, period=2)
        exchange.head()
        answer = exchange.head([dead(job.job_id, Job.SETTLEMENT)])
    elif how == "released":
        exchange.ask(CommandKind.RELEASE_JOB, job_id=job.job_id, job=Job.SETTLEMENT)
        answer = exchange.head()
    else:
        for _ in range(UNSIGNED_HEADS):
            answer = exchange.head()

    again = settlement(exchange)
    assert again.job_id != job.job_id
    assert again.items == job.items
    assert EventKind.SETTLEMENT_REQUESTED in kinds(answer)
    assert exchange.balances() == before
    assert exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, 9).code == Refusal.UNKNOWN_JOB


def test_nothing_is_cut_while_a_settlement_is_in_flight(exchange: Exchange) -> None:
    job = after_a_buy(exchange)
    exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, 0, period=64)
    buy(exchange, 1, tao=3 * TAO)

    answer = exchange.head()

    assert EventKind.SETTLEMENT_REQUESTED not in kinds(answer)
    assert settlement(exchange).job_id == job.job_id


def test_a_small_need_waits_until_it_is_old(exchange: Exchange) -> None:
    buy(exchange, 1, tao=TAO)
    answers = [exchange.head() for _ in range(NEED_HEADS + 2)]

    requested = [EventKind.SETTLEMENT_REQUESTED in kinds(answer) for answer in answers]
    assert requested == [False] * (NEED_HEADS + 1) + [True]


def test_dust_is_never_settled(exchange: Exchange) -> None:
    buy(exchange, 1, tao=TAO // 200)

    assert all(EventKind.SETTLEMENT_REQUESTED not in kinds(exchange.head()) for _ in range(2 * NEED_HEADS))


@pytest.mark.parametrize("halt", [Halt.SIGNER, Halt.MONEY])
def test_nothing_is_cut_while_halted(exchange: Exchange, halt: Halt) -> None:
    buy(exchange, 1, tao=3 * TAO)
    exchange.ask(CommandKind.SET_HALT, flags=Flag.ARM, netuid=NO_NETUID, halt=halt)

    assert EventKind.SETTLEMENT_REQUESTED not in kinds(exchange.head())


def test_after_a_jump_the_limit_is_set_by_the_price_before_it(exchange: Exchange) -> None:
    buy(exchange, 1, tao=3 * TAO)
    exchange.pools[SN] = PoolShown(5 * DEEP.tao, DEEP.alpha)

    exchange.head()

    (item,) = settlement(exchange).items
    assert item.limit < 34_500_000


def test_all_items_come_with_one_block(exchange: Exchange) -> None:
    exchange.list_market(2, DEEP)
    exchange.configure(2)
    key = exchange.deposit_key(1)
    exchange.head(exchange.fund_house(2, alpha=20_000 * TAO))
    exchange.head([exchange.deposit_record(key, netuid=2, alpha=1_000 * TAO)])
    buy(exchange, 1, tao=3 * TAO)
    sell(exchange, 1, alpha=100 * TAO, netuid=2)
    exchange.head()
    job = settlement(exchange)
    exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, 0)
    first = outcome(job.job_id, Job.SETTLEMENT, tao=job.items[0].amount, alpha=80 * TAO)
    second = outcome(job.job_id, Job.SETTLEMENT, tao=3 * TAO, alpha=100 * TAO, flags=Flag.SELL, netuid=2, item=1)

    assert [(item.netuid, item.sell) for item in job.items] == [(1, False), (2, True)]
    assert exchange.head([first, second]).code == 0
    assert exchange.views.jobs() == []
    assert exchange.replay().state_hash() == exchange.engine.state_hash()


def test_half_a_settlement_is_no_outcome(exchange: Exchange) -> None:
    job = after_a_buy(exchange)
    exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, 0)
    wrong_side = outcome(job.job_id, Job.SETTLEMENT, tao=TAO, alpha=TAO, flags=Flag.SELL)

    assert exchange.head([wrong_side]).code == Refusal.HEAD_RECORD


def test_what_was_bought_is_covered_when_its_cut_is_booked(exchange: Exchange) -> None:
    job = after_a_buy(exchange)
    exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, 0)
    flying = exchange.views.balance(1, SN + 1)
    later = int(buy(exchange, 1, tao=TAO).events[1]["amount"])

    exchange.head([outcome(job.job_id, Job.SETTLEMENT, tao=job.items[0].amount, alpha=90 * TAO)])

    settled = exchange.views.balance(1, SN + 1)
    assert flying.withdrawable == 1_000 * TAO
    assert settled.free - settled.withdrawable in {0, later + flying.free - 1_000 * TAO}
    for _ in range(2):
        exchange.head()
    assert exchange.views.balance(1, SN + 1).withdrawable == settled.free


def test_the_house_spends_no_more_than_the_hot_key_holds() -> None:
    exchange = Exchange()
    exchange.set_up()
    exchange.list_market(SN, DEEP)
    exchange.configure(SN, target=40_000 * TAO)
    exchange.head(exchange.fund_house(SN, tao=100 * TAO, alpha=20_000 * TAO))
    exchange.head()

    assert exchange.views.jobs() == []
    exchange.head(exchange.fund_house(NO_NETUID, tao=700 * TAO))
    assert settlement(exchange).items[0].amount < 800 * TAO
