"""The laws of the money flow, held against a small chain that swaps, fails, forgets and is pushed by strangers."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from amm.exchange_reference import buy_in, mirror, sell_in
from amm.reference import Pool, limit_bits_of, price_bits, spot_rao
from app.verify.exchange import Exchange, PoolShown
from ledger.engine.api import Answer
from ledger.engine.layout import NO_NETUID, CommandKind, EventKind, Flag, Job, JobState, Records
from ledger.engine.records import command
from ledger.engine.views import AnyJob, SettlementJob, SweepJob
from tests.support.builders import (
    DEEP,
    HOT,
    HOTKEY,
    SN,
    TAO,
    TRADING,
    Booked,
    buy,
    dead,
    outcome,
    sell,
    trading_exchange,
    withdraw,
)

PERIOD = 2
CUSTOMERS = st.sampled_from([1, 2])
ASSETS = st.sampled_from(["tao", "alpha"])


def of_kind(answer: Answer, kind: EventKind) -> list[int]:
    """Return the job ids of an answer's events of one kind."""
    return [int(event["order_id"]) for event in answer.events if event["kind"] == kind]


class SmallChain:
    """What the chain holds of ours, and one pool."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.pool = Pool(DEEP.tao, DEEP.alpha)
        ours = exchange.views.keys()
        self.free = {key.key: exchange.views.custody(key.key).free for key in ours}
        self.stakes = {key.key: sum(stake.amount for stake in exchange.views.custody(key.key).stakes) for key in ours}

    def push(self, amount: int) -> None:
        """Let a stranger buy with TAO, or sell alpha where the amount is negative."""
        self.pool = buy_in(self.pool, amount).pool if amount > 0 else sell_in(self.pool, -30 * amount).pool

    def include(self, job: AnyJob, *, refuse: bool) -> list[Records]:
        """Execute a signed job and return what a head tells of it, its fee included."""
        fee = command(CommandKind.CHAIN_FEE_SEEN, key=HOT, fee=1_234, job_id=job.job_id)
        self.free[HOT] -= 1_234
        if isinstance(job, SettlementJob):
            return [self._swap(job, refuse=refuse), fee]
        if refuse:
            return [outcome(job.job_id, job.job, flags=Flag.FAILED), fee]
        if isinstance(job, SweepJob):
            return [self._sweep(job), fee]
        if job.netuid is None:
            self.free[HOT] -= job.amount
            return [outcome(job.job_id, job.job, tao=job.amount), fee]
        self.stakes[HOT] -= job.amount
        return [outcome(job.job_id, job.job, alpha=job.amount, flags=Flag.ALPHA), fee]

    def _sweep(self, job: SweepJob) -> Records:
        if job.netuid is None:
            self.free[job.deposit_key] -= job.amount
            self.free[HOT] += job.amount
            return outcome(job.job_id, job.job, key=job.deposit_key, tao=job.amount)
        self.stakes[job.deposit_key] -= job.amount
        self.stakes[HOT] += job.amount - 1
        return outcome(
            job.job_id,
            job.job,
            key=job.deposit_key,
            alpha=job.amount,
            flags=Flag.ALPHA,
            arrived_rao=job.amount - 1,
        )

    def _swap(self, job: SettlementJob, *, refuse: bool) -> Records:
        (item,) = job.items
        flags = Flag.SELL if item.sell else 0
        price, limit = price_bits(self.pool), limit_bits_of(item.limit)
        if refuse or (price <= limit if item.sell else price >= limit):
            return outcome(job.job_id, job.job, flags=flags | Flag.FAILED, netuid=SN)
        if item.sell:
            sold = sell_in(self.pool, item.amount)
            self.pool = sold.pool
            self.free[HOT] += sold.tao_out
            self.stakes[HOT] -= item.amount
            return outcome(job.job_id, job.job, tao=sold.tao_out, alpha=item.amount, flags=flags)
        bought = buy_in(self.pool, item.amount)
        self.pool = bought.pool
        self.free[HOT] -= item.amount
        self.stakes[HOT] += bought.alpha_out
        return outcome(job.job_id, job.job, tao=item.amount, alpha=bought.alpha_out)

    def head(self, records: list[Records]) -> Answer:
        """Import a head that shows the pool and everything that the chain holds of ours."""
        self.exchange.pools[SN] = PoolShown(self.pool.tao, self.pool.alpha)
        seen = [command(CommandKind.ACCOUNT_SEEN, key=key, free=free) for key, free in self.free.items()]
        seen += [
            command(CommandKind.STAKE_SEEN, key=key, hotkey=HOTKEY, netuid=SN, stake=stake)
            for key, stake in self.stakes.items()
        ]
        return self.exchange.head([*sorted(records, key=lambda record: int(record["kind"][0])), *seen])


class Trading(RuleBasedStateMachine):
    """Customers trade, deposit and withdraw; settlements are signed or not, included, refused or forgotten."""

    @initialize()
    def begin(self) -> None:
        self.exchange, _ = trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (50 * TAO, 500 * TAO)})
        self.booked = Booked(self.exchange)
        self.chain = SmallChain(self.exchange)
        self.nonce = 0
        self.arrivals: list[Records] = []

    @rule(account=CUSTOMERS, tao=st.integers(1, 4 * TAO), limit=st.sampled_from([0, 33_340_000, 34_000_000]))
    def buy_with_tao(self, account: int, tao: int, limit: int) -> None:
        self.judge_fill(buy(self.exchange, account, tao=tao, limit=limit), limit)

    @rule(account=CUSTOMERS, alpha=st.integers(1, 100 * TAO), limit=st.sampled_from([0, 33_340_000, 34_000_000]))
    def buy_alpha(self, account: int, alpha: int, limit: int) -> None:
        self.judge_fill(buy(self.exchange, account, alpha=alpha, limit=limit), limit)

    @rule(account=CUSTOMERS, alpha=st.integers(1, 100 * TAO), limit=st.sampled_from([0, 33_300_000, 32_000_000]))
    def sell_alpha(self, account: int, alpha: int, limit: int) -> None:
        self.judge_fill(sell(self.exchange, account, alpha=alpha, limit=limit), limit)

    def judge_fill(self, answer: Answer, limit: int) -> None:
        for event in answer.events[answer.events["kind"] == EventKind.FILLED]:
            alpha, tao = int(event["amount"]), int(event["tao"])
            market = self.exchange.views.market(SN, self.exchange.ts_ms)
            assert market is not None
            assert market.used <= market.cap
            if limit and int(event["flags"]) & Flag.SELL:
                assert tao * TAO >= alpha * limit
            elif limit:
                assert tao * TAO <= alpha * limit

    @rule(account=CUSTOMERS, amount=st.integers(1, 3 * TAO), asset=ASSETS)
    def take_out(self, account: int, amount: int, asset: str) -> None:
        alpha = asset == "alpha"
        withdraw(self.exchange, account, 100 * amount if alpha else amount, alpha=alpha)

    @rule(account=CUSTOMERS, amount=st.integers(1, 3 * TAO), asset=ASSETS)
    def put_in(self, account: int, amount: int, asset: str) -> None:
        key = self.exchange.deposit_key(account)
        if asset == "alpha":
            self.chain.stakes[key] += amount
            self.arrivals.append(self.exchange.deposit_record(key, netuid=SN, alpha=amount))
        else:
            self.chain.free[key] += amount
            self.arrivals.append(self.exchange.deposit_record(key, tao=amount))

    @rule(account=CUSTOMERS, asset=ASSETS)
    def sweep(self, account: int, asset: str) -> None:
        key = self.exchange.deposit_key(account)
        custody = self.exchange.views.custody(key)
        alpha = asset == "alpha"
        amount = sum(stake.amount for stake in custody.stakes) if alpha else custody.free
        flags = Flag.ALPHA if alpha else 0
        meanings = {"key": key, "netuid": SN if alpha else NO_NETUID, "hotkey": HOTKEY if alpha else 0}
        self.exchange.ask(CommandKind.REQUEST_SWEEP, flags=flags, amount=amount, **meanings)

    @precondition(lambda self: self.exchange.views.jobs())
    @rule(skipped=st.sets(st.integers(0, 2), max_size=2))
    def sign(self, skipped: set[int]) -> None:
        for position, job in enumerate(self.exchange.views.jobs()):
            if position in skipped:
                continue
            key = {Job.SETTLEMENT: TRADING, Job.WITHDRAWAL: HOT}.get(job.job) or getattr(job, "deposit_key", 0)
            answer = self.exchange.sign(job.job_id, job.job, key, self.nonce, PERIOD)
            assert (answer.code == 0) is (job.state == JobState.REQUESTED)
            self.nonce += 1

    @rule(account=CUSTOMERS, tao=st.integers(TAO, 4 * TAO), skipped=st.sets(st.integers(0, 2), max_size=1))
    def buy_and_settle(self, account: int, tao: int, skipped: set[int]) -> None:
        self.buy_with_tao(account, tao, 0)
        self.block(["included"], 0)
        self.sign(skipped)

    @rule(
        fates=st.lists(st.sampled_from(["included", "refused", "waits"]), min_size=3, max_size=3),
        push=st.one_of(st.just(0), st.integers(-900 * TAO, 900 * TAO)),
    )
    def block(self, fates: list[str], push: int) -> None:
        if abs(push) > TAO:
            self.chain.push(push)
        records, self.arrivals = self.arrivals, []
        signed = [job for job in self.exchange.views.jobs() if job.state == JobState.SIGNED]
        for position, job in enumerate(signed):
            passed = job.birth + job.period <= self.exchange.height + 1
            fate = fates[position % len(fates)]
            if passed:
                records.append(dead(job.job_id, job.job))
            elif fate != "waits":
                records += self.chain.include(job, refuse=fate == "refused")
        before = self.flying()
        answer = self.chain.head(records)
        assert answer.code == 0
        assert EventKind.HEAD_ENDED in answer.events["kind"]
        assert EventKind.RECONCILIATION_BROKEN not in answer.events["kind"]
        requested = [
            int(event["order_id"]) for event in answer.events if event["kind"] == EventKind.SETTLEMENT_REQUESTED
        ]
        closed = {int(event["order_id"]) for event in answer.events if event["kind"] == EventKind.SETTLEMENT_CLOSED}
        assert len(requested) <= 1
        assert not requested or before <= closed
        self.judge_mirror()

    def flying(self) -> set[int]:
        return {job.job_id for job in self.exchange.views.jobs() if isinstance(job, SettlementJob)}

    def judge_mirror(self) -> None:
        market = self.exchange.views.market(SN, self.exchange.ts_ms)
        assert market is not None
        row = self.exchange.engine.state.markets[0]
        pending = market.need + int(row["block_pending"]) + int(row["firm_pending"])
        known = mirror(self.chain.pool, pending)
        assert (market.mirror_tao, market.mirror_alpha) == (known.tao, known.alpha)

    @invariant()
    def one_settlement_at_most(self) -> None:
        assert len(self.flying()) <= 1

    @invariant()
    def everything_owed_is_held(self) -> None:
        for asset in (0, SN + 1):
            total = self.exchange.views.accounts_total(asset)
            owed = total.customers_free + total.customers_held + total.withdrawing + max(total.suspense, 0)
            assert total.custody >= owed
            assert total.house >= 0

    @invariant()
    def balances_are_the_listed_postings(self) -> None:
        balances = self.exchange.balances()
        assert balances == self.booked.balances()
        for (name, _), amount in balances.items():
            assert not name.startswith("c:") or amount > 0
            assert not name.startswith("custody") or amount < 0

    def teardown(self) -> None:
        assert self.exchange.replay().state_hash() == self.exchange.engine.state_hash()


TestTrading = Trading.TestCase
# A machine that is busy, or compiles first, is slow; that says nothing about the laws.
SLOW = [HealthCheck.too_slow]
TestTrading.settings = settings(max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=SLOW)


@settings(max_examples=20, deadline=None, suppress_health_check=SLOW)
@given(
    flows=st.lists(st.lists(st.integers(TAO // 100, 2 * TAO), max_size=3), min_size=1, max_size=6),
    side=st.sampled_from(["buys", "sells"]),
    delays=st.lists(st.integers(0, 2), min_size=8, max_size=8),
)
def test_one_way_flow_on_a_quiet_chain_leaves_the_house_where_it_was(
    flows: list[list[int]], side: str, delays: list[int]
) -> None:
    """The house earns and loses nothing by trading, to a few rao: what it filled is what the chain then did."""
    exchange, _ = trading_exchange({"alice": (100 * TAO, 5_000 * TAO)})
    exchange.configure(SN, target=20_000 * TAO, min_settle=0)
    chain = SmallChain(exchange)
    nonce = 0
    for amounts, delay in zip([*flows, *[[]] * 40], delays * 6, strict=False):
        for amount in amounts:
            sell(exchange, 1, alpha=30 * amount) if side == "sells" else buy(exchange, 1, tao=amount)
        for _ in range(delay if amounts else 0):
            chain.head([])
        jobs = [job for job in exchange.views.jobs() if isinstance(job, SettlementJob)]
        records: list[Records] = []
        for job in jobs:
            assert exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, nonce, PERIOD).code == 0
            nonce += 1
            records += chain.include(job, refuse=False)
        chain.head(records)

    market = exchange.views.market(SN, exchange.ts_ms)
    assert market is not None
    balances = exchange.balances()
    alpha_result = balances["house:trading:SN1", SN + 1] - 20_000 * TAO
    tao_result = balances["house:trading:SN1", 0] - 2_000 * TAO
    value = spot_rao(chain.pool) * alpha_result // TAO
    assert abs(market.need) * market.spot_rao // TAO < 2_002_000
    # Fees of sales are sold one by one here and all at once there: a gain of the fee on the flow's own price impact.
    flow = sum(sum(amounts) for amounts in flows)
    gain = 2 * 33 * flow * flow // (65_535 * DEEP.tao) if side == "sells" else 0
    assert -100 <= tao_result + value <= 100 + gain
