"""Laws of matching, held against the real engine under random orders, amendments, cancels and heads."""

from collections import defaultdict
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amm.exchange_reference import buy_out, sell_in
from amm.reference import Pool
from app.verify.exchange import Exchange, PoolShown
from ledger.engine.api import Answer
from ledger.engine.layout import CommandKind, EventKind, Flag, OrderState, Shelf, Trait
from tests.support.builders import DEEP, SN, TAO, booked_balances, trading_exchange
from tests.support.placing import amend, cancel, live_rows, place, row, shelf

SLOW = [HealthCheck.too_slow]
ACCOUNTS = st.integers(1, 3)
SPOT = 33_333_333
LIMITS = st.one_of(st.integers(33_000_000, 33_700_000), st.sampled_from([1, 33_316_550, SPOT, 33_350_000, 34_000_000]))
AMOUNTS = st.one_of(st.integers(1, 60), st.integers(1, 150 * TAO), st.integers(1, 5).map(lambda n: n * 10 * TAO))
TIMES_IN_FORCE = st.sampled_from([0, 0, 0, Flag.IOC, Flag.FOK, Flag.POST_ONLY])
STP = st.sampled_from([0, Trait.STP_OLDEST, Trait.STP_BOTH])

LIMIT_ORDERS = st.tuples(st.just("limit"), ACCOUNTS, st.booleans(), AMOUNTS, LIMITS, TIMES_IN_FORCE, STP)
QUOTE_ORDERS = st.tuples(st.just("quote"), ACCOUNTS, st.integers(1, 5 * TAO), LIMITS, TIMES_IN_FORCE, STP)
MARKET_ORDERS = st.tuples(
    st.just("market"),
    ACCOUNTS,
    st.booleans(),
    AMOUNTS,
    st.sampled_from([0, 5_000, 20_000]),
    st.sampled_from([0, Flag.FOK]),
)
AMENDMENTS = st.tuples(
    st.just("amend"), st.integers(0, 50), st.one_of(st.just(0), AMOUNTS), st.one_of(st.just(0), LIMITS)
)
CANCELS = st.tuples(st.just("cancel"), st.integers(0, 50))
CANCEL_ALLS = st.tuples(st.just("cancel all"), ACCOUNTS)
TARGETS = st.tuples(st.just("target"), st.integers(19_000, 21_000))
HEADS = st.tuples(st.just("head"), st.integers(-300, 300))
ACTS = st.lists(
    st.one_of(
        LIMIT_ORDERS,
        LIMIT_ORDERS,
        QUOTE_ORDERS,
        MARKET_ORDERS,
        AMENDMENTS,
        CANCELS,
        CANCEL_ALLS,
        TARGETS,
        HEADS,
    ),
    min_size=5,
    max_size=40,
)


def do(exchange: Exchange, act: tuple[Any, ...]) -> Answer:
    """Carry out one drawn act."""
    match act:
        case ("limit", account, sells, alpha, limit, force, traits):
            flags = Flag.LIMIT | force | (Flag.SELL if sells else 0)
            return place(exchange, account, flags, alpha_rao=alpha, limit=limit, traits=traits)
        case ("quote", account, tao, limit, force, traits):
            flags = Flag.LIMIT | Flag.IN_QUOTE | force
            return place(exchange, account, flags, tao_rao=tao, limit=limit, traits=traits)
        case ("market", account, sells, alpha, slippage, force):
            flags = force | (Flag.SELL if sells else 0)
            return place(exchange, account, flags, alpha_rao=alpha, slippage_ppm=slippage)
        case ("amend", which, alpha, limit):
            order_id, account = one_of(exchange, which)
            return amend(exchange, account, order_id, alpha_rao=alpha, limit=limit)
        case ("cancel", which):
            order_id, account = one_of(exchange, which)
            return cancel(exchange, account, order_id)
        case ("cancel all", account):
            return exchange.ask(CommandKind.CANCEL_ALL, account=account, netuid=SN)
        case ("target", target):
            return exchange.configure(SN, target=target * TAO)
    exchange.pools[SN] = PoolShown(DEEP.tao + act[1] * TAO, DEEP.alpha)
    exchange.ts_ms += 12_000
    return exchange.head()


def one_of(exchange: Exchange, which: int) -> tuple[int, int]:
    """Return ``(order id, account)`` of a live order, or of none."""
    rows = live_rows(exchange)
    if not rows:
        return 99_999, 1
    order = rows[which % len(rows)]
    return int(order["order_id"]), int(order["account"])


def judge_holds(exchange: Exchange) -> None:
    """What is held for live orders is what their owners have held, and no order holds less than it may pay."""
    held: dict[tuple[str, int], int] = defaultdict(int)
    for order in live_rows(exchange):
        asset = SN + 1 if int(order["flags"]) & Flag.SELL else 0
        held[f"c:{int(order['account'])}:held", asset] += int(order["held"])
        assert int(order["state"]) != OrderState.WORKING
        left = int(order["amount"]) - int(order["tao" if int(order["flags"]) & Flag.IN_QUOTE else "alpha"])
        assert left > 0
        if int(order["flags"]) & Flag.SELL:
            assert int(order["held"]) == left
        elif not int(order["flags"]) & Flag.IN_QUOTE:
            assert int(order["held"]) >= left * int(order["limit"]) // TAO
    booked = {place: amount for place, amount in exchange.balances().items() if place[0].endswith(":held")}
    assert {place: amount for place, amount in held.items() if amount} == booked


class Ledger:
    """Orders as their events tell of them: the totals that must add up whatever happens."""

    def __init__(self) -> None:
        self.orders: dict[int, dict[str, int]] = {}

    def follow(self, events: Any) -> None:
        for event in events:
            self.judge(EventKind(int(event["kind"])), event)

    def judge(self, kind: EventKind, event: Any) -> None:
        order_id = int(event["order_id"])
        match kind:
            case EventKind.ORDER_ACCEPTED:
                amount = int(event["tao"] or event["amount"])
                self.orders[order_id] = {"amount": amount, "filled": 0, "spent": 0} | {
                    name: int(event[name]) for name in ("limit", "flags", "account")
                }
            case EventKind.ORDER_AMENDED:
                self.orders[order_id] |= {"amount": int(event["amount"]), "limit": int(event["limit"])}
            case EventKind.FILLED:
                self.add(order_id, event, int(event["fee"]))
                self.judge_price(order_id, event)
            case EventKind.CROSSED:
                maker = self.orders[int(event["aux"])]
                assert int(event["pool_alpha"]) == maker["limit"]
                assert maker["account"] != self.orders[order_id]["account"]
                self.add(order_id, event, int(event["fee"]))
                self.add(int(event["aux"]), event, int(event["limit"]))
                self.judge_price(int(event["aux"]), event)
                taker_limit = self.orders[order_id]["limit"]
                sells = int(event["flags"]) & Flag.SELL
                assert maker["limit"] >= taker_limit if sells else maker["limit"] <= taker_limit
            case EventKind.ORDER_CLOSED:
                order = self.orders.pop(order_id)
                if int(event["code"]) == 0 and not order["flags"] & Flag.IN_QUOTE:
                    assert order["filled"] == order["amount"]

    def add(self, order_id: int, event: Any, fee: int) -> None:
        order = self.orders[order_id]
        order["filled"] += int(event["amount"])
        order["spent"] += int(event["tao"]) + fee
        assert order["flags"] & Flag.IN_QUOTE or order["filled"] <= order["amount"]
        assert not order["flags"] & Flag.IN_QUOTE or order["spent"] <= order["amount"]

    def judge_price(self, order_id: int, event: Any) -> None:
        order, alpha, tao = self.orders[order_id], int(event["amount"]), int(event["tao"])
        if order["flags"] & Flag.SELL:
            assert tao * TAO >= alpha * order["limit"]
        else:
            assert tao * TAO <= alpha * order["limit"]

    def judge_rest(self, exchange: Exchange) -> None:
        rows = {int(order["order_id"]): order for order in live_rows(exchange)}
        assert rows.keys() == self.orders.keys()
        for order_id, order in self.orders.items():
            assert int(rows[order_id]["alpha"]) == order["filled"]
            assert int(rows[order_id]["tao"]) + int(rows[order_id]["fee"]) == order["spent"]


def judge_book(exchange: Exchange) -> None:
    """No resting order stands beyond the other side's best of another account."""
    bids = [row(exchange, order_id) for order_id in shelf(exchange, Shelf.BIDS)]
    asks = [row(exchange, order_id) for order_id in shelf(exchange, Shelf.ASKS)]
    for first in bids:
        for second in asks:
            assert first["account"] == second["account"] or first["limit"] < second["limit"]


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(ACTS)
def test_money_orders_and_book_stay_in_step_through_any_acts(acts: list[tuple[Any, ...]]) -> None:
    funds = (20 * TAO, 600 * TAO)
    exchange, _ = trading_exchange({"alice": funds, "bob": funds, "carol": (3 * TAO, 100 * TAO)})
    exchange.configure(SN, target=20_000 * TAO)
    ledger = Ledger()
    for act in acts:
        answer = do(exchange, act)
        ledger.follow(answer.events)
        judge_holds(exchange)
        ledger.judge_rest(exchange)
        judge_book(exchange)
        market = exchange.views.market(SN, exchange.ts_ms)
        assert market is not None
        assert market.used <= market.cap
    assert booked_balances(exchange) == exchange.balances()
    assert exchange.replay().state_hash() == exchange.engine.state_hash()


LADDERS = st.lists(st.tuples(st.integers(1, 30 * TAO), st.integers(0, 40_000)), max_size=6)


def alone_on_the_book(ladder: list[tuple[int, int]], alpha: int, *, sells: bool) -> int | None:
    """Return what the book alone gives or takes for so much alpha, None where it is too thin."""
    total = 0
    for offered, price in sorted(ladder, key=lambda level: -level[1] if sells else level[1]):
        part = min(alpha, offered)
        total += part * price // TAO if sells else -(-part * price // TAO)
        alpha -= part
        if alpha == 0:
            return total
    return None


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(ladder=LADDERS, alpha=st.integers(10**6, 120 * TAO), sells=st.booleans())
def test_a_taker_never_gets_worse_than_the_better_of_book_alone_and_curve_alone(
    ladder: list[tuple[int, int]], alpha: int, *, sells: bool
) -> None:
    """To 2 rao a part: each cross and each step of the curve rounds for the other side."""
    exchange, _ = trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (100 * TAO, 1_000 * TAO)})
    side = 0 if sells else Flag.SELL
    prices = [(offered, 33_333_000 - gap if sells else 33_334_000 + gap) for offered, gap in ladder]
    for offered, price in prices:
        assert place(exchange, 2, Flag.LIMIT | Flag.POST_ONLY | side, alpha_rao=offered, limit=price).code == 0

    answer = place(exchange, 1, Flag.SELL if sells else 0, alpha_rao=alpha, slippage_ppm=100_000)

    parts = [int(event["tao"]) for event in answer.events if event["kind"] in (EventKind.FILLED, EventKind.CROSSED)]
    closed = answer.events[-1]
    assert (int(closed["order_id"]), int(closed["code"])) == (answer.reference, 0)
    pool = Pool(DEEP.tao, DEEP.alpha)
    book = alone_on_the_book(prices, alpha, sells=sells)
    if sells:
        best = max(sell_in(pool, alpha).tao_out, book or 0)
        assert sum(parts) >= best - 2 * len(parts)
    else:
        curve = buy_out(pool, alpha).cost
        best = curve if book is None else min(curve, book)
        assert sum(parts) <= best + 2 * len(parts)


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(ACTS)
def test_the_same_command_sent_again_changes_nothing(acts: list[tuple[Any, ...]]) -> None:
    exchange, _ = trading_exchange(dict.fromkeys(("alice", "bob", "carol"), (20 * TAO, 600 * TAO)))
    for number, act in enumerate(act for act in acts if act[0] == "limit"):
        _, account, sells, alpha, limit, force, traits = act
        flags = Flag.LIMIT | force | (Flag.SELL if sells else 0)
        named = {"client_id_hi": 7, "client_id_lo": number + 1, "body_digest": number}
        meanings = {"alpha_rao": alpha, "limit": limit, "traits": traits} | named
        first = place(exchange, account, flags, **meanings)
        state = exchange.engine.state_hash()
        again = place(exchange, account, flags, **meanings)
        assert (again.duplicate, again.code, again.reference) == (True, first.code, first.reference)
        assert exchange.engine.state_hash() == state
