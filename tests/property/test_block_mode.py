"""Block mode against its laws: whoever comes first, whatever the chain does with our swaps."""

from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.verify.exchange import Exchange
from ledger.engine.api import Answer
from ledger.engine.balances import position
from ledger.engine.layout import CommandKind, EventKind, Flag, Job, JobState, Mode, OrderState, Records
from ledger.engine.pools import pending_of
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
from tests.support.builders import SN, TAO, TRADING, booked_balances, buy, dead, kinds

FUNDS = (1_000 * TAO, 20_000 * TAO)
NAMES = ("alice", "bob", "carol", "dora")
PERIOD = 3

Wish = tuple[bool, int, int]
"""``(sells, TAO worth, limit)``."""

wishes = st.lists(
    st.tuples(st.booleans(), st.integers(1, 80 * TAO), st.integers(33_400_000, 36_000_000)),
    min_size=len(NAMES),
    max_size=len(NAMES),
)


def wish_for(exchange: Exchange, account: int, wish: Wish) -> int:
    """Place an order that the head's price meets."""
    sells, tao, limit = wish
    if sells:
        return place(exchange, account, alpha=30 * tao, limit=66_600_000 - limit, sell=True)
    return place(exchange, account, tao=tao, limit=limit)


def settle(exchange: Exchange, chain: BlockChain, nonce: int) -> Answer:
    """Sign the open settlement and bring what the chain makes of it."""
    job = sign(exchange, nonce)
    record = chain.fill(job, job.items[0])
    exchange.pools[SN] = chain.shown
    answer = exchange.head([record])
    assert answer.code == 0
    return answer


def told(answer: Answer) -> list[tuple[int, ...]]:
    """Return the parts of an answer without the numbers that come from the order of arrival."""
    names = ("kind", "account", "flags", "amount", "tao", "fee", "hold", "id_hi")
    parts = {EventKind.FILLED, EventKind.ORDER_SENT, EventKind.CUT_MATCHED, EventKind.SETTLEMENT_ITEM_REQUESTED}
    return [tuple(int(event[name]) for name in names) for event in answer.events if int(event["kind"]) in parts]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(wanted=wishes, order=st.permutations(range(len(NAMES))))
def test_what_each_order_gets_does_not_depend_on_who_came_first(wanted: list[Wish], order: list[int]) -> None:
    stories = []
    for arrivals in (range(len(NAMES)), order):
        exchange, _ = waiting_exchange(dict.fromkeys(NAMES, FUNDS))
        for place_in_line in arrivals:
            wish_for(exchange, place_in_line + 1, wanted[place_in_line])
        story = told(exchange.head())
        if any(job.job is Job.SETTLEMENT for job in exchange.views.jobs()):
            story += told(settle(exchange, BlockChain(), 0))
        stories.append((story, exchange.balances()))

    assert stories[0] == stories[1]


class BlockMode(RuleBasedStateMachine):
    """Customers queue, rest and cancel; settlements are filled, in part or not, refused, forgotten or released."""

    @initialize()
    def begin(self) -> None:
        self.exchange, _ = waiting_exchange(dict.fromkeys(NAMES, FUNDS))
        self.chain = BlockChain()
        self.nonces = count()
        self.limits: dict[int, int] = {}

    @rule(
        account=st.integers(1, len(NAMES)),
        tao=st.integers(1, 60 * TAO),
        limit=st.integers(33_000_000, 36_000_000),
        volume=st.booleans(),
        more=st.sampled_from([0, Flag.IOC, Flag.POST_ONLY]),
    )
    def buys(self, account: int, tao: int, limit: int, volume: bool, more: int) -> None:  # noqa: FBT001 - a strategy
        amount = {"alpha": 28 * tao} if volume else {"tao": tao}
        self.place(account, limit=limit, flags=more, **amount)

    @rule(
        account=st.integers(1, len(NAMES)),
        alpha=st.integers(1, 1_500 * TAO),
        limit=st.integers(31_000_000, 33_700_000),
        more=st.sampled_from([0, 0, Flag.IOC, Flag.POST_ONLY]),
    )
    def sells(self, account: int, alpha: int, limit: int, more: int) -> None:
        self.place(account, alpha=alpha, limit=limit, flags=more | Flag.SELL)

    def place(self, account: int, *, flags: int, limit: int, tao: int = 0, alpha: int = 0) -> None:
        flags |= Flag.LIMIT | (Flag.IN_QUOTE if tao else 0)
        meanings = {"account": account, "netuid": SN, "tao_rao": tao, "alpha_rao": alpha, "limit": limit}
        answer = self.exchange.ask(CommandKind.PLACE_ORDER, flags=flags, **meanings)
        if answer.code == 0:
            self.limits[answer.reference] = limit
        self.judge(answer)

    @rule(account=st.integers(1, len(NAMES)), nth=st.integers(0, 5))
    def cancels(self, account: int, nth: int) -> None:
        own = [order for order, row in live(self.exchange).items() if int(row["account"]) == account]
        if own:
            order_id = own[nth % len(own)]
            self.judge(self.exchange.ask(CommandKind.CANCEL_ORDER, account=account, order_id=order_id))

    @rule(on=st.booleans())
    def instant(self, on: bool) -> None:  # noqa: FBT001 - a strategy
        halt_instant(self.exchange, on=on)

    @rule(amount=st.integers(-60 * TAO, 60 * TAO).filter(bool))
    def stranger(self, amount: int) -> None:
        self.chain.push(amount)

    @rule(fate=st.sampled_from(["wait", "fill", "fill", "fill", "refuse", "die", "release"]))
    def head(self, fate: str) -> None:
        job = next((job for job in self.exchange.views.jobs() if job.job is Job.SETTLEMENT), None)
        records = []
        if job is not None and fate != "wait":
            if fate == "release" and job.state is JobState.REQUESTED:
                self.judge(self.exchange.ask(CommandKind.RELEASE_JOB, job_id=job.job_id, job=Job.SETTLEMENT))
            elif job.state is JobState.REQUESTED:
                self.exchange.sign(job.job_id, Job.SETTLEMENT, TRADING, next(self.nonces), PERIOD)
            if fate in {"fill", "refuse"}:
                swap = settlement(self.exchange)
                records = [self.chain.fill(swap, swap.items[0]) if fate == "fill" else self.refusal()]
            elif fate == "die" and job.state is JobState.SIGNED and self.exchange.height >= job.birth + PERIOD:
                records = [dead(job.job_id, Job.SETTLEMENT)]
        self.exchange.pools[SN] = self.chain.shown
        before = job.job_id if job else 0
        answer = self.exchange.head(records)
        assert answer.code == 0
        self.judge(answer)
        requested = of_kind(answer, EventKind.SETTLEMENT_REQUESTED)
        if len(requested) and before and fate != "release":
            assert EventKind.SETTLEMENT_CLOSED in kinds(answer)
        items = [int(event["netuid"]) for event in of_kind(answer, EventKind.SETTLEMENT_ITEM_REQUESTED)]
        assert len(items) == len(set(items))
        market = self.exchange.engine.state.markets[0]
        mirror = int(market["mirror_tao"]), int(market["mirror_alpha"])
        if not int(pending_of(market, position(self.exchange.engine.state, SN))):
            assert mirror == (int(market["head_tao"]), int(market["head_alpha"]))

    def refusal(self) -> Records:
        swap = settlement(self.exchange)
        record = BlockChain(self.chain.shown).fill(swap, swap.items[0])
        record["flags"] = int(record["flags"][0]) | Flag.FAILED
        return record

    def judge(self, answer: Answer) -> None:
        """Hold every trade against the limits of its orders."""
        for event in answer.events:
            kind, alpha, tao = int(event["kind"]), int(event["amount"]), int(event["tao"])
            sell = int(event["flags"]) & Flag.SELL
            limit = self.limits.get(int(event["order_id"]), 0)
            if kind == EventKind.FILLED:
                rounding = int(event["id_hi"])
                assert rounding == 0 or int(event["code"]) == Mode.BLOCK
                if sell:
                    assert (tao + rounding) * TAO >= alpha * limit
                else:
                    assert (tao - rounding) * TAO <= alpha * limit
            elif kind == EventKind.CROSSED:
                price = self.limits[int(event["aux"])]
                assert int(event["pool_alpha"]) == price
                assert price >= limit if sell else price <= limit

    @invariant()
    def balances_add_up(self) -> None:
        assert booked_balances(self.exchange) == self.exchange.balances()
        held: dict[tuple[str, int], int] = {}
        for row in live(self.exchange).values():
            asset = SN + 1 if int(row["flags"]) & Flag.SELL else 0
            place_of = f"c:{int(row['account'])}:held", asset
            held[place_of] = held.get(place_of, 0) + int(row["held"])
        kept = {name: amount for name, amount in self.exchange.balances().items() if name[0].endswith(":held")}
        assert kept == {name: amount for name, amount in held.items() if amount}

    @invariant()
    def flight_is_the_swap(self) -> None:
        market = self.exchange.engine.state.markets[0]
        flight = sum(int(row["flight"]) for row in live(self.exchange).values())
        customers = int(market["item_amount"] - market["item_house"]) if int(market["item_job"]) else 0
        assert flight == customers
        assert int(market["used"]) <= int(market["cap"])

    @precondition(lambda self: len(self.exchange.log) % 8 == 0)
    @rule()
    def replays(self) -> None:
        assert self.exchange.replay().state_hash() == self.exchange.engine.state_hash()


BlockMode.TestCase.settings = settings(
    max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestBlockMode = BlockMode.TestCase


def result(exchange: Exchange) -> int:
    """Return the house's result in the market since it was funded, at the head's price, rao."""
    balances = exchange.balances()
    market = exchange.engine.state.markets[0]
    tao = balances.get((f"house:trading:SN{SN}", 0), 0) + balances.get(("house:rounding", 0), 0) - 2_000 * TAO
    alpha = int(position(exchange.engine.state, SN)) - 20_000 * TAO
    return tao + alpha * int(market["head_tao"]) // int(market["head_alpha"])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    wanted=st.lists(st.tuples(st.integers(TAO, 60 * TAO), st.integers(33_600_000, 40_000_000)), min_size=1, max_size=6),
    fates=st.lists(st.sampled_from(["fill", "wait", "refuse"]), max_size=8),
    sells=st.booleans(),
)
def test_one_way_flow_in_block_mode_leaves_the_house_where_it_was(
    wanted: list[tuple[int, int]],
    fates: list[str],
    sells: bool,  # noqa: FBT001 - a strategy
) -> None:
    exchange, _ = waiting_exchange(dict.fromkeys(NAMES, FUNDS))
    chain, nonces, waiting = BlockChain(), count(), list(wanted)
    for fate in [*fates, *["fill"] * (2 * len(wanted) + 2)]:
        if waiting:
            tao, limit = waiting.pop()
            if sells:
                place(exchange, 1 + len(waiting) % 4, alpha=30 * tao, limit=66_600_000 - limit, sell=True)
            else:
                place(exchange, 1 + len(waiting) % 4, tao=tao, limit=limit)
        job = next((job for job in exchange.views.jobs() if job.job is Job.SETTLEMENT), None)
        records = []
        if job is not None and fate != "wait":
            if job.state is JobState.REQUESTED:
                sign(exchange, next(nonces), 64)
            swap = settlement(exchange)
            filled = (
                chain.fill(swap, swap.items[0]) if fate == "fill" else BlockChain(chain.shown).fill(swap, swap.items[0])
            )
            if fate == "refuse":
                filled["flags"] = int(filled["flags"][0]) | Flag.FAILED
            records = [filled]
        exchange.pools[SN] = chain.shown
        assert exchange.head(records).code == 0

    assert all(int(row["state"]) != OrderState.IN_FLIGHT for row in live(exchange).values())
    assert abs(result(exchange)) <= 100


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(amounts=st.lists(st.integers(TAO // 10, 2 * TAO), min_size=1, max_size=6), late=st.integers(0, 3))
def test_one_way_flow_in_instant_mode_leaves_the_house_where_it_was(amounts: list[int], late: int) -> None:
    exchange, _ = waiting_exchange(dict.fromkeys(NAMES, FUNDS))
    halt_instant(exchange, on=False)
    chain, nonces = BlockChain(), count()
    for step in range(len(amounts) + 40):
        if step < len(amounts):
            buy(exchange, 1 + step % 4, tao=amounts[step], slippage_ppm=50_000)
        job = next((job for job in exchange.views.jobs() if job.job is Job.SETTLEMENT), None)
        records = []
        if job is not None and step % (late + 1) == late:
            swap = sign(exchange, next(nonces), 64)
            records = [chain.fill(swap, swap.items[0])]
        exchange.pools[SN] = chain.shown
        assert exchange.head(records).code == 0

    spot = 20_000 / 600_000
    assert abs(int(position(exchange.engine.state, SN)) - 20_000 * TAO) * spot < TAO / 10
    assert abs(result(exchange)) <= 100
