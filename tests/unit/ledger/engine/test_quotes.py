import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amm.exchange_reference import buy_in, buy_out, cost_within, mirror, sell_in, trading_fee
from amm.reference import Pool
from app.verify.exchange import Exchange, PoolShown
from ledger.engine.api import Answer
from ledger.engine.layout import MAX_AMOUNT, CommandKind, EventKind, Flag, Halt, OrderState, Stage
from ledger.engine.views import MarketView
from ledger.errors import Refusal
from tests.support.builders import (
    BLOCK_MS,
    DEEP,
    SN,
    TAO,
    booked_balances,
    buy,
    kinds,
    sell,
    trading_exchange,
    withdraw,
)

MIRROR = Pool(DEEP.tao, DEEP.alpha)
PPM = 2_600


@pytest.fixture
def exchange() -> Exchange:
    return trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (100 * TAO, 1_000 * TAO)})[0]


def ask_quote(
    exchange: Exchange, account: int = 1, *, tao: int = 0, alpha: int = 0, flags: int = 0, **more: int
) -> Answer:
    """Ask for a quote to buy with ``tao`` in all, or for ``alpha``, to be sold with ``Flag.SELL``."""
    meanings = {"account": account, "netuid": SN, "tao_rao": tao, "alpha_rao": alpha, "life_ms": 5_000}
    return exchange.ask(CommandKind.ISSUE_QUOTE, flags=flags | (Flag.IN_QUOTE if tao else 0), **(meanings | more))


def take(exchange: Exchange, quote_id: int, account: int = 1) -> Answer:
    return exchange.ask(CommandKind.TAKE_QUOTE, account=account, quote_id=quote_id)


def release(exchange: Exchange, quote_id: int, account: int = 1) -> Answer:
    return exchange.ask(CommandKind.RELEASE_QUOTE, account=account, quote_id=quote_id)


def shown(exchange: Exchange) -> MarketView:
    market = exchange.views.market(SN, exchange.ts_ms)
    assert market is not None
    return market


def firm(exchange: Exchange) -> tuple[int, int, int, int]:
    """Return what living quotes bind: ``(pending alpha, window use, alpha promised, TAO promised)``."""
    state = exchange.engine.state
    market = state.markets[int(state.market_slots[SN]) - 1]
    figures = (market["firm_pending"], market["firm_used"], market["firm_alpha"], state.scalars[0]["firm_tao"])
    return tuple(map(int, figures))  # type: ignore[return-value]


def test_a_quote_to_buy_holds_the_funds_uses_the_window_and_moves_the_mirror(exchange: Exchange) -> None:
    answer = ask_quote(exchange, tao=2 * TAO)
    known = buy_in(MIRROR, cost_within(2 * TAO, PPM))

    quote = answer.events[0]
    assert kinds(answer) == [EventKind.QUOTE_ISSUED]
    assert (int(quote["amount"]), int(quote["tao"])) == (known.alpha_out, known.cost)
    assert int(quote["hold"]) == known.cost + trading_fee(known.cost, PPM) == 2 * TAO
    assert int(quote["aux"]) == exchange.ts_ms + 5_000
    balance = exchange.views.balance(1, 0)
    assert (balance.free, balance.held) == (98 * TAO, 2 * TAO)
    assert (shown(exchange).mirror_tao, shown(exchange).mirror_alpha) == (known.pool.tao, known.pool.alpha)
    assert shown(exchange).used == known.pool.tao - MIRROR.tao
    assert firm(exchange) == (known.alpha_out, known.pool.tao - MIRROR.tao, known.alpha_out, 0)
    assert booked_balances(exchange) == exchange.balances()


def test_a_quote_for_an_amount_of_alpha_costs_what_the_curve_tells(exchange: Exchange) -> None:
    quote = ask_quote(exchange, alpha=30 * TAO).events[0]

    assert (int(quote["amount"]), int(quote["tao"])) == (30 * TAO, buy_out(MIRROR, 30 * TAO).cost)


def test_a_quote_to_sell_holds_the_alpha_and_promises_the_proceeds(exchange: Exchange) -> None:
    quote = ask_quote(exchange, alpha=30 * TAO, flags=Flag.SELL).events[0]
    known = sell_in(MIRROR, 30 * TAO)

    assert (int(quote["tao"]), int(quote["hold"]), int(quote["limit"])) == (known.tao_out, 30 * TAO, known.tao_out)
    fee = trading_fee(known.tao_out, PPM)
    assert firm(exchange) == (-30 * TAO, known.tao_out, 0, known.tao_out - fee)


def test_a_quote_taken_is_filled_at_its_amounts_whatever_the_head_became(exchange: Exchange) -> None:
    quote = ask_quote(exchange, tao=2 * TAO, life_ms=BLOCK_MS).events[0]
    exchange.pools[SN] = PoolShown(DEEP.tao * 2, DEEP.alpha)
    exchange.ts_ms -= 5
    exchange.head()

    answer = take(exchange, int(quote["seq"]))

    taken = answer.events[0]
    assert kinds(answer) == [EventKind.QUOTE_TAKEN]
    assert [int(taken[name]) for name in ("amount", "tao", "fee")] == [int(quote[n]) for n in ("amount", "tao", "fee")]
    assert answer.reference == int(quote["seq"])
    assert exchange.views.balance(1, 0).held == 0
    assert exchange.views.balance(1, 0).free == 98 * TAO
    assert exchange.views.balance(1, SN + 1).free == 1_000 * TAO + int(quote["amount"])
    assert firm(exchange) == (0, 0, 0, 0)
    assert booked_balances(exchange) == exchange.balances()


def test_taking_leaves_the_mirror_and_the_next_window_agrees(exchange: Exchange) -> None:
    quote = ask_quote(exchange, alpha=30 * TAO, flags=Flag.SELL)
    before = (shown(exchange).mirror_tao, shown(exchange).mirror_alpha)

    take(exchange, quote.reference)

    assert (shown(exchange).mirror_tao, shown(exchange).mirror_alpha) == before
    exchange.head()
    known = mirror(MIRROR, shown(exchange).need)
    assert (shown(exchange).mirror_tao, shown(exchange).mirror_alpha) == (known.tao, known.alpha)
    assert shown(exchange).used == 0


def test_alpha_of_a_taken_quote_waits_for_the_settlement_that_covers_it(exchange: Exchange) -> None:
    quote = ask_quote(exchange, alpha=30 * TAO)
    take(exchange, quote.reference)

    assert withdraw(exchange, 1, 1_000 * TAO + 1, alpha=True).code == Refusal.NOT_COVERED
    assert withdraw(exchange, 1, 1_000 * TAO, alpha=True).code == 0


def test_a_quote_is_over_at_its_time(exchange: Exchange) -> None:
    quote = ask_quote(exchange, tao=2 * TAO)
    window = shown(exchange).used
    assert exchange.engine.next_timer_ms == exchange.ts_ms + 5_000
    exchange.ts_ms += 5_000

    ended = exchange.decide([]).events

    assert [(int(e["kind"]), int(e["code"])) for e in ended] == [(EventKind.QUOTE_ENDED, Refusal.EXPIRED)]
    assert take(exchange, quote.reference).code == Refusal.UNKNOWN_QUOTE
    assert (shown(exchange).mirror_tao, shown(exchange).mirror_alpha) == (MIRROR.tao, MIRROR.alpha)
    assert shown(exchange).used == window
    assert exchange.views.balance(1, 0).free == 100 * TAO
    assert firm(exchange) == (0, 0, 0, 0)
    assert booked_balances(exchange) == exchange.balances()


def test_a_quote_can_be_given_up_once(exchange: Exchange) -> None:
    quote = ask_quote(exchange, alpha=30 * TAO, flags=Flag.SELL)

    answer = release(exchange, quote.reference)

    assert kinds(answer) == [EventKind.QUOTE_ENDED]
    assert int(answer.events[0]["code"]) == Refusal.QUOTE_RELEASED
    assert exchange.views.balance(1, SN + 1).free == 1_000 * TAO
    assert release(exchange, quote.reference).code == Refusal.UNKNOWN_QUOTE
    assert exchange.engine.next_timer_ms is None


def test_the_end_of_one_quote_leaves_the_mirror_of_the_others(exchange: Exchange) -> None:
    first = ask_quote(exchange, alpha=20 * TAO)
    ask_quote(exchange, 2, alpha=30 * TAO, flags=Flag.SELL)

    release(exchange, first.reference)

    known = mirror(MIRROR, -30 * TAO)
    assert (shown(exchange).mirror_tao, shown(exchange).mirror_alpha) == (known.tao, known.alpha)


def test_living_quotes_count_again_in_each_new_window(exchange: Exchange) -> None:
    quote = ask_quote(exchange, tao=2 * TAO, life_ms=BLOCK_MS).events[0]
    buy(exchange, 2, tao=TAO)
    exchange.ts_ms -= 5

    exchange.head()

    market = shown(exchange)
    assert market.used == int(quote["limit"])
    known = mirror(MIRROR, market.need + int(quote["amount"]))
    assert (market.mirror_tao, market.mirror_alpha) == (known.tao, known.alpha)


def test_a_quote_binds_its_own_account_only(exchange: Exchange) -> None:
    quote = ask_quote(exchange, tao=TAO)

    assert take(exchange, quote.reference, account=2).code == Refusal.UNKNOWN_QUOTE
    assert release(exchange, quote.reference, account=2).code == Refusal.UNKNOWN_QUOTE
    assert take(exchange, quote.reference, account=9).code == Refusal.UNKNOWN_ACCOUNT
    assert exchange.ask(CommandKind.CANCEL_ORDER, account=1, order_id=quote.reference).code == Refusal.UNKNOWN_ORDER


@pytest.mark.parametrize(
    ("asked", "life"), [(0, 1_000), (999, 1_000), (7_000, 7_000), (BLOCK_MS + 1, BLOCK_MS), (2**62, BLOCK_MS)]
)
def test_a_quote_lives_between_a_second_and_a_block(exchange: Exchange, asked: int, life: int) -> None:
    assert int(ask_quote(exchange, tao=TAO, life_ms=asked).events[0]["aux"]) == exchange.ts_ms + life


def test_three_quotes_of_an_account_live_at_most(exchange: Exchange) -> None:
    quotes = [ask_quote(exchange, tao=TAO) for _ in range(3)]

    refused = ask_quote(exchange, tao=TAO)

    assert (refused.code, refused.value, refused.bound) == (Refusal.TOO_MANY, 3, 3)
    assert ask_quote(exchange, 2, tao=TAO).code == 0
    take(exchange, quotes[0].reference)
    assert ask_quote(exchange, tao=TAO).code == 0


def test_a_quote_that_does_not_fit_the_window_is_refused(exchange: Exchange) -> None:
    ask_quote(exchange, tao=3 * TAO)

    assert ask_quote(exchange, 2, tao=4 * TAO).code == Refusal.WINDOW_FULL
    assert sell(exchange, 2, alpha=90 * TAO).events[-1]["code"] == Refusal.WINDOW_FULL


def test_funds_of_a_quote_are_needed_in_full(exchange: Exchange) -> None:
    refused = [ask_quote(exchange, tao=100 * TAO), ask_quote(exchange, alpha=1_001 * TAO, flags=Flag.SELL)]
    exchange.configure(SN, k_ppm=999_999)
    withdraw(exchange, 1, 98 * TAO)

    short = ask_quote(exchange, tao=2 * TAO)

    assert {answer.code for answer in refused} == {Refusal.WINDOW_FULL}
    assert (short.code, short.value) == (Refusal.INSUFFICIENT_FUNDS, 2 * TAO)


def test_a_limit_must_hold_for_the_whole_quote(exchange: Exchange) -> None:
    low = ask_quote(exchange, alpha=30 * TAO, limit=33_340_000)
    high = ask_quote(exchange, alpha=30 * TAO, limit=33_330_000, flags=Flag.SELL)

    assert low.code == high.code == Refusal.LIMIT_REACHED
    assert ask_quote(exchange, alpha=30 * TAO, limit=33_400_000).code == 0
    assert ask_quote(exchange, alpha=30 * TAO, limit=33_300_000, flags=Flag.SELL).code == 0


@pytest.mark.parametrize(
    ("flags", "figures", "code"),
    [
        (Flag.SELL | Flag.IN_QUOTE, {"tao_rao": TAO}, Refusal.ORDER_TYPE_UNSUPPORTED),
        (0, {}, Refusal.AMOUNT_OUT_OF_RANGE),
        (0, {"alpha_rao": MAX_AMOUNT + 1}, Refusal.AMOUNT_OUT_OF_RANGE),
        (0, {"alpha_rao": TAO, "tao_rao": TAO}, Refusal.AMOUNT_OUT_OF_RANGE),
        (0, {"alpha_rao": TAO, "limit": -1}, Refusal.LIMIT_OUT_OF_RANGE),
        (0, {"alpha_rao": TAO, "netuid": 7}, Refusal.UNKNOWN_MARKET),
        (0, {"alpha_rao": TAO, "account": 7}, Refusal.UNKNOWN_ACCOUNT),
        (Flag.SELL, {"alpha_rao": 1}, Refusal.QUOTE_TOO_SMALL),
    ],
)
def test_a_quote_that_makes_no_sense_is_refused(
    exchange: Exchange, flags: int, figures: dict[str, int], code: Refusal
) -> None:
    meanings = {"account": 1, "netuid": SN, "life_ms": 5_000} | figures

    assert exchange.ask(CommandKind.ISSUE_QUOTE, flags=flags, **meanings).code == code


def test_while_instant_is_closed_no_quote_is_issued_but_those_that_live_are_filled(exchange: Exchange) -> None:
    quote = ask_quote(exchange, tao=TAO)
    exchange.ask(CommandKind.SET_HALT, flags=Flag.ARM, netuid=SN, halt=Halt.INSTANT)

    assert ask_quote(exchange, tao=TAO).code == Refusal.INSTANT_HALTED
    exchange.ask(CommandKind.SET_STAGE, netuid=SN, stage=Stage.CANCEL_ONLY)
    assert ask_quote(exchange, tao=TAO).code == Refusal.MARKET_STAGE
    assert kinds(take(exchange, quote.reference)) == [EventKind.QUOTE_TAKEN]


def test_asking_again_with_the_same_id_gives_the_same_quote(exchange: Exchange) -> None:
    first = ask_quote(exchange, tao=TAO, client_id_hi=1, client_id_lo=2, body_digest=3)

    again = ask_quote(exchange, tao=TAO, client_id_hi=1, client_id_lo=2, body_digest=3)

    assert (again.duplicate, again.reference, len(again.events)) == (True, first.reference, 0)


def test_what_quotes_promise_is_not_sold_again() -> None:
    exchange = Exchange()
    exchange.set_up()
    exchange.list_market(SN, DEEP)
    exchange.configure(SN, target=700 * TAO)
    accounts = [exchange.open_account(name) for name in ("alice", "bob")]
    exchange.head(exchange.fund_house(SN, tao=2_000 * TAO, alpha=100 * TAO))
    exchange.head([exchange.deposit_record(exchange.deposit_key(account), tao=10 * TAO) for account in accounts])

    first = ask_quote(exchange, alpha=60 * TAO)
    second = ask_quote(exchange, 2, alpha=60 * TAO)
    order = buy(exchange, 2, alpha=60 * TAO)

    assert (first.code, second.code) == (0, Refusal.NOT_BACKED)
    assert (kinds(order)[-1], int(order.events[-1]["code"])) == (EventKind.ORDER_QUEUED, Refusal.NOT_BACKED)
    release(exchange, first.reference)
    assert ask_quote(exchange, 2, alpha=60 * TAO).code == 0


def test_a_resting_order_meets_the_mirror_that_the_end_of_a_quote_leaves(exchange: Exchange) -> None:
    quote = ask_quote(exchange, alpha=60 * TAO, flags=Flag.SELL)
    limit = shown(exchange).mirror_tao * TAO // shown(exchange).mirror_alpha * 99_960 // 100_000
    resting = exchange.ask(
        CommandKind.PLACE_ORDER,
        flags=Flag.SELL | Flag.LIMIT,
        account=2,
        netuid=SN,
        alpha_rao=TAO,
        limit=limit,
    )
    assert kinds(resting)[-1] == EventKind.ORDER_RESTED

    ended = release(exchange, quote.reference)

    assert kinds(ended) == [EventKind.QUOTE_ENDED, EventKind.FILLED, EventKind.ORDER_CLOSED]
    filled = ended.events[1]
    assert int(filled["flags"]) == Flag.SELL | Flag.MAKER
    assert int(filled["tao"]) >= limit


SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
STEPS = st.tuples(
    st.sampled_from(
        ["buy", "buy alpha", "sell", "quote", "quote alpha", "quote sale", "take", "release", "head", "wait"]
    ),
    st.integers(1, 2),
    st.integers(10**6, 3 * TAO),
)


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(steps=st.lists(STEPS, min_size=1, max_size=25), pushes=st.lists(st.integers(80, 120), min_size=25, max_size=25))
def test_a_quote_inside_its_life_equals_the_execution_to_the_rao(
    steps: list[tuple[str, int, int]], pushes: list[int]
) -> None:
    exchange, _ = trading_exchange({"alice": (100 * TAO, 1_000 * TAO), "bob": (100 * TAO, 1_000 * TAO)})
    alive: dict[int, Promise] = {}
    for (what, account, amount), push in zip(steps, pushes, strict=False):
        if what == "buy":
            buy(exchange, account, tao=amount)
        elif what == "buy alpha":
            buy(exchange, account, alpha=30 * amount)
        elif what == "sell":
            sell(exchange, account, alpha=30 * amount)
        elif what.startswith("quote"):
            more = {"tao": amount} if what == "quote" else {"alpha": 30 * amount}
            flags = Flag.SELL if what == "quote sale" else 0
            answer = ask_quote(exchange, account, flags=flags, life_ms=amount % BLOCK_MS + 500, **more)
            if answer.code == 0:
                alive[answer.reference] = Promise(account, answer)
        elif what in ("take", "release") and alive:
            quote_id = next(iter(alive))
            promise = alive.pop(quote_id)
            answer = (take if what == "take" else release)(exchange, quote_id, promise.account)
            assert answer.code == 0
            assert what == "release" or figures_of(answer) == promise.figures
        elif what == "head":
            exchange.pools[SN] = PoolShown(DEEP.tao * push // 100, DEEP.alpha)
            exchange.ts_ms -= BLOCK_MS * push // 121
            exchange.head()
        elif what == "wait":
            exchange.ts_ms += 1_000
            exchange.decide([])
        alive = {quote_id: promise for quote_id, promise in alive.items() if promise.expires > exchange.engine.ts_ms}
        judge(exchange, alive)
    assert booked_balances(exchange) == exchange.balances()
    assert exchange.replay().state_hash() == exchange.engine.state_hash()


class Promise:
    """A quote as it was issued."""

    def __init__(self, account: int, answer: Answer) -> None:
        event = answer.events[0]
        self.account = account
        self.figures = figures_of(answer)
        self.expires = int(event["aux"])
        self.window = int(event["limit"])
        self.bought = int(event["amount"]) if not int(event["flags"]) & Flag.SELL else 0
        self.pending = self.bought or -int(event["amount"])
        self.paid = 0 if self.bought else int(event["tao"]) - int(event["fee"])


def figures_of(answer: Answer) -> tuple[int, ...]:
    event = answer.events[0]
    return tuple(int(event[name]) for name in ("amount", "tao", "fee", "hold"))


def judge(exchange: Exchange, alive: dict[int, Promise]) -> None:
    """Hold the rows and the sums of quotes against those known to live; a window may shrink, never what is promised."""
    rows = exchange.engine.state.orders
    of_quotes = rows["state"] == OrderState.QUOTE
    assert sorted(rows["order_id"][of_quotes].tolist()) == sorted(alive)
    quotes = alive.values()
    assert firm(exchange) == (
        sum(promise.pending for promise in quotes),
        sum(promise.window for promise in quotes),
        sum(promise.bought for promise in quotes),
        sum(promise.paid for promise in quotes),
    )
    market = shown(exchange)
    assert market.used <= max(market.cap, firm(exchange)[1])
