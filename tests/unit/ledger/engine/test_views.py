from app.verify.exchange import Exchange, block_hash
from ledger.engine.layout import NO_NETUID, CommandKind, EventKind, Flag, Gate, Job, JobState, Stage
from ledger.engine.parameters import WITHDRAWAL_FEE_TAO
from ledger.engine.views import SettlementJob, SweepJob, WithdrawalJob
from tests.support.builders import DEEP, HOT, HOTKEY, SN, TAO, TRADING, buy, trading_exchange, withdraw


def test_an_empty_engine_has_nothing_to_tell() -> None:
    views = Exchange().views

    assert (views.head().number, views.head().hash) == (0, bytes(32))
    assert views.accounts() == views.keys() == views.hotkeys() == views.jobs() == views.markets(0) == []
    assert views.market(SN, 0) is views.account(1) is views.find_account("alice") is views.address(1) is None
    assert views.balance_rows(1) == []


def test_a_replica_tells_what_the_engine_tells() -> None:
    exchange, _ = trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (TAO, 0)})
    buy(exchange, 1, tao=3 * TAO)
    exchange.head()
    withdraw(exchange, 1, TAO)

    ours, theirs = exchange.views, type(exchange.views)(exchange.replay())

    assert ours.markets(exchange.ts_ms) == theirs.markets(exchange.ts_ms)
    assert ours.jobs() == theirs.jobs()
    assert [ours.balance_rows(n) for n in (1, 2)] == [theirs.balance_rows(n) for n in (1, 2)]
    assert ours.custody(HOT) == theirs.custody(HOT)
    assert ours.accounts() == theirs.accounts()


def test_a_market_tells_its_pool_its_mirror_and_its_window() -> None:
    exchange, _ = trading_exchange({"alice": (100 * TAO, 0)})
    filled = buy(exchange, 1, tao=3 * TAO).events[1]

    market = exchange.views.market(SN, exchange.ts_ms)

    assert market is not None
    assert (market.stage, market.hotkey, market.registered_at) == (Stage.ONLINE, HOTKEY, 1)
    assert (market.head_tao, market.head_alpha, market.spot_rao) == (DEEP.tao, DEEP.alpha, 33_333_333)
    assert (market.mirror_tao, market.mirror_alpha) == (int(filled["pool_tao"]), int(filled["pool_alpha"]))
    assert (market.cap, market.used) == (5_035_477_225, int(filled["limit"]))
    assert market.need == int(filled["amount"]) == market.target - market.position
    assert market.instant_open
    assert exchange.views.market(SN, exchange.ts_ms + 30_001).gates == Gate.STALE  # type: ignore[union-attr]


def test_each_kind_of_job_is_told_with_what_it_needs() -> None:
    exchange, _ = trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})
    key = exchange.deposit_key(1)
    buy(exchange, 1, tao=3 * TAO)
    exchange.head()
    withdraw(exchange, 1, TAO)
    exchange.ask(CommandKind.REQUEST_SWEEP, flags=Flag.ALPHA, key=key, netuid=SN, hotkey=HOTKEY, amount=TAO)
    settlement, withdrawal, sweep = exchange.views.jobs()
    exchange.sign(settlement.job_id, Job.SETTLEMENT, TRADING, nonce=4, period=16)

    signed = exchange.views.jobs()[0]

    assert isinstance(settlement, SettlementJob)
    assert (settlement.state, settlement.requested_at, len(settlement.items)) == (JobState.REQUESTED, 3, 1)
    assert isinstance(withdrawal, WithdrawalJob)
    assert (withdrawal.netuid, withdrawal.fee, withdrawal.address.account) == (None, WITHDRAWAL_FEE_TAO, 1)
    assert isinstance(sweep, SweepJob)
    assert (sweep.deposit_key, sweep.netuid, sweep.hotkey, sweep.amount) == (key, SN, HOTKEY, TAO)
    assert (signed.state, signed.key, signed.nonce, signed.birth, signed.period) == (
        JobState.SIGNED,
        TRADING,
        4,
        3,
        16,
    )
    assert signed.signed == b"signed bytes"


def test_custody_is_told_per_key_as_positive_amounts() -> None:
    exchange, _ = trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})

    hot, deposit = exchange.views.custody(HOT), exchange.views.custody(exchange.deposit_key(1))

    assert (hot.free, hot.reserved) == (2_000 * TAO, 0)
    assert [(stake.hotkey, stake.netuid, stake.amount) for stake in hot.stakes] == [(HOTKEY, SN, 20_000 * TAO)]
    assert (deposit.free, [stake.amount for stake in deposit.stakes]) == (100 * TAO, [1_000 * TAO])


def test_custody_is_the_sum_of_all_that_is_owed() -> None:
    exchange, _ = trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})
    buy(exchange, 1, tao=3 * TAO)
    withdraw(exchange, 1, TAO)

    for asset in (0, SN + 1):
        total = exchange.views.accounts_total(asset)
        owed = total.customers_free + total.customers_held + total.earn + total.rewards_idle + total.withdrawing
        assert total.custody == owed + total.suspense + total.house
        assert total.house >= 0


def test_balances_name_the_asset_by_netuid_and_registration() -> None:
    exchange, _ = trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})

    tao, alpha = exchange.views.balance_rows(1)

    assert (tao.asset, tao.netuid, tao.free, tao.withdrawable) == (0, None, 100 * TAO, 100 * TAO)
    assert (alpha.asset, alpha.netuid, alpha.registered_at) == (SN + 1, SN, 1)


def test_a_head_tells_its_hash_and_when_it_came() -> None:
    exchange, _ = trading_exchange()

    head = exchange.views.head()

    assert (head.number, head.hash, head.imported_ms) == (2, block_hash(2), exchange.ts_ms)


def test_a_refused_command_is_an_event() -> None:
    exchange, _ = trading_exchange()
    answer = exchange.ask(CommandKind.CANCEL_ORDER, account=NO_NETUID)

    assert answer.events["kind"].tolist() == [EventKind.COMMAND_REJECTED]
